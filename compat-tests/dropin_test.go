package compat

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// dropInSite is what names and addresses mean in the scenes: a hosts file, and
// a DNS server behind it.
var dropInSite = judges.Site{
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
		},
		CNAME: map[string]string{"alias.example.": "canonical.example."},
		Fail: map[string]dnsmessage.RCode{
			"broken.example.": dnsmessage.RCodeServerFailure,
			"127.0.0.31":      dnsmessage.RCodeServerFailure,
			"127.0.0.32":      dnsmessage.RCodeRefused,
		},
		Silent: map[string]bool{"127.0.0.40": true},
	},
}

// TestDropIn runs every row of the tables through the stock qmqpd and ours.
func TestDropIn(t *testing.T) {
	pair := judges.NewPair(t, dropInSite)
	tables := map[string][]judges.Row{
		"options":     optionRows,
		"environment": environmentRows,
		"lock":        lockRows,
		"transport":   transportRows,
		"checks":      checkRows,
		"life":        lifeRows,
		"log":         logRows,
		"wire":        wireRows,
		"content":     contentRows,
		"envelope":    envelopeRows,
	}
	known := map[string]*judges.Known{}
	for i := range knownDropIn {
		known[knownDropIn[i].Row] = &knownDropIn[i]
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
