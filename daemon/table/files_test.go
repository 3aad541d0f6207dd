package table_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// recorder keeps log lines as Postfix would print them.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) add(severity, format string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, severity+fmt.Sprintf(format, args...))
}

func (r *recorder) Infof(format string, args ...any)    { r.add("", format, args) }
func (r *recorder) Warningf(format string, args ...any) { r.add("warning: ", format, args) }
func (r *recorder) Errorf(format string, args ...any)   { r.add("error: ", format, args) }

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

const listFlags = table.Lock | table.UTF8Request

// open opens a table in a set of its own.
func open(t testing.TB, spec string, flags table.Flags, log table.Logger) table.Table {
	t.Helper()
	set := table.NewSet(table.Options{Log: log, UTF8: true})
	tbl, err := set.Open(spec, flags)
	if err != nil {
		t.Fatalf("open %s: %v", spec, err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return tbl
}

// records reads a source text as postmap does.
func records(t testing.TB, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	lines := table.NewLineReader(string(text), path, nil)
	for {
		line, _, ok := lines.Next()
		if !ok {
			return want
		}
		end, quoted := 0, false
		for ; quoted || line[end] != ' ' && line[end] != '\t'; end++ {
			if line[end] == '"' {
				quoted = !quoted
			}
			if line[end] == '\\' {
				end++
			}
		}
		key, value := line[:end], line[end:]
		want[table.Fold(key, true)] = strings.TrimSpace(value)
	}
}

// pairs reads alternating lines of keys and values.
func pairs(t testing.TB, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		want[lines[i]] = lines[i+1]
	}
	return want
}

func TestSampleFiles(t *testing.T) {
	basic := records(t, "testdata/basic.txt")
	long := records(t, "testdata/overflow-longkey.txt")
	several, small := pairs(t, "testdata/several-big.kv"), pairs(t, "testdata/several.kv")
	tests := []struct {
		spec string
		want map[string]string
	}{
		{"hash:testdata/basic-hash", basic},
		{"btree:testdata/basic-btree", basic},
		{"cdb:testdata/basic-cdb", basic},
		{"lmdb:testdata/basic-lmdb", basic},
		{"hash:testdata/overflow-longkey-hash", long},
		{"btree:testdata/overflow-longkey-btree", long},
		{"cdb:testdata/overflow-longkey-cdb", long},
		{"lmdb:testdata/overflow-lmdb", records(t, "testdata/overflow.txt")},
		{"hash:testdata/bigendian-nonul-hash", pairs(t, "testdata/bigendian.kv")},
		{"btree:testdata/bigendian-nonul-btree-512", pairs(t, "testdata/bigendian.kv")},
		{"hash:testdata/several-hash-512", several},
		{"hash:testdata/several-sorted-hash-512", several},
		{"hash:testdata/sums-hash-512", several},
		{"btree:testdata/several-btree-512", several},
		{"btree:testdata/several-sorted-btree-512", several},
		{"btree:testdata/sums-btree-512", several},
		{"lmdb:testdata/several-lmdb", small},
		{"lmdb:testdata/several-reverse-lmdb", small},
		{"lmdb:testdata/several-fixed-lmdb", small},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			log := &recorder{}
			tbl := open(t, tt.spec, listFlags, log)
			if tbl.Kind() != table.Fixed {
				t.Errorf("Kind = %v, want Fixed", tbl.Kind())
			}
			for key, want := range tt.want {
				value, found, err := tbl.Lookup(context.Background(), key)
				if value != want || !found || err != nil {
					t.Errorf("Lookup(%.40q) = %.40q, %v, %v, want %.40q", key, value, found, err, want)
				}
				for _, absent := range []string{key + "x", strings.TrimSuffix(key, "e"), "x" + key} {
					if _, isKey := tt.want[absent]; isKey {
						continue
					}
					if value, found, err := tbl.Lookup(context.Background(), absent); found || err != nil {
						t.Errorf("Lookup(%.40q) = %.40q, %v, %v, want absent", absent, value, found, err)
					}
				}
			}
			if lines := log.take(); lines != nil {
				t.Errorf("log: %q", lines)
			}
		})
	}
}

