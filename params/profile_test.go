package params

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseProfile(t *testing.T) {
	for _, row := range []struct{ in, want, err string }{
		{"3.7", "3.7.22/upstream", ""},
		{"3.8", "3.8.20/upstream", ""},
		{"3.9", "3.9.14/upstream", ""},
		{"3.10", "3.10.13/upstream", ""},
		{"3.11", "3.11.7/upstream", ""},
		{"3.7.0", "3.7.0/upstream", ""},
		{"3.10.13/debian", "3.10.13/debian", ""},
		{"3.8/upstream", "3.8.20/upstream", ""},
		{"3.10.99", "3.10.99/upstream", ""},
		{"3.6", "", `unknown Postfix version "3.6": known are 3.7 to 3.11`},
		{"3.12.1", "", `unknown Postfix version "3.12.1": known are 3.7 to 3.11`},
		{"3.100", "", `bad Postfix version "3.100": bad number "100"`},
		{"3.x", "", `bad Postfix version "3.x": bad number "x"`},
		{"3", "", `bad Postfix version "3": specify major.minor or major.minor.patch`},
		{"", "", `bad Postfix version "": specify major.minor or major.minor.patch`},
		{"3.10/suse", "", `unknown distribution "suse": known are upstream and debian`},
		{"3.10/", "", `unknown distribution "": known are upstream and debian`},
	} {
		p, err := ParseProfile(row.in)
		got := p.String()
		if err != nil {
			got = ""
		}
		if got != row.want || errorText(err) != row.err {
			t.Errorf("%q: %s, %v", row.in, got, err)
		}
	}
}

// TestValidate: a profile outside the known series is refused wherever an error
// can say so, and a later patch level is the newest release but for its number.
func TestValidate(t *testing.T) {
	const known = ": known are 3.7 to 3.11"
	for _, row := range []struct {
		profile Profile
		want    string
	}{
		{Profile{}, ""},
		{Profile{Distribution: Debian}, ""},
		{Profile{Version: 3_07_00}, ""},
		{Profile{Version: 3_11_99}, ""},
		{Profile{Version: 3_06_99}, "unknown Postfix version 3.6.99" + known},
		{Profile{Version: 3_05_00}, "unknown Postfix version 3.5.0" + known},
		{Profile{Version: 3_12_00}, "unknown Postfix version 3.12.0" + known},
		{Profile{Version: -1}, "unknown Postfix version 0.0.-1" + known},
		{Profile{Distribution: 2}, "unknown distribution 2: known are upstream and debian"},
	} {
		p := row.profile
		e := New(Process{Profile: p, Name: "x", Host: testHost()})
		r := Resolver{Profile: p, Host: testHost()}
		_, _, ofDefault := r.Default("max_use")
		_, ofValue := r.Describe("max_use")
		for what, err := range map[string]error{
			"Validate": p.Validate(), "Effective.Err": e.Err(), "Resolver.Default": ofDefault, "Resolver.Describe": ofValue,
		} {
			if errorText(err) != row.want {
				t.Errorf("%+v: %s: %v, want %q", p, what, err, row.want)
			}
		}
	}
	for _, series := range []string{"3.7", "3.8", "3.9", "3.10", "3.11"} {
		newest, _ := ParseProfile(series)
		later, err := ParseProfile(series + ".99")
		if err != nil || later.String() != series+".99/upstream" {
			t.Fatalf("%v, %v", later, err)
		}
		params := slices.Collect(later.Params)
		for i := range params {
			if params[i].Name == "mail_version" {
				params[i].Default = newest.Version.String()
			}
		}
		if diff := cmp.Diff(slices.Collect(newest.Params), params); diff != "" {
			t.Errorf("%v: %s", later, diff)
		}
	}
}

