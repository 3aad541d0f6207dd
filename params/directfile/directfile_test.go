package directfile

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReadFile compares with os.ReadFile.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, bytes.Repeat([]byte("text\n"), size)[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, path := range map[string]string{
		"empty":           write("empty", 0),
		"one byte":        write("one", 1),
		"511":             write("511", 511),
		"512":             write("512", 512),
		"513":             write("513", 513),
		"large":           write("large", 1<<20+1),
		"size not told":   "/proc/self/cmdline",
		"missing":         filepath.Join(dir, "missing"),
		"no directory":    filepath.Join(dir, "empty/x"),
		"directory":       dir,
		"no such address": "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			want, wantErr := os.ReadFile(path)
			got, err := ReadFile(path)
			if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Errorf("error %v, want %v", err, wantErr)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes, want %d", len(got), len(want))
			}
		})
	}
}

// TestPipe reads what has no size and comes in pieces.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for range 100 {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
		}
		w.Close()
	}()
	got, err := File{fd: int(r.Fd()), name: "pipe"}.ReadAll()
	if err != nil || len(got) != 100_000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	r.Close()
}

func BenchmarkReadFile(b *testing.B) {
	for b.Loop() {
		if _, err := ReadFile("/etc/passwd"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReadNames compares with os.ReadDir.
func TestReadNames(t *testing.T) {
	dir := t.TempDir()
	for i := range 1000 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("n", i%200)+strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, t.TempDir(), dir + "/0", dir + "/missing"} {
		var want []string
		entries, wantErr := os.ReadDir(path)
		for _, e := range entries {
			want = append(want, e.Name())
		}
		got, err := ReadNames(path)
		slices.Sort(got)
		if !slices.Equal(got, want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: %d names, %v; want %d, %v", path, len(got), err, len(want), wantErr)
		}
	}
}
