package mainconf

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// expandRows are values and what Postfix 3.10 makes of them, with a = 1, b = x,
// e empty and loop = $loop. The same values run through the real postconf in
// compat-tests.
var expandRows = []struct {
	in, out  string
	warnings []string
	err      string
}{
	{in: ""},
	{in: "plain", out: "plain"},
	{in: "$$", out: "$"},
	{in: "$$$$ $$a", out: "$$ $a"},
	{in: "$a$b", out: "1x"},
	{in: "$(a)${b}", out: "1x"},
	{in: "${ a }", out: "1"},
	{in: "$( a )", out: "1"},
	{in: "${\ta\t}", out: "1"},
	{in: "$a.b", out: "1.b"},
	{in: "$a_b ${a}_b", out: " 1_b"},
	{in: "$a09 $aazAZ $a/ $a: $a@ $a[ $a` $a{", out: "  1/ 1: 1@ 1[ 1` 1{"},
	{in: "$", warnings: []string{`empty macro name: "$"`}, err: "macro processing error"},
	{in: "$ ", warnings: []string{`empty macro name: "$ "`}, err: "macro processing error"},
	{in: "$-", warnings: []string{`empty macro name: "$-"`}, err: "macro processing error"},
	{in: "${}", warnings: []string{`empty macro name: "${}"`}, err: "macro processing error"},
	{in: "$()", warnings: []string{`empty macro name: "$()"`}, err: "macro processing error"},
	{in: "${ }"},
	{in: "$( )"},
	{in: "a ${a", warnings: []string{`truncated macro reference: "a ${a"`}, err: "macro processing error"},
	{in: "a $(a", warnings: []string{`truncated macro reference: "a $(a"`}, err: "macro processing error"},
	{in: "${a)", warnings: []string{`truncated macro reference: "${a)"`}, err: "macro processing error"},
	{in: "$(a}", warnings: []string{`truncated macro reference: "$(a}"`}, err: "macro processing error"},
	{in: "${a $(b)}", warnings: []string{`attribute name syntax error at: "...a>>> $(b)"`}, err: "macro processing error"},
	{in: "$($b)", warnings: []string{`attribute name syntax error at: "...>>>$b"`}, err: "macro processing error"},
	{in: "${$b}", warnings: []string{`attribute name syntax error at: "...>>>$b"`}, err: "macro processing error"},
	{in: "${a b}", warnings: []string{`attribute name syntax error at: "...a>>> b"`}, err: "macro processing error"},
	{in: "${a-b}", warnings: []string{`attribute name syntax error at: "...a>>>-b"`}, err: "macro processing error"},
	{in: "x ${a?y}", out: "x y"},
	{in: "${a:y}"},
	{in: "${e?y}"},
	{in: "${e:y}", out: "y"},
	{in: "${n?y}"},
	{in: "${n:y}", out: "y"},
	{in: "${a?}"},
	{in: "${a:}"},
	{in: "${e:}"},
	{in: "${a ? b : c}", out: " b : c"},
	{in: "${a?{b}}", out: "b"},
	{in: "${a ? { b } : { c }}", out: " b "},
	{in: "${e ? { b } : { c }}", out: " c "},
	{in: "${a?{b}c}", warnings: []string{`":" expected at: "...b}>>>c"`}, err: "macro processing error"},
	{in: "${a:{b}c}", warnings: []string{`unexpected input at: "...b}>>>c"`}, err: "macro processing error"},
	{in: "${e:{b}c}", warnings: []string{`unexpected input at: "...b}>>>c"`}, err: "macro processing error"},
	{in: "${a?{b}:{c}d}", warnings: []string{`unexpected input at: "...c}>>>d"`}, err: "macro processing error"},
	{in: "${e?{b}:{c}d}", warnings: []string{`unexpected input at: "...c}>>>d"`}, err: "macro processing error"},
	{in: "${a?{b}:c d}", out: "b"},
	{in: "${e?{b}:c d}", out: "c d"},
	{in: "${a?{b} : c}", out: "b"},
	{in: "${a??}", out: "?"},
	{in: "${a?:}", out: ":"},
	{in: "${a::}"},
	{in: "${e::}", out: ":"},
	{in: "${a?{$b}:{$e}}", out: "x"},
	{in: "${a?$b}", out: "x"},
	{in: "${a?{${b?{$a}:{no}}}}", out: "1"},
	{in: "${a?{{}}}", out: "{}"},
	{in: "${a?{}", warnings: []string{`truncated macro reference: "${a?{}"`}, err: "macro processing error"},
	{in: "$(a?{)", warnings: []string{`unbalanced {} in attribute expression: "{"`}, err: "macro processing error"},
	{in: "$(a?{b)", warnings: []string{`unbalanced {} in attribute expression: "{b"`}, err: "macro processing error"},
	{in: "$(a:{b)", warnings: []string{`unbalanced {} in attribute expression: "{b"`}, err: "macro processing error"},
	{in: "$(e:{b)", warnings: []string{`unbalanced {} in attribute expression: "{b"`}, err: "macro processing error"},
	{in: "${{a} == {a}}", out: "true"},
	{in: "${{a} == {b}}"},
	{in: "${{a}=={a}?{y}:{n}}", out: "y"},
	{in: "${ {a} == {a} ? {y} : {n} }", out: "y"},
	{in: "${{ a } == {a} ? {y} : {n}}", out: "n"},
	{in: "${{a} != {b} ? {y} : {n}}", out: "y"},
	{in: "${{a} < {b} ? {y} : {n}}", out: "y"},
	{in: "${{a10} > {a9} ? {y} : {n}}", out: "n"},
	{in: "${{10} > {9} ? {y} : {n}}", out: "y"},
	{in: "${{01} == {1} ? {y} : {n}}", out: "y"},
	{in: "${{-1} < {1} ? {y} : {n}}", out: "y"},
	{in: "${{ 1} == {1} ? {y} : {n}}", out: "n"},
	{in: "${{} == {} ? {y} : {n}}", out: "y"},
	{in: "${{} == {0} ? {y} : {n}}", out: "n"},
	{in: "${{1} <= {1} ? {y} : {n}}", out: "y"},
	{in: "${{1} >= {2} ? {y} : {n}}", out: "n"},
	{in: "${{$a} == {1} ? {$b} : {$e}}", out: "x"},
	{in: "${{1} = {1}}", warnings: []string{`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...1}>>>= {1}"`}, err: "macro processing error"},
	{in: "${{1} === {1}}", warnings: []string{`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...1}>>>=== {1}"`}, err: "macro processing error"},
	{in: "${{1} =! {1}}", warnings: []string{`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...1}>>>=! {1}"`}, err: "macro processing error"},
	{in: "${{1} {1}}", warnings: []string{`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...1}>>>{1}"`}, err: "macro processing error"},
	{in: "${{1}}", warnings: []string{`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...1}>>>"`}, err: "macro processing error"},
	{in: "${{1} ==}", warnings: []string{`"{expression}" expected at: "...{1} ==>>>"`}, err: "macro processing error"},
	{in: "${{1} == 1}", warnings: []string{`"{expression}" expected at: "...{1} ==>>> 1"`}, err: "macro processing error"},
	{in: "${{1} == {1} {2}}", warnings: []string{`"?" or ":" expected at: "...}>>>{2}"`}, err: "macro processing error"},
	{in: "${{1} == {1} x}", warnings: []string{`"?" or ":" expected at: "...}>>>x"`}, err: "macro processing error"},
	{in: "${{1} == {1} ? y}", out: " y"},
	{in: "${{1} == {1} : y}"},
	{in: "${{1} == {2} : y}", out: " y"},
	{in: "${{1} == {1} ? {y} x}", warnings: []string{`":" expected at: "...y}>>>x"`}, err: "macro processing error"},
	{in: "${{1} == {2} ? {y} x}", warnings: []string{`":" expected at: "...y}>>>x"`}, err: "macro processing error"},
	{in: "${{1} ==level {1.0} ? {y} : {n}}", out: "y"},
	{in: "${{1} <level {2} ? {y} : {n}}", out: "y"},
	{in: "${{3.10} >level {3.9} ? {y} : {n}}", out: "y"},
	{in: "${{3.9.1} >=level {3.9} ? {y} : {n}}", out: "y"},
	{in: "${{x} <level {1} ? {y} : {n}}", warnings: []string{`malformed compatibility level syntax: "x"`}, err: "macro processing error"},
	{in: "${{1} <level {x} ? {y} : {n}}", warnings: []string{`malformed compatibility level syntax: "x"`}, err: "macro processing error"},
	{in: "${{} <level {1} ? {y} : {n}}", warnings: []string{`malformed compatibility level syntax: ""`}, err: "macro processing error"},
	{in: "${{1} <levels {1} ? {y} : {n}}", warnings: []string{`bad operator suffix at: "...<>>>levels"`}, err: "macro processing error"},
	{in: "${{1} <Level {1}}", warnings: []string{`bad operator suffix at: "...<>>>Level"`}, err: "macro processing error"},
	{in: "${{1} <level{1}}"},
	{in: "${{1} <1 {1}}", warnings: []string{`bad operator suffix at: "...<>>>1"`}, err: "macro processing error"},
	{in: "${{1} <_ {1}}", warnings: []string{`"{expression}" expected at: "...{1} <>>>_ {1}"`}, err: "macro processing error"},
	{in: "${{1} <level x}", warnings: []string{`"{expression}" expected at: "...{1} <>>> x"`}, err: "macro processing error"},
	{in: "${{1} < level {1}}", warnings: []string{`"{expression}" expected at: "...{1} <>>> level {1}"`}, err: "macro processing error"},
	{in: "${{9223372036854775807} == {9223372036854775807} ? {y} : {n}}", out: "y"},
	{in: "${{9223372036854775808} == {1} ? {y} : {n}}", err: "mac_exp_eval: bad conversion: 9223372036854775808"},
	{in: "${{1} == {18446744073709551616} ? {y} : {n}}", err: "mac_exp_eval: bad conversion: 18446744073709551616"},
	{in: "${{99999999999999999999} == {x} ? {y} : {n}}", out: "n"},
	{in: "${{$n} == {} ? {y} : {n}}", out: "y"},
	{in: "${{${a}} == {${{x} == {x} ? {1} : {2}}} ? {y} : {n}}", out: "y"},
	{in: "${{$} == {1} ? {y} : {n}}", warnings: []string{`empty macro name: "$"`}, err: "macro processing error"},
	{in: "${{1} == {${x y}} ? {y} : {n}}", warnings: []string{`attribute name syntax error at: "...x>>> y"`}, err: "macro processing error"},
	{in: "$(({a} == {a}))", warnings: []string{`attribute name syntax error at: "...>>>({a} == {a})"`}, err: "macro processing error"},
	{in: "$({a} == {a} ? {y} : {n})", out: "y"},
	{in: "${a} ${x y} ${a} $a z", warnings: []string{`attribute name syntax error at: "...x>>> y"`}, err: "macro processing error"},
	{in: "${x y} $a z ${a}", warnings: []string{`attribute name syntax error at: "...x>>> y"`}, err: "macro processing error"},
	{in: "$a ${x", warnings: []string{`truncated macro reference: "$a ${x"`}, err: "macro processing error"},
	{in: "$a $", warnings: []string{`empty macro name: "$a $"`}, err: "macro processing error"},
	{in: "${a?{$}:{y}}", warnings: []string{`empty macro name: "$"`}, err: "macro processing error"},
	{in: "${e?{$}:{y}}", out: "y"},
	{in: "${a?{${x y}}:{z}} $a", warnings: []string{`attribute name syntax error at: "...x>>> y"`}, err: "macro processing error"},
	{in: "${a}${b}$(a)$(b)", out: "1x1x"},
	{in: "{$a}", out: "{1}"},
	{in: "{ ${a} } }", out: "{ 1 } }"},
	{in: "${b}:${b}", out: "x:x"},
	{in: "\xe4 $a \xff ${\xe4}", warnings: []string{"attribute name syntax error at: \"...>>>\xe4\""}, err: "macro processing error"},
	{in: "${a\xe4}", warnings: []string{"attribute name syntax error at: \"...a>>>\xe4\""}, err: "macro processing error"},
	{in: "$\xe4", warnings: []string{"empty macro name: \"$\xe4\""}, err: "macro processing error"},
	{in: "${a?\xe4}", out: "\xe4"},
	{in: "$loop", warnings: []string{`unreasonable macro call nesting: "loop"`}, err: "macro processing error"},
	{in: "x $loop y", warnings: []string{`unreasonable macro call nesting: "loop"`}, err: "macro processing error"},
	{in: "${loop?z}", out: "z"},
	{in: "a very long name: ${abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz}", warnings: []string{`attribute name syntax error at: "...abcdefghijklmnopqrstuvwxyz>>> abcdefghijklmnopqrs"`}, err: "macro processing error"},
	{in: "${{abc} ~ {defghijklmnopqrstuvwxyzabcdefgh}}", warnings: []string{`"==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "...abc}>>>~ {defghijklmnopqrst"`}, err: "macro processing error"},
	{in: "${f{x}}", warnings: []string{`attribute name syntax error at: "...f>>>{x}"`}, err: "macro processing error"},
	{in: "${domain_to_ascii{x}}", warnings: []string{`attribute name syntax error at: "...domain_to_ascii>>>{x}"`}, err: "macro processing error"},
	{in: "${a{x}?{y}}", warnings: []string{`attribute name syntax error at: "...a>>>{x}?{y}"`}, err: "macro processing error"},
}

