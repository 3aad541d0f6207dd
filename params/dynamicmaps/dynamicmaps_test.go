package dynamicmaps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read reads the files below dir, and returns the tables, and what was told and
// then the error, without the directory's name.
func read(dir string) (Tables, []string) {
	var told []string
	note := func(text string) { told = append(told, strings.ReplaceAll(text, dir+"/", "")) }
	tables, err := Read(dir, "/lib", func(text string) { note("warning: " + text) })
	if err != nil {
		note(err.Error())
	}
	return tables, told
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the files must belong to root")
	}
}

func TestRead(t *testing.T) {
	needRoot(t)
	for _, tt := range []struct {
		name, text string
		want       Tables
		told       string
	}{
		{"usual", "# comment\n\nlmdb\tx.so\tf\tg\npcre /y.so f\n", Tables{"lmdb": "/lib/x.so", "pcre": "/y.so"}, ""},
		{"no newline", "cdb x.so f", Tables{"cdb": "/lib/x.so"}, ""},
		{"nothing", "", Tables{}, ""},
		{"NUL", "cdb x.so f\x00 g h\n", Tables{"cdb": "/lib/x.so"}, ""},
		{"few words", "#\ncdb x.so\n", nil, `dynamicmaps.cf, line 2: Expected "dict-type .so-name dict-function [mkmap-function]"`},
		{"blank", " \n", nil, `dynamicmaps.cf, line 1: Expected "dict-type .so-name dict-function [mkmap-function]"`},
		{"bad name", "-x x.so f\n", nil, `dynamicmaps.cf, line 1: unsupported syntax "-x"`},
		{"twice", "a x f\na y f\n", Tables{"a": "/lib/x"}, `warning: dynamicmaps.cf: ignoring duplicate entry for "a"`},
	} {
		dir := t.TempDir()
		write(t, dir, Name, tt.text)
		got, told := read(dir)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, d)
		}
		if text := strings.Join(told, "; "); text != tt.told {
			t.Errorf("%s: told %q", tt.name, text)
		}
	}
}

// TestDirectory reads dynamicmaps.cf.d.
func TestDirectory(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if got, told := read(dir); got != nil || told != nil {
		t.Errorf("no files: %v, %q", got, told)
	}
	write(t, dir, Name+".d/lmdb", "lmdb x f\n")
	write(t, dir, Name+".d/sub/pcre", "pcre x f\n")
	write(t, dir, Name+".d/open", "cdb x f\n")
	if err := os.Chmod(filepath.Join(dir, Name+".d/open"), 0o666); err != nil {
		t.Fatal(err)
	}
	got, told := read(dir)
	if d := cmp.Diff(Tables{"lmdb": "/lib/x"}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"warning: dynamicmaps.cf.d/open: file is owned or writable by non-root users -- skipping this file"}, told); d != "" {
		t.Error(d)
	}

	write(t, dir, Name+".d/wrong", "sqlite\n")
	if got, told := read(dir); got != nil || len(told) == 0 || !strings.HasPrefix(told[len(told)-1], "dynamicmaps.cf.d/wrong, line 1: ") {
		t.Errorf("a broken file: %v, %q", got, told)
	}

	dir = t.TempDir()
	write(t, dir, Name+".d", "")
	if _, told := read(dir); len(told) != 1 || told[0] != "warning: dynamicmaps.cf.d: directory open failed: Permission denied" {
		t.Errorf("a file for a directory: %q", told)
	}
	if err := os.Chmod(filepath.Join(dir, Name+".d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, told := read(dir); len(told) != 1 || told[0] != "scan_dir_push: open directory dynamicmaps.cf.d: Not a directory" {
		t.Errorf("a program for a directory: %q", told)
	}
}
