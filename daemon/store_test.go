package daemon

import (
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/params"
)

// Whatever Postfix is imitated, the server asks for no parameter that it lacks.
func TestVersionsHaveParameters(t *testing.T) {
	for _, version := range []string{"3.10.2", "3.10.13", "3.11.6"} {
		for _, distribution := range []string{"", "/debian"} {
			t.Run(version+distribution, func(t *testing.T) {
				profile, err := params.ParseProfile(version + distribution)
				if err != nil {
					t.Fatal(err)
				}
				host := params.SystemHost()
				host.Accounts = nil
				eff := params.New(params.Process{Profile: profile, Name: "qmqpd", Host: host})
				LoadConfig(eff)
				newTables(eff, nil)
				loadSpool(eff)
				loadIncoming(eff, eff, "example.com", 0)
				if err := eff.Errors(); err != nil && strings.Contains(err.Error(), "has no parameter") {
					t.Error(err)
				}
			})
		}
	}
}
