package compat

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// The messages of TestIncomingRandomTables come in rounds, each with a Postfix of
// its own: so many settings, and so many messages for each of them.
const (
	roundSettings = 10
	roundMessages = 16
)

// TestIncomingRandomTables is TestIncomingRandom for lookup tables that are as
// random as the messages: addresses and texts of a message come from the words that
// the tables of its settings are made of, so that most messages are found in some.
// What is said about bad tables when they are opened has to be the same, too.
func TestIncomingRandomTables(t *testing.T) {
	t.Parallel()
	count, seed := randomRun(t, roundSettings*roundMessages)
	h := hits{counts: make(map[string]int)}
	bad := 0
	for from := 0; from < count; from += roundSettings * roundMessages {
		// The number of a round is all that it takes to run it again.
		round, n := seed+uint64(from), min(count-from, roundSettings*roundMessages)
		t.Run(fmt.Sprintf("%s=%d", randomSeed, round), func(t *testing.T) { bad += randomTablesRound(t, &h, round, n) })
		const enough = 12
		if bad >= enough {
			t.Fatal("too many differences")
		}
	}
	t.Logf("%d messages, of which %d met a table or were masqueraded, and %d were queued", h.messages, h.found, h.queued)
	for _, name := range slices.Sorted(maps.Keys(h.counts)) {
		t.Logf("%6d %s", h.counts[name], name)
	}
	if h.messages >= 100 && h.found*2 < h.messages {
		t.Errorf("only %d of %d messages were found in a table", h.found, h.messages)
	}
	if h.messages >= 4000 {
		for _, name := range slices.Concat(mapKinds, checkKinds, logKinds) {
			if h.counts[name] == 0 {
				t.Errorf("no message met %s", name)
			}
		}
	}
}

// randomTablesRound sends n messages, and returns with how many of the settings
// there were differences.
func randomTablesRound(t *testing.T, h *hits, seed uint64, n int) (bad int) {
	worlds := make(map[string]*tableWorld)
	variants := make(map[string]settings)
	files := make(map[string]string)
	for i := range min(roundSettings, (n+roundMessages-1)/roundMessages) {
		w := newTableWorld(generator{rand.New(rand.NewPCG(seed, uint64(i+1)))}, fmt.Sprintf("tables%d", i))
		worlds[w.name], variants[w.name] = w, w.set
		maps.Copy(files, w.files)
	}
	d := newDuel(t, commonMain, variants, files)
	// Tables of type unix are looked up in the jail.
	accounts, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	d.rival.pf.WriteFile(postfix.QueueDir+"/etc/passwd", string(accounts), 0o644)
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		for _, file := range slices.Sorted(maps.Keys(worlds[name].indexed)) {
			d.index(worlds[name].indexed[file], file)
		}
	}
	var w *tableWorld
	done := false
	defer func() {
		if !done && w != nil {
			t.Logf("at %s\n%s", w.name, w)
		}
	}()
	for i := range n {
		w = worlds[fmt.Sprintf("tables%d", i/roundMessages)]
		if w.failed {
			continue
		}
		w.generator = generator{rand.New(rand.NewPCG(seed+uint64(i), 0))}
		host := w.host(t)
		req := w.submission()
		postfix.Case(t)
		if !d.compare(t, w.name, host, req) {
			t.Errorf("difference in message %d under %s\n%s", i, w.name, w)
			w.failed = true
			bad++
		}
		h.add(req, d.last)
	}
	done = true
	return bad
}

