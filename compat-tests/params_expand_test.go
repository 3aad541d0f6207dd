package compat

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// The variables say how many random cases TestParamsExpand, TestParamsOrder and
// TestParamsFiles run each, and where their random numbers start.
const (
	paramsRandomCases = "PARAMS_RANDOM_CASES"
	paramsRandomSeed  = "PARAMS_RANDOM_SEED"
)

// expansion is what comes out of evaluating a value: postconf first scans it
// for names, then expands it.
type expansion struct {
	Value    string
	Warnings []string
	Fatal    string
}

// expandHand are values with macros, evaluated with a = 1, b = x and e empty.
var expandHand = []string{
	"", "plain", "$$", "$$$$ $$a", "$a$b", "$(a)${b}", "${ a }", "$( a )", "${\ta\t}", "$a.b", "$a_b ${a}_b",
	"$a09 $aazAZ $a/ $a: $a@ $a[ $a` $a{",
	"$", "$ ", "$-", "${}", "$()", "${ }", "$( )", "a ${a", "a $(a", "${a)", "$(a}", "${a $(b)}", "$($b)", "${$b}",
	"${a b}", "${a-b}", "x ${a?y}", "${a:y}", "${e?y}", "${e:y}", "${n?y}", "${n:y}", "${a?}", "${a:}", "${e:}",
	"${a ? b : c}", "${a?{b}}", "${a ? { b } : { c }}", "${e ? { b } : { c }}", "${a?{b}c}", "${a:{b}c}", "${e:{b}c}",
	"${a?{b}:{c}d}", "${e?{b}:{c}d}", "${a?{b}:c d}", "${e?{b}:c d}", "${a?{b} : c}", "${a??}", "${a?:}", "${a::}", "${e::}",
	"${a?{$b}:{$e}}", "${a?$b}", "${a?{${b?{$a}:{no}}}}", "${a?{{}}}", "${a?{}", "$(a?{)", "$(a?{b)", "$(a:{b)", "$(e:{b)",
	"${{a} == {a}}", "${{a} == {b}}", "${{a}=={a}?{y}:{n}}", "${ {a} == {a} ? {y} : {n} }", "${{ a } == {a} ? {y} : {n}}",
	"${{a} != {b} ? {y} : {n}}", "${{a} < {b} ? {y} : {n}}", "${{a10} > {a9} ? {y} : {n}}", "${{10} > {9} ? {y} : {n}}",
	"${{01} == {1} ? {y} : {n}}", "${{-1} < {1} ? {y} : {n}}", "${{ 1} == {1} ? {y} : {n}}", "${{} == {} ? {y} : {n}}",
	"${{} == {0} ? {y} : {n}}", "${{1} <= {1} ? {y} : {n}}", "${{1} >= {2} ? {y} : {n}}", "${{$a} == {1} ? {$b} : {$e}}",
	"${{1} = {1}}", "${{1} === {1}}", "${{1} =! {1}}", "${{1} {1}}", "${{1}}", "${{1} ==}", "${{1} == 1}", "${{1} == {1} {2}}",
	"${{1} == {1} x}", "${{1} == {1} ? y}", "${{1} == {1} : y}", "${{1} == {2} : y}", "${{1} == {1} ? {y} x}", "${{1} == {2} ? {y} x}",
	"${{1} ==level {1.0} ? {y} : {n}}", "${{1} <level {2} ? {y} : {n}}", "${{3.10} >level {3.9} ? {y} : {n}}", "${{3.9.1} >=level {3.9} ? {y} : {n}}",
	"${{x} <level {1} ? {y} : {n}}", "${{1} <level {x} ? {y} : {n}}", "${{} <level {1} ? {y} : {n}}", "${{1} <levels {1} ? {y} : {n}}",
	"${{1} <Level {1}}", "${{1} <level{1}}", "${{1} <1 {1}}", "${{1} <_ {1}}", "${{1} <level x}", "${{1} < level {1}}",
	"${{9223372036854775807} == {9223372036854775807} ? {y} : {n}}", "${{9223372036854775808} == {1} ? {y} : {n}}",
	"${{1} == {18446744073709551616} ? {y} : {n}}", "${{99999999999999999999} == {x} ? {y} : {n}}", "${{$n} == {} ? {y} : {n}}",
	"${{${a}} == {${{x} == {x} ? {1} : {2}}} ? {y} : {n}}", "${{$} == {1} ? {y} : {n}}", "${{1} == {${x y}} ? {y} : {n}}",
	"$(({a} == {a}))", "$({a} == {a} ? {y} : {n})", "${a} ${x y} ${a} $a z", "${x y} $a z ${a}", "$a ${x", "$a $", "${a?{$}:{y}}", "${e?{$}:{y}}",
	"${a?{${x y}}:{z}} $a", "${a}${b}$(a)$(b)", "{$a}", "{ ${a} } }", "${b}:${b}", "\xe4 $a \xff ${\xe4}", "${a\xe4}", "$\xe4", "${a?\xe4}",
	strings.Repeat("${a?{", 20) + "x" + strings.Repeat("}}", 20), strings.Repeat("${a?{", 101) + "x" + strings.Repeat("}}", 101),
	strings.Repeat("${a?{", 102) + "x" + strings.Repeat("}}", 102), strings.Repeat("${a?{", 99) + "$a" + strings.Repeat("}}", 99),
	"$loop", "x $loop y", "${loop?z}", "$deep100", "$deep99", "$deep98", "$loop2 $a $b", "${x y}" + strings.Repeat("$a ", 60),
	"a very long name: ${abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz}", "${{abc} ~ {defghijklmnopqrstuvwxyzabcdefgh}}",
	"${{1} ==level {1} ? {y} : {n}}", "${{1} !=level {1.0} ? {y} : {n}}", "${{1.2.3} <=level {1.2.3} ? {y} : {n}}", "${{1.2.4} <=level {1.2.3} ? {y} : {n}}", "${{1.2} >level {1.2} ? {y} : {n}}",
	"${{-1} <level {1} ? {y} : {n}}", "${{+1} ==level {1} ? {y} : {n}}", "${{ \t1} ==level {1} ? {y} : {n}}", "${{1 } ==level {1} ? {y} : {n}}", "${{1. 2} ==level {1.2} ? {y} : {n}}", "${{1.+2} ==level {1.2} ? {y} : {n}}",
	"${{1.1023} <level {2} ? {y} : {n}}", "${{1.1024} <level {2} ? {y} : {n}}", "${{1.-1} <level {2} ? {y} : {n}}", "${{1.2.1023} <level {2} ? {y} : {n}}", "${{1.2.1024} <level {2} ? {y} : {n}}", "${{1.2.-1} <level {2} ? {y} : {n}}",
	"${{8796093022207} >level {2} ? {y} : {n}}", "${{8796093022208} >level {2} ? {y} : {n}}", "${{99999999999999999999} >level {2} ? {y} : {n}}", "${{1.99999999999999999999} >level {2} ? {y} : {n}}", "${{1.2.99999999999999999999} >level {2} ? {y} : {n}}",
	"${{1.} ==level {1}}", "${{.1} ==level {1}}", "${{1.2.} ==level {1}}", "${{1.2.3.4} ==level {1}}", "${{1.2.3x} ==level {1}}", "${{1.2x} ==level {1}}", "${{1x} ==level {1}}", "${{1} ==level {-2}}", "${{$n} ==level {1}}", "${{1} ==level {$n}}",
	"${{1} ==level\xe4 {1}}", "${{1} ==\xe4 {1}}", "${{1} ==level{1} ? {y} : {n}}", "${{1} ==level\x0b{1} ? {y} : {n}}", "${{1}\x0b== {1} ? {y} : {n}}", "${\x0ba}", "${a\x0b}", "${a\x0b?y}", "${a\r?\ry}", "${a?{y}\t:\t{n}}", "${a:\t{y}\t}", "${{1} ==level {1} ?\t{y}\t:\t{n}\t}", "${{1}\t==\t{1}\t}",
	"${{a\xe4} == {a\xe4} ? {y} : {n}}", "${{\xb2} == {2} ? {y} : {n}}", "${{9223372036854775808} ==level {1} ? {y} : {n}}", "${{00000000000000000000001} == {1} ? {y} : {n}}", "${{9223372036854775807} > {0} ? {y} : {n}}",
	"${f{x}}", "${domain_to_ascii{x}}", "${a{x}?{y}}",
}