func TestExpand(t *testing.T) {
	values := map[string]string{"a": "1", "b": "x", "e": "", "loop": "$loop"}
	for _, row := range expandRows {
		t.Run(row.in, func(t *testing.T) {
			var warnings []string
			x := Expander{
				Lookup: func(name string) (string, bool, error) { v, ok := values[name]; return v, ok, nil },
				Warn:   func(text string) { warnings = append(warnings, text) },
			}
			out, err := x.Expand(row.in)
			check(t, "result", out, row.out)
			check(t, "warnings", warnings, row.warnings)
			text := ""
			if err != nil {
				text = err.Error()
			}
			check(t, "error", text, row.err)
		})
	}
}

func TestScan(t *testing.T) {
	for _, row := range []struct {
		in    string
		names string // with "?" behind a tested one
		err   error
	}{
		{in: "plain $$", names: ""},
		{in: "$a $(b) ${c}", names: "a b c"},
		{in: "${a?$b}", names: "a? b"},
		{in: "${a?{$b}:{$c}}", names: "a? b c"},
		{in: "${{$a} == {$b} ? {$c} : {$d}}", names: "a b c d"},
		{in: "${a?{${b:{$c}}}}", names: "a? b? c"},
		{in: "$a ${b c} $d", names: "a", err: ErrMacro},
		{in: "${{99999999999999999999} == {1}}", names: ""},
		{in: "${{x} <level {1} ? {$a}}", names: "a"},
	} {
		t.Run(row.in, func(t *testing.T) {
			var names []string
			err := (&Expander{}).Scan(row.in, func(name string, test bool) {
				if test {
					name += "?"
				}
				names = append(names, name)
			})
			check(t, "names", strings.Join(names, " "), row.names)
			if !errors.Is(err, row.err) {
				t.Errorf("error %v, want %v", err, row.err)
			}
		})
	}
}

