package compat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// postmapFlags are the flags with which postmap(1) opens a table for -q.
const postmapFlags = table.DupWarn | table.Lock | table.FoldFix | table.UTF8Request

// tableLog keeps what a table logs, as postmap prints it.
type tableLog struct {
	mu    sync.Mutex
	root  string // cut out of the lines
	lines []string
	// surrogates: a table that cannot be opened is no fatal error.
	surrogates bool
}

func (l *tableLog) add(severity, format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := strings.ReplaceAll(severity+fmt.Sprintf(format, args...), l.root, "")
	l.lines = append(l.lines, printableLine(line))
}

func (l *tableLog) Infof(format string, args ...any)    { l.add("", format, args) }
func (l *tableLog) Warningf(format string, args ...any) { l.add("warning: ", format, args) }

func (l *tableLog) Errorf(format string, args ...any) {
	if l.surrogates {
		l.add("error: ", format, args)
		return
	}
	l.add("fatal: ", format, args)
}

func (l *tableLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

// printableLine is what Postfix makes of a log line.
func printableLine(line string) string {
	var out strings.Builder
	for len(line) > 0 {
		r, size := utf8.DecodeRuneInString(line)
		if r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1 {
			out.WriteByte('?')
		} else {
			out.WriteString(line[:size])
		}
		line = line[size:]
	}
	return out.String()
}

// queryOurs asks our table for keys, and prints as "postmap -q -" does.
func queryOurs(t testing.TB, root, spec string, keys []string) (answers string, log []string) {
	t.Helper()
	return queryOursUTF8(t, root, spec, keys, true)
}

// queryOursUTF8 is queryOurs with smtputf8_enable as utf8 says.
func queryOursUTF8(t testing.TB, root, spec string, keys []string, utf8 bool) (answers string, log []string) {
	t.Helper()
	l := &tableLog{root: root}
	set := table.NewSet(table.Options{Log: l, UTF8: utf8, OpenErrorFatal: true})
	defer set.Close()
	return querySet(set, l, spec, keys)
}

func querySet(set *table.Set, l *tableLog, spec string, keys []string) (answers string, log []string) {
	tbl, err := set.Open(spec, postmapFlags)
	if err != nil {
		return "", append(l.lines, "fatal: "+printableLine(strings.ReplaceAll(err.Error(), l.root, "")))
	}
	var out strings.Builder
	for _, key := range keys {
		value, found, err := tbl.Lookup(context.Background(), key)
		if err != nil {
			return out.String(), append(l.lines, "fatal: "+err.Error())
		}
		if found {
			out.WriteString(key)
			out.WriteByte('\t')
			out.WriteString(value)
			out.WriteByte('\n')
		}
	}
	return out.String(), l.lines
}

// queryPostmap asks the real postmap for keys.
func queryPostmap(pf *postfix.Instance, spec string, keys []string) (answers string, log []string) {
	r := pf.RunInput([]byte(strings.Join(keys, "\n")+"\n"), "/usr/sbin/postmap", "-q", "-", spec)
	for _, line := range strings.Split(strings.TrimSuffix(r.Stderr, "\n"), "\n") {
		line = strings.TrimPrefix(line, "postmap: ")
		// postmap's own complaint, not the table's.
		if line != "" && !strings.Contains(line, "empty string result is not allowed") && !strings.Contains(line, "should return NO RESULT in case of NOT FOUND") {
			log = append(log, line)
		}
	}
	return r.Stdout, log
}

// TestIndexedTables asks for every key of files that postmap made, and for
// 10,000 keys that are absent.
func TestIndexedTables(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	sizes := []struct {
		records, longest int // longest value, in bytes
	}{{0, 10}, {1, 10}, {300, 30_000}, {3000, 200}, {200_000, 40}}
	for _, typ := range []string{"hash", "btree", "cdb", "lmdb"} {
		for i, size := range sizes {
			t.Run(fmt.Sprintf("%s-%d", typ, size.records), func(t *testing.T) {
				postfix.Case(t)
				g := rand.New(rand.NewPCG(5, uint64(i)))
				var source strings.Builder
				var keys []string
				for n := range size.records {
					key := indexedKey(g, n)
					if size.records == 200_000 {
						// postmap forgets to fold keys once an lmdb file
						// has outgrown its first size.
						key = table.Fold(key, true)
					}
					keys = append(keys, key)
					fmt.Fprintf(&source, "%s\t%s\n", key, strings.Repeat("v", 1+g.IntN(size.longest)))
				}
				for range 10_000 {
					keys = append(keys, fmt.Sprintf("absent%d.example.com", g.IntN(1_000_000)))
				}
				name := fmt.Sprintf("/etc/postfix/%s%d", typ, i)
				pf.WriteFile(name, source.String(), 0o644)
				pf.MustRun("/usr/sbin/postmap", typ+":"+name)
				want, wantLog := queryPostmap(pf, typ+":"+name, keys)
				got, gotLog := queryOurs(t, pf.Dir, typ+":"+pf.Path(name), keys)
				if found := strings.Count(want, "\n"); found != size.records {
					t.Fatalf("postmap finds %d of %d records", found, size.records)
				}
				if got != want {
					t.Errorf("answers differ: postmap finds %d, ours %d", strings.Count(want, "\n"), strings.Count(got, "\n"))
				}
				if diff := cmp.Diff(wantLog, gotLog); diff != "" {
					t.Errorf("log (-postmap +ours):\n%s", diff)
				}
			})
		}
	}
}

// TestForeignFiles asks for every key of the samples of package table, most of
// which other programs made, and opens some with another number in their first
// page.
func TestForeignFiles(t *testing.T) {
	const samples = "../daemon/table/testdata/"
	pf := postfix.New(t, postfix.Options{})
	var keys []string
	for _, source := range []string{"basic.txt", "overflow-longkey.txt", "bigendian.kv", "several-big.kv"} {
		text, err := os.ReadFile(samples + source)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 0 && len(words[0]) < 4000 {
				keys = append(keys, words[0])
			}
		}
	}
	type change struct {
		at    int
		bytes string
	}
	count := 0
	compare := func(sample string, changes ...change) {
		data, err := os.ReadFile(samples + sample)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			copy(data[c.at:], c.bytes)
		}
		base, suffix, _ := strings.Cut(sample, ".")
		typ := suffix
		if suffix == "db" {
			typ = "hash"
			if strings.Contains(base, "btree") {
				typ = "btree"
			}
		}
		count++
		name := fmt.Sprintf("/etc/postfix/foreign%d", count)
		t.Run(fmt.Sprint(sample, changes), func(t *testing.T) {
			t.Parallel() // postmap pauses before it ends with an error
			postfix.Case(t)
			pf.WriteFile(name+"."+suffix, string(data), 0o644)
			want, wantLog := queryPostmap(pf, typ+":"+name, keys)
			got, gotLog := queryOurs(t, pf.Dir, typ+":"+pf.Path(name), keys)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			// What the database library says itself goes to no log.
			wantLog = slices.DeleteFunc(wantLog, func(line string) bool { return strings.HasPrefix(line, "BDB") })
			if diff := cmp.Diff(wantLog, gotLog); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
			if changes == nil && want == "" {
				t.Error("no answers")
			}
		})
	}
	files, err := filepath.Glob(samples + "*.*db")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		compare(filepath.Base(file))
	}
	for version := 3; version <= 10; version++ {
		compare("basic-hash.db", change{16, string(rune(version))})
		compare("basic-btree.db", change{16, string(rune(version))})
	}
	for _, c := range []change{{12, "x"}, {20, "x"}, {24, "x"}, {25, "\x01"}, {25, "\x09"}, {25, "\x10"}, {25, "\x11"}, {92, "x"}} {
		compare("basic-hash.db", c)
	}
	compare("basic-btree.db", change{48, "\x02"}) // keys are numbers
	compare("basic-lmdb.lmdb", change{16, "\xbe\xef\xc0\xde"}, change{4096 + 16, "\xbe\xef\xc0\xde"})
	compare("basic-lmdb.lmdb", change{20, "\x02"})
	compare("basic-lmdb.lmdb", change{4096 + 20, "\x02"})
}

