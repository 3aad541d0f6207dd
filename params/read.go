package params

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/mainconf"
)

// String reads a parameter of kind String: the setting or the default,
// expanded. Its length is checked.
func (e *Effective) String(name string) string {
	return once(e, e.texts, reading{name, String}, e.stringOf)
}

func (e *Effective) stringOf(p Param) string {
	value, ok := e.text(p)
	if !ok {
		return ""
	}
	e.checkLength(p, value, "bad string length ", "")
	return value
}

// Raw reads a parameter of kind Raw: the setting or the default, not
// expanded. Its length is checked.
func (e *Effective) Raw(name string) string {
	return once(e, e.texts, reading{name, Raw}, e.rawOf)
}

func (e *Effective) rawOf(p Param) string {
	text := p.Default
	if v, ok := e.Value(p.Name); ok {
		text = v.Text
	} else {
		e.store(p.Name, text)
	}
	e.checkLength(p, text, "bad string length (", ")")
	return text
}

// Bool reads a parameter of kind Bool: yes or no, in any case.
func (e *Effective) Bool(name string) bool {
	return once(e, e.numbers, reading{name, Bool}, e.boolOf) == 1
}

func (e *Effective) boolOf(p Param) int64 {
	text, ok := e.text(p)
	if !ok {
		return 0
	}
	switch {
	case equalFold(text, "yes"):
		return 1
	case !equalFold(text, "no"):
		e.fail(p.Name, "bad boolean configuration: "+p.Name+" = "+text, nil)
	}
	return 0
}

// Int reads a parameter of kind Int and checks its bounds.
func (e *Effective) Int(name string) int {
	return int(once(e, e.numbers, reading{name, Int}, e.numberOf))
}

// Long reads a parameter of kind Long and checks its bounds.
func (e *Effective) Long(name string) int64 {
	return once(e, e.numbers, reading{name, Long}, e.numberOf)
}

// reading is a parameter and the kind by which it was read. The wrong kind is
// remembered with its error and empty result, too, and does no harm to the right
// one.
type reading struct {
	name string
	kind Kind
}

// once returns the remembered result of a reading, or calls read and remembers
// its result.
func once[T any](e *Effective, results map[reading]T, r reading, read func(Param) T) T {
	outer := e.uses.read(r.name)
	result, ok := results[r]
	if !ok {
		if p, ok := e.param(r.name, r.kind); ok {
			result = read(p)
		}
		results[r] = result
	}
	e.uses.reading = outer
	return result
}

func (e *Effective) numberOf(p Param) int64 {
	name, low, high := p.Name, int64(math.MinInt64), int64(math.MaxInt64)
	if p.Kind == Int {
		low, high = math.MinInt32, math.MaxInt32
	}
	text, ok := e.text(p)
	if !ok {
		return 0
	}
	n, rest, err := mainconf.ParseLong(text)
	if err != nil || rest != "" || n < low || n > high {
		// For strtol(3) text without any number is 0, but then there is
		// text left, or none at all.
		e.fail(name, "bad numerical configuration: "+name+" = "+text, nil)
		return 0
	}
	switch {
	case p.Min != 0 && n < p.Min:
		e.fail(name, "invalid "+name+" parameter value "+strconv.FormatInt(n, 10)+" < "+strconv.FormatInt(p.Min, 10), nil)
	case p.Max != 0 && n > p.Max:
		e.fail(name, "invalid "+name+" parameter value "+strconv.FormatInt(n, 10)+" > "+strconv.FormatInt(p.Max, 10), nil)
	}
	return n
}

// Duration reads a parameter of kind Time and checks its bounds. A number
// without a unit has the one of the default.
func (e *Effective) Duration(name string) time.Duration {
	return time.Duration(once(e, e.numbers, reading{name, Time}, e.timeOf)) * time.Second
}

