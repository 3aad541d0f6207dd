package params

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeGetent is a program that knows the user hr with the number 4711 and the
// group hrdrop with 4713, notes how it was called, and does not end for "slow".
const fakeGetent = `#!/bin/sh
echo "$# $1 $2 $(/usr/bin/env | /bin/grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD=)" >>"${0%/*}/calls"
case "$1 $2" in
"passwd hr" | "passwd 4711") echo "hr:x:4711:4712:H R:/:/bin/sh" ;;
"group hrdrop" | "group 4713") echo "hrdrop:x:4713:a,b" ;;
"initgroups hr") echo "hr                    4720 4721" ;;
"initgroups bad") echo "bad                   4720 x" ;;
"passwd nonsense") echo "nonsense" ;;
"passwd killed") kill -9 $$ ;;
"passwd slow") exec /bin/sleep 60 ;;
*) exit 2 ;;
esac
`

// testServices returns name services with a program of our own and a switch
// file, and a function that returns what the program was asked since the last
// time.
func testServices(t *testing.T, switchText string) (*nameServices, func() []string) {
	t.Helper()
	dir := t.TempDir()
	program, calls := filepath.Join(dir, "getent"), filepath.Join(dir, "calls")
	n := &nameServices{filepath.Join(dir, "nsswitch.conf"), []string{filepath.Join(dir, "none"), program}, time.Minute}
	if err := os.WriteFile(program, []byte(fakeGetent), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.switchFile, []byte(switchText), 0o644); err != nil {
		t.Fatal(err)
	}
	return n, func() []string {
		data, err := os.ReadFile(calls)
		if err != nil {
			return nil
		}
		os.Remove(calls)
		return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
}

// TestNameServices asks for what the files have, what they lack, and what
// nobody has.
func TestNameServices(t *testing.T) {
	services, asked := testServices(t, "passwd: files hr\ngroup: files hr\n")
	dir := t.TempDir()
	files := AccountFiles{PasswdFile: filepath.Join(dir, "passwd"), GroupFile: filepath.Join(dir, "group"), Others: services}
	for name, text := range map[string]string{files.PasswdFile: "local:x:1:2:::\n", files.GroupFile: "local:x:2:\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hr := User{Name: "hr", UID: 4711, GID: 4712, Foreign: true}
	for _, tt := range []struct {
		name string
		ask  func() (any, bool, error)
		want any // nil: not found
		call string
	}{
		{"local user", func() (any, bool, error) { return three(files.User("local")) }, User{Name: "local", UID: 1, GID: 2}, ""},
		{"local user's number", func() (any, bool, error) { return three(files.UserByID(1)) }, User{Name: "local", UID: 1, GID: 2}, ""},
		{"local group", func() (any, bool, error) { return three(files.Group("local")) }, Group{"local", 2}, ""},
		{"local group's number", func() (any, bool, error) { return three(files.GroupByID(2)) }, Group{"local", 2}, ""},
		{"user", func() (any, bool, error) { return three(files.User("hr")) }, hr, "2 passwd hr "},
		{"user's number", func() (any, bool, error) { return three(files.UserByID(4711)) }, hr, "2 passwd 4711 "},
		{"group", func() (any, bool, error) { return three(files.Group("hrdrop")) }, Group{"hrdrop", 4713}, "2 group hrdrop "},
		{"group's number", func() (any, bool, error) { return three(files.GroupByID(4713)) }, Group{"hrdrop", 4713}, "2 group 4713 "},
		{"no user", func() (any, bool, error) { return three(files.User("nosuch")) }, nil, "2 passwd nosuch "},
		{"no group", func() (any, bool, error) { return three(files.Group("nosuch")) }, nil, "2 group nosuch "},
		{"no number", func() (any, bool, error) { return three(files.UserByID(4294967295)) }, nil, "2 passwd 4294967295 "},
		{"nonsense", func() (any, bool, error) { return three(files.User("nonsense")) }, nil, "2 passwd nonsense "},
		// getent would look for the number, or for an option.
		{"number for a name", func() (any, bool, error) { return three(files.User(" +4711")) }, nil, ""},
		{"number for a group", func() (any, bool, error) { return three(files.Group("4713")) }, nil, ""},
		{"option", func() (any, bool, error) { return three(files.User("--help")) }, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, err := tt.ask()
			if err != nil || ok != (tt.want != nil) || ok && got != tt.want {
				t.Errorf("%+v, %v, %v, want %+v", got, ok, err, tt.want)
			}
			if calls := strings.Join(asked(), "; "); calls != tt.call {
				t.Errorf("getent was called with %q, want %q", calls, tt.call)
			}
		})
	}
	if groups, ok, err := services.groups("hr"); !ok || err != nil || !slices.Equal(groups, []uint32{4720, 4721}) {
		t.Errorf("groups %d, %v, %v", groups, ok, err)
	}
	if groups, ok, err := services.groups("bad"); ok || err == nil {
		t.Errorf("groups of bad: %d, %v, %v", groups, ok, err)
	}
	if groups, ok, err := services.groups("nosuch"); ok || err != nil {
		t.Errorf("groups of nosuch: %d, %v, %v", groups, ok, err)
	}

	// A file that cannot be read hides nothing.
	files.PasswdFile = dir
	if u, ok, err := files.User("hr"); u != hr || !ok || err != nil {
		t.Errorf("%+v, %v, %v", u, ok, err)
	}
	if _, ok, err := files.User("nosuch"); ok || err == nil {
		t.Errorf("directory: %v, %v", ok, err)
	}
}

func three[T any](value T, ok bool, err error) (any, bool, error) { return value, ok, err }

// TestNameServiceSwitch: without other services than the files nothing runs.
func TestNameServiceSwitch(t *testing.T) {
	for text, want := range map[string]string{
		"":                                        "",
		"passwd: files\ngroup: files\n":           "",
		"passwd:files\n":                          "",
		"#passwd: files hr\n":                     "",
		"hosts: files dns\n":                      "",
		"passwd: files hr\n":                      "passwd",
		"passwd: hr files\n":                      "passwd",
		" passwd : compat\n":                      "passwd",
		"passwd: files [NOTFOUND=return] sss":     "passwd",
		"passwd: hr\npasswd: files\n":             "",
		"passwd: files\npasswd: files hr\n":       "passwd",
		"group: files hr\n":                       "group initgroups",
		"group: files hr\ninitgroups: files\n":    "group",
		"group: files\ninitgroups: files hr\n":    "initgroups",
		"passwd: files hr\ngroup: files hr # x\n": "passwd group initgroups",
	} {
		services, asked := testServices(t, text)
		_, _, _ = services.User("hr")
		_, _, _ = services.Group("hrdrop")
		_, ok, err := services.groups("hr")
		var databases []string
		for _, call := range asked() {
			databases = append(databases, strings.Fields(call)[1])
		}
		if got := strings.Join(databases, " "); got != want || err != nil || ok != strings.HasSuffix(want, "initgroups") {
			t.Errorf("%q: asked for %q, want %q; %v, %v", text, got, want, ok, err)
		}
	}
	services, asked := testServices(t, "passwd: hr\n")
	os.Remove(services.switchFile)
	if _, ok, err := services.User("hr"); ok || err != nil || asked() != nil {
		t.Errorf("no nsswitch.conf: %v, %v", ok, err)
	}
}

// TestNameServiceFailures: no program is no user, and one that fails or takes
// too long is an error.
func TestNameServiceFailures(t *testing.T) {
	t.Setenv("NOT_FOR_GETENT", "x")
	services, _ := testServices(t, "passwd: files hr\n")
	if _, ok, err := services.User("killed"); ok || err == nil {
		t.Errorf("killed: %v, %v", ok, err)
	}
	services.limit = 100 * time.Millisecond
	if _, ok, err := services.User("slow"); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v, %v", ok, err)
	}
	services.limit = time.Minute
	if err := os.Chmod(services.programs[1], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := services.User("hr"); ok || err == nil {
		t.Errorf("no permission: %v, %v", ok, err)
	}
	services.programs = services.programs[:1]
	if _, ok, err := services.User("hr"); ok || err != nil {
		t.Errorf("no program: %v, %v", ok, err)
	}
}
