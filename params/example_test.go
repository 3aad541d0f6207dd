package params_test

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// The effective value of a parameter, its type, its default, where it was
// set, and what it expands to.
func ExampleResolver() {
	text := "myhostname = mail.example.com\nqmqpd_error_delay = ${stress?{0}:{5}}\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	config := params.Resolver{Main: file}
	info, _ := config.Describe("qmqpd_error_delay")
	fmt.Println(info.Value.Text, info.Kind, info.Default, info.Value.Origin(), info.Expanded)

	// Output:
	// ${stress?{0}:{5}} time 1s main.cf:2 5
}

// A daemon reads typed values; errors have Postfix's texts, and know where to correct
// what is wrong.
func ExampleEffective() {
	text := "qmqpd_timeout = ${default_minutes}m\ndefault_minutes = 5\nmax_use = many\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	config := params.New(params.Process{
		Main:      file,
		Overrides: []mainconf.Setting{{Name: "max_idle", Value: "2m"}},
		Name:      "qmqpd",
	})
	fmt.Println(config.Duration("qmqpd_timeout"), config.Duration("max_idle"), config.Int("max_use"))
	fmt.Println(config.Err())
	var wrong *params.Error
	if errors.As(config.Err(), &wrong) {
		fmt.Println(wrong.Located())
	}

	// Output:
	// 5m0s 2m0s 0
	// bad numerical configuration: max_use = many
	// main.cf:3: bad numerical configuration: max_use = many
}

// What each Postfix program checks when it starts: every error, with its place.
func ExampleEffective_ReadCommon() {
	text := "myhostname = mail\nmydomain = example..com\nmax_use = 0\nipc_timeout = 1h\ninet_interfaces = all\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	config := params.New(params.Process{
		Main: file,
		Name: "qmqpd",
		// A whole program has that of params.SystemHost.
		Host: params.Host{Interfaces: func() ([]netip.Prefix, error) {
			return []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("127.0.0.1/8")}, nil
		}},
	})
	common, err := config.ReadCommon()
	fmt.Println(common.Interfaces, config.Duration("ipc_timeout"))
	fmt.Println("Postfix ends with:", err)
	var all *multierror.Error
	if errors.As(config.Errors(), &all) {
		for _, err := range all.Errors {
			var wrong *params.Error
			if errors.As(err, &wrong) {
				fmt.Println(wrong.Located())
			}
		}
	}

	// Output:
	// [192.0.2.1/24 127.0.0.1/8] 1h0m0s
	// Postfix ends with: file /etc/postfix/main.cf: parameter mydomain: bad parameter value: example..com
	// main.cf:2: file /etc/postfix/main.cf: parameter mydomain: bad parameter value: example..com
	// main.cf:3: invalid max_use parameter value 0 < 1
}

// What an upgrade brings about, in so far as main.cf does not decide it.
func ExampleChanges() {
	text := "myhostname = mail.example.com\nmilter_default_action = accept\ntls_legacy_public_key_fingerprints = yes\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	from, _ := params.ParseProfile("3.10.2/debian")
	to, _ := params.ParseProfile("3.11.6/debian")
	changes, err := params.Changes(from, to)
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range changes {
		entry, set := file.Lookup(c.Name)
		switch {
		case c.Kind == params.Went && set:
			fmt.Printf("line %d: %s means nothing any more\n", entry.Line.First, c.Name)
		case c.Kind == params.DefaultChanged && set:
			fmt.Printf("line %d: %s = %s hides a default that becomes %s\n", entry.Line.First, c.Name, entry.Value, c.After.Default)
		case c.Name == "alias_database":
			fmt.Printf("%s: %s, from %s to %s\n", c.Name, c.Kind, c.Before.Default, c.After.Default)
		}
	}

	// Output:
	// alias_database: default changed, from hash:/etc/aliases to $default_database_type:/etc/aliases
	// line 2: milter_default_action = accept hides a default that becomes shutdown
	// line 3: tls_legacy_public_key_fingerprints means nothing any more
}
