package compat

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// ruleEdges are rules of regexp and pcre tables that random ones do not hit upon:
// the end of a pattern, two patterns, bytes that are not ASCII, blanks of all
// kinds, NUL, results with and without references, conditions, and the ends of
// lines and of the text.
var ruleEdges = []string{
	"\\a\\ x\n", "\\a\\b\\\n", "/a\\\n\\c\\b\\\n\\d\\ x\n/abc/ y\n",
	"/a\\\n", "/a\\ \n", "/ab\\\n/b/ ok\n", "!/a\\\n", "if /a\\\n/b/ x\nendif\n",
	"/a/!/b/ without\n/b/ with\n", "/a/!!/b/ both\n", "/a/ !/b/ text\n", "!/a/!/b/ neither\n", "/(a)/!/b/ <$1>\n", "/a/!/(/ x\n/a/i!/b/x y\n", "/a/!b/ x\n", "/a/!\n", "/a/!/b/q x\n", "/a/!/b/!/c/ x\n",
	"éaé ok\n", "/a/é x\n", "/a/\xff x\n", "if é\n/a/ x\nendif\n", "ifé a\n", "ifé\xa9 a\n/a/ b\nendif\n", "if /a/\n/a/ x\nendifé\n", "if /a/\n/a/ x\nendif é\n", "if!/a/\n/b/ x\nendif!\n",
	"if\n", "if !\n/a/ x\nendif\n", "!\n", "!!\n/a/ b\n", "\x00\n/a/ b\n", "/a/ x\x00y\n", "/a/\x00 x\n", "/a\x00/ x\n",
	"/a/\vx\n", "/a/\fx\f\n", "/a/ x\r\n", "/a/i\r\n", "if /a/\r\n/a/ x\r\nendif\r\n", "\v/a/ x\n", "/b/ y\n\v/a/ x\n",
	"/(a)(x)?/ <$1$2>\n", "/(x)?a/ $1\n", "/a/ text $foo\n", "/a/ text ${1}\n", "/a/ $(1\n", "/a/ ${1)}\n", "/a/ $1$\n", "/a/ $$1\n", "/(a)/ $$$1$$\n", "/(a)/ a$1b${1}c$(1)d\n", "/(a)/ ${{1}}\n", "/(a)/ $1_x\n", "/(a)/ $-1\n", "/(a)/ $01\n", "/(a)/ $\n", "/(a)/ $é\n", "/(a)/ ${1 }\n",
	"if /a/\nif /b/\n/ab/ x\n", "if /a/\nif /b/\nendif\n/a/ x\n", "endif\nif /a/\nendif\nendif\n/a/ x\n", "if /(/\n/a/ x\nendif\n/b/ y\n", "if /a/q\n/a/ x\nendif\n",
	"# c\n/a/ x\n # d\n y\n#\n\n/b/\n z", "/a/", "/a/ x", "/a", "/", "//", "// x\n", "/a/ " + "x\\\n",
	"aa/a/ x\n", "1 x\n", "if", "endif", "IF /a/\n/a/ x\nENDIF", "iF/a/\n/a/ x\nEnDiF\t\n",
}