// TestHistory: what changed between releases, late ones among them.
func TestHistory(t *testing.T) {
	for _, row := range []struct {
		name    string
		version Version
		want    string // "absent", or kind and default
	}{
		{"milter_default_action", 3_07_19, "string tempfail"},
		{"milter_default_action", 3_07_20, "string shutdown"},
		{"milter_default_action", 3_10_02, "string tempfail"},
		{"milter_default_action", 3_10_13, "string shutdown"},
		{"smtpd_forbid_bare_newline", 3_07_08, "absent"},
		{"smtpd_forbid_bare_newline", 3_07_09, "bool no"},
		{"smtpd_forbid_bare_newline", 3_07_10, "string no"},
		{"smtpd_forbid_bare_newline", 3_08_00, "absent"},
		{"smtpd_forbid_bare_newline", 3_09_00, "string normalize"},
		{"tls_legacy_public_key_fingerprints", 3_10_13, "bool no"},
		{"tls_legacy_public_key_fingerprints", 3_11_00, "absent"},
		{"smtp_requiretls_policy", 3_10_99, "absent"},
		{"requiretls_enable", 3_11_00, "bool yes"},
		{"mail_version", 3_08_04, "string 3.8.4"},
		{"mail_version", 3_09_00, "string 3.9"},
		{"mail_release_date", 3_07_00, "string 20220205"},
		{"mail_release_date", 3_10_99, "string 20260809"},
		{"virtual_maps", 3_10_02, "absent"},
	} {
		p, ok := Profile{Version: row.version}.Lookup(row.name)
		got := p.Kind.String() + " " + p.Default
		if !ok {
			got = "absent"
		}
		if got != row.want {
			t.Errorf("%s in %v: %s, want %s", row.name, row.version, got, row.want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	for _, row := range []struct {
		name    string
		version Version
		want    bool
	}{
		{"process_id", Newest, true},
		{"process_name", Oldest, true},
		{"service_name", 3_11_00, true},
		{"service_name", 3_11_01, true},
		{"service_name", 3_11_02, false},
		{"mail_version", Newest, false},
	} {
		if got := (Profile{Version: row.version}).ReadOnly(row.name); got != row.want {
			t.Errorf("%s in %v: %v", row.name, row.version, got)
		}
	}
}

func TestDeprecated(t *testing.T) {
	for _, row := range []struct {
		name    string
		version Version
		advice  string
	}{
		{"smtpd_use_tls", 3_08_20, ""},
		{"smtpd_use_tls", 3_09_00, `specify "smtpd_tls_security_level"`},
		{"lmtp_enforce_tls", 3_10_02, `lmtp_tls_security_level`},
		{"virtual_maps", 3_10_13, ""},
		{"virtual_maps", 3_11_00, `specify "virtual_alias_maps"`},
		{"max_use", 3_11_06, ""},
	} {
		advice, ok := Profile{Version: row.version}.Deprecated(row.name)
		if advice != row.advice || ok != (advice != "") {
			t.Errorf("%s in %v: %q, %v", row.name, row.version, advice, ok)
		}
	}
}

func TestLegacy(t *testing.T) {
	names := slices.Collect(Legacy())
	if len(names) != 13 {
		t.Errorf("%d legacy names", len(names))
	}
	for _, name := range names {
		if _, ok := DefaultProfile().Lookup(name); ok || !IsLegacy(name) {
			t.Errorf("%s: built in %v, legacy %v", name, ok, IsLegacy(name))
		}
	}
	if IsLegacy("virtual_alias_maps") {
		t.Error("virtual_alias_maps is a legacy name")
	}
}

// TestServiceParams: each default names an existing parameter, which is called like it.
func TestServiceParams(t *testing.T) {
	for command, want := range map[string]int{
		"local": 16, "error": 16, "virtual": 16, "smtp": 16, "lmtp": 16, "pipe": 17, "spawn": 1,
		"discard": 0, "/usr/bin/smtp": 0, "": 0,
	} {
		all := slices.Collect(ServiceParams(command))
		if len(all) != want {
			t.Errorf("%q: %d parameters, want %d", command, len(all), want)
		}
		for _, p := range all {
			likeIt := slices.Contains([]string{"default" + p.Suffix, "command" + p.Suffix, p.Suffix[1:]}, p.Default)
			if _, ok := DefaultProfile().Lookup(p.Default); !ok || !likeIt {
				t.Errorf("%q: %+v", command, p)
			}
		}
	}
}

func TestClientParams(t *testing.T) {
	count := func(version Version, tableType string) int {
		names := Profile{Version: version}.ClientParams(tableType)
		if !slices.IsSorted(names) {
			t.Errorf("%s is not sorted", tableType)
		}
		return len(names)
	}
	for _, row := range []struct {
		tableType string
		counts    [5]int // 3.7 to 3.11
	}{
		{"ldap", [5]int{38, 38, 38, 38, 38}},
		{"memcache", [5]int{11, 11, 11, 11, 12}},
		{"mongodb", [5]int{0, 0, 9, 9, 9}},
		{"mysql", [5]int{21, 21, 24, 24, 24}},
		{"pgsql", [5]int{13, 14, 16, 16, 16}},
		{"sqlite", [5]int{9, 9, 9, 9, 9}},
		{"hash", [5]int{}},
	} {
		for i, v := range []Version{3_07_00, 3_08_00, 3_09_00, 3_10_00, 3_11_00} {
			if got := count(v, row.tableType); got != row.counts[i] {
				t.Errorf("%s in %v: %d, want %d", row.tableType, v, got, row.counts[i])
			}
		}
	}
}

// TestZeroVersion: a profile without a version is Reference in all that it says
// and in all that is made from it.
func TestZeroVersion(t *testing.T) {
	for _, d := range []Distribution{Upstream, Debian} {
		zero, want := Profile{Distribution: d}, Profile{Version: Reference, Distribution: d}
		if zero.String() != want.String() || zero.Normalized() != want || want.Normalized() != want {
			t.Errorf("%v: %v", want, zero)
		}
		if diff := cmp.Diff(slices.Collect(want.Params), slices.Collect(zero.Params)); diff != "" {
			t.Errorf("%v: %s", want, diff)
		}
		if diff := cmp.Diff(CommonNames(want), CommonNames(zero)); diff != "" {
			t.Errorf("%v: %s", want, diff)
		}
		for p := range want.Params {
			if got, ok := zero.Lookup(p.Name); !ok || got != p {
				t.Errorf("%v: %+v, %v", want, got, ok)
			}
		}
		const old = "smtpd_use_tls"
		if advice, _ := zero.Deprecated(old); advice == "" || !zero.ReadOnly("service_name") || len(zero.ClientParams("mongodb")) == 0 {
			t.Errorf("%v: methods differ", want)
		}
		e := New(Process{Profile: zero, Name: "x", Host: testHost()})
		if version := e.String("mail_version"); version != "3.10.2" || e.Profile() != want {
			t.Errorf("%v: an Effective of %v, mail_version %q", want, e.Profile(), version)
		}
		r := Resolver{Profile: zero, Host: testHost()}
		if v, _, err := r.Value("mail_version"); v.Text != "3.10.2" || err != nil {
			t.Errorf("%v: a Resolver of mail_version %q, %v", want, v.Text, err)
		}
	}
}