// indexedKey is short, long, in capitals, or not ASCII.
func indexedKey(g *rand.Rand, n int) string {
	switch g.IntN(20) {
	case 0:
		return fmt.Sprintf("Host%d.Example.COM", n)
	case 1:
		return fmt.Sprintf("%s%d.example.com", strings.Repeat("long.", g.IntN(90)), n)
	case 2:
		return fmt.Sprintf("GRÜSSE%d@example.com", n)
	case 3:
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("user%d@host%d.example.com", n, n%977)
}

// ruleGenerator makes rule tables, many of them damaged.
type ruleGenerator struct {
	*rand.Rand
	atoms []string
	flags string
}

func (g *ruleGenerator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g *ruleGenerator) pattern() string {
	var p strings.Builder
	for range 1 + g.IntN(6) {
		p.WriteString(g.atoms[g.IntN(len(g.atoms))])
	}
	return p.String()
}

func (g *ruleGenerator) delimited() string {
	d := g.pick("/", "/", "/", "/", "~", "#", "%")
	end := d
	if g.IntN(40) == 0 {
		end = ""
	}
	flags := ""
	for g.IntN(4) == 0 {
		i := g.IntN(len(g.flags))
		flags += g.flags[i : i+1]
	}
	not := ""
	for g.IntN(8) == 0 {
		not += g.pick("!", "! ", "!")
	}
	return not + d + g.pattern() + end + flags
}

func (g *ruleGenerator) result() string {
	return g.pick("ok", "yes $1", "<$1|$2>", "${1}x$(2)", "$$1", "a  b", "", "$1$1$3", "${1", "$", "$foo", "$0", "$9", "REJECT $1 ${foo}", "$(1)$4294967297", "$foo $bar")
}

func (g *ruleGenerator) line() string {
	switch g.IntN(24) {
	case 0:
		return g.pick("# comment", "", "   ", "  # indented comment", "garbage here", "iffy /x/ y")
	case 1, 2:
		return g.pick("if ", "IF ", "if", "if\t") + g.delimited() + g.pick("", "", "", "  ", " extra text")
	case 3, 4:
		return g.pick("endif", "ENDIF", "endif ", "endif x", "endif")
	case 5:
		return "  " + g.delimited() + " continued"
	case 6:
		return g.delimited() + g.delimited() + " " + g.result()
	}
	return g.delimited() + g.pick(" ", "\t", "  ", "") + g.result()
}

// file is short, or one time in six so long that a screen of its patterns pays.
func (g *ruleGenerator) file() string {
	var lines []string
	count := 1 + g.IntN(14)
	if g.IntN(6) == 0 {
		count += 150
	}
	for range count {
		lines = append(lines, g.line())
	}
	return strings.Join(lines, "\n") + g.pick("\n", "")
}

func (g *ruleGenerator) keys(alphabet string, n int) []string {
	var keys []string
	for range n {
		var key strings.Builder
		for range 1 + g.IntN(10) {
			key.WriteByte(alphabet[g.IntN(len(alphabet))])
		}
		keys = append(keys, key.String())
	}
	return keys
}

// compareFile writes a table and asks both programs.
func compareFile(t *testing.T, pf *postfix.Instance, typ, name, text string, keys []string) {
	t.Helper()
	pf.WriteFile(name, text, 0o644)
	wantAnswers, wantLog := queryPostmap(pf, typ+":"+name, keys)
	gotAnswers, gotLog := queryOurs(t, pf.Dir, typ+":"+pf.Path(name), keys)
	if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
		t.Errorf("answers (-postmap +ours):\n%s\n%s", diff, text)
	}
	if diff := cmp.Diff(anyOffset(wantLog), anyOffset(gotLog)); diff != "" {
		t.Errorf("log (-postmap +ours):\n%s\n%s", diff, text)
	}
}

