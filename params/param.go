package params

import (
	"cmp"
	"slices"
)

// Kind says how the value of a parameter is read.
type Kind uint8

// The kinds.
const (
	String Kind = iota // text, macros expanded
	Raw                // text, macros left to the program that uses it
	Bool               // yes or no
	Int                // 32-bit decimal number
	Long               // 64-bit decimal number
	Time               // decimal number with unit s, m, h, d or w
)

var kindNames = [...]string{"string", "raw", "bool", "int", "long", "time"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Param is a built-in parameter as it is in some range of versions.
type Param struct {
	Name string
	Kind Kind
	// Default is the default as postconf -d prints it, macros not expanded. It
	// is empty for a computed default, see Computed.
	Default string
	// Min and Max bound the value of a number, the seconds of a time and the
	// length of text. 0 means no bound.
	Min, Max int64
	// Since is the first version for which this holds, Until the first one
	// for which it does not. 0 means no limit.
	Since, Until Version
}

func (p *Param) in(v Version) bool {
	return p.Since <= v && (p.Until == 0 || v < p.Until)
}

// Computed reports whether the default depends on the host or the process:
// those of myhostname, mydomain, mynetworks, process_id and process_name.
func (p Param) Computed() bool {
	switch p.Name {
	case "myhostname", "mydomain", "mynetworks", "process_id", "process_name":
		return true
	}
	return false
}

// Lookup returns the built-in parameter with the given name. Legacy
// parameters are not among them.
func (p Profile) Lookup(name string) (Param, bool) {
	p = p.Normalized()
	i, found := slices.BinarySearchFunc(table[:], name, byName)
	if !found {
		return Param{}, false
	}
	param := &table[i]
	if !param.in(p.Version) {
		old, _ := slices.BinarySearchFunc(history[:], name, byName)
		if param = p.choose(param, history[old:]); param == nil {
			return Param{}, false
		}
	}
	return p.overlay(*param), true
}

// Params calls yield for each built-in parameter, sorted by name, until it
// returns false. It fits a range statement.
func (p Profile) Params(yield func(Param) bool) {
	p = p.Normalized()
	old := 0
	for i := range table {
		row := &table[i]
		for old < len(history) && history[old].Name < row.Name {
			old++
		}
		if param := p.choose(row, history[old:]); param != nil && !yield(p.overlay(*param)) {
			return
		}
	}
}

func byName(p Param, name string) int { return cmp.Compare(p.Name, name) }

// choose returns the row in force among a row of table and the rows of
// history that start with those of the same name.
func (p Profile) choose(row *Param, old []Param) *Param {
	if row.in(p.Version) {
		return row
	}
	for i := range old {
		if old[i].Name != row.Name {
			break
		}
		if old[i].in(p.Version) {
			return &old[i]
		}
	}
	return nil
}

// overlay puts in what depends on the profile more finely than the table
// says.
func (p Profile) overlay(param Param) Param {
	switch param.Name {
	case "mail_version":
		param.Default = p.Version.mailVersion()
	case "mail_release_date":
		param.Default = p.Version.releaseDate()
	default:
		if text, ok := p.distributed(param.Name); ok {
			param.Default = text
		}
	}
	return param
}

// ReadOnly reports whether a parameter cannot be set in main.cf or master.cf.
func (p Profile) ReadOnly(name string) bool {
	switch name {
	case "process_id", "process_name":
		return true
	case "service_name":
		return p.Normalized().Version < 3_11_02
	}
	return false
}
