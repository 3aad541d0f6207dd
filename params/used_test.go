package params

import (
	"slices"
	"testing"

	"github.com/qmqpd/qmqpd/mainconf"
)

// A setting is used when it has a part in what was read, or named to Use. That all
// programs read a parameter at start does not count.
func TestUsed(t *testing.T) {
	const main = "mynetworks_style = host\nqmqpd_authorized_clients = $other\nother = $mynetworks\nqueue_directory = /x/$mail_name\n"
	settings := []mainconf.Setting{
		{Name: "mynetworks", Value: "192.0.2.0/24"}, {Name: "mydomain", Value: "example.com"}, {Name: "header_size_limit", Value: "5"},
		{Name: "mail_name", Value: "$relayhost"}, {Name: "relayhost", Value: "x"}, {Name: "inet_protocols", Value: "ipv4"}, {Name: "none", Value: "x"},
	}
	for _, tt := range []struct {
		name string
		read func(*Effective)
		want []string
	}{
		{"nothing", func(*Effective) {}, nil},
		{"a number", func(e *Effective) { e.Int("header_size_limit") }, []string{"header_size_limit"}},
		{"through two others", func(e *Effective) { e.String("qmqpd_authorized_clients") }, []string{"mynetworks"}},
		{"through one of all programs", func(e *Effective) { e.String("queue_directory") }, []string{"mail_name", "relayhost"}},
		{"through a default", func(e *Effective) { e.Use("myhostname") }, []string{"mydomain"}},
		{"through a default of a default", func(e *Effective) { e.Use("myorigin") }, []string{"mydomain"}},
		{"text", func(e *Effective) { e.Expand("$none") }, []string{"none"}},
		{"looked through", func(e *Effective) { e.Check("header_size_limit", "qmqpd_authorized_clients", "no_such_parameter") }, nil},
		{"looked through and read", func(e *Effective) { e.Check("header_size_limit"); e.Int("header_size_limit") }, []string{"header_size_limit"}},
		{"protocols", func(e *Effective) { e.Protocols() }, []string{"inet_protocols"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := mainconf.ParseMain("main.cf", []byte(main))
			if err != nil {
				t.Fatal(err)
			}
			host := SystemHost(t.Context(), nil)
			host.Accounts = nil
			host.Hostname = func() (string, error) { return "node", nil }
			e := New(Process{Name: "qmqpd", Main: doc, Overrides: settings, Host: host, FollowUse: true})
			e.ReadCommon()
			tt.read(e)
			var got []string
			for _, s := range settings {
				if e.Used(s.Name) {
					got = append(got, s.Name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Check finds what is wrong with parameters of any kind, and passes over what there is not.
func TestCheck(t *testing.T) {
	settings := []mainconf.Setting{
		{Name: "always_add_missing_headers", Value: "maybe"}, {Name: "milter_macro_v", Value: ""}, {Name: "milter_command_timeout", Value: "1x"},
		{Name: "allow_min_user", Value: "odd"}, {Name: "local_transport", Value: "fine"},
	}
	e := New(Process{Name: "cleanup", Overrides: settings, Host: SystemHost(t.Context(), nil)})
	e.Check("local_transport", "always_add_missing_headers", "milter_macro_v", "milter_command_timeout", "no_such_parameter")
	var got []string
	for _, err := range e.errs.all.WrappedErrors() {
		got = append(got, err.Error())
	}
	want := []string{"bad boolean configuration: always_add_missing_headers = maybe", "bad string length 0 < 1: milter_macro_v = ", "parameter milter_command_timeout: bad time value or unit: 1x"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
