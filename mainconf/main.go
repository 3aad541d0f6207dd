package mainconf

import "slices"

// Main is a main.cf file, as ParseMain makes it: of one that was made otherwise no
// entry is in force. It is not changed after parsing and may be read by several
// goroutines at a time.
type Main struct {
	// File is the name that was given to ParseMain.
	File string
	// Entries are the settings in file order, duplicates included, preceded
	// by the presets.
	Entries []Entry
	// Warnings are what Postfix warns about, in its order.
	Warnings []Warning

	data  string
	index map[string]int // name to its last entry
}

// Entry is one name = value setting.
type Entry struct {
	Name  string
	Value string // joined, white space around it removed, not expanded
	Line  Line   // where it stands; zero for a preset, see Line.InFile
}

// Setting is a name and a value that come from elsewhere than a file.
type Setting struct {
	Name, Value string
}

// ParseMain parses a main.cf file. Presets are settings that exist before the
// file is read, such as config_directory; the file overrides them (and is
// warned about that).
//
// The error, if any, holds one *Error for each line that is not of the form
// name = value, in file order. The document is returned in any case, without
// those lines.
//
// Time and memory are linear in len(data). data is copied.
//
// Source: Postfix 3.10 dict.c, dict_load_fp.
func ParseMain(file string, data []byte, presets ...Setting) (*Main, error) {
	text := string(data)
	lines := newLineReader(file, text, nil)
	n := lines.estimate() + len(presets)
	m := &Main{File: file, data: text, Entries: make([]Entry, 0, n), index: make(map[string]int, n)}
	for _, p := range presets {
		m.index[p.Name] = len(m.Entries)
		m.Entries = append(m.Entries, Entry{Name: p.Name, Value: p.Value})
	}
	var errs errorList
	lines.warn = m.addWarning
	for {
		line, ok := lines.next()
		if !ok {
			break
		}
		name, value, err := SplitNameValue(line.Text)
		if err != nil {
			errs.add(&Error{
				File:     file,
				Line:     line.First,
				Offset:   line.Offset,
				Text:     file + ", line " + itoa(line.First) + ": " + err.Error() + ": \"" + cString(line.Text) + "\"",
				Warnings: len(m.Warnings),
			})
			continue
		}
		if old, set := m.index[name]; set && m.Entries[old].Value != value {
			m.addWarning(Warning{
				Kind:  WarnOverride,
				File:  file,
				Line:  line.First,
				Last:  line.Last,
				Name:  name,
				Value: m.Entries[old].Value,
			})
		}
		m.index[name] = len(m.Entries)
		m.Entries = append(m.Entries, Entry{Name: name, Value: value, Line: line})
	}
	m.Entries, m.Warnings = slices.Clip(m.Entries), slices.Clip(m.Warnings)
	return m, errs.err()
}

func (m *Main) addWarning(w Warning) { m.Warnings = append(m.Warnings, w) }

// Bytes returns a copy of the text of the file: exactly what was parsed. A nil Main
// has none.
func (m *Main) Bytes() []byte {
	if m == nil {
		return nil
	}
	return []byte(m.data)
}

// Lookup returns the entry that is in force for name: the last one. A nil Main
// has no entries.
func (m *Main) Lookup(name string) (Entry, bool) {
	if m == nil {
		return Entry{}, false
	}
	i, ok := m.index[name]
	if !ok {
		return Entry{}, false
	}
	return m.Entries[i], true
}

// Effective calls yield for the entry in force of each name, in file order
// of those entries, until yield returns false. It fits a range statement. A nil
// Main has no entries.
func (m *Main) Effective(yield func(Entry) bool) {
	if m == nil {
		return
	}
	for i, e := range m.Entries {
		if m.index[e.Name] == i && !yield(e) {
			return
		}
	}
}
