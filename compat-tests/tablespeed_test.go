package compat

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// speedLookups is how many keys each table is asked for.
const speedLookups = 100_000

// speedCase is one table in both programs.
type speedCase struct {
	label     string
	typ, name string // name is inside the private root
	source    string
	indexed   bool // made by postmap
	keys      []string
}

// speedCases are tables of about the sizes that servers have, asked for keys
// of which half are there.
func speedCases() []speedCase {
	g := rand.New(rand.NewPCG(4, 4))
	const records = 100_000
	var text strings.Builder
	for i := range records {
		fmt.Fprintf(&text, "host%d.example.com\tvalue of record %d\n", i, i)
	}
	var names, addresses []string
	for range speedLookups {
		names = append(names, fmt.Sprintf("host%d.example.com", g.IntN(2*records)))
		addresses = append(addresses, fmt.Sprintf("10.%d.%d.%d", g.IntN(8), g.IntN(256), g.IntN(256)))
	}
	var cidr, patterns strings.Builder
	for i := range 200 {
		fmt.Fprintf(&cidr, "10.%d.%d.0/%d net%d\n", i%4, i&0xfc, 22+i%3-i%3, i)
	}
	for i := range 20 {
		fmt.Fprintf(&patterns, "/^host[0-9]*%d%d\\.(example|invalid)\\.com$/ found $1 %d\n", i%10, i/2, i)
	}
	// Checks of content: many patterns of several kinds, of which few match.
	word := func() string {
		return fmt.Sprintf("%c%c%c%x", 'a'+g.IntN(26), 'a'+g.IntN(26), 'a'+g.IntN(26), g.IntN(256))
	}
	var checks strings.Builder
	for i := range 500 {
		pattern := []string{"%s %s", "^%s.*%s", "(%s|%s)[0-9]{2,4}", "https?:\\/\\/[^ ]*%s\\.(%s|com)", "\\b%s[^a-z]+%s\\b"}[i%5]
		fmt.Fprintf(&checks, "/"+pattern+"/ REJECT rule %d\n", word(), word(), i)
	}
	var text60 []string
	for range speedLookups / 10 {
		line := word()
		for len(line) < 60 {
			line += " " + word()
		}
		text60 = append(text60, line)
	}
	var cases []speedCase
	for _, typ := range []string{"hash", "btree", "cdb", "lmdb"} {
		cases = append(cases, speedCase{typ, typ, "/etc/postfix/speed-" + typ, text.String(), true, names})
	}
	return append(cases,
		speedCase{"texthash", "texthash", "/etc/postfix/speed-texthash", text.String(), false, names},
		speedCase{"cidr", "cidr", "/etc/postfix/speed-cidr", cidr.String(), false, addresses},
		speedCase{"regexp", "regexp", "/etc/postfix/speed-regexp", patterns.String(), false, names},
		speedCase{"pcre", "pcre", "/etc/postfix/speed-pcre", patterns.String(), false, names},
		speedCase{"regexp, 500 checks of 10000 lines", "regexp", "/etc/postfix/speed-regexp-checks", checks.String(), false, text60},
		speedCase{"pcre, 500 checks of 10000 lines", "pcre", "/etc/postfix/speed-pcre-checks", checks.String(), false, text60},
		speedCase{"inline", "inline", "{a=b, host1.example.com=c, host2.example.com=d}", "", false, names},
		speedCase{"static", "static", "all", "", false, names},
		speedCase{"pipemap", "pipemap", "{cdb:/etc/postfix/speed-cdb, static:x}", "", false, names},
		speedCase{"unionmap", "unionmap", "{cdb:/etc/postfix/speed-cdb, static:x}", "", false, names},
	)
}

func (c speedCase) prepare(pf *postfix.Instance) {
	if c.source != "" {
		pf.WriteFile(c.name, c.source, 0o644)
	}
	if c.indexed {
		pf.MustRun("/usr/sbin/postmap", c.typ+":"+c.name)
	}
}

// oursSpec is the specification outside the root.
func (c speedCase) oursSpec(pf *postfix.Instance) string {
	if c.source != "" {
		return c.typ + ":" + pf.Path(c.name)
	}
	return c.typ + ":" + strings.ReplaceAll(c.name, "/etc/postfix/", pf.Path("/etc/postfix")+"/")
}

// BenchmarkTables opens a table and looks keys up, 100,000 for one operation,
// in postmap and in ours.
func BenchmarkTables(b *testing.B) {
	pf := postfix.New(b, postfix.Options{})
	for _, c := range speedCases() {
		c.prepare(pf)
		input := []byte(strings.Join(c.keys, "\n") + "\n")
		b.Run(c.label+"/postmap", func(b *testing.B) {
			for b.Loop() {
				pf.RunInput(input, "/usr/sbin/postmap", "-q", "-", c.typ+":"+c.name)
			}
		})
		b.Run(c.label+"/ours", func(b *testing.B) {
			spec := c.oursSpec(pf)
			for b.Loop() {
				queryOurs(b, pf.Dir, spec, c.keys)
			}
		})
	}
}

// TestTableSpeed prints the same comparison as a table, if asked for: it takes
// a while, and what it prints depends on what else the machine does.
func TestTableSpeed(t *testing.T) {
	if os.Getenv("QMQPD_TABLE_SPEED") == "" {
		t.Skip("QMQPD_TABLE_SPEED is not set; see make table-speed")
	}
	pf := postfix.New(t, postfix.Options{})
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d lookups\tpostmap -q -\tours\tpostmap/ours\t\n", speedLookups)
	for _, c := range speedCases() {
		c.prepare(pf)
		input := []byte(strings.Join(c.keys, "\n") + "\n")
		spec := c.oursSpec(pf)
		var want, got string
		theirs := best(syscall.RUSAGE_CHILDREN, func() {
			want = pf.RunInput(input, "/usr/sbin/postmap", "-q", "-", c.typ+":"+c.name).Stdout
		})
		ours := best(syscall.RUSAGE_SELF, func() { got, _ = queryOurs(t, pf.Dir, spec, c.keys) })
		if want != got {
			t.Errorf("%s: answers differ", c.label)
		}
		fmt.Fprintf(out, "%s\t%d ms\t%d ms\t%.1f\t\n", c.label, theirs.Milliseconds(), ours.Milliseconds(), float64(theirs)/float64(ours))
	}
	out.Flush()
}

// best is the least processor time of three runs.
func best(whose int, run func()) time.Duration {
	least := time.Duration(1 << 62)
	for range 3 {
		start := processorTime(whose)
		run()
		least = min(least, processorTime(whose)-start)
	}
	return least
}

func processorTime(whose int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(whose, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