// edgeTables are source texts that random tables do not hit upon.
var edgeTables = map[string][]string{
	"regexp": slices.Concat(ruleEdges, []string{
		"/(|a)(a|b)*/ <$1>\n", "/(|a|b)(a|b)*/ <$1>\n", "/(|(|a))(a|b)*/ <$1>\n", "/(b||a)(a|b)*/ <$1>\n", "/(()|a)(a|b)*/ <$1>\n", "/(|a?b)(a|b)*/ <$1>\n",
		"/(.)(.)\\2/ <$1>\n/b/ y\n", "/(.)(.)\\2/ <$2>\n", "/^(.+)@(.+)\\.\\2$/ <$1>\n", "/^(.+)@(.+)\\.\\2$/ <$1><$2>\n", "/(a)(b)(\\2|c)/ <$1>\n", "/(.)()\\1\\2/ <$1>\n", "/(.)(b*)\\2c/ <$1>\n",
		"/^([a*-b]*)+(b*)/ <$1><$2>\n", "/(a*){1,2}/ <$1>\n", "/(a*){1,3}/ <$1>\n", "/((a*)(b*))+$/ <$1><$2><$3>\n", "/[a---z]/ x\n", "/[+---]/ x\n", "/\\>^*$/x y\n",
	}),
	"pcre": ruleEdges,
	"cidr": {
		"10.0.0.0/8é ok\n", "10.0.0.0/8 é\n", "10.0.0.0/8\v ok\n", "10.0.0.0/8 ok\f\n", "if\n", "if!\n", "if !10.0.0.0/8\n::/0 x\nendif\n", "ifé 10.0.0.0/8\n", "if é\n", "if 10.0.0.0/8\n10.0.0.1 x\nendifé\n10.1.2.3 y\n", "if 10.0.0.0/8\n10.0.0.1 x\nendif\xa0\n10.1.2.3 y\n",
		"!\n", "! !10.0.0.1 x\n", "!é x\n", "\x00\n10.0.0.1 x\n", "10.0.0.1\x00 x\n", "10.0.0.1 x\x00y\n", "[10.0.0.0/8]/8 x\n", "[]\n", "[] x\n", "[]/8 x\n", "/8 x\n", "[/8] x\n", "[10.0.0.1] x\n", "[10.0.0.1]/32é x\n", "10.0.0.0/8/8 x\n", "10.0.0.0/\xff x\n",
		"if 10.0.0.0/8\nif 10.1.0.0/16\n10.1.2.3 x\n", "if 10.0.0.0/8 \n10.1.2.3 x\r\nendif\r\n", "if 10.0.0.1/8\n10.1.2.3 x\nendif\n", "10.0.0.0/8", "10.0.0.0/8 x", "10.0.0.1/8 x\n", "::1/64 x\n", "::ffff:10.0.0.0/104 x\n", "::ffff:10.0.0.1/104 x\n", "::1:0/1 x\n",
		"10.0.0.0/008 x\n", "10.0.0.0/+8 x\n", "0/0 x\n", "0.0.0.0/256 x\n", "::/257 x\n", "::/384 x\n",
	},
	"texthash": {
		"a\\\n", "a\\", "a\\ b\n", "a\\ b c\n", "\"a\\\n", "\"a b\" c\n", "a \xa0b\n", "é x\n", "a é\n", "a \xff\n", "\xff a\n", "a\vb\n", "a\fb\f\n", "a b\r\n", "a:\n", "a: b\n", ": b\n", "a\x00 b\n", "a b\x00c\n", "\x00\na b\n", "a b\na c\nA d\n", "\" a b\n", "a\"b c\n", "a\" \"b c\n", "k\\ x\n",
		" # x\na b\n", "  x\na b\n", "a\n b\n", "a\n#\n\n  \n\tb\n", "a b\n\x00\n c\n",
	},
}

func TestTableEdges(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	keys := []string{"c", "abb", "x@y.y", "xx", "acb", "a", "b", "ab", "ba", "abc", `a\`, "10.0.0.1", "10.1.2.3", "::1", "é", "key", "k", `k\`}
	for typ, texts := range edgeTables {
		for i, text := range texts {
			t.Run(fmt.Sprintf("%s/%q", typ, text), func(t *testing.T) {
				t.Parallel() // postmap pauses before it ends with an error
				postfix.Case(t)
				compareFile(t, pf, typ, fmt.Sprintf("/etc/postfix/%s-edge%d", typ, i), text, keys)
			})
		}
	}
}

// TestRegexpLines has a newline in the key, which postmap takes as an argument.
func TestRegexpLines(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	const key = "ab\nc d"
	for _, rule := range []string{
		"/b$.c/ x", "/b($|;).c/ x", "/b($|;).(c)/ <$2>", "/b$/ x", "/b$c/ x", "/b.^c/ x", "/b.(^|;)(c)/ <$2>", "/^c/ x", "/b.\\`c/ x", "/b\\'.c/ x",
		"/b$.c/m x", "/^(c)/m <$1>", "/b(\\W)c/m <$1>", "/b[^a](c)/m x", "/b.c/m x", "/b$/m x", "/d.e/m x", "/b(\\s)c/m <$1>", "/b\\Sc/m x", "/b(\\W)c/ <$1>", "/b([^a]c)/ <$1>",
	} {
		t.Run(rule, func(t *testing.T) {
			postfix.Case(t)
			spec := "regexp:{{" + rule + "}}"
			r := pf.Run("/usr/sbin/postmap", "-q", key, spec)
			got, log := queryOurs(t, pf.Dir, spec, []string{key})
			if got = strings.TrimPrefix(got, key+"\t"); got != r.Stdout || len(log) > 0 || r.Stderr != "" {
				t.Errorf("postmap %q %s, ours %q %v", r.Stdout, r.Stderr, got, log)
			}
		})
	}
}