func (e *Effective) timeOf(p Param) int64 {
	name := p.Name
	// Stock evaluates the default each time, for its unit.
	byDefault, ok := e.expand(name, p.Default)
	if !ok {
		return 0
	}
	unit, ok := defaultUnit(byDefault)
	if !ok {
		e.fail(name, "parameter "+name+": missing time unit in default value: "+p.Default, nil)
		return 0
	}
	text, ok := e.text(p)
	if !ok {
		return 0
	}
	seconds, ok := ParseTime(text, unit)
	if !ok {
		e.fail(name, "parameter "+name+": bad time value or unit: "+text, nil)
		return 0
	}
	switch {
	case p.Min != 0 && seconds < p.Min:
		e.fail(name, "invalid "+name+": "+strconv.FormatInt(seconds, 10)+" (min "+strconv.FormatInt(p.Min, 10)+")", nil)
	case p.Max != 0 && seconds > p.Max:
		e.fail(name, "invalid "+name+": "+strconv.FormatInt(seconds, 10)+" (max "+strconv.FormatInt(p.Max, 10)+")", nil)
	}
	return seconds
}

// defaultUnit returns the first letter of an expanded default.
func defaultUnit(text string) (byte, bool) {
	for i := 0; i < len(text); i++ {
		if text[i]|0x20-'a' < 26 {
			return text[i], true
		}
	}
	return 0, false
}

// ParseTime converts a time to seconds. It is a number with at most one of the
// units s, m, h, d and w; unit is the one of a number without. As in Postfix,
// what follows the unit is ignored, and a unit without a number is 0. It reports false
// for anything else, a negative time and one that does not fit 32 bits among them.
// Source: Postfix 3.10 conv_time.c.
func ParseTime(text string, unit byte) (seconds int64, ok bool) {
	n, rest, err := mainconf.ParseLong(text)
	switch {
	case text == "" || n < 0 || n > math.MaxInt32 || err == mainconf.ErrRange:
		return 0, false
	case rest != "":
		// Without a number this is 0 followed by all of text.
		unit = rest[0]
	}
	var scale int64
	switch unit {
	case 's':
		return n, true
	case 'm':
		scale = 60
	case 'h':
		scale = 60 * 60
	case 'd':
		scale = 24 * 60 * 60
	case 'w':
		scale = 7 * 24 * 60 * 60
	default:
		return 0, false
	}
	if n >= math.MaxInt32/scale {
		return 0, false
	}
	return n * scale, true
}

// param returns the parameter's row. Asking for a parameter that the version
// lacks, or by the wrong kind, is an error of the caller and recorded as one.
func (e *Effective) param(name string, kind Kind) (Param, bool) {
	p, ok := e.p.Profile.Lookup(name)
	switch {
	case !ok:
		e.fail(name, "Postfix "+e.p.Profile.String()+" has no parameter "+name, nil)
		return Param{}, false
	case p.Kind != kind:
		e.fail(name, "parameter "+name+" is of kind "+p.Kind.String()+", not "+kind.String(), nil)
		return Param{}, false
	}
	return p, true
}

// Has reports whether the version has the parameter.
func (e *Effective) Has(name string) bool {
	_, ok := e.p.Profile.Lookup(name)
	return ok
}

// text returns the expanded value of a parameter that is not raw. A default is
// stored: text expanded, the other kinds as they are.
func (e *Effective) text(p Param) (string, bool) {
	if v, ok := e.Value(p.Name); ok {
		return e.expand(p.Name, v.Text)
	}
	byDefault := p.Default
	if p.Computed() {
		var ok bool
		if byDefault, ok = e.computed(p.Name); !ok {
			return "", false
		}
	}
	value := byDefault
	if p.Kind == String {
		var ok bool
		if value, ok = e.expand(p.Name, byDefault); !ok {
			return "", false
		}
		byDefault = value
	}
	e.store(p.Name, byDefault)
	if p.Kind != String {
		return e.expand(p.Name, byDefault)
	}
	return value, true
}

func (e *Effective) store(name, text string) { e.defaults[name] = text }

func (e *Effective) checkLength(p Param, value, complaint, after string) {
	switch n := int64(len(value)); {
	case p.Min != 0 && n < p.Min:
		e.fail(p.Name, complaint+strconv.FormatInt(n, 10)+" < "+strconv.FormatInt(p.Min, 10)+after+": "+p.Name+" = "+value, nil)
	case p.Max != 0 && n > p.Max:
		e.fail(p.Name, complaint+strconv.FormatInt(n, 10)+" > "+strconv.FormatInt(p.Max, 10)+after+": "+p.Name+" = "+value, nil)
	}
}

// equalFold compares ASCII text without regard to case, as strcasecmp(3) does
// in the C locale.
func equalFold(s, lower string) bool {
	return len(s) == len(lower) && strings.EqualFold(s, lower)
}
