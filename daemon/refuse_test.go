package daemon

import (
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// A setting of a later Postfix is refused where that Postfix is installed; an
// earlier one does not know it.
func TestRefuseLaterSettings(t *testing.T) {
	for _, tt := range []struct {
		version, value string
		refused        bool
	}{
		{"3.10.13", "reject", false},
		{"3.11.6", "", false},
		{"3.11.6", "Fix_Quietly", false},
		{"3.11.6", "add_header", true},
		{"3.11.6", "reject", true},
	} {
		t.Run(tt.version+" "+tt.value, func(t *testing.T) {
			profile, err := params.ParseProfile(tt.version)
			if err != nil {
				t.Fatal(err)
			}
			process := params.Process{Profile: profile, Name: "cleanup", Host: params.SystemHost()}
			if tt.value != "" {
				process.Overrides = []mainconf.Setting{{Name: "non_empty_end_of_header_action", Value: tt.value}}
			}
			if err := refuse(params.New(process), 0); (err != nil) != tt.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

// A setting under its old name is refused under that, with its place.
func TestRefuseOldName(t *testing.T) {
	const text = "# old\nvirtual_maps = ldap:accounts\n"
	for _, tt := range []struct{ text, want string }{
		{text, "/x/main.cf:2: stand-alone mode cannot honor virtual_maps = ldap:accounts (tables of type ldap need Postfix)"},
		{text + "virtual_alias_maps = $virtual_maps\n", "/x/main.cf:3: stand-alone mode cannot honor virtual_alias_maps = ldap:accounts (tables of type ldap need Postfix)"},
	} {
		doc, err := mainconf.ParseMain("/x/main.cf", []byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		process := params.Process{Name: "cleanup", Host: params.SystemHost(), Main: doc}
		err = refuse(params.New(process), cleanup.FlagMap)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("want %q in: %v", tt.want, err)
		}
	}
}