// TestExpandOnce: what a look-up returns is not expanded.
func TestExpandOnce(t *testing.T) {
	x := Expander{Lookup: func(string) (string, bool, error) { return "$b ${c", true, nil }, Once: true}
	out, err := x.Expand("<$a>")
	if out != "<$b ${c>" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// TestExpandVersions: what Postfix 3.11 added.
func TestExpandVersions(t *testing.T) {
	x := Expander{
		Lookup:      func(name string) (string, bool, error) { return "$" + name + name, name == "raw", nil },
		NotExpanded: func(name string) bool { return name == "raw" },
		Function: func(name string) Function {
			if name != "upper" {
				return nil
			}
			return func(text string) (string, error) {
				if text == "bad" {
					return "", errors.New("bad argument")
				}
				return strings.ToUpper(text), nil
			}
		},
	}
	for _, row := range []struct{ in, out, warning string }{
		{"<$raw>", "<$rawraw>", ""},
		{"<${upper{a b }}>", "<A B>", ""},
		{"<${upper { ${upper{x}}y }}>", "<XY>", ""},
		{"${upper{bad}}", "", "bad argument"},
		{"${upper{a}b}", "", `unexpected input at: "...a}>>>b"`},
		{"${lower{a}}", "", `unknown function "lower" at"...>>>lower{a}"`},
		{"$(upper{a)", "", `unbalanced {} in attribute expression: "{a"`},
		{"${upper?{a}:{b}}", "b", ""},
	} {
		var warning string
		x.Warn = func(text string) { warning = text }
		out, err := x.Expand(row.in)
		if out != row.out || warning != row.warning || (err == nil) != (row.warning == "") {
			t.Errorf("%s: %q, %q, %v", row.in, out, warning, err)
		}
	}
}

// TestExpandIsBounded: settings that double at each level, and nesting that
// Postfix's limit does not see, end quickly and with an error.
func TestExpandIsBounded(t *testing.T) {
	double := map[string]string{"z": "x"}
	for c := 'a'; c < 'z'; c++ {
		double[string(c)] = strings.Repeat("$"+string(c+1), 8)
	}
	for _, row := range []struct {
		name, text string
		values     map[string]string
		want       string
	}{
		{"doubling", "$a", double, "macro expansion takes more than"},
		{"doubling in a condition", "${a?{$a}:{$a}}", double, "macro expansion takes more than"},
		{"doubling operands", "${{$a} == {$a}}", map[string]string{"a": "${{$a} == {$a}}"}, "macro"},
		{"errors that repeat", "$a", map[string]string{"a": "$a" + strings.Repeat("$a", 100000)}, "macro"},
		{"nested operands", strings.Repeat("${{", 100000) + strings.Repeat("} == {}}", 100000), nil, "macro"},
		{"nested conditions", strings.Repeat("${n:{", 100000) + strings.Repeat("}}", 100000), nil, "macro processing error"},
		{"unclosed", strings.Repeat("${", 1000000), nil, "macro processing error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			warnings := 0
			x := Expander{
				Lookup: func(name string) (string, bool, error) { v, ok := row.values[name]; return v, ok, nil },
				Warn:   func(string) { warnings++ },
			}
			start := time.Now()
			_, err := x.Expand(row.text)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
			// A bound in seconds would be the machine's: with the race detector a busy one
			// takes half a minute.
			t.Logf("%v, %d warnings: %v", time.Since(start), warnings, err)
		})
	}
}