// edgeSpecs are names of tables, most of them with the table in the name.
var edgeSpecs = []string{
	`inline:{a\ b=c}`, `inline:{a\=b=c}`, `inline:{{a\ b=c}}`, `inline:{{a\=b = c d}}`, `inline:{{a\}}`, `inline:{{a\=}}`, `inline:{a\}`, `inline:{{"a=b"=c}}`, `inline:{{"a b" c=d}}`, `inline:{{a b=c}}`, `inline:{{a	=	b}}`, "inline:{{a\v=\vb\v}}", "inline:{{a\xc2\xa0=b}}", "inline:{a=b\vc}", "inline:{\va=b}", `inline:{{}=a}`, `inline:{{=a}}`, `inline:{{ }}`, `inline:{{}}`, `inline:{,}`, `inline:{ }`, `inline:{a=b,a=c}`, `inline:{A=b,a=c}`, `inline:{a=b}{c=d}`, `inline:{a=b} `, `inline: {a=b}`, `inline:a=b`, `inline:{a=b`, `inline:a=b}`, `inline:{{a=b}c=d}`, `inline:{{a=b},{a=c}d}`, `inline:{a={b}}`, `inline:{a={b}c}`, `inline:{a={b c}}`, `inline:{{a={b}}}`, `inline:{a=$b}`, `inline:{#=b}`, `inline:{a=}`, `inline:{{a=}}`, `inline:{"a"=b}`, `inline:{a"b"=c}`, `inline:{a"=b}`, `inline:{"=b}`, `inline:{\=b}`, `inline:{é=É}`, `inline:{É=é}`,
	`static:{a}`, `static:{ a b }`, `static:{a`, `static:{a}b`, `static:{}`, `static:{ }`, `static:a b`, `static: a`, `static:a}`, `static:{{a}}`, "static:{\va\v}", "static:\xff", "static:é",
	`randmap:{a}`, `randmap:{ a , }`, `randmap:{{a b}}`, `randmap:{{a}b}`, `randmap:{}`, `randmap:{ }`, `randmap:{a`, `randmap:a`, `randmap:{a}b`, `randmap:{,}`, "randmap:{\v}",
	`unionmap:{static:a,static:b}`, `unionmap:{static:a static:a}`, `unionmap:{static:{a b},inline:{a=c}}`, `unionmap:{static:a`, `unionmap:static:a`, `unionmap:{static:a}x`, `unionmap:{}`, `unionmap:{ }`, `unionmap:{static}`, `unionmap:{static:a,x}`, `unionmap:{unionmap:{static:a,static:b},static:c}`, `unionmap:{fail:x,static:a}`, `unionmap:{static:a,fail:x}`, `unionmap:{inline:{k=v},static:a}`, `unionmap:{regexp:{{/a/}},static:a}`, `unionmap:{static:a,regexp:{{/a/}}}`, `unionmap:{regexp:{{/a/}},regexp:{{/b/ x}}}`, `unionmap:{static:a,hash:/nonexistent}`, `unionmap:{:x}`, `unionmap:{x:}`, `unionmap:{static:a,:}`, `unionmap:{inline:{A=x},inline:{a=y}}`, `unionmap:{regexp:{{/^A$/ x}},inline:{a=y}}`, `unionmap:{inline:{a=y},pcre:{{/^A$/i big}}}`, `unionmap:{pcre:{{/^A$/i big}},inline:{a=y}}`,
	`pipemap:{inline:{a=b},inline:{b=c}}`, `pipemap:{inline:{a=B},inline:{b=c}}`, `pipemap:{regexp:{{/^(.*)$/ $1x}},inline:{ax=y,Ax=z}}`, `pipemap:{inline:{a=B},regexp:{{/^(.*)$/ <$1>}}}`, `pipemap:{static:a}`, `pipemap:{static:a,fail:x}`, `pipemap:{inline:{b=c},fail:x}`, `pipemap:{static:{},static:b}`, `pipemap:{static:{ },inline:{a=b}}`, `pipemap:{static:a,pipemap:{inline:{a=b},static:c}}`, `pipemap:{static:` + "\xff" + `,static:b}`, `pipemap:{}`, `pipemap:{a}`, `pipemap:{static:a,cidr:{{10.0.0.0/8 x}}}`, `pipemap:{static:10.0.0.1,cidr:{{10.0.0.0/8 x}}}`,
	`regexp:{{/a/ x},{/b/ y}}`, `regexp:{/a/ x}`, `regexp:{{/a/ x}`, `regexp:{{/a/ x}}y`, `regexp:{{/a/ x}y}`, `regexp:{{/a/ x}{/b/ y}}`, `regexp:{}`, `regexp:{ }`, `regexp:{{}}`, `regexp:{{ }}`, `regexp:{{#}}`, `regexp:{{# c},{/a/ x}}`, `regexp:{{ /a/ x }}`, "regexp:{{/a/ x\n /b/ y}}", "regexp:{{/a/ x\n/b/ y}}", `regexp:{{if /a/},{/b/ x},{endif}}`, `regexp:{{/a{2}/ x}}`, `regexp:{{/a{2/ x}}`, `regexp:{{/a}/ x}}`, `regexp:{{/\{/ x}}`, `regexp:{{/a/ {x}}}`, `regexp:{{/(a)/ ${1}}}`, `regexp:{{/a/ x},}`, `regexp:{,{/a/ x}}`, `regexp:{{{/a/ x}}}`, "regexp:{{/a/ \xff}}",
	`cidr:{{10.0.0.0/8 x}}`, `cidr:{{if 10.0.0.0/8},{10.0.0.1 x},{endif}}`, `cidr:{10.0.0.0/8=x}`, `cidr:{{10.0.0.0/8}}`, `pcre:{{/a{1,}/ x}}`, `pcre:{/a/ x}`,
	`texthash:{a=b}`, `environ:x`, `environ:`, `internal:x`, `internal:{a=b}`, `fail:x`, `fail:`, `foo:`, `:`, `:x`, `texthash:`, `texthash:/`, `texthash:/etc`, `cidr:/etc`, `hash:/etc`, `cdb:/etc`, `lmdb:/etc`, `btree:/etc`, `hash:x`, `unix:foo`, `unix:passwd.byname`, `unix:group.byname`, `tcp:`, `socketmap:x`, `socketmap:inet:x`, `socketmap:x:y`, `socketmap:x:y:z`, `socketmap::y:z`, `socketmap:inet::z`, `socketmap:unix::z`, `socketmap:local:/nonexistent:z`, `socketmap:INET:x:y:z`, `memcache:/nonexistent`, `memcache:/etc`, `memcache:./x`, `memcache:.`,
}

