package table

import "context"

// Maps is an ordered list of tables, as parameters like canonical_maps name
// them; the first table that has the key decides. Source: Postfix 3.10 maps.c.
type Maps struct {
	title  string
	tables []Table
	log    Logger
}

// OpenMaps opens the tables of a list "type:name, type:name". title names the
// list in warnings: the parameter's name. The error is of class Fatal.
func (s *Set) OpenMaps(title, list string, flags Flags) (*Maps, error) {
	m := &Maps{title: title, log: s.opt.Log}
	for _, spec := range splitList(list) {
		t, err := s.Open(spec, flags)
		if err != nil {
			return nil, err
		}
		m.tables = append(m.tables, t)
	}
	return m, nil
}

// CheckMaps returns the error with which OpenMaps would fail because of an element
// that is not "type:name", of class Fatal, without opening anything. Source: Postfix
// 3.10 dict_open.c.
func CheckMaps(list string) error {
	for _, spec := range splitList(list) {
		if _, _, err := splitSpec(spec); err != nil {
			return err
		}
	}
	return nil
}

// Find looks the whole key up in each table. An empty key is not found. An
// error ends the search and has been logged, unless it is of class Fatal; so
// does an empty value, which is an error of class Config. Source: Postfix 3.10
// maps.c, maps_find.
func (m *Maps) Find(ctx context.Context, key string) (value string, found bool, err error) {
	return m.find(ctx, key, false)
}

// FindFixed is Find in the tables of kind Fixed only, for keys that are a part
// of a name or address.
func (m *Maps) FindFixed(ctx context.Context, key string) (value string, found bool, err error) {
	return m.find(ctx, key, true)
}

func (m *Maps) find(ctx context.Context, key string, fixedOnly bool) (string, bool, error) {
	if key == "" {
		return "", false, nil
	}
	for _, t := range m.tables {
		if fixedOnly && t.Kind() != Fixed {
			continue
		}
		value, found, err := t.Lookup(ctx, key)
		switch {
		case err != nil:
			if ClassOf(err) != Fatal {
				m.log.Warningf("%s:%s lookup error for \"%s\"", t.Type(), t.Name(), key)
			}
			return "", false, err
		case found && value == "":
			m.log.Warningf("%s lookup of %s returns an empty string result", m.title, key)
			m.log.Warningf("%s should return NO RESULT in case of NOT FOUND", m.title)
			return "", false, &Error{Class: Config, Type: t.Type(), Name: t.Name(), Text: m.title + " lookup of " + key + " returns an empty string result"}
		case found:
			return value, true, nil
		}
	}
	return "", false, nil
}
