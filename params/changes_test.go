package params

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChangesMatchPostconf: between each two of the recorded outputs of postconf
// -d, the changes are what the outputs differ in.
func TestChangesMatchPostconf(t *testing.T) {
	files, err := filepath.Glob("testdata/defaults/*.txt")
	if err != nil || len(files) < 2 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, from := range files {
		before, old := recorded(t, from)
		for _, to := range files {
			after, now := recorded(t, to)
			var want, got []string
			for name, text := range old {
				switch later, ok := now[name]; {
				case !ok:
					want = append(want, fmt.Sprintf("%s went %q", name, text))
				case later != text && !slices.Contains(hostValues, name):
					want = append(want, fmt.Sprintf("%s default changed %q %q", name, text, later))
				}
			}
			for name, text := range now {
				if _, ok := old[name]; !ok {
					want = append(want, fmt.Sprintf("%s came %q", name, text))
				}
			}
			slices.Sort(want)
			changes, err := Changes(before, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				text := c.Name + " " + c.Kind.String()
				if c.Kind == BoundsChanged {
					continue // postconf tells nothing of those
				}
				for _, p := range []Param{c.Before, c.After} {
					if p.Name != "" {
						_, value, _ := strings.Cut(line(p.Name, p.Default), " =")
						text += fmt.Sprintf(" %q", strings.TrimPrefix(value, " "))
					}
				}
				got = append(got, text)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v to %v: %s", before, after, diff)
			}
		}
	}
}

// recorded reads a recorded output of postconf -d.
func recorded(t *testing.T, file string) (Profile, map[string]string) {
	t.Helper()
	profile, err := ParseProfile(strings.Replace(strings.TrimSuffix(filepath.Base(file), ".txt"), "-", "/", 1))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for text := range strings.Lines(string(data)) {
		name, value, ok := strings.Cut(strings.TrimSpace(text), " =")
		if !ok {
			t.Fatalf("%s: %q", file, text)
		}
		values[name] = strings.TrimPrefix(value, " ")
	}
	return profile, values
}

func TestChanges(t *testing.T) {
	show := func(from, to Profile) string {
		changes, err := Changes(from, to)
		if err != nil {
			return err.Error()
		}
		if !slices.IsSortedFunc(changes, func(a, b Change) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("%v to %v: not sorted", from, to)
		}
		var texts []string
		for _, c := range changes {
			switch c.Name {
			case "mail_version", "mail_release_date":
			default:
				texts = append(texts, c.Kind.String()+" "+c.Name)
			}
		}
		return strings.Join(texts, ", ")
	}
	for _, row := range []struct {
		from, to Profile
		want     string
	}{
		{Profile{}, Profile{Version: Reference}, ""},
		{Profile{Version: 3_07_08}, Profile{Version: 3_07_09}, "came smtpd_forbid_bare_newline, came smtpd_forbid_bare_newline_exclusions"},
		{Profile{Version: 3_07_09}, Profile{Version: 3_07_08}, "went smtpd_forbid_bare_newline, went smtpd_forbid_bare_newline_exclusions"},
		// The kind of one, from a Bool to a String of one byte or more.
		{Profile{Version: 3_07_09}, Profile{Version: 3_07_10}, "came cleanup_replace_stray_cr_lf, bounds changed smtpd_forbid_bare_newline, came smtpd_forbid_bare_newline_reject_code"},
		// The bounds of two, which may be empty from then on.
		{Profile{Version: 3_09_01}, Profile{Version: 3_09_02}, "default changed smtp_tls_dane_insecure_mx_policy, bounds changed tls_eecdh_strong_curve, bounds changed tls_eecdh_ultra_curve"},
		{Profile{}, Profile{Distribution: Debian}, "default changed daemon_directory, default changed html_directory, default changed manpage_directory, default changed readme_directory, default changed shlib_directory"},
		{Profile{Version: 3_05_00}, Profile{}, "unknown Postfix version 3.5.0: known are 3.7 to 3.11"},
		{Profile{}, Profile{Version: 3_12_00}, "unknown Postfix version 3.12.0: known are 3.7 to 3.11"},
	} {
		if got := show(row.from, row.to); got != row.want {
			t.Errorf("%v to %v: %s", row.from, row.to, got)
		}
	}
}