// An empty key is one that is not found, but LMDB calls that an error. It looks for one
// until it has found a key that ends in NUL.
func TestEmptyKeys(t *testing.T) {
	basic := records(t, "testdata/basic.txt")
	for _, spec := range []string{"hash:testdata/basic-hash", "btree:testdata/basic-btree", "cdb:testdata/basic-cdb", "lmdb:testdata/basic-lmdb"} {
		want := "not found"
		if strings.HasPrefix(spec, "lmdb:") {
			want = "fatal: error reading " + spec + ": MDB_BAD_VALSIZE: Unsupported size of key/DB name/data, or wrong DUPFIXED size"
		}
		tbl := open(t, spec, listFlags, nil)
		if got := result(t.Context(), tbl, ""); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
		for key := range basic {
			if got := result(t.Context(), tbl, key); got != "= "+basic[key] {
				t.Errorf("%s: %s: %s", spec, key, got)
			}
		}
		if got := result(t.Context(), tbl, ""); got != "not found" {
			t.Errorf("%s, later: %s", spec, got)
		}
	}
}

func TestConcurrentLookups(t *testing.T) {
	want := records(t, "testdata/overflow.txt")
	for _, spec := range []string{
		"hash:testdata/overflow-longkey-hash", "btree:testdata/overflow-longkey-btree",
		"cdb:testdata/overflow-longkey-cdb", "lmdb:testdata/overflow-lmdb",
	} {
		tbl := open(t, spec, listFlags, nil)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for key, value := range want {
					if got, found, err := tbl.Lookup(context.Background(), key); got != value || !found || err != nil {
						t.Errorf("%s: Lookup(%.40q) = %.40q, %v, %v", spec, key, got, found, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// Postfix's own words for files that its libraries do not take.
func TestUnusableFiles(t *testing.T) {
	dir := t.TempDir()
	sample := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	files := map[string][]byte{
		"isbtree.db": sample("basic-btree.db"), "short.db": sample("basic-hash.db")[:100], "empty.db": nil,
		"cut.db": sample("basic-hash.db")[:6000], "garbage.lmdb": []byte(strings.Repeat("garbage", 1000)),
		"longer.db": append(sample("basic-hash.db"), make([]byte, 100)...), "longer.lmdb": append(sample("basic-lmdb.lmdb"), make([]byte, 100)...),
		"empty.lmdb": nil, "short.lmdb": sample("basic-lmdb.lmdb")[:100], "short.cdb": []byte("cdb"),
	}
	// Numbers of the meta page, where the samples have others.
	put := func(name string, at int, number ...byte) {
		files[name] = bytes.Clone(files[name])
		copy(files[name][at:], number)
	}
	for version := range byte(11) {
		for _, typ := range []string{"hash", "btree"} {
			name := fmt.Sprintf("%s%d.db", typ, version)
			files[name] = sample("basic-" + typ + ".db")
			put(name, 16, version)
		}
	}
	for name, at := range map[string]int{"magic": 12, "bytes": 20, "cipher": 24, "kind": 25, "function": 92} {
		files[name+".db"] = sample("basic-hash.db")
		put(name+".db", at, files[name+".db"][at]^0x41)
	}
	files["numbers.db"] = sample("basic-btree.db")
	put("numbers.db", 48, 0x02)
	files["swapped.lmdb"] = sample("basic-lmdb.lmdb")
	for _, at := range []int{16, 4096 + 16} {
		put("swapped.lmdb", at, 0xbe, 0xef, 0xc0, 0xde)
	}
	files["version.lmdb"] = sample("basic-lmdb.lmdb")
	put("version.lmdb", 20, 2)
	files["numbers.lmdb"] = sample("basic-lmdb.lmdb")
	for _, at := range []int{92, 4096 + 92} {
		put("numbers.lmdb", at, 0x08)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, suffix := range []string{".db", ".cdb", ".lmdb"} {
		if err := os.Mkdir(filepath.Join(dir, "folder"+suffix), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ typ, name, suffix, reason string }{
		{"hash", "folder", ".db", "Is a directory"},
		{"btree", "folder", ".db", "Is a directory"},
		{"lmdb", "folder", ".lmdb", "Is a directory"},
		{"hash", "isbtree", ".db", "Invalid argument"},
		{"hash", "short", ".db", "Invalid argument"},
		{"btree", "empty", ".db", "Invalid argument"},
		{"hash", "cut", ".db", "Invalid argument"},
		{"hash", "longer", ".db", "Invalid argument"},
		{"lmdb", "longer", ".lmdb", ""},
		{"hash", "none", ".db", "No such file or directory"},
		{"cdb", "none", ".cdb", "No such file or directory"},
		{"lmdb", "none", ".lmdb", "No such file or directory"},
		{"lmdb", "garbage", ".lmdb", "MDB_INVALID: File is not an LMDB file"},
		{"lmdb", "short", ".lmdb", "MDB_INVALID: File is not an LMDB file"},
		{"lmdb", "empty", ".lmdb", "Bad file descriptor"},
		{"hash", "hash0", ".db", "Invalid argument"},
		{"hash", "hash3", ".db", "Invalid argument"},
		{"hash", "hash4", ".db", "Unknown error -30987"},
		{"hash", "hash6", ".db", "Unknown error -30987"},
		{"hash", "hash7", ".db", ""},
		{"hash", "hash8", ".db", ""},
		{"hash", "hash10", ".db", "Invalid argument"},
		{"btree", "btree5", ".db", "Invalid argument"},
		{"btree", "btree6", ".db", "Unknown error -30987"},
		{"btree", "btree7", ".db", "Unknown error -30987"},
		{"btree", "btree8", ".db", ""},
		{"btree", "btree10", ".db", "Invalid argument"},
		{"btree", "numbers", ".db", "Invalid argument"},
		{"hash", "magic", ".db", "Invalid argument"},
		{"hash", "bytes", ".db", "Invalid argument"},
		{"hash", "cipher", ".db", "Invalid argument"},
		{"hash", "kind", ".db", "Unknown error -30973"},
		{"hash", "function", ".db", ""},
		{"lmdb", "swapped", ".lmdb", "MDB_INVALID: File is not an LMDB file"},
		{"lmdb", "version", ".lmdb", "MDB_VERSION_MISMATCH: Database environment version mismatch"},
		{"lmdb", "numbers", ".lmdb", "keys are numbers"}, // ours alone
	}
	for _, tt := range tests {
		t.Run(tt.typ+":"+tt.name, func(t *testing.T) {
			log := &recorder{}
			path := filepath.Join(dir, tt.name)
			tbl := open(t, tt.typ+":"+path, listFlags, log)
			if tt.reason == "" {
				if lines := log.take(); lines != nil || tbl.Kind() != table.Fixed {
					t.Errorf("log of open: %q", lines)
				}
				return
			}
			reason := "open database " + path + tt.suffix + ": " + tt.reason
			if diff := cmp.Diff([]string{"error: " + reason}, log.take()); diff != "" {
				t.Errorf("log of open (-want +got):\n%s", diff)
			}
			_, found, err := tbl.Lookup(context.Background(), "key")
			if found || err == nil || table.ClassOf(err) != table.Retry || tbl.Kind() != table.Pattern {
				t.Errorf("Lookup = %v, %v", found, err)
			}
			want := []string{"warning: " + tt.typ + ":" + path + " is unavailable. " + reason}
			if diff := cmp.Diff(want, log.take()); diff != "" {
				t.Errorf("log of Lookup (-want +got):\n%s", diff)
			}
		})
	}
	for name, reason := range map[string]string{"short": "Protocol error", "folder": "No such device"} {
		_, err := table.NewSet(table.Options{}).Open("cdb:"+filepath.Join(dir, name), listFlags)
		want := "dict_cdbq_open: unable to init " + filepath.Join(dir, name+".cdb") + ": " + reason
		if err == nil || err.Error() != want || table.ClassOf(err) != table.Fatal {
			t.Errorf("%s: %v, want fatal %q", name, err, want)
		}
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChanged(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	tests := []struct {
		typ, sample, suffix string
		modified            bool // a newer time stamp counts
	}{
		{"hash", "basic-hash.db", ".db", true},
		{"btree", "basic-btree.db", ".db", true},
		{"cdb", "basic-cdb.cdb", ".cdb", true},
		{"lmdb", "basic-lmdb.lmdb", ".lmdb", false},
	}
	for _, tt := range tests {
		t.Run(tt.typ, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "t")
			copyFile(t, "testdata/"+tt.sample, name+tt.suffix)
			if err := os.Chtimes(name+tt.suffix, past, past); err != nil {
				t.Fatal(err)
			}
			for _, spec := range []string{tt.typ + ":" + name, "pipemap:{" + tt.typ + ":" + name + ",static:x}"} {
				if err := os.Chtimes(name+tt.suffix, past, past); err != nil {
					t.Fatal(err)
				}
				set := table.NewSet(table.Options{UTF8: true})
				if _, err := set.Open(spec, listFlags); err != nil {
					t.Fatal(err)
				}
				if got, err := set.Changed(); got != "" || err != nil {
					t.Errorf("Changed at first = %q, %v", got, err)
				}
				registered := spec + "(0,lock|utf8_request)"
				if strings.HasPrefix(spec, "pipemap") {
					registered = tt.typ + ":" + name
				}
				want := ""
				if tt.modified {
					want = registered
				}
				if err := os.Chtimes(name+tt.suffix, past, past.Add(time.Second)); err != nil {
					t.Fatal(err)
				}
				if got, err := set.Changed(); got != want || err != nil {
					t.Errorf("Changed after a write = %q, %v, want %q", got, err, want)
				}
				if err := os.Remove(name + tt.suffix); err != nil {
					t.Fatal(err)
				}
				if got, err := set.Changed(); got != registered || err != nil {
					t.Errorf("Changed after removal = %q, %v, want %q", got, err, registered)
				}
				set.Close()
				copyFile(t, "testdata/"+tt.sample, name+tt.suffix)
			}
		})
	}
}

func TestOlderThanSource(t *testing.T) {
	for _, tt := range []struct{ typ, sample, suffix string }{
		{"hash", "basic-hash.db", ".db"}, {"cdb", "basic-cdb.cdb", ".cdb"}, {"lmdb", "basic-lmdb.lmdb", ".lmdb"},
	} {
		name := filepath.Join(t.TempDir(), "t")
		copyFile(t, "testdata/"+tt.sample, name+tt.suffix)
		copyFile(t, "testdata/basic.txt", name)
		now := time.Now()
		for _, step := range []struct {
			indexAge, sourceAge time.Duration
			warned              bool
		}{
			{time.Hour, time.Minute, false}, // changed just now: postmap may be about to run
			{time.Hour, 3 * time.Minute, true},
			{time.Minute, 3 * time.Minute, false},
		} {
			os.Chtimes(name+tt.suffix, now.Add(-step.indexAge), now.Add(-step.indexAge))
			os.Chtimes(name, now.Add(-step.sourceAge), now.Add(-step.sourceAge))
			log := &recorder{}
			open(t, tt.typ+":"+name, listFlags, log)
			var want []string
			if step.warned {
				want = []string{"warning: database " + name + tt.suffix + " is older than source file " + name}
			}
			if diff := cmp.Diff(want, log.take()); diff != "" {
				t.Errorf("%s %v (-want +got):\n%s", tt.typ, step, diff)
			}
		}
	}
}

// A file that is written anew in place, as postmap does, may be larger then, and of
// another byte order. A transaction makes an lmdb file larger.
func TestGrown(t *testing.T) {
	for _, tt := range []struct{ typ, small, large, suffix string }{
		{"hash", "bigendian-nonul-hash.db", "overflow-longkey-hash.db", ".db"},
		{"btree", "bigendian-nonul-btree-512.db", "overflow-longkey-btree.db", ".db"},
		{"lmdb", "basic-lmdb.lmdb", "overflow-lmdb.lmdb", ".lmdb"},
	} {
		name := filepath.Join(t.TempDir(), "t")
		copyFile(t, "testdata/"+tt.small, name+tt.suffix)
		tbl := open(t, tt.typ+":"+name, listFlags, nil)
		if got := result(t.Context(), tbl, "absent"); got != "not found" {
			t.Errorf("%s: %s", tt.typ, got)
		}
		copyFile(t, "testdata/"+tt.large, name+tt.suffix)
		for key, want := range records(t, "testdata/overflow.txt") {
			if got := result(t.Context(), tbl, key); got != "= "+want {
				t.Errorf("%s: Lookup(%.40q): %.60s", tt.typ, key, got)
			}
		}
	}
}

// A file that loses its pages while it is mapped must not take the process
// with it.
func TestCutShort(t *testing.T) {
	for _, tt := range []struct{ typ, sample, suffix string }{
		{"hash", "overflow-longkey-hash.db", ".db"}, {"btree", "overflow-longkey-btree.db", ".db"},
		{"cdb", "overflow-longkey-cdb.cdb", ".cdb"}, {"lmdb", "overflow-lmdb.lmdb", ".lmdb"},
	} {
		name := filepath.Join(t.TempDir(), "t")
		copyFile(t, "testdata/"+tt.sample, name+tt.suffix)
		tbl := open(t, tt.typ+":"+name, listFlags, nil)
		if err := os.Truncate(name+tt.suffix, 0); err != nil {
			t.Fatal(err)
		}
		_, found, err := tbl.Lookup(context.Background(), "key")
		if found || err == nil || table.ClassOf(err) != table.Fatal {
			t.Errorf("%s: Lookup = %v, %v", tt.typ, found, err)
		}
		copyFile(t, "testdata/"+tt.sample, name+tt.suffix)
		for key, want := range records(t, "testdata/overflow.txt") {
			if value, found, err := tbl.Lookup(context.Background(), key); value != want || !found || err != nil {
				t.Errorf("%s: Lookup(%.40q) = %.40q, %v, %v", tt.typ, key, value, found, err)
			}
		}
	}
}