func TestTableSpecs(t *testing.T) { testTableSpecs(t, true) }

// TestTableSpecsWithoutUTF8 is TestTableSpecs where keys are bytes: each type folds
// them by itself then, if it does.
func TestTableSpecsWithoutUTF8(t *testing.T) { testTableSpecs(t, false) }

func testTableSpecs(t *testing.T, utf8 bool) {
	pf := postfix.New(t, postfix.Options{})
	if !utf8 {
		pf.AppendMain("smtputf8_enable = no")
	}
	keys := []string{"a", "A", "b", "a b", `a\ b`, `a\=b`, `"a=b"`, "ab", `a\`, "10.0.0.1", "é", "É", "x", "k", "ax", `"a"`, `\`, `\=b`, "ROOT", "PATH"}
	for _, spec := range edgeSpecs {
		t.Run(fmt.Sprintf("%q", spec), func(t *testing.T) {
			t.Parallel() // postmap pauses before it ends with an error
			postfix.Case(t)
			wantAnswers, wantLog := queryPostmap(pf, spec, keys)
			gotAnswers, gotLog := queryOursUTF8(t, pf.Dir, spec, keys, utf8)
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(lookupErrors(wantLog), lookupErrors(gotLog)); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
		})
	}
}

// TestIndexedEdges asks indexed files for the empty key, which a pipemap may come to, and
// for keys that are longer than the type allows.
func TestIndexedEdges(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	long := func(n int) string { return strings.Repeat("k", n) }
	for _, typ := range []string{"hash", "btree", "cdb", "lmdb"} {
		for i, text := range []string{"", "a b\nc d\n" + long(400) + " long\n"} {
			name := fmt.Sprintf("/etc/postfix/%s-edges%d", typ, i)
			pf.WriteFile(name, text, 0o644)
			pf.MustRun("/usr/sbin/postmap", typ+":"+name)
			for _, keys := range [][]string{{"", "a"}, {"a", "", "c"}, {"b", ""}, {long(510), long(511), long(512), long(400)}, {long(5000), "a"}, {long(70000), "a"}} {
				for _, spec := range []string{typ + ":%s", "pipemap:{regexp:{{/^b?()$/ $1},{/^(.*)$/ $1}}," + typ + ":%s}"} {
					t.Run(fmt.Sprintf("%s of %d/%.20q", fmt.Sprintf(spec, "x"), len(text), keys), func(t *testing.T) {
						t.Parallel() // postmap pauses before it ends with an error
						postfix.Case(t)
						wantAnswers, wantLog := queryPostmap(pf, fmt.Sprintf(spec, name), keys)
						gotAnswers, gotLog := queryOurs(t, pf.Dir, fmt.Sprintf(spec, pf.Path(name)), keys)
						if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
							t.Errorf("answers (-postmap +ours):\n%.2000s", diff)
						}
						for i := range gotLog {
							gotLog[i] = strings.ReplaceAll(gotLog[i], pf.Dir, "")
						}
						if diff := cmp.Diff(wantLog, gotLog); diff != "" {
							t.Errorf("log (-postmap +ours):\n%s", diff)
						}
					})
				}
			}
		}
	}
}

// lookupErrors writes the end of both programs after a failed lookup alike, and
// keeps the errors of opening a table.
func lookupErrors(log []string) []string {
	for i, line := range log {
		if strings.HasPrefix(line, "fatal: ") && (strings.Contains(line, ": query error") || strings.Contains(line, " always fails") || strings.Contains(line, ": lookup error: ") || line == "fatal: non-UTF-8 value") {
			log[i] = "fatal: query error"
		}
	}
	return log
}