// Our PCRE2 is release 10.40. Later ones report other offsets for some errors.
var laterOffset = regexp.MustCompile(`error in regex at offset \d+`)

func anyOffset(log []string) []string {
	for i, line := range log {
		log[i] = laterOffset.ReplaceAllString(line, "error in regex at offset N")
	}
	return log
}

var commonAtoms = []string{
	"a", "b", "ab", "A", "B", "c", "1", "_", "-", "@", ".", ".", "^", "$", "a*", "b+", "a?", "(a)", "(b)", "(a|b)", "(ab|a)", "(a*)", "(b|)",
	"()", "(", ")", "|", "[ab]", "[^ab]", "[a-c]", "[[:alpha:]]", "[[:digit:]]", "[^[:space:]]", "[]a]", "[a-]", "a{2}", "b{1,2}", "(ab){1,3}",
	"[", "]", "\\.", "\\/", "\\(", "\\w", "\\W", "\\b", "\\B", "\\s", "[b-a]", "[[:foo:]]", "(a)\\1", "\\2", "a{2,1}", "*", "+", "a**", "a+?", "{", "}",
}

func TestRegexpTables(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	atoms := append([]string{
		"\\<", "\\>", "\\`", "\\'", "\\d", "\\Q", "[[:lower:]]", "[[:upper:]b]", "x{,3}", "a{1", "a{1,x}", "a{99999}", "[[.a.]]", "[[=a=]]",
		"[[.aa.]]", "[a-[.c.]]", "[_-z]", "[[:alpha:]-z]", "[a", "[[:alpha", "(a*)*", "(a|b)*", "((a)|b)+", "\\", "[^]b]", "[a-c-e]", "a{0}", "(a){0}",
	}, commonAtoms...)
	compareRules(t, pf, "regexp", atoms, "iimxxq!")
}