// TestScanForNobody: without a function to call, scanning still looks up nothing.
func TestScanForNobody(t *testing.T) {
	x := Expander{Lookup: func(name string) (string, bool, error) {
		t.Errorf("%s was looked up", name)
		return "", false, nil
	}}
	if err := x.Scan("$a ${b?{$c}} ${{$d} == {9} ? {$e}}", nil); err != nil {
		t.Error(err)
	}
	if err := x.Scan("$a ${b", nil); err != ErrMacro {
		t.Errorf("error %v", err)
	}
}

// TestLookupError: a look-up that fails is the last thing that is done.
func TestLookupError(t *testing.T) {
	failure := errors.New("no answer")
	for _, text := range []string{"$bad ${a b} $bad", "${bad?{$(}:{$)}}", "$good", "${{$bad} == {$bad} ? {${a b}}}", "${bad"} {
		looked := 0
		x := Expander{
			Lookup: func(name string) (string, bool, error) {
				if name == "good" {
					return "$bad $bad", true, nil
				}
				looked++
				return "", false, failure
			},
			Warn: func(text string) { t.Errorf("%s: warning %s", text, text) },
		}
		if text == "${bad" { // never looked up: its syntax is wrong
			x.Warn = nil
			if _, err := x.Expand(text); err != ErrMacro || looked != 0 {
				t.Errorf("%s: %v after %d look-ups", text, err, looked)
			}
			continue
		}
		out, err := x.Expand(text)
		var failed *LookupError
		if !errors.As(err, &failed) || failed.Name != "bad" || failed.Err != failure || out != "" || looked != 1 {
			t.Errorf("%s: %q, %v after %d look-ups", text, out, err, looked)
		}
	}
}