// expandSettings are the settings that the values refer to.
func expandSettings() string {
	var b strings.Builder
	b.WriteString("a = 1\nb = x\ne =\nloop = $loop\nloop2 = $a $loop2 $b ${a}\n")
	b.WriteString("deep0 = end\n")
	for i := 1; i <= 101; i++ {
		fmt.Fprintf(&b, "deep%d = $deep%d\n", i, i-1)
	}
	return b.String()
}

// expandRandom makes a value with random macros, most of them well formed.
func expandRandom(r *rand.Rand, depth int) string {
	var b strings.Builder
	for range 1 + r.IntN(3) {
		names := []string{"a", "b", "e", "n", "deep3", " a ", "a b", "x-y", "mail_name", ""}
		name := names[r.IntN(len(names)-3*r.IntN(2))]
		sub := func() string {
			if depth <= 0 {
				return name
			}
			return expandRandom(r, depth-1)
		}
		switch r.IntN(14) {
		case 0, 1:
			pieces := []string{"x", " ", "1", ".", "$$", "z9", ",", ":", "?", "}", "{", "(", ")", "<", "=", "\xe4", "$"}
			b.WriteString(pieces[r.IntN(len(pieces)-7*r.IntN(2))])
		case 2, 3:
			b.WriteString("$" + strings.TrimSpace(name))
		case 4:
			b.WriteString("$(" + name + ")")
		case 5:
			b.WriteString("${" + name + "}")
		case 6:
			b.WriteString("${" + name + "?" + sub() + "}")
		case 7:
			b.WriteString("${" + name + ":" + sub() + "}")
		case 8, 9:
			b.WriteString("${" + name + "?{" + sub() + "}:{" + sub() + "}}")
		case 10, 11:
			ops := []string{"==", "!=", "<", "<=", ">", ">=", "<level", ">=level", "=", ""}
			b.WriteString("${{" + sub() + "} " + ops[r.IntN(len(ops)-4*r.IntN(2))] + " {" + sub() + "} ? {" + sub() + "} : {" + sub() + "}}")
		case 12:
			b.WriteString("${{" + sub() + "} == {" + sub() + "}}")
		case 13:
			b.WriteString("$({" + sub() + "} != {" + sub() + "} : " + sub() + ")")
		}
	}
	return b.String()
}