// TestRegexpBackReferences looks for a repetition in long lines that have none: no
// reason to give up, or to say so.
func TestRegexpBackReferences(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	letters := strings.Repeat("abcdefghij", 200) + "+/" + strings.Repeat("xyz", 300)
	compareFile(t, pf, "regexp", "/etc/postfix/back-references", "/([a-z]+) \\1/ twice $1\n!/(a*)(b*)=\\1\\2/ not\n/=/ last\n", []string{
		letters, letters + "=", "the " + letters, "the the " + letters, letters + " z", "aab=aab" + letters,
	})
}

func TestPCRETables(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	atoms := append([]string{
		"\\d", "\\D", "\\h", "\\K", "(?:a|b)", "(?i)a", "(?-i:A)", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?P<n>a)", "(?<m>b)", "a++", "(?>a*)",
		"(?|(a)|(b))", "\\x41", "[a", "(?<n", "\\1", "\\g{1}", "(?R)?", "\\Qa.b\\E", "[[:^alpha:]]", "\\p{L}", "\\", "(?#c)", "(*UTF)", "a*?",
	}, commonAtoms...)
	compareRules(t, pf, "pcre", atoms, "imsxAEUXq")
}

// TestCharacterClasses looks each byte up in each named class.
func TestCharacterClasses(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	var keys []string
	for c := 1; c < 256; c++ {
		if c != '\n' {
			keys = append(keys, string([]byte{byte(c)}))
		}
	}
	keys = append(keys, "\u00e9", "\u00c9", "\u3000")
	classes := []string{"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit", "word", "ascii"}
	for _, typ := range []string{"regexp", "pcre"} {
		for _, class := range classes {
			for _, flags := range []string{"", "i", "x"} {
				for _, not := range []string{"", "^"} {
					name := typ + "-" + class + "-" + flags + strings.Repeat("not", len(not))
					t.Run(name, func(t *testing.T) {
						compareFile(t, pf, typ, "/etc/postfix/"+name, "/^["+not+"[:"+class+":]]$/"+flags+" in\n", keys)
					})
				}
			}
		}
	}
}

// compareRules compares 250 tables, some of whose lines are damaged.
func compareRules(t *testing.T, pf *postfix.Instance, typ string, atoms []string, flags string) {
	for i := range 250 {
		g := &ruleGenerator{rand.New(rand.NewPCG(1, uint64(i))), atoms, flags}
		text := g.file()
		keys := g.keys("aabbcABC1_-@. d(){}*+|[]", 40)
		ok := t.Run(strconv.Itoa(i), func(t *testing.T) {
			compareFile(t, pf, typ, fmt.Sprintf("/etc/postfix/%s%d", typ, i), text, keys)
		})
		if !ok {
			return
		}
	}
}

func TestCIDRTables(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	for i := range 150 {
		g := &ruleGenerator{Rand: rand.New(rand.NewPCG(2, uint64(i)))}
		var lines []string
		for range 1 + g.IntN(20) {
			lines = append(lines, g.cidrLine())
		}
		var keys []string
		for range 60 {
			keys = append(keys, g.address())
		}
		ok := t.Run(strconv.Itoa(i), func(t *testing.T) {
			compareFile(t, pf, "cidr", fmt.Sprintf("/etc/postfix/cidr%d", i), strings.Join(lines, "\n"), keys)
		})
		if !ok {
			return
		}
	}
}

func (g *ruleGenerator) address() string {
	if g.IntN(3) == 0 {
		return g.pick("::", "2001:db8::", "fe80::", "::1", "2001:db8:0:1::", "::ffff:10.0.0.1", "1:2:3", "::g", "2001:DB8::", "fe80::1%eth0", "::1.2.3.4") + g.pick("", "", "1", "2")
	}
	return g.pick("10", "127", "192", "010", "256", "") + g.pick(".0", ".168", ".1", "") + g.pick(".0", ".1", ".x", ".2") + g.pick(".0", ".1", ".128", ".255", "")
}

