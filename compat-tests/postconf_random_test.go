package compat

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/params"
)

// The variables say how many random cases TestPostconfRandom runs, and where
// its random numbers start: make postconf-random N=20000 SEED=7.
const (
	postconfRandomCases = "POSTCONF_RANDOM_CASES"
	postconfRandomSeed  = "POSTCONF_RANDOM_SEED"
)

func numberFrom(t *testing.T, variable string, standard uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return standard
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// TestPostconfRandom runs random configurations and command lines through the
// stock postconf and ours. A case is made from the seed and its number alone.
func TestPostconfRandom(t *testing.T) {
	t.Parallel()
	count := numberFrom(t, postconfRandomCases, 200)
	seed := numberFrom(t, postconfRandomSeed, 1)
	pair := newPostconfPair(t)
	numbers := make(chan uint64)
	var (
		workers sync.WaitGroup
		lock    sync.Mutex
		failed  int
	)
	const maxFailures = 10
	for range postconfWorkers {
		workers.Go(func() {
			for n := range numbers {
				c := randomConfigurationCase(seed, n)
				diff, err := c.compare(t, pair)
				lock.Lock()
				report := (diff != "" || err != nil) && failed < maxFailures
				if report {
					failed++
				}
				lock.Unlock()
				if !report {
					continue
				}
				if err == nil {
					c, diff = c.shrink(t, pair, diff)
				}
				if len(diff) > 8000 {
					diff = diff[:8000] + "..."
				}
				t.Errorf("seed %d, case %d: %v\n%s%s", seed, n, err, c, diff)
			}
		})
	}
	for n := range count {
		lock.Lock()
		stop := failed >= maxFailures
		lock.Unlock()
		if stop {
			break
		}
		numbers <- n
	}
	close(numbers)
	workers.Wait()
	postfix.Case(t)
	t.Logf("%d random cases from seed %d", count, seed)
}

// randomConfiguration is a random case.
type randomConfiguration struct {
	files map[string][]string // lines
	line  commandLine         // "@" is the configuration directory
}

func (c randomConfiguration) String() string {
	var b strings.Builder
	for _, name := range []string{"main.cf", "master.cf", "ldap.cf"} {
		if lines, ok := c.files[name]; ok {
			fmt.Fprintf(&b, "--- %s\n%s\n", name, strings.ReplaceAll(fmt.Sprintf("%q", strings.Join(lines, "")), `\n`, "\\n\n"))
		}
	}
	fmt.Fprintf(&b, "--- run %s\n", c.line)
	return b.String()
}

func (c randomConfiguration) compare(t *testing.T, pair *postconfPair) (string, error) {
	files := map[string]string{}
	for name, lines := range c.files {
		files[name] = strings.Join(lines, "")
	}
	dir := pair.configure(t, files)
	defer os.RemoveAll(pair.root.Path(dir))
	line := c.line
	line.args = []string{"-c", dir}
	for _, arg := range c.line.args {
		line.args = append(line.args, strings.ReplaceAll(arg, "@", dir))
	}
	return pair.compare(line)
}

// shrink leaves out lines and arguments as long as the programs differ.
func (c randomConfiguration) shrink(t *testing.T, pair *postconfPair, diff string) (randomConfiguration, string) {
	for again, tries := true, 0; again && tries < 400; {
		again = false
		for name, lines := range c.files {
			for size := len(lines); size > 0; size /= 2 {
				for i := 0; i+size <= len(lines); tries++ {
					smaller := randomConfiguration{map[string][]string{}, c.line}
					for n, l := range c.files {
						smaller.files[n] = l
					}
					smaller.files[name] = append(append([]string{}, lines[:i]...), lines[i+size:]...)
					if d, err := smaller.compare(t, pair); err == nil && d != "" {
						c, diff, lines, again = smaller, d, smaller.files[name], true
						continue
					}
					i += size
				}
			}
		}
		for i := 0; i < len(c.line.args); i++ {
			smaller := c
			smaller.line.args = append(append([]string{}, c.line.args[:i]...), c.line.args[i+1:]...)
			tries++
			if d, err := smaller.compare(t, pair); err == nil && d != "" {
				c, diff, again = smaller, d, true
				i--
			}
		}
	}
	return c, diff
}

// confGenerator makes random text.
type confGenerator struct{ *rand.Rand }

func randomConfigurationCase(seed, n uint64) randomConfiguration {
	g := confGenerator{rand.New(rand.NewPCG(seed, n))}
	c := randomConfiguration{files: map[string][]string{
		"main.cf":   g.mainFile(),
		"master.cf": g.masterFile(),
		"ldap.cf":   g.clientFile(),
	}}
	c.line = commandLine{argv0: g.pick("postconf", "postconf", "postconf", "./postconf", "/usr/sbin/postconf", "pc x")}
	c.line.args = g.arguments()
	if g.often(16) {
		// -m reads what all programs read, and no defaults.
		c.files["main.cf"] = g.commonFile()
		c.line.args = g.tableArguments()
	}
	if g.often(2) {
		c.line.env = []string{"NORANDOMIZE=1"}
	}
	return c
}

// often is true in one of n cases.
func (g confGenerator) often(n int) bool { return g.IntN(n) == 0 }

func (g confGenerator) pick(list ...string) string { return list[g.IntN(len(list))] }

var (
	builtinNames = []string{
		"mydestination", "alias_maps", "virtual_alias_maps", "smtpd_recipient_restrictions", "relayhost",
		"mynetworks", "myorigin", "mydomain", "smtpd_banner", "smtpd_milters", "smtp_tls_policy_maps",
		"default_process_limit", "soft_bounce", "smtpd_timeout", "transport_maps", "local_recipient_maps",
		"header_checks", "smtpd_client_restrictions", "syslog_name", "mail_name", "relay_domains",
		"proxy_read_maps", "virtual_mailbox_maps", "recipient_delimiter", "compatibility_level",
	}
	rareNames = []string{
		"luser_relay", "forward_path", "smtpd_expansion_filter", "mailbox_command", "default_rbl_reply",
		"virtual_maps", "fallback_relay", "authorized_verp_clients", "tlsproxy_client_policy",
		"smtpd_use_tls", "deleted-test-only", "disable_dns_lookups", "lmtp_enforce_tls", "smtp_tls_per_site",
		"process_id", "process_name", "service_name", "config_directory", "smtpd_restriction_classes",
		"local_destination_concurrency_limit", "relay_recipient_limit", "my_time_limit", "my_transport_rate_delay",
		"stress", "multi_instance_name", "myhostname", "mynetworks_style", "inet_interfaces", "inet_protocols",
		"smtp_recipient_limit", "mail_version", "2bounce_notice_recipient",
	}
	userNames   = []string{"a", "b", "c", "d", "foo", "bar", "foo_bar", "Klass", "k2", "x1"}
	clientNames = []string{
		"lm_server_host", "lm_search_base", "lm_bogus", "my_hosts", "my_query", "foo_table", "pg_dbname",
		"sq_dbpath", "mc_memcache", "mo_uri", "lm_domain", "a_domain",
	}
	oddNames = []string{"-o", "x.y", "a-b", "{x", "n\xc3\xa9", "\"q\"", "x$a", "y/z", "#z", "*", "a:b", "\x01"}
)

// allNames are the names of all built-in parameters of the reference.
var allNames = sync.OnceValue(func() []string {
	var names []string
	for p := range params.DefaultProfile().Params {
		names = append(names, p.Name)
	}
	return names
})

// clientName is the name of a setting of a database client, or of one that no
// client has.
func (g confGenerator) clientName() string {
	kind := g.pick("ldap", "mysql", "pgsql", "sqlite", "memcache", "mongodb")
	suffixes := params.DefaultProfile().ClientParams(kind)
	return g.pick("lm", "my", "foo", "a") + "_" + g.pick(append(suffixes, "bogus")...)
}

// serviceName is the name of a setting that a service of master.cf may define.
func (g confGenerator) serviceName() string {
	return g.pick("my", "relay", "foo", "local", "x/y", "nothing") +
		g.pick("_recipient_limit", "_destination_recipient_limit", "_destination_concurrency_limit", "_destination_rate_delay", "_initial_destination_concurrency", "_transport_rate_delay",
			"_delivery_slot_cost", "_recipient_refill_delay", "_extra_recipient_limit", "_time_limit", "_bogus_limit")
}

func (g confGenerator) name() string {
	switch g.IntN(24) {
	case 20, 21:
		return g.pick(allNames()...)
	case 22:
		return g.clientName()
	case 23:
		return g.serviceName()
	case 0, 1, 2, 3, 4, 5, 6:
		return g.pick(builtinNames...)
	case 7, 8, 9:
		return g.pick(rareNames...)
	case 10, 11, 12, 13, 14, 15:
		return g.pick(userNames...)
	case 16, 17, 18:
		return g.pick(clientNames...)
	}
	return g.pick(oddNames...)
}

// reference is a name that a macro can refer to.
func (g confGenerator) reference() string {
	switch g.IntN(14) {
	case 12:
		return g.pick(allNames()...)
	case 13:
		return g.pick(g.clientName(), g.serviceName())
	case 0, 1, 2:
		return g.pick(builtinNames...)
	case 3, 4:
		return g.pick(rareNames...)
	case 5:
		return g.pick(clientNames...)
	case 6:
		return g.pick("nothing", "no_such", "_", "9", "service_name", "process_name")
	}
	return g.pick(userNames...)
}

func (g confGenerator) word() string {
	switch g.IntN(30) {
	case 0:
		return "\xc3\xa9\xff"
	case 1:
		return strings.Repeat("w", 1+g.IntN(90))
	case 2:
		return "\x01\x7f\x1b"
	case 3:
		return "x\vy"
	case 4:
		return "\f"
	case 5:
		return "#c"
	case 6:
		return "=" + g.pick("", "x", "=")
	case 7:
		return g.pick("\"q", "'", "\\", "\\\"", "`", "%s", "%", "*", "~", "&")
	case 8:
		return g.pick("$$", "$$$$", "a$$b")
	case 9:
		return g.pick("check_client_access", "permit_mynetworks", "reject", "Klass", "k2")
	case 10:
		return g.pick("host", "subnet", "class", "all", "ipv4", "yes", "no", "3.6", "2")
	}
	return g.pick("a", "bb", "ccc", "example.com", "127.0.0.0/8", "[::1]/128", "x", "yes", "no", "10s", "100", "hash:/etc/aliases", "smtp:[x]:25", "/file/name")
}

func (g confGenerator) tableName() string {
	if g.often(8) {
		// Tables of tables.
		return g.pick("", "", "proxy:") + g.pick("unionmap", "pipemap", "randmap") + ":{" + g.pick("", " ") +
			g.pick("ldap:lm", "mysql:my", "proxy:mysql:my", "{ldap:lm}", g.word()) + g.pick(" ", ",", ", ") +
			g.pick("pgsql:foo", "memcache:mc", "unionmap:{ldap:lm}", "ldap:@/ldap.cf") + g.pick("}", "}", "}", " }", "")
	}
	typ := g.pick("ldap", "mysql", "pgsql", "sqlite", "memcache", "mongodb", "hash", "regexp", "pcre", "inline", "texthash", "LDAP")
	prefix := g.pick("", "", "", "proxy:", "proxy:proxy:", "debug:", "proxy:debug:")
	name := g.pick("lm", "my", "foo", "pg", "sq", "mc", "mo", "a", "@/ldap.cf", "@/missing.cf", "@/dir", "/", ".rel", "", "lm_", "x:lm",
		"{"+g.simple()+"}", "{ {"+g.simple()+"} "+g.simple()+" }", "{"+g.simple(), "{x}y")
	return prefix + typ + ":" + name
}

func (g confGenerator) simple() string {
	var parts []string
	for range 1 + g.IntN(3) {
		if g.often(3) {
			parts = append(parts, g.pick("ldap:lm", "mysql:my", "ldap:@/ldap.cf", "{x}", "#"))
		} else {
			parts = append(parts, g.word())
		}
	}
	return strings.Join(parts, g.pick(" ", ",", ", ", "\t"))
}

func (g confGenerator) macro(depth int) string {
	name := g.reference()
	inner := func() string {
		if depth <= 0 {
			return g.word()
		}
		return g.text(depth-1, 2)
	}
	blank := func() string { return g.pick("", "", "", " ", "  ", "\t") }
	switch g.IntN(14) {
	case 0, 1, 2:
		return "$" + name
	case 3, 4:
		return "${" + blank() + name + blank() + "}"
	case 5:
		return "$(" + name + ")"
	case 6:
		return "${" + name + blank() + "?" + inner() + "}"
	case 7:
		return "${" + name + ":" + inner() + "}"
	case 8:
		return "${" + name + "?{" + inner() + "}" + blank() + ":" + blank() + "{" + inner() + "}" + blank() + "}"
	case 9:
		return "$(" + name + g.pick("?", ":") + "{" + inner() + "}" + ")"
	case 10, 11, 12:
		op := g.pick("==", "!=", "<", "<=", ">", ">=", "<level", ">=level", "==level")
		s := "${{" + inner() + "}" + blank() + op + blank() + "{" + inner() + "}" + blank()
		if strings.HasSuffix(op, "level") {
			s = "${{" + g.pick("3.6", "2", "$compatibility_level", "3.11.2", "0", "10") + "}" + blank() + op + blank() + "{" + g.pick("1", "3.6", "3.10", "2") + "}" + blank()
		}
		switch g.IntN(4) {
		case 0:
			return s + "}"
		case 1:
			return s + "?" + inner() + "}"
		case 2:
			return s + ":{" + inner() + "}}"
		}
		return s + "?" + blank() + "{" + inner() + "}" + blank() + ":" + blank() + "{" + inner() + "}}"
	}
	return "${" + name + "?" + "{" + inner() + "}}"
}

// broken is text with a syntax error.
func (g confGenerator) broken() string {
	return g.pick("$", "$ x", "${}", "$()", "${a", "$(a", "${a b}", "${a-b}", "${a?{x}y}", "${a:{x}y}", "${a?{x}:{y}z}", "${{a} == {b}",
		"${{a} {b}}", "${{a} =! {b} ? {c}}", "${{a} <levl {b} ? {c}}", "${{a} == b}", "${{a} == {b} c}", "${{x} <level {3}}",
		"${{99999999999999999999} < {1}}", "$(a?{x)", "${ }", "$-", "${a?{x} : {y}", "$({a == {b})", "${a:{{x}}", "${{$a} >level {$b}}", "${a{x}}")
}

func (g confGenerator) text(depth, parts int) string {
	var b strings.Builder
	for i := range 1 + g.IntN(parts) {
		if i > 0 {
			b.WriteString(g.pick(" ", " ", ", ", ",", "  ", "\t", "", " \r ", ""))
		}
		switch g.IntN(12) {
		case 0, 1, 2:
			b.WriteString(g.macro(depth))
		case 3:
			b.WriteString("{" + g.pick("", " ") + g.word() + g.pick("", " ", " x") + "}" + g.pick("", "", "", "y"))
		case 4:
			b.WriteString(g.pick("{", "}", "{x", "}x", "{}", "()", ")"))
		default:
			b.WriteString(g.word())
		}
	}
	return b.String()
}

func (g confGenerator) value(name string) string {
	switch {
	case g.often(60):
		return g.broken()
	case g.often(12):
		return ""
	}
	switch name {
	case "mynetworks_style":
		return g.pick("host", "subnet", "class", "subnet", "host", "bogus", "host,subnet", "$a")
	case "inet_interfaces":
		return g.pick("all", "loopback-only", "127.0.0.1", "127.0.0.1, [::1]", "", "all", "$a")
	case "inet_protocols":
		return g.pick("all", "ipv4", "ipv6", "", "all", "ipv4, ipv6", "foo")
	case "compatibility_level":
		if g.often(4) {
			// What a service of master.cf defines, which not all modes know.
			macro := g.pick("$", "${") + g.serviceName()
			if macro[1] == '{' {
				macro += g.pick("}", "?{3.6}:{2}}", "?3}", ":1}", "?{$my_recipient_limit}}")
			}
			return g.pick("", "", "", "3.", "1") + macro + g.pick("", "", "", ".1", "0")
		}
		return g.pick("0", "1", "2", "3.6", "3.10", "99", "3.6", "3.6.1", "x", "3.1024", " 3", "")
	case "smtpd_restriction_classes":
		return g.pick("Klass, k2", "Klass", "foo bar", "$a Klass", "a,b,c", "${a?Klass}")
	case "myhostname", "mydomain":
		return g.pick("host.example.com", "single", "$a.b", "a.b.c", "x..y", "")
	}
	if g.often(4) {
		var list []string
		for range 1 + g.IntN(4) {
			if g.often(3) {
				list = append(list, g.text(1, 2))
			} else {
				list = append(list, g.tableName())
			}
		}
		return strings.Join(list, g.pick(", ", " ", ",", "\t"))
	}
	if g.often(25) {
		return g.text(1, 40)
	}
	return g.text(2, 5)
}

func (g confGenerator) setting() string {
	name := g.name()
	return name + g.pick(" = ", "=", " =", "= ", "\t=\t") + g.value(name)
}

// lines breaks a setting into physical lines, with comments between.
func (g confGenerator) lines(text string) []string {
	var lines []string
	for !g.often(3) && len(lines) < 4 {
		i := strings.IndexAny(text, " ,\t")
		if i < 0 || g.often(3) {
			break
		}
		lines = append(lines, text[:i+1]+"\n")
		if g.often(3) {
			lines = append(lines, g.pick("# comment\n", "\n", "  # indented\n", " \t \n", "#\n", "\r\n", "#  = x\n"))
		}
		text = g.pick(" ", "\t", "    ", "\v", "\r ") + text[i+1:]
	}
	return append(lines, text+"\n")
}

func (g confGenerator) mainFile() []string {
	var lines []string
	for range g.IntN(14) {
		lines = append(lines, g.lines(g.setting())...)
		switch {
		case g.often(8):
			lines = append(lines, g.pick("\n", "# x\n", " # y\n", "   \n", "\f\n"))
		case g.often(150):
			lines = append(lines, g.pick("foo\n", "= x\n", "foo bar\n", "my host = x\n"))
		case g.often(60):
			lines = append(lines, g.pick("a\x00 = b\n", "b = c\x00d\n", "c = \x00\n", "#\x00\n", "foo = x\n \x00y\n"))
		case g.often(60):
			lines = append([]string{g.pick("  leading\n", "\tleading text that is longer than thirty bytes, really\n")}, lines...)
		}
	}
	if len(lines) > 0 && g.often(10) {
		lines[len(lines)-1] = strings.TrimSuffix(lines[len(lines)-1], "\n")
	}
	return lines
}

// commonNames are the names of what all Postfix programs read.
var commonNames = sync.OnceValue(func() []string { return params.CommonNames(params.DefaultProfile()) })

// commonFile is a main.cf for -m. Most of its settings are good, or the first bad one
// would leave little to tell.
func (g confGenerator) commonFile() []string {
	lines := g.mainFile()
	if g.often(2) {
		lines = nil
	}
	for range g.IntN(8) {
		name := g.pick(commonNames()...)
		value := g.value(name)
		if parameter, ok := params.DefaultProfile().Lookup(name); ok && !g.often(6) {
			switch parameter.Kind {
			case params.Bool:
				value = g.pick("yes", "no", "YES", "No")
			case params.Int, params.Long:
				value = strconv.Itoa(1 + g.IntN(300))
			case params.Time:
				value = g.pick("1", "10s", "2m", "1h", "3d", "1w", "${stress?{1}:{10}}s")
			default:
				value = g.pick("a", "b c", "$mail_name", "example.com", "\xc3\xa9", "${my_recipient_limit:x}", "$$", "", "hash:/x", "all")
			}
		}
		lines = append(lines, g.lines(name+g.pick(" = ", "=")+value)...)
	}
	return lines
}

// tableArguments are a command line with -m.
func (g confGenerator) tableArguments() []string {
	args := [][]string{{"-m"}, {"-mv"}, {"-vm"}, {"-m", "-v"}, {"-v", "-m"}, {"-mq"}}[g.IntN(6)]
	if g.often(8) {
		args = append(args, g.pick("-f", "-n", "-o", "hash", "x"))
	}
	return args
}

func (g confGenerator) clientFile() []string {
	var lines []string
	for range g.IntN(6) {
		name := g.pick("server_host", "search_base", "bogus", "hosts", "query", "version", "bind", "dbpath", "domain", "x y", "a-b")
		lines = append(lines, g.lines(name+g.pick(" = ", "=")+g.text(1, 3))...)
	}
	if g.often(60) {
		lines = append(lines, "syntax\n")
	}
	return lines
}

func (g confGenerator) masterFile() []string {
	var lines []string
	for range g.IntN(6) {
		lines = append(lines, g.lines(g.service())...)
		if g.often(6) {
			lines = append(lines, g.pick("\n", "# x\n", " # y\n"))
		}
	}
	return lines
}

func (g confGenerator) service() string {
	fields := []string{
		g.pick("smtp", "smtp", "relay", "my", "127.0.0.1:10025", "a", "[::1]:25", "local", "x/y", "{b c}", "foo"),
		g.pick("inet", "unix", "unix", "fifo", "pass", "unix-dgram", "inet"),
		g.pick("n", "y", "-"), g.pick("n", "y", "-"), g.pick("n", "y", "-"),
		g.pick("-", "60", "1000?", "0", "?"), g.pick("-", "0", "10"),
		g.pick("smtpd", "smtp", "local", "pipe", "spawn", "error", "virtual", "lmtp", "/usr/lib/smtp", "x/", "discard", "cleanup", "sh"),
	}
	switch {
	case g.often(120):
		fields = fields[:g.IntN(8)]
	case g.often(80):
		fields[1+g.IntN(6)] = g.pick("x", "yy", "inetd", "1?2", "-?", "??", "-1", "")
	}
	text := strings.Join(fields, g.pick(" ", "  ", "\t"))
	for range g.IntN(6) {
		text += g.pick(" ", " ", "  ", "\t") + g.argument()
	}
	return text
}

func (g confGenerator) argument() string {
	name := g.name()
	value := strings.NewReplacer(" ", ",", "\t", ",").Replace(g.value(name))
	switch g.IntN(16) {
	case 0, 1, 2, 3, 4:
		return "-o " + name + "=" + value
	case 5:
		return "-o {" + g.pick("", " ") + name + g.pick(" = ", "=") + g.value(name) + g.pick("", " ") + "}" + g.pick("", "", "", "x")
	case 6:
		return g.pick("-v", "-vv", "-D", "-S", "-vo", "-o", "-")
	case 7:
		return "-o" + name + "=" + value
	case 8:
		return "-vo " + name + "=" + value
	case 9:
		return g.pick("--", "x", "user=vmail", "argv=/bin/x", "flags=DR")
	case 10:
		return "{" + g.text(1, 3) + "}"
	case 11:
		return g.word()
	case 12:
		return "-o {" + g.text(0, 2) + g.pick("", "}")
	case 13:
		return "-o " + g.word()
	}
	return "-o " + name + "=" + value
}

func (g confGenerator) arguments() []string {
	var options [][]string
	add := func(list ...string) { options = append(options, list) }
	mode := g.IntN(20)
	switch {
	case mode < 5:
	case mode < 8:
		add("-n")
	case mode < 9:
		add("-d")
	case mode < 12:
		add("-M")
	case mode < 14:
		add("-F")
	case mode < 17:
		add("-P")
	case mode < 18:
		add("-p")
	}
	for _, option := range []string{"-x", "-f", "-h", "-H", "-q", "-v"} {
		if g.often(4) && (option != "-v" || g.often(4)) {
			add(option)
		}
	}
	if g.often(8) {
		add("-o", g.setting())
	}
	if g.often(10) {
		add("-C", g.pick("builtin", "service", "user", "all", "User,service", "user builtin", "bogus", ""))
	}
	// Not a second -v: see knownPostconf.
	if g.often(40) {
		add("-" + string("aAbCdeEfFhHlmMnopPqtTxXz:-"[g.IntN(26)]))
	}
	if g.often(60) {
		add("-m")
	}
	g.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
	var args []string
	for _, o := range options {
		args = append(args, o...)
	}
	if g.often(2) {
		for range 1 + g.IntN(3) {
			args = append(args, g.operand())
		}
	}
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "\x00", "")
	}
	return args
}

func (g confGenerator) operand() string {
	switch g.IntN(8) {
	case 0, 1, 2:
		return strings.ReplaceAll(g.name(), "=", "")
	case 3, 4, 5:
		pattern := g.pick("smtp", "relay", "my", "*", "a", "x", "127.0.0.1:10025", "foo", "{b c}")
		if g.often(2) {
			pattern += "/" + g.pick("inet", "unix", "*", "fifo", "", "u*")
			if g.often(2) {
				pattern += "/" + g.pick("command", "service", "*", "wakeup", "a", "foo", "type", "syslog_name")
			}
		}
		return pattern
	case 6:
		return g.pick("", "/", "-x", "--", "mydestination", "nonsense", "$a", "alias_maps")
	}
	return g.pick(builtinNames...)
}
