package daemon

import (
	"testing"

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