// TestParamsExpand compares the evaluation of macros with that of
// postconf -x: value, warnings in their order, and final message.
func TestParamsExpand(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	values := expandHand
	r := rand.New(rand.NewPCG(numberFrom(t, paramsRandomSeed, 3), 10))
	for range numberFrom(t, paramsRandomCases, 250) {
		values = append(values, expandRandom(r, 3))
	}
	settings := expandSettings()
	for i, value := range values {
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			dir := fmt.Sprintf("/etc/expand%d", i)
			main := settings + "mydestination = " + value + "\n"
			pf.WriteFile(dir+"/main.cf", main, 0o644)
			pf.WriteFile(dir+"/master.cf", "", 0o644)
			out := pf.Run("/usr/sbin/postconf", "-q", "-c", dir, "-xh", "mydestination")
			said := stockVerdict(out.Stderr, "/usr/sbin/postconf")
			want := expansion{Value: strings.TrimSuffix(out.Stdout, "\n"), Fatal: said.Fatal}
			for _, w := range said.Warnings {
				// Of undefined names and what looks like a table.
				if !strings.HasPrefix(w, dir) {
					want.Warnings = append(want.Warnings, w)
				}
			}

			var got expansion
			doc, err := mainconf.ParseMain("main.cf", []byte(main))
			if err != nil {
				t.Fatal(err)
			}
			resolver := params.Resolver{
				Profile: debian13,
				Main:    doc,
				Host:    rootHost(pf),
				Warn:    func(text string) { got.Warnings = append(got.Warnings, asLogged(text)) },
			}
			info, _, _ := resolver.Value("mydestination")
			resolver.Scan(info.Text, func(string, bool) {})
			if text, err := resolver.Expand(info.Text); err != nil {
				got.Fatal = asLogged(err.Error())
			} else {
				got.Value = strings.Join(mainconf.Split(text, mainconf.WordSeparators), " ")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: -postfix +ours:\n%s", value, diff)
			}
		})
	}
}

// TestParamsOrder compares what a program's dictionary holds while it reads
// its parameters: random settings refer to each other and to defaults, and a
// last one that is no valid number shows in its error what it expanded to.
func TestParamsOrder(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	common := params.CommonNames(debian13)
	var everything, numbers []string
	for p := range debian13.Params {
		everything = append(everything, p.Name)
	}
	for _, name := range common {
		if p, _ := debian13.Lookup(name); p.Kind != params.String {
			numbers = append(numbers, name)
		}
	}
	r := rand.New(rand.NewPCG(numberFrom(t, paramsRandomSeed, 10), 13))
	name := func() string {
		if r.IntN(3) == 0 {
			return everything[r.IntN(len(everything))]
		}
		return common[r.IntN(len(common))]
	}
	for i := range numberFrom(t, paramsRandomCases, 200) {
		var main strings.Builder
		fmt.Fprintf(&main, "compatibility_level = %d\n", r.IntN(4))
		for range r.IntN(6) {
			p, ok := debian13.Lookup(name())
			if !ok || p.Kind != params.String || strings.Contains(p.Name, "compatib") || strings.Contains(p.Name, "inet_") {
				continue
			}
			value := []string{"$" + name(), "${" + name() + "?{set}:{unset}}", p.Default, "x", "x$$" + name()}[r.IntN(5)]
			fmt.Fprintf(&main, "%s = %s\n", p.Name, value)
		}
		fmt.Fprintf(&main, "%s = x", numbers[r.IntN(len(numbers))])
		for range 12 {
			fmt.Fprintf(&main, " <$%s>", name())
		}
		main.WriteString("\n")
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			dir := fmt.Sprintf("/etc/order%d", i)
			pf.WriteFile(dir+"/main.cf", main.String(), 0o644)
			out := pf.Run("/usr/sbin/postconf", "-c", dir, "-m")
			want := stockVerdict(out.Stderr, "/usr/sbin/postconf")
			if want.Fatal == "" {
				t.Error("the configuration was meant to fail")
			}
			got := ourVerdict(pf, params.Process{ConfigDir: dir}, nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s-postfix +ours:\n%s", main.String(), diff)
			}
		})
	}
}