func (g *ruleGenerator) cidrPattern() string {
	not := ""
	for g.IntN(6) == 0 {
		not += g.pick("!", "! ")
	}
	mask := g.pick("", "", "/8", "/16", "/24", "/0", "/31", "/33", "/x", "/", "/64", "/128", "/129", "/264", "/99999999999999999999")
	addr := g.pick("10.0.0.0", "10.0.0.1", "10.128.0.0", "127.0.0.0", "192.168.1.0", "0.0.0.0", "::", "2001:db8::", "::1", "::1.2.3.4", "2001:db8:0:1::")
	if g.IntN(4) == 0 {
		addr = g.address()
	}
	switch g.IntN(8) {
	case 0:
		return not + "[" + addr + "]" + mask
	case 1:
		return not + "[" + addr + mask + "]"
	case 2:
		return not + g.pick("[", "") + addr + mask + g.pick("]", "", "]x")
	}
	return not + addr + mask
}

func (g *ruleGenerator) cidrLine() string {
	switch g.IntN(12) {
	case 0:
		return g.pick("# comment", "", "  ", "iffy", "!", "10.0.0.0/8", "if", "endif!")
	case 1, 2:
		return g.pick("if ", "IF\t", "if", "if !") + g.cidrPattern() + g.pick("", "", " ", " extra")
	case 3, 4:
		return g.pick("endif", "ENDIF ", "endif x", "EndIf")
	case 5:
		return "   continued " + g.cidrPattern()
	}
	return g.cidrPattern() + g.pick(" ", "\t", "  ", "") + g.pick("ok", "a  b ", "$1", "REJECT text", "")
}

func TestTexthashAndInlineTables(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	for i := range 150 {
		g := &ruleGenerator{Rand: rand.New(rand.NewPCG(3, uint64(i)))}
		var lines, pairs []string
		for n := range 1 + g.IntN(14) {
			lines = append(lines, g.hashLine(n))
			pairs = append(pairs, g.inlinePair(n))
		}
		keys := []string{"k 1", `"k 1"`, "Grüße", "grüsse", "GRÜSSE", "\xff", "missing", `back\ slash`, "e", "x=y"}
		for n := range 15 {
			keys = append(keys, "key"+strconv.Itoa(n), "KEY"+strconv.Itoa(n), "Key"+strconv.Itoa(n)+":")
		}
		name := fmt.Sprintf("/etc/postfix/texthash%d", i)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel() // postmap pauses before it ends with an error
			compareFile(t, pf, "texthash", name, strings.Join(lines, "\n"), keys)
			spec := "inline:{" + strings.Join(pairs, g.pick(" ", ", ", ",")) + "}" + g.pick("", "", "", "", "", "", "x")
			wantAnswers, wantLog := queryPostmap(pf, spec, keys)
			gotAnswers, gotLog := queryOurs(t, pf.Dir, spec, keys)
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s\n%s", diff, spec)
			}
			if diff := cmp.Diff(wantLog, gotLog); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s\n%s", diff, spec)
			}
		})
	}
}

func (g *ruleGenerator) hashLine(n int) string {
	key := g.pick("key", "Key", "KEY") + strconv.Itoa(n)
	switch g.IntN(16) {
	case 0:
		return g.pick("# comment", "", "  ", "  # comment", "lonely", "\x00nul", "a\x00b c", "\xff\xfe invalid", "open\"quote value", `back\`, " starts with a blank, and is rather long")
	case 1:
		return key + ": " + g.pick("value", "alias, file")
	case 2:
		return g.pick(`"k 1" quoted`, `back\ slash x`, "Grüße v", "GRÜSSE w", "e \x01\x7f", "key1 twice", "ſ long")
	case 3:
		return key + " first\n  second\n# comment\n\tthird "
	}
	return key + g.pick(" ", "\t", "  \t ") + g.pick("value", "a b c", "\"quoted\"", "Größe", "x # not a comment", "1  ")
}

func (g *ruleGenerator) inlinePair(n int) string {
	key := g.pick("key", "Key", "KEY") + strconv.Itoa(n)
	switch g.IntN(14) {
	case 0:
		return g.pick("{a=b}x", "novalue", "=b", "{ = c }", "{", "}", "{}", `"open=x`, "Grüße=v", "\xff=bad", "e=")
	case 1, 2:
		return "{ " + key + " = " + g.pick("a b, c", "", "{nested}", "x") + " }"
	case 3:
		return `{"k 1" = quoted}`
	}
	return key + "=" + g.pick("value", "x=y", "", "{a}")
}
