package table_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/table"
)

func lookUp(t *testing.T, spec string, keys ...string) {
	set := table.NewSet(table.Options{UTF8: true})
	defer set.Close()
	start := time.Now()
	tbl, err := set.Open(spec, table.Lock|table.UTF8Request)
	if err != nil {
		wantTyped(t, err)
		return
	}
	for _, key := range keys {
		value, found, err := tbl.Lookup(context.Background(), key)
		if err != nil {
			wantTyped(t, err)
		}
		if err != nil && found || !found && value != "" {
			t.Errorf("Lookup = %q, %v, %v", value, found, err)
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func wantTyped(t *testing.T, err error) {
	t.Helper()
	var typed *table.Error
	if !errors.As(err, &typed) {
		t.Errorf("error %T %v, want *table.Error", err, err)
	}
}

// FuzzRules reads a rule table of each type and matches a key.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		"/^(a|b)+$/ $1\n", "if /a/\n/b/!/c/ x\nendif\n", "/(a)\\1/ y", "/a{1,3}[[:alpha:]-]/m z", "/[", "!/x/ $$",
		"10.0.0.0/8 x\nif !::/0\n", "key value\n\"quoted key\" v\n", "/((a*)*)*b/ x", "/\\<a\\>/ b", "/a{2}{3}{4}/ b", "/(?<n>a)(?R)?/ $1",
	} {
		for kind := range byte(4) {
			f.Add(kind, seed, "aab@example.com")
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, text, key string) {
		typ := []string{"regexp", "pcre", "cidr", "texthash"}[kind%4]
		name := filepath.Join(t.TempDir(), "t")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
		lookUp(t, typ+":"+name, key)
	})
}

// FuzzSpec opens tables whose contents are in the specification.
func FuzzSpec(f *testing.F) {
	for _, seed := range []string{
		"inline:{a=b}", "inline:{{a = b c}, \"x y\"=z}", "static:{ x }", "randmap:{a,b}", "pipemap:{inline:{a=b},static:x}",
		"unionmap:{static:a,inline:{a=b}}", "cidr:{{10.0.0.0/8 x}}", "regexp:{{/a/ b},{if /x/}}", "fail:x", "unix:passwd.byname", "pipemap:{pipemap:{static:a}}",
	} {
		f.Add(seed, "a")
	}
	f.Fuzz(func(t *testing.T, spec, key string) {
		switch typ, name, _ := strings.Cut(spec, ":"); {
		case strings.Contains(spec, "proxy"), strings.Contains(spec, "tcp"), strings.Contains(spec, "socketmap"), strings.Contains(spec, "memcache"), strings.Contains(spec, "texthash"):
			t.Skip("no servers, no waiting for files")
		case strings.Contains(spec, "/dev/"), strings.Contains(spec, "/proc/"):
			t.Skip(typ + name)
		}
		lookUp(t, spec, key)
	})
}
