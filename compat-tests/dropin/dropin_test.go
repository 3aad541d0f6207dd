package dropin

import (
	"maps"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// The longest label, and the longest name, that DNS has.
var (
	label63 = strings.Repeat("a", 63)
	long254 = strings.Repeat("abcdefghi.", 25) + "abc."
)

// dropInSite is what names and addresses mean in the scenes: a hosts file, and
// a DNS server behind it.
var dropInSite = judges.Site{
	Users:  oddUsers,
	Groups: oddGroups,
	Hosts: `127.0.0.1 localhost
::1 localhost
127.0.0.2 Two.Example.org two
127.0.0.3 three.test
127.0.0.33 three.test
127.0.0.5 sub.allowed.example
127.0.0.6 12.34.56.78
127.0.0.7 bad_name!.example
127.0.0.8 -hyphen.example
127.0.0.9 allowed.example
`,
	Zone: standin.Zone{
		PTR: map[string][]string{
			"127.0.0.20": {"Good.DNS.example."},
			"127.0.0.21": {"elsewhere.example."},
			"127.0.0.22": {"nowhere.example."},
			"127.0.0.23": {"broken.example."},
			"127.0.0.24": {"empty.example."},
			"127.0.0.25": {"alias.example."},
			"127.0.0.26": {"one.example.", "two.example."},
			"127.0.0.27": {"six.example."},
			"127.0.0.28": {"nodots."},
			"127.0.0.29": {"under_score.example."},
			"127.0.0.30": {"10.20.30.40."},
			"127.0.0.34": {"UPPER.example."},
			"127.0.0.35": {long254},
			"127.0.0.36": {label63 + ".example."},
			"127.0.0.37": {"blank here.example."},
			"127.0.0.38": {"m\xfcller.example."},
			"127.0.0.39": {"-front.example."},
			"127.0.0.41": {"*.example."},
			"127.0.0.42": {"a/b.example."},
			"127.0.0.43": {"localhost."},
			"127.0.0.44": {"."},
			"127.0.0.45": {"pair.example."},
			"127.0.0.46": {"46.example."},
			"127.0.0.47": {"0x7f.0.0.1."},
			"127.0.0.48": {"host.example.48."},
			"127.0.0.49": {"elsewhere."},
		},
		// Accounts of the name service "hesiod".
		TXT: map[string][]string{
			"hrmail.passwd.ns.example.":  {"hrmail:x:4711:4712:HR:/:/bin/false"},
			"4711.uid.ns.example.":       {"hrmail:x:4711:4712:HR:/:/bin/false"},
			"hrmail.grplist.ns.example.": {"hrgroup:4720:hrdrop:4713"},
			"hrdrop.group.ns.example.":   {"hrdrop:x:4713:hrmail"},
			"4713.gid.ns.example.":       {"hrdrop:x:4713:hrmail"},
			"hrgroup.group.ns.example.":  {"hrgroup:x:4720:hrmail"},
			"4720.gid.ns.example.":       {"hrgroup:x:4720:hrmail"},
			"hrtwin.passwd.ns.example.":  {"hrtwin:x:4711:4714:HR:/:/bin/false"},
			"hrlocal.passwd.ns.example.": {"hrlocal:x:1:4714:HR:/:/bin/false"},
			"hrtwin.group.ns.example.":   {"hrtwin:x:4713:"},
		},
		Addr: map[string][]string{
			"good.dns.example.":    {"127.0.0.20"},
			"elsewhere.example.":   {"127.0.0.99", "127.0.0.98"},
			"empty.example.":       {},
			"canonical.example.":   {"127.0.0.25"},
			"one.example.":         {"127.0.0.26"},
			"two.example.":         {"127.0.0.97"},
			"six.example.":         {"::1"},
			"nodots.":              {"127.0.0.28"},
			"under_score.example.": {"127.0.0.29"},
			"upper.example.":       {"127.0.0.34"},
			long254:                {"127.0.0.35"},
			label63 + ".example.":  {"127.0.0.36"},
			"blank here.example.":  {"127.0.0.37"},
			"m\xfcller.example.":   {"127.0.0.38"},
			"-front.example.":      {"127.0.0.39"},
			"*.example.":           {"127.0.0.41"},
			"a/b.example.":         {"127.0.0.42"},
			"localhost.":           {"127.0.0.43"},
			"pair.example.":        {"127.0.0.44", "127.0.0.45"},
			"46.example.":          {"127.0.0.46"},
			"0x7f.0.0.1.":          {"127.0.0.47"},
			"host.example.48.":     {"127.0.0.48"},
		},
		CNAME: map[string]string{"alias.example.": "canonical.example."},
		Fail: map[string]dnsmessage.RCode{
			"broken.example.":            dnsmessage.RCodeServerFailure,
			"127.0.0.31":                 dnsmessage.RCodeServerFailure,
			"127.0.0.32":                 dnsmessage.RCodeRefused,
			"hrfails.passwd.ns.example.": dnsmessage.RCodeServerFailure,
		},
		Silent: map[string]bool{"127.0.0.40": true},
	},
}

// dropInRows are all tables, by the name of their group.
var dropInRows = map[string][]judges.Row{
	"options":     optionRows,
	"environment": environmentRows,
	"lock":        lockRows,
	"transport":   transportRows,
	"checks":      checkRows,
	"libraries":   libraryRows,
	"life":        lifeRows,
	"log":         logRows,
	"verbose":     verboseRows,
	"wire":        wireRows,
	"content":     contentRows,
	"envelope":    envelopeRows,
	"cleanup":     cleanupRows,
	"peers":       peerRows,
	"access":      accessRows,
	"servers":     serverRows,
	"params":      paramRows,
	"faults":      faultRows,
	"slow":        slowCleanupRows,
}

// TestDropIn runs every row of the tables through the stock qmqpd and ours.
func TestDropIn(t *testing.T) {
	pair := judges.NewPair(t, dropInSite)
	tables := maps.Clone(dropInRows)
	if testing.Short() {
		delete(tables, "slow")
	}
	known := map[string]*judges.Known{}
	for i := range knownDifferences {
		known[knownDifferences[i].Row] = &knownDifferences[i]
	}
	// One group: the rows run in parallel, and the pair lives until all are done.
	t.Run("rows", func(t *testing.T) {
		for table, rows := range tables {
			for _, row := range rows {
				name := table + "/" + row.Name
				difference := known[name]
				delete(known, name)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					postfix.Case(t)
					pair.Compare(t, row, difference)
				})
			}
		}
	})
	for name := range known {
		t.Errorf("known.go has a difference of the row %q, which there is not", name)
	}
}
