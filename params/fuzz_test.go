package params

import (
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/mainconf"
)

// FuzzReadCommon: any main.cf gives values or errors, the same ones each time,
// and a Resolver that sees the same file comes to an end as well.
func FuzzReadCommon(f *testing.F) {
	for _, s := range []string{
		"", "myhostname = $mydomain\nmydomain = x.$myhostname\n", "inet_interfaces = [::1], localhost\n", "max_use = $max_use\n",
		"mynetworks_style = class\ninet_protocols = ipv4\n", "compatibility_level = 3.6\n", "known_tcp_ports = a=b=1, =, c\n",
		"default_privs = $mail_owner\nmail_owner = nobody\n", "myorigin = /x\n", "config_directory = /x\nmail_name = $config_directory\n",
		"default_verp_delimiters = $$$$\n", "syslog_facility = ${{$compatibility_level} <level {2} ? {mail} : {x}}\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, _ := mainconf.ParseMain("main.cf", []byte(text))
		read := func(v Version) string {
			e := New(Process{Main: doc, Name: "x", Host: testHost(), Profile: Profile{Version: v}})
			_, err := e.ReadCommon()
			if (err == nil) != (e.Errors() == nil) {
				t.Fatal("Err and Errors do not agree")
			}
			return errorText(e.Errors()) + strings.Join(e.Warnings(), "\n")
		}
		for _, v := range []Version{Oldest, Newest} {
			if first, second := read(v), read(v); first != second {
				t.Fatalf("two readings differ: %q, %q", first, second)
			}
			r := Resolver{Profile: Profile{Version: v}, Main: doc, Host: testHost()}
			for _, name := range CommonNames(r.Profile) {
				info, err := r.Describe(name)
				if err == nil && !info.Known {
					t.Fatalf("%s is not known", name)
				}
			}
		}
	})
}