// index makes an indexed table of one of the files, for both sides.
func (d *duel) index(typ, file string) {
	d.t.Helper()
	source := filepath.Join(d.dir, file)
	// What is bad in the file is said here, and not by who opens the table.
	d.rival.pf.Run("/usr/sbin/postmap", typ+":"+source)
	path := source + map[string]string{"hash": ".db", "btree": ".db", "cdb": ".cdb", "lmdb": ".lmdb"}[typ]
	data, err := os.ReadFile(d.rival.pf.Path(path))
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// The names under which hits are counted: by the mapping, or by the action or the
// trouble that is in the log. Addresses that a mapping gives are in a domain with
// its name.
var (
	mapKinds   = []string{"canonical", "sender-canonical", "recipient-canonical", "virtual", "sender-bcc", "recipient-bcc", "masquerade"}
	checkKinds = []string{"reject: header", "reject: body", "warning: header", "warning: body", "info: header", "info: body", "filter: header", "filter: body", "pass: header", "pass: body",
		"discard: header", "discard: body", "hold: header", "hold: body", "prepend: header", "prepend: body", "replace: header", "replace: body", "redirect: header", "redirect: body",
		"bcc: header", "bcc: body", "strip: header", "strip: body", "ignored header", "ignored body line"}
	logKinds = []string{"unknown command", "bad FILTER command", "missing FILTER command", "bad REDIRECT target", "bad BCC address", "bad PREPEND header text", "bad REPLACE header text",
		"PREPEND action without text", "REPLACE action without text", "bad DSN action", "map lookup problem", "is unavailable", "non-address result", "multi-valued", "map nesting", "map expansion size",
		"unreasonable virtual_alias_maps result"}
)

// hits counts what tables did to messages.
type hits struct {
	messages, found, queued int
	counts                  map[string]int
}

var actionLine = regexp.MustCompile(`^QUEUEID: ([a-z]+: (?:header|body)) `)

func (h *hits) add(req submission, res result) {
	seen := make(map[string]bool)
	file := strings.Join(res.file, "\n")
	for _, kind := range mapKinds {
		seen[kind] = strings.Contains(file, "@"+kind+".hit")
	}
	// Whoever is found there was in a domain below it.
	seen["masquerade"] = strings.Contains(file, "@masquerade.hit") && strings.Contains(req.message+req.sender+strings.Join(req.recipients, " "), ".masquerade.hit")
	for _, l := range res.log {
		if m := actionLine.FindStringSubmatch(l); m != nil {
			seen[m[1]] = true
		}
		for _, kind := range logKinds {
			if strings.Contains(l, kind) {
				seen[kind] = true
			}
		}
	}
	if file != "" {
		seen["ignored header"] = strings.HasPrefix(req.message, "X-Ignored: zq7") && !strings.Contains(file, "X-Ignored: zq7")
		seen["ignored body line"] = strings.Contains(req.message, "\nignore zq8\n") && !strings.Contains(file, "ignore zq8")
	}
	h.messages++
	if file != "" {
		h.queued++
	}
	found := false
	for kind, yes := range seen {
		if yes {
			h.counts[kind]++
			found = true
		}
	}
	if found {
		h.found++
	}
}

// tableWorld is a set of settings with random tables, and the few words that these
// and their messages are made of.
type tableWorld struct {
	generator
	name    string
	set     settings
	files   map[string]string // tables, by name
	indexed map[string]string // types of those that postmap(1) makes, by name of the source
	locals  []string          // in internal form
	domains []string
	tables  []string // those of addresses that there are already
	checks  []string // those of texts
	header  []sample
	body    []sample
	failed  bool
}

// String shows the settings and the tables.
func (w *tableWorld) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.set)) {
		fmt.Fprintf(&b, "%s = %s\n", name, w.set[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		fmt.Fprintf(&b, "%s:\n%q\n", name, w.files[name])
	}
	return b.String()
}

// sample is a pattern, the number of its groups, and texts in which it is found.
type sample struct {
	pattern string
	groups  int
	texts   []string
}

var headerSamples = []sample{
	{`^X-Do: *(.*)`, 1, nil}, // its texts are actions
	{`^X-(Alpha|Beta): *([a-z]+) *(.*)`, 3, []string{"X-Alpha: one", "X-Beta: two three", "x-alpha:four  five\n six", "X-BETA: Seven 8"}},
	{`^subject: *(secret|spam) *(.*)`, 2, []string{"Subject: secret plan", "Subject: spam", "SUBJECT:SPAM \u00e4"}},
	{`^(To|Cc|Resent-To): `, 1, nil},
	{`^From: .*<(.*)>`, 1, []string{"From: Joe <joe@x.example>"}},
	{`^Received: .*QMQP`, 0, nil},
	{`^Message-Id: *<([^@]*)@(.*)>`, 2, []string{"Message-ID: <5.3@x.example>", "Message-Id: <a>"}},
	{`^Content-Type: *([a-z]+)/([a-z]+)`, 2, []string{"Content-Type: text/plain"}},
	{`^Content-(Description|Disposition): *(.*)`, 2, []string{"Content-Description: 5", "Content-Disposition: attach\n folded"}},
	{`^X-Folded: (.*)`, 1, []string{"X-Folded: a\n b\n\tc", "X-Folded: d"}},
	{`^Received: by (.*)`, 1, []string{"Received: by x", "received: by\n y"}},
	{`^X-Ignored:`, 0, []string{"X-Ignored: zq7"}},
	{"\u00e4|\xe4", 0, []string{"X-Eight: \u00e4", "X-Eight: \xe4"}},
	{`^Tls-Required: *(no)`, 1, []string{"TLS-Required: no"}},
	{`^MIME-Version: *(1)`, 1, []string{"MIME-Version: 1.0"}},
	{`^.{60}`, 0, []string{"X-Long: " + strings.Repeat("long ", 30)}},
	{`^X-Nul: (.)`, 1, []string{"X-Nul: a\x00b", "X-Nul: \x00"}},
	{`^X-Deep: .*(virus [0-9]*)`, 1, []string{"X-Deep: " + strings.Repeat("x", 2030) + " virus 12", "X-Deep: " + strings.Repeat("x\n ", 700) + "virus 12", "X-Deep:\n\n virus 1", "X-Deep:virus 2 \t"}},
	{`.`, 0, nil},
}

var bodySamples = []sample{
	{`^DO (.*)`, 1, nil},
	{`^key=([a-z]*) *(.*)$`, 2, []string{"key=value more", "key= 5", "KEY=x"}},
	{`^$`, 0, []string{""}},
	{`virus ([0-9]+)`, 1, []string{"a virus 12 here", "VIRUS 4"}},
	{`^ignore`, 0, []string{"ignore zq8"}},
	{`^--(b1|b2)`, 1, []string{"--b1x", "--b2--"}},
	{`[^ -~]`, 0, []string{"\u00e4", "\xff", "bell\a"}},
	{`^(From) `, 1, []string{"From here"}},
	{`.{60}`, 0, []string{strings.Repeat("long ", 30)}},
	{`^192\.0\.2\.([0-9])`, 1, []string{"192.0.2.7", "192.0.2.70"}},
	{`^2001:db8::`, 0, []string{"2001:db8::1"}},
	{`^nul(.*)`, 1, []string{"nul\x00nul", "nul\x00"}},
	{`deep (virus [0-9]*)`, 1, []string{strings.Repeat("x", 2030) + " deep virus 12", strings.Repeat("x", 2040) + " deep virus 12", strings.Repeat("x ", 2060) + " deep virus 12"}},
	{`.`, 0, []string{"text"}},
}

// checkResults are results of checks, with references to groups from which number
// on. What ends a message is rare.
var checkResults = [][]string{
	{"WARN", "WARN text", "INFO x", "INFO all $$ of it", "FILTER smtp:[192.0.2.1]", "FILTER nothing", "FILTER", "PASS", "PASS x", "HOLD", "HOLD z", "PREPEND X-New: a", "PREPEND new", "PREPEND", "PREPEND To: joe@x.example",
		"REPLACE X-Other: b", "REPLACE To: joe, bob@x.example", "REPLACE plain", "REPLACE", "REDIRECT re@redirect.hit", "REDIRECT a", "REDIRECT", "BCC copy@bcc.hit", "BCC x", "BCC", "STRIP", "STRIP s", "IGNORE", "IGNORE i",
		"DUNNO", "OK", "DELAY 1h", "nonsense", "hold", "replace Subject: secret again", "PREPEND X-Alpha: again", "REPLACE X-Alpha: again and", "PREPEND key=again", "REPLACE ", "  WARN  two ", "QUARANTINE x", "BCC j\u00f6@bcc.hit", "PREPEND X-\u00f6: y",
		"REPLACE Content-Type: multipart/mixed; boundary=b1", "PREPEND Resent-From: re@x.example", "UNKNOWN", "DUNNO", "INFO", "LOG x", "FILTER x:$$"},
	{"WARN saw $1", "REPLACE X-New: $1", "PREPEND X-Pre-$1: ${1}", "PREPEND X-Pre: <$1>", "REPLACE $1", "PREPEND $1", "REDIRECT $1@redirect.hit", "BCC $(1)@bcc.hit", "FILTER smtp:[$1]", "HOLD $1", "INFO $$1 $1$1", "$1", "$1", "STRIP $1", "IGNORE $1", "PASS $1", "${1} x", "REDIRECT $1", "BCC $1"},
	{"WARN $2 $1", "REPLACE X-$1: ${2}.", "PREPEND X-Pre: $(2)", "INFO $2", "$2", "REPLACE Subject: [$1] $2", "REDIRECT $1@$2", "BCC $2@$1"},
	{"WARN $3 $2 $1", "REPLACE X-$1: $3 $2", "INFO $3"},
}

var endResults = [][]string{
	{"REJECT", "REJECT no thanks", "REJECT 4.2.2 later", "REJECT 5.9.9 never", "REJECT 2.0.0 fine?", "REJECT 2.5.1", "reject 5.1", "DISCARD", "DISCARD y"},
	{"REJECT 5.7.$1 no $1", "REJECT $1", "DISCARD $1", "REJECT ${1}.1.1 x"},
}

func newTableWorld(g generator, name string) *tableWorld {
	w := &tableWorld{generator: g, name: name, set: make(settings), files: make(map[string]string), indexed: make(map[string]string)}
	some := func(n int, from ...string) []string {
		g.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		return from[:n]
	}
	w.locals = some(4, "a", "joe", "bob", "u+e", "u-e", "u", "q q", "j\u00f6", "J\u00d6", "x.y", "owner-list", "list-request", "list", "MiXed", "postmaster", "double-bounce", "\xe4", "1.2.3.4", "a,b", "mailer-daemon+x", "x+y-z", "", "Stra\u00dfe", "\u0130x", "\u03a3\u03c2", "\u1e9e", "abuse+", "-x", "a\"b", "t\tt", "n\nn", "z\x00z", "MAILER-DAEMON", "root", "a@b")
	w.domains = append(some(2, "x.example", "local.example.org", "mx.example.org", "example.org", "[127.0.0.1]", "[IPv6:::1]", "\u00f6.example", "Y.Example", "other.example", "host"), some(2, "a.masquerade.hit", "masquerade.hit", "b.a.masquerade.hit", "c.masquerade.hit", "")...)
	maybe := func(percent int, parameter string, value func() string) {
		if g.IntN(100) < percent {
			w.set[parameter] = value()
		}
	}
	maybe(90, "recipient_delimiter", func() string { return g.pick("", "+", "+", "-", "+-", "=+", ".", "-+.") })
	maybe(45, "canonical_maps", w.addressTables("canonical"))
	maybe(35, "sender_canonical_maps", w.addressTables("sender-canonical"))
	maybe(35, "recipient_canonical_maps", w.addressTables("recipient-canonical"))
	maybe(60, "virtual_alias_maps", w.addressTables("virtual"))
	// An empty list of classes has to be written with a comma.
	words := func(none string, names ...string) func() string {
		return func() string {
			return cmp.Or(strings.Join(some(g.IntN(len(names)+1), names...), g.pick(", ", ",", " ", ",,\t")), none)
		}
	}
	classes := func(names ...string) func() string { return words(",", names...) }
	maybe(40, "canonical_classes", classes("envelope_sender", "envelope_recipient", "header_sender", "header_recipient"))
	maybe(40, "sender_canonical_classes", classes("envelope_sender", "header_sender"))
	maybe(40, "recipient_canonical_classes", classes("envelope_recipient", "header_recipient"))
	maybe(60, "propagate_unmatched_extensions", words("", "canonical", "virtual", "alias", "forward", "include", "generic"))
	if g.one(3) {
		w.set["masquerade_domains"] = strings.Join(some(1+g.IntN(3), "masquerade.hit", "masquerade.hit", "!a.masquerade.hit", "!!c.masquerade.hit", "Masquerade.HIT", "x.example", "hit", "!masquerade.hit", "\u00f6.example", "!"), g.pick(" ", ", "))
		maybe(50, "masquerade_classes", words("", "envelope_sender", "envelope_recipient", "header_sender", "header_recipient"))
		maybe(50, "masquerade_exceptions", func() string {
			return g.pick("root", "!root", w.quoted(g.pick(w.locals...)), w.quoted(g.pick(w.locals...))) + g.pick("", ", "+w.localTable())
		})
	}
	maybe(55, "header_checks", w.checkTables(headerSamples, &w.header))
	maybe(35, "mime_header_checks", w.checkTables(headerSamples, &w.header))
	maybe(35, "nested_header_checks", w.checkTables(headerSamples, &w.header))
	maybe(45, "body_checks", w.checkTables(bodySamples, &w.body))
	maybe(40, "sender_bcc_maps", w.addressTables("sender-bcc"))
	maybe(40, "recipient_bcc_maps", w.addressTables("recipient-bcc"))
	maybe(15, "body_checks_size_limit", func() string { return g.pick("0", "1", "20", "100") })
	maybe(20, "virtual_alias_expansion_limit", func() string { return g.pick("1", "2", "3", "5") })
	maybe(20, "virtual_alias_recursion_limit", func() string { return g.pick("1", "2", "3", "20") })
	maybe(20, "virtual_alias_address_length_limit", func() string { return g.pick("10", "20", "60") })
	maybe(20, "virtual_alias_domains", func() string { return g.pick(w.domains...) + " virtual.hit" })
	maybe(15, "always_bcc", func() string { return w.value("always") })
	maybe(20, "owner_request_special", func() string { return "no" })
	maybe(10, "double_bounce_sender", func() string { return g.pick("j\u00f6", "u+e", "x-y") })
	maybe(20, "enable_original_recipient", func() string { return "no" })
	maybe(10, "duplicate_filter_limit", func() string { return g.pick("0", "1", "2") })
	maybe(25, "smtputf8_enable", func() string { return "no" })
	maybe(25, "smtputf8_autodetect_classes", func() string { return g.pick("all", "qmqpd", "bounce") })
	maybe(15, "append_at_myorigin", func() string { return "no" })
	maybe(10, "append_dot_mydomain", func() string { return "yes" })
	maybe(8, "swap_bangpath", func() string { return "no" })
	maybe(8, "allow_percent_hack", func() string { return "no" })
	maybe(15, "myorigin", func() string { return g.pick("x.example", "a.masquerade.hit", "host") })
	maybe(25, "local_header_rewrite_clients", func() string { return g.pick("", "static:all", "permit_inet_interfaces") })
	maybe(25, "remote_header_rewrite_domain", func() string { return g.pick("", "remote.hit", "domain.invalid") })
	maybe(15, "info_log_address_format", func() string { return "internal" })
	maybe(8, "cleanup:smtputf8_enable", func() string { return "no" })
	maybe(8, "cleanup:recipient_delimiter", func() string { return g.pick("+", "-", ".") })
	maybe(8, "cleanup:myorigin", func() string { return g.pick(w.domains[0], "b.a.masquerade.hit", "host") })
	maybe(8, "rewrite:myorigin", func() string { return g.pick(w.domains[0], "b.a.masquerade.hit", "host") })
	maybe(8, "rewrite:append_dot_mydomain", func() string { return "yes" })
	maybe(6, "compatibility_level", func() string { return "2" })
	maybe(6, "message_strip_characters", func() string { return g.pick(`\0`, `@`, `\303\377`) })
	maybe(4, "message_reject_characters", func() string { return g.pick(`\377`, `\0`, "q") })
	maybe(4, "queue_file_attribute_count_limit", func() string { return g.pick("10", "11", "12") })
	maybe(6, "force_mime_input_conversion", func() string { return "yes" })
	maybe(6, "message_size_limit", func() string { return g.pick("1000", "3000", "6000") })
	maybe(5, "hopcount_limit", func() string { return g.pick("1", "2", "3") })
	maybe(10, "content_filter", func() string { return "scan:[192.0.2.9]" })
	maybe(10, "delay_warning_time", func() string { return "4h" })
	maybe(10, "header_size_limit", func() string { return g.pick("150", "200", "300") })
	maybe(8, "line_length_limit", func() string { return "512" })
	maybe(8, "header_address_token_limit", func() string { return g.pick("5", "10") })
	maybe(8, "message_drop_headers", func() string { return g.pick("", "bcc, to", "x-alpha X-Ignored") })
	maybe(8, "undisclosed_recipients_header", func() string { return "To: u@x.example" })
	maybe(6, "disable_mime_input_processing", func() string { return "yes" })
	maybe(8, "mime_nesting_limit", func() string { return g.pick("1", "2") })
	maybe(6, "strict_8bitmime", func() string { return "yes" })
	maybe(6, "receive_override_options", func() string {
		return g.pick("no_address_mappings", "no_header_body_checks", "no_address_mappings no_header_body_checks")
	})
	// qmqpd(8) opens the tables of mydestination, too, and says what is bad in them.
	// Ours opens them where addresses are looked up.
	if len(w.tables) > 0 {
		maybe(20, "cleanup:mydestination", func() string {
			return g.pick("$myhostname", "x.example, masquerade.hit", "!x.example, static:all", "inline:{{x.example = y}, {other.example = z}}", "regexp:{{/example/ x} {bad}}", "", "pcre:{{/^(x|y)\\./ x}} fail:x", "texthash:DIR/"+w.newFile("x.example x\nother.example y\nbad\n"), "unionmap:{regexp:{{/^M/ x}}, inline:{{x.example = y}}}, $myhostname")
		})
	}
	// Ours takes one that is set for both, the rival the one in master.cf.
	for name, value := range w.set {
		w.set[name] = oneLine(value)
		if _, parameter, found := strings.Cut(name, ":"); found {
			delete(w.set, parameter)
		}
	}
	if w.set["disable_mime_input_processing"] == "yes" {
		delete(w.set, "force_mime_input_conversion")
	}
	return w
}

// oneLine is a text without what a setting or a result cannot have.
func oneLine(text string) string { return strings.NewReplacer("\n", "", "\x00", "").Replace(text) }

// newFile makes a table of the text and returns its name in settings.
func (w *tableWorld) newFile(text string) string {
	name := fmt.Sprintf("%s-%d", w.name, len(w.files))
	w.files[name] = text
	return name
}

// quoted is a local part in external form.
func (w *tableWorld) quoted(local string) string {
	if local == "" || strings.ContainsAny(local, " ,\"\t\n@") {
		return `"` + strings.ReplaceAll(local, `"`, `\"`) + `"`
	}
	return local
}

// key is the key of an address, a local part or a domain.
func (w *tableWorld) key() string {
	local, domain := w.quoted(w.pick(w.locals...)), w.pick(w.domains...)
	switch w.IntN(10) {
	case 0, 1:
		if domain != "" {
			return "@" + domain
		}
	case 2:
		return local
	case 3:
		return w.quoted(w.pick(w.locals...) + w.pick("", "+e", "-f", ".e"))
	case 4:
		local = w.quoted(w.pick(w.locals...) + w.pick("+", "-", ".") + w.pick("e", "f"))
	case 5:
		local = strings.ToUpper(local)
	}
	if domain == "" {
		return local
	}
	return local + "@" + domain
}

// keys are up to n keys, hardly ever twice the same, which most tables cannot have.
func (w *tableWorld) keys(n int) []string {
	var keys []string
	seen := make(map[string]bool)
	for range n {
		key := w.key()
		if folded := strings.ToLower(key); !seen[folded] || w.one(50) {
			keys = append(keys, key)
			seen[folded] = true
		}
	}
	return keys
}

// value is what a table of the kind gives.
func (w *tableWorld) value(kind string) string {
	marked := func() string {
		return fmt.Sprintf("%s%d@%s%s.hit", w.pick("m", "n", "M", "m+x"), w.IntN(4), w.pick("", "", "", "", "sub."), kind)
	}
	known := func() string { return w.quoted(w.pick(w.locals...)) + w.pick("@"+w.pick(w.domains...), "@x.example") }
	switch w.IntN(20) {
	case 0, 1, 2, 3:
		return known()
	case 4, 5:
		if strings.Contains(kind, "canonical") && !w.one(4) {
			return marked() // all but the first are in vain
		}
		list := ""
		for range 2 + w.IntN(4) {
			list += w.pick(marked(), marked(), known()) + w.pick(", ", " ", ",")
		}
		return strings.TrimRight(list, " ,")
	case 6, 7:
		return "@" + w.pick(kind+".hit", kind+".hit", w.pick(w.domains...), "")
	case 8:
		return w.pick("", "<>", ",", `"a b"@`+kind+".hit", "Joe Doe <joe@"+kind+".hit> (c)", "@r:joe@"+kind+".hit", "j\u00f6@"+kind+".hit", "\xf6@"+kind+".hit", "bare", "bare+e", "a!b", "c%d", "postmaster", ":include:/x", "|cmd", "a@b@"+kind+".hit", "x@[1.2.3.4]",
			"(c)", "a;b", "g: a, b;", `""`, `"`, `a\`, "<", "a..b@"+kind+".hit", strings.Repeat("long", w.pickInt(20, 90, 260, 800))+"@"+kind+".hit", "x@"+kind+".hit.", "x@.", "[a]", "x y@"+kind+".hit", `"x"@"y"`, "<a@"+kind+".hit>, <b@"+kind+".hit>")
	default:
		return marked()
	}
}

// addressTables returns what makes a list of tables for addresses.
func (w *tableWorld) addressTables(kind string) func() string {
	return func() string {
		list := w.addressTable(kind, 0)
		for w.one(3) {
			list += w.pick(", ", " ", ",") + w.addressTable(kind, 0)
		}
		return list
	}
}

func (w *tableWorld) addressTable(kind string, depth int) string {
	if len(w.tables) > 0 && w.one(8) {
		return w.pick(w.tables...)
	}
	if len(w.checks) > 0 && w.one(30) {
		return "unionmap:{" + w.addressTable(kind, depth+1) + ", " + w.pick(w.checks...) + "}"
	}
	table := w.newAddressTable(kind, depth)
	w.tables = append(w.tables, table)
	return table
}

// inMain is a text as main.cf has to have it.
func inMain(text string) string { return strings.ReplaceAll(text, "$", "$$") }

func (w *tableWorld) newAddressTable(kind string, depth int) string {
	switch n := w.IntN(24); {
	case n < 6:
		return "texthash:DIR/" + w.newFile(w.addressFile(kind))
	case n < 9:
		typ := w.pick("hash", "btree", "cdb", "lmdb")
		file := w.newFile(w.addressFile(kind))
		w.indexed[file] = typ
		return typ + ":DIR/" + file
	case n < 12:
		return w.inlineTable(func() string { return w.value(kind) })
	case n < 17:
		typ := w.pick("regexp", "pcre")
		if w.one(3) {
			return typ + ":{" + inMain(w.bracedRules(func() string { return w.addressRule(kind, 1) })) + "}"
		}
		var b strings.Builder
		for range w.rules() {
			b.WriteString(w.addressRule(kind, 0))
		}
		return typ + ":DIR/" + w.newFile(b.String())
	case n < 18:
		return w.sole(w.value(kind))
	case n < 19 && w.one(3):
		return w.pick("fail:x", "environ:x", "unix:passwd.byname", "texthash:DIR/missing", "regexp:DIR/missing", "pcre:DIR/missing", "cidr:DIR/missing", "hash:DIR/missing", "lmdb:DIR/missing", "cdb:DIR/missing", "internal:x", "cidr:{{1.2.3.0/24 m0@"+kind+".hit}, {0.0.0.0/0 any}, {bad}}", "pipemap:{"+w.inlineTable(func() string { return w.pick("1.2.3.4", "::1", "x") })+",cidr:{{1.2.3.0/24 m1@"+kind+".hit}, {::/0 m2@"+kind+".hit}}}", "inline:{{a}}", "regexp:{/x/ y}", "unionmap:{static}", "unix:nothing")
	case n < 19 || depth > 1:
		return w.inlineTable(func() string { return w.value(kind) })
	case n < 22:
		members := w.addressTable(kind, depth+1)
		for range 1 + w.IntN(2) {
			members += w.pick(", ", ",") + w.addressTable(kind, depth+1)
		}
		return "unionmap:{" + members + "}"
	default:
		first := w.inlineTable(func() string { return w.pick(w.key(), w.key(), "a, b", w.value(kind)) })
		return "pipemap:{" + first + w.pick(", ", ",") + w.addressTable(kind, depth+1) + "}"
	}
}

// rules is how many rules a table has: now and then more than are tried together.
func (w *tableWorld) rules() int {
	if w.one(8) {
		return 10 + w.IntN(80)
	}
	return 2 + w.IntN(5)
}

// sole is a table that has the value for all keys.
func (w *tableWorld) sole(value string) string {
	// Of several values randmap would take any.
	if value != "" && !strings.ContainsAny(value, " \t,{}") && w.one(2) {
		return "randmap:{" + inMain(value) + "}"
	}
	return "static:{" + inMain(value) + "}"
}

// inlineTable is a table of keys in the name itself.
func (w *tableWorld) inlineTable(value func() string) string {
	var entries []string
	for _, key := range w.keys(3 + w.IntN(5)) {
		entry := inlineKey(key) + w.pick(" = ", "=", " =") + inMain(value())
		// One bad entry spoils the table.
		if utf8.ValidString(entry) || w.one(20) {
			entries = append(entries, "{"+entry+"}")
		}
	}
	if entries == nil {
		return "inline:{a=b}"
	}
	return "inline:{" + strings.Join(entries, w.pick(", ", " ")) + "}"
}

// inlineKey is a key as a table of type inline has to have it.
func inlineKey(key string) string {
	if strings.ContainsAny(key, "\" ,") {
		return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(key) + `"`
	}
	return key
}

// localTable is a table of local parts, for exceptions.
func (w *tableWorld) localTable() string {
	local := w.pick(w.locals...)
	return w.pick("regexp:{{/^"+regexp.QuoteMeta(local)+"/ x}}", "inline:{{"+w.quoted(local)+" = x}}", "texthash:DIR/"+w.newFile(w.quoted(local)+" x\nroot x\nbad\n"), "!pcre:{{/b/ x}}, static:all", "fail:x")
}

// addressFile is the source of a table of keys, with a few lines that are none.
func (w *tableWorld) addressFile(kind string) string {
	var b strings.Builder
	if w.one(8) {
		b.WriteString(w.pick("  leading blank\n", "\n\n", "# comment\n"))
	}
	for _, key := range w.keys(8 + w.IntN(8)) {
		b.WriteString(key + w.pick(" ", "\t", "   ") + w.value(kind))
		b.WriteString(w.pick("\n", "\n", "\n", "\n", "\n", " \n", "\n\n", "\n# comment\n", "\n   more@"+kind+".hit\n", "\n \n\t, again\n"))
		if w.one(12) {
			b.WriteString(w.pick("lonely\n", "\"open quote@x y\n", "colon@x.example: y\n", "\u00e4\xff@x y\n", "nul\x00 y\n", "\"\" y\n", "#\n", "a\r b\r\n", "=\n", strings.Repeat("x", 3000)+" y\n"))
		}
	}
	text := b.String()
	if w.one(10) {
		text = strings.TrimSuffix(text, "\n")
	}
	return text
}

// bracedRules are rules of a table that is in main.cf itself, one line each.
func (w *tableWorld) bracedRules(rule func() string) string {
	var rules []string
	for range 2 + w.IntN(4) {
		for _, line := range strings.Split(strings.TrimSuffix(rule(), "\n"), "\n") {
			// Braces that are not in pairs would end the setting.
			if strings.Count(line, "{") == strings.Count(line, "}") && !strings.ContainsAny(line, "#\x00") {
				rules = append(rules, "{"+line+"}")
			}
		}
	}
	return strings.Join(rules, w.pick(", ", " "))
}

// addressRule is a rule of a table of patterns, or a few in a condition.
func (w *tableWorld) addressRule(kind string, depth int) string {
	local, domain := regexp.QuoteMeta(w.quoted(w.pick(w.locals...))), regexp.QuoteMeta(w.pick(w.domains...))
	blank := w.pick(" ", "\t", "   ")
	flags := w.pick("", "", "", "", "i", "m", "x", "ii", "im")
	switch w.IntN(15) {
	case 0, 1, 2, 3:
		return "/^" + local + "@" + domain + "$/" + flags + blank + w.value(kind) + "\n"
	case 4, 5:
		return "/^(.*)@" + domain + "$/" + flags + blank + w.pick("$1@", "${1}@", "x-$(1)@", "$1+z@") + w.pick(kind+".hit", kind+".hit", w.pick(w.domains...)) + "\n"
	case 6:
		return "/^([^@+-]+)([+-][^@]*)?@(.*)$/" + flags + blank + w.pick("$1@$3", "$1@"+kind+".hit", "$1$2@"+kind+".hit", "$3@$1", "$2@"+kind+".hit", "$2", "$1@"+kind+".hit, $3@"+kind+".hit", "m$2, n$2") + "\n"
	case 7:
		return w.pick("!/@/", "! /@/", "!/^"+local+"/", "!!/@/") + blank + w.value(kind) + "\n"
	case 8:
		return w.pick("|^"+local+"@|", "#"+domain+"$#", "<"+local+"<", "/\\"+w.pick("/", "b", "@")+"/", "!/x/!/"+local+"/", "/"+local+"/!/"+domain+"/") + blank + w.value(kind) + "\n"
	case 9:
		return "/" + domain + "$/" + w.pick("A", "E", "U", "X", "s", "q", "iq", "") + blank + w.value(kind) + "\n"
	case 10:
		if w.one(2) {
			return w.badRule()
		}
		return w.pick("/(.)\\1/", "/^(.+)(\\.[^.@]*)?@/", "/^([[:alpha:]]+)@/", "/^([^@]+)@(([^.]+)\\.)*masquerade\\.hit$/", "/(a|ab)(c|bcd)?/", "/^(x|x.y|u)([^@]*)/", "/^(.*)[+-](.*)@/", "/^(([a-z]+)[^a-z@]*)+@/", "/^(.?)(.*)$/") + flags + blank + "$1" + w.pick("@", "x@", "+e@") + kind + ".hit\n"
	case 11, 12:
		if depth > 2 {
			return ""
		}
		text := w.pick("if ", "IF ", "if !", "if") + w.pick("/@/", "/^"+local+"/", "/"+domain+"$/", "/^[a-m]/") + w.pick("", "", "i", " extra") + "\n"
		for range w.IntN(4) {
			text += w.addressRule(kind, depth+1)
		}
		return text + w.pick("endif\n", "endif\n", "endif\n", "endif\n", "ENDIF extra\n", "")
	case 13:
		return "/^(" + local + ")(.*)$/" + blank + w.pick("$1$2", "$2$1", "$1@"+kind+".hit", "$$1@"+kind+".hit", "<$1@"+kind+".hit>", "\"$1\"@"+kind+".hit") + "\n"
	default:
		return "/" + local + "/" + blank + w.value(kind) + w.pick("\n", "\n\t, more@"+kind+".hit\n", "\n# comment\n") + "\n"
	}
}

// badRule is not a rule, or not quite. zz stands for a pattern that may match.
func (w *tableWorld) badRule() string {
	rule := w.pick("/^a/", "/^a", "/(/ x", "/^a$/q x", "if", "endif", "if /x", "/zz/ $9", "!/(a)/ $1", "/zz/ $", "/(zz)/ ${1", "/(zz)/ $(1", "/(zz)/ $x", "/(zz)/ $0", "/(zz)/ ${}", " leading", "/[/ x", "!", "if /(/", "/x*+/ y", "/zz/\t", "aba v", "/a{2,1}/ x", "/(zz)/ $1 $2",
		"/zz/ $-1", "endifx", "iff /x/", "\xff", "/\xff/ x", "/a\\", "//zz", "/zz/zz", "/(a|)*\\1/ x", "/zz/ $1x", "/[[:foo:]]/ x", "/(?=a)/ x", "/a**/ x", "/zz/ $$", "/(zz)/ $99999999999", "/zz/", "/(zz)?/ $1", "/(q)?zz/ <$1>", "/zz/ \xff", "/zz/i!/i/ x", "/zz/ a\x00b", "/zz/ \v x", "/zz/ x\r", "zzzz x") + "\n"
	return strings.ReplaceAll(rule, "zz", w.pick("zz", "zz", ".", "@", "e"))
}

// checkTables returns what makes a list of tables for texts, of samples that are
// then in use.
func (w *tableWorld) checkTables(samples []sample, used *[]sample) func() string {
	return func() string {
		list := w.checkTable(samples, used, 0)
		if w.one(4) {
			list += w.pick(", ", " ") + w.checkTable(samples, used, 0)
		}
		return list
	}
}

func (w *tableWorld) checkTable(samples []sample, used *[]sample, depth int) string {
	if len(w.checks) > 0 && w.one(12) {
		return w.pick(w.checks...)
	}
	table := w.newCheckTable(samples, used, depth)
	w.checks = append(w.checks, table)
	return table
}

func (w *tableWorld) newCheckTable(samples []sample, used *[]sample, depth int) string {
	exact := func() (string, sample) {
		for {
			s := samples[w.IntN(len(samples))]
			if len(s.texts) > 0 {
				if text := w.pick(s.texts...); utf8.ValidString(text) && !strings.ContainsAny(text, "\n=\a{}\x00") && text != "" {
					return text, s
				}
			}
		}
	}
	if len(w.tables) > 0 && w.one(15) {
		// A member that is known by then keeps the ways that it was opened in.
		return "unionmap:{" + w.pick(w.tables...) + w.pick("", ", static:{INFO union}") + "}"
	}
	switch n := w.IntN(20); {
	case n < 11:
		typ := w.pick("regexp", "pcre")
		var b strings.Builder
		for range w.rules() {
			b.WriteString(w.checkRule(samples, used, 0))
		}
		return typ + ":DIR/" + w.newFile(b.String())
	case n < 14:
		return w.pick("regexp", "pcre") + ":{" + inMain(w.bracedRules(func() string { return w.checkRule(samples, used, 1) })) + "}"
	case n < 16:
		var entries []string
		for range 2 + w.IntN(3) {
			text, s := exact()
			*used = append(*used, s)
			entries = append(entries, "{"+inlineKey(text)+" = "+inMain(w.checkResult(0))+"}")
		}
		return "inline:{" + strings.Join(entries, ", ") + "}"
	case n < 17:
		return w.sole(w.pick("WARN all", "INFO", "DUNNO", "REPLACE X-Static: y", "PREPEND X-Static: y", "IGNORE", "HOLD"))
	case n < 18:
		text, s := exact()
		*used = append(*used, s)
		return "texthash:DIR/" + w.newFile("\""+text+"\" WARN no such key\n"+text+" INFO split\nlonely\n")
	case n < 19 && depth == 0:
		return w.pick("unionmap:{", "pipemap:{") + w.checkTable(samples, used, 1) + ", " + w.checkTable(samples, used, 1) + "}"
	default:
		*used = append(*used, bodySamples[9], bodySamples[10])
		return w.pick("cidr:{{192.0.2.7 WARN cidr}, {if 192.0.2.0/24}, {!192.0.2.7 REPLACE X-Cidr: x}, {endif}, {2001:db8::/32 INFO six}, {192.0.2.1/24 x}}", "cidr:DIR/"+w.newFile("192.0.2.0/25\tPREPEND X-Cidr: y\n2001:db8::/33 IGNORE\nbad\nif 1.2.3.4\n192.0.2.7 x\n1.2.3.4/33 y\n"), "fail:x", "pipemap:{regexp:{{/^(X-Do: *|DO )(.*)/ $$2}}, inline:{{WARN = WARN piped}, {HOLD = HOLD piped}, {PASS = INFO no pass}}, regexp:{{/./ $$0}, {/^(.*)$$/ $$1}}}")
	}
}

// checkResult is an action that may refer to so many groups.
func (w *tableWorld) checkResult(groups int) string {
	if w.one(30) {
		groups++ // one too many
	}
	switch w.IntN(25) {
	case 0:
		// A result is on one line.
		return w.pick("BCC ", "REDIRECT ") + oneLine(w.envelope())
	case 3:
		return w.pick(checkActions...)
	case 4:
		return w.pick("PREPEND --b1", "REPLACE --b1--", "REPLACE --b1", "REPLACE Content-Transfer-Encoding: base64", "REPLACE Content-Type: message/rfc822", "PREPEND Content-Type: text/plain", "PREPEND MIME-Version: 1.0", "WARN \xff", "PREPEND X: \xe4", "REPLACE X-\xe4: y", "wArN mixed", "Prepend X: y\r",
			"REPLACE Bcc: x@x.example", "PREPEND Return-Path: x", "REPLACE Message-ID: <new@x>", "PREPEND Received: again", "REPLACE Date: now", "REPLACE Content-Length: 5", "PREPEND Tls-Required: no")
	case 1:
		long := strings.Repeat(w.pick("long ", "x"), w.pickInt(20, 40, 150, 500, 1200))
		return w.pick("PREPEND X-Long: ", "REPLACE X-Long: ", "INFO ", "PREPEND To: ", "REPLACE Subject: ", "WARN ", "PREPEND ") + long
	case 2:
		return w.pick("REPLACE ", "PREPEND ") + w.pick("To", "From", "Cc", "Reply-To", "Sender", "Resent-To", "X") + ": " + oneLine(w.headerAddresses())
	}
	if w.one(8) {
		return w.pick(endResults[w.IntN(min(groups+1, len(endResults)))]...)
	}
	return w.pick(checkResults[w.IntN(min(groups+1, len(checkResults)))]...)
}

// checkRule is a rule for texts, or a few in a condition.
func (w *tableWorld) checkRule(samples []sample, used *[]sample, depth int) string {
	s := samples[w.IntN(len(samples))]
	*used = append(*used, s)
	delimiter := w.pick("/", "/", "/", "~")
	pattern := delimiter + strings.ReplaceAll(s.pattern, delimiter, "\\"+delimiter) + delimiter
	flags := w.pick("", "", "", "", "i", "m", "ii")
	blank := w.pick(" ", "\t", "  ")
	switch w.IntN(14) {
	case 0:
		return w.badRule()
	case 1:
		return w.pick("!", "! ") + pattern + flags + blank + w.pick(checkResults[0]...) + "\n"
	case 2, 3:
		if depth > 2 {
			return ""
		}
		text := w.pick("if ", "if ", "if !", "if", "If ") + pattern + flags + "\n"
		for range 1 + w.IntN(3) {
			text += w.checkRule(samples, used, depth+1)
		}
		return text + w.pick("endif\n", "endif\n", "endif\n", "endif x\n", "")
	case 4:
		other := samples[w.IntN(len(samples))]
		return pattern + "!~" + strings.ReplaceAll(other.pattern, "~", `\~`) + "~" + blank + w.checkResult(s.groups) + "\n"
	case 5:
		return "/" + strings.TrimPrefix(s.pattern, "^") + "/" + blank + w.checkResult(s.groups) + "\n"
	default:
		return pattern + flags + blank + w.checkResult(s.groups) + w.pick("\n", "\n", "\n", "\n", "\n  continued\n", "\n\n# comment\n")
	}
}

// envelope is an envelope address that tables may have.
func (w *tableWorld) envelope() string {
	local, domain := w.pick(w.locals...), w.pick(w.domains...)
	switch w.IntN(14) {
	case 0:
		local += w.pick("+", "-", ".") + w.pick("e", "f", "")
	case 1:
		local, domain = strings.ToUpper(local), strings.ToUpper(domain)
	case 2:
		return local
	case 3:
		return w.envelopeAddress()
	}
	if domain == "" {
		return local
	}
	return local + "@" + domain
}

// headerAddresses is a list of addresses that tables may have.
func (w *tableWorld) headerAddresses() string {
	var list []string
	for range 1 + w.IntN(3) {
		a := w.envelope()
		if local, domain, found := strings.Cut(a, "@"); found {
			a = w.quoted(local) + "@" + domain
		}
		list = append(list, w.pick(a, a, "<"+a+">", "B. Bar <"+a+">", a+" (c)", "\"p q\" <"+a+">", "g: "+a+";"))
	}
	return strings.Join(list, w.pick(", ", ",\n ", ","))
}

// action is an action for the text of a message.
func (w *tableWorld) action() string {
	if w.one(6) {
		return w.pick(endResults[0]...)
	}
	return w.pick(checkResults[0]...)
}

// samples are lines in which patterns are found.
func (w *tableWorld) samples(n int, from, all []sample, do, end string) string {
	var b strings.Builder
	for range n {
		var s sample
		if len(from) > 0 && !w.one(6) {
			s = from[w.IntN(len(from))]
		} else {
			s = all[w.IntN(len(all))]
		}
		switch {
		case s.pattern == all[0].pattern:
			b.WriteString(do + w.action() + end)
		case len(s.texts) > 0:
			b.WriteString(w.pick(s.texts...) + end)
		}
	}
	return b.String()
}

func (w *tableWorld) part(depth int) string {
	var b strings.Builder
	const end = "\n"
	if depth == 0 {
		if w.one(8) {
			b.WriteString("X-Ignored: zq7" + end)
		}
		for range 1 + w.IntN(4) {
			b.WriteString(w.pick("From", "To", "To", "Cc", "Reply-To", "Sender", "Resent-From", "Resent-To", "Errors-To", "Bcc", "Mail-Followup-To", "Apparently-To", "Return-Path", "from") + w.pick(": ", ": ", ":", " : ", ":\n ") + w.headerAddresses() + end)
		}
	}
	b.WriteString(w.samples(w.IntN(5), w.header, headerSamples, "X-Do: ", end))
	kind := w.IntN(6)
	if depth > 2 {
		kind = 5
	}
	switch kind {
	case 0, 1:
		b.WriteString("Content-Type: multipart/" + w.pick("mixed", "digest", "x") + "; boundary=b1" + end + end)
		for range 1 + w.IntN(3) {
			b.WriteString(w.samples(w.IntN(2), w.body, bodySamples, "DO ", end) + "--b1" + end + w.part(depth+1))
		}
		b.WriteString(w.pick("--b1--"+end, ""))
	case 2:
		b.WriteString("Content-Type: message/rfc822" + end + end)
		b.WriteString(w.part(depth + 1))
	default:
		b.WriteString(end)
		b.WriteString(w.samples(w.IntN(6), w.body, bodySamples, "DO ", end))
	}
	return b.String()
}

func (w *tableWorld) submission() submission {
	s := submission{sender: w.envelope()}
	switch w.IntN(16) {
	case 0:
		s.sender = ""
	case 1:
		s.sender = w.pick(w.locals...) + "-@" + w.pick(w.domains...) + "-@[]"
	}
	for range 1 + w.IntN(4) {
		s.recipients = append(s.recipients, w.envelope())
	}
	if w.one(10) {
		for range 10 {
			s.recipients = append(s.recipients, w.envelope())
		}
	}
	switch w.IntN(15) {
	case 0:
		s.message = w.message(0)
	case 3:
		s.message = w.pick("From ", ">From ", "Received: x\n", "no header\n", "\n") + w.part(0)
	case 1:
		s.message = strings.ReplaceAll(w.part(0), "\n", "\r\n")
	case 2:
		s.message = strings.TrimSuffix(w.part(0), "\n")
	default:
		s.message = w.part(0)
	}
	return s
}
