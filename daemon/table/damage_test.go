package table

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The readers of indexed files are tried on damaged bytes in memory, which is
// faster than files: whatever the bytes are, there is an answer or an error.

// formats are the ways to read an indexed file.
var formats = map[string]func(*mappedFile) (index, error){
	"hash": func(f *mappedFile) (index, error) {
		return (&bdbFile{file: f, magic: bdbHashMagic}).check(newHashIndex)
	},
	"btree": func(f *mappedFile) (index, error) {
		return (&bdbFile{file: f, magic: bdbBtreeMagic}).check(newBtreeIndex)
	},
	"cdb":  newCDBIndex,
	"lmdb": newLMDBIndex,
}

// ask reads data as a file and looks keys up. It reports how many were found, and
// the error that was met.
func ask(t *testing.T, format string, data []byte, keys ...[]byte) (found int, problem error) {
	problem = guard(func() error {
		x, err := formats[format](&mappedFile{fd: -1, data: data})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if len(key) == 0 && format == "lmdb" {
				continue // an error anyhow
			}
			value, ok, err := x.get(key)
			if err != nil {
				return err
			}
			if ok {
				found++
			} else if len(value) != 0 {
				t.Errorf("%s: a value for an absent key", format)
			}
			if len(value) > len(data) {
				t.Errorf("%s: a value of %d bytes from a file of %d", format, len(value), len(data))
			}
		}
		return nil
	})
	// Memory faults cannot happen here; a panic would be an index that was
	// not checked.
	if problem != nil && strings.Contains(problem.Error(), "runtime error") {
		t.Errorf("%s: %v", format, problem)
	}
	return found, problem
}

var damagedSamples = []struct{ format, sample string }{
	{"hash", "basic-hash.db"}, {"hash", "overflow-longkey-hash.db"}, {"hash", "bigendian-nonul-hash.db"},
	{"btree", "basic-btree.db"}, {"btree", "overflow-longkey-btree.db"}, {"btree", "bigendian-nonul-btree-512.db"},
	{"cdb", "basic-cdb.cdb"}, {"cdb", "overflow-longkey-cdb.cdb"}, {"lmdb", "basic-lmdb.lmdb"}, {"lmdb", "overflow-lmdb.lmdb"},
	{"hash", "several-hash-512.db"}, {"hash", "several-sorted-hash-512.db"}, {"hash", "sums-hash-512.db"},
	{"btree", "several-btree-512.db"}, {"btree", "several-sorted-btree-512.db"}, {"btree", "sums-btree-512.db"},
	{"lmdb", "several-lmdb.lmdb"}, {"lmdb", "several-reverse-lmdb.lmdb"}, {"lmdb", "several-fixed-lmdb.lmdb"},
}

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sampleKeys are words of the samples' sources, and keys that lead elsewhere.
func sampleKeys(t testing.TB) [][]byte {
	t.Helper()
	keys := [][]byte{[]byte("absent"), bytes.Repeat([]byte("k"), 3000), {}, {0xff}}
	for _, source := range []string{"basic.txt", "overflow-longkey.txt", "bigendian.kv", "several-big.kv"} {
		for i, line := range bytes.Split(readSample(t, source), []byte("\n")) {
			words := bytes.Fields(bytes.ToLower(line))
			if len(words) > 0 && (i < 12 || i%40 == 0 || len(words[0]) > 100 || source == "several-big.kv" && i >= 104) {
				keys = append(keys, words[0], append(bytes.Clone(words[0]), 0))
			}
		}
	}
	return keys
}

// TestDamagedFiles changes one byte of each sample in turn, or cuts it short,
// at places all over the file. Each kind of damage is an error of its own, not an
// absent key.
func TestDamagedFiles(t *testing.T) {
	number := regexp.MustCompile("0x[0-9a-f]+|[0-9]+")
	met := map[string]int{} // how often each was met
	said := func(format string, err error) {
		if err != nil {
			text := strings.TrimPrefix(err.Error(), errDamaged.Error()+": ")
			met[format+": "+number.ReplaceAllString(text, "N")]++
		}
	}
	keys := sampleKeys(t)
	for _, s := range damagedSamples {
		data := readSample(t, s.sample)
		if found, err := ask(t, s.format, data, keys...); found == 0 || err != nil {
			t.Errorf("%s: %d keys found in the undamaged file, %v", s.sample, found, err)
		}
		step, later := 1, 61
		if RaceEnabled {
			step, later = 11, 997
		}
		for at := 0; at < len(data); at += step {
			if at >= 256 {
				step = later
			}
			for _, bits := range []byte{0xff, 0x01, 0x80} {
				data[at] ^= bits
				_, err := ask(t, s.format, data, keys...)
				said(s.format, err)
				data[at] ^= bits
			}
			if at%7 == 0 {
				_, err := ask(t, s.format, data[:at], keys...)
				said(s.format, err)
			}
		}
		if RaceEnabled || !strings.HasSuffix(s.sample, "-512.db") || strings.HasPrefix(s.sample, "sums") {
			continue
		}
		// The next page, the number of entries, level and type in a page's header.
		for page := 512; page < len(data); page += 512 {
			for _, at := range []int{19, 20, 21, 24, 25} {
				for _, bits := range []byte{1, 2, 3, 15} {
					data[page+at] ^= bits
					_, err := ask(t, s.format, data, keys...)
					said(s.format, err)
					data[page+at] ^= bits
				}
			}
			// It follows itself.
			next := bytes.Clone(data[page+16 : page+20])
			copy(data[page+16:], data[page+8:page+12])
			_, err := ask(t, s.format, data, keys...)
			said(s.format, err)
			copy(data[page+16:], next)
		}
	}
	if RaceEnabled {
		return
	}
	// Each of these was met at least once, so it is not taken for an absent key.
	for format, wants := range map[string][]string{
		"btree": {
			"Bad file descriptor", "N bytes at N of a page", "N entries on a page", "checksum of page N", "checksum of the meta page", "encrypted",
			"flags N", "inner key of type N", "item of type N", "key of N bytes", "key of type N", "leaf with a key that has no value",
			"magic number", "overflow page N", "page N has level N below N", "page N has type N", "page N of N", "page N of values has type N",
			"page N says it is N", "page size N", "version N",
		},
		"cdb": {
			"Protocol error", "N bytes at offset N of N",
		},
		"hash": {
			"Bad file descriptor", "Unknown error -N", "N entries on a page", "checksum of page N", "checksum of the meta page", "encrypted",
			"item N from N to N",
			"item of type N", "key of type N", "magic number", "overflow page N", "page N follows itself", "page N has level N below N",
			"page N has type N", "page N of N", "page N of values has type N", "page N of values is empty", "page N says it is N", "page size N",
			"page with a key that has no value", "value of type N", "version N",
		},
		"lmdb": {
			"Bad file descriptor", "MDB_CORRUPTED: Located page was wrong type", "MDB_INVALID: File is not an LMDB file",
			"MDB_VERSION_MISMATCH: Database environment version mismatch", "keys are numbers",
		},
	} {
		for _, want := range wants {
			if want = format + ": " + want; met[want] == 0 {
				t.Errorf("no file with the error %q", want)
			}
		}
	}
}

// TestDamagedAnswers has damage that the database libraries do not see, or see where
// they need not: the answers are postmap's. An error stands for any of its own.
func TestDamagedAnswers(t *testing.T) {
	type patch struct {
		at   int
		bits int // that are turned
	}
	const (
		clears = -1 // a page of zeros
		ones   = -2 // eight bytes of ones
	)
	const none, broken = "not found", "error"
	for _, tt := range []struct {
		format, sample string
		patches        []patch
		answers        map[string]string
	}{
		// Keys out of order: what is found depends on where one looks.
		{"lmdb", "basic-lmdb.lmdb", []patch{{8214, 2}}, map[string]string{".example.net": "subdomains only", "127.0.0.1": "local address"}},
		{"lmdb", "basic-lmdb.lmdb", []patch{{8218, 8}}, map[string]string{".example.net": none, "127.0.0.1": none, "example.org": "domain itself"}},
		{"lmdb", "basic-lmdb.lmdb", []patch{{8210, 1}}, map[string]string{"127.0.0.1": "local address", "example.org": "domain itself"}},
		{"btree", "basic-btree.db", []patch{{4134, 16}}, map[string]string{"example.org": "domain itself", ".example.net": "subdomains only"}},
		{"btree", "basic-btree.db", []patch{{7735, 16}}, map[string]string{"mail.example.com": "mixed case key is stored in lower case"}},
		{"btree", "basic-btree.db", []patch{{4122, 1}}, map[string]string{".example.net": "subdomains only"}},
		// A leaf that is a branch too.
		{"lmdb", "basic-lmdb.lmdb", []patch{{8202, 1}}, map[string]string{"127.0.0.1": broken}},
		{"lmdb", "basic-lmdb.lmdb", []patch{{8202, 2}}, map[string]string{"127.0.0.1": broken}},
		// Values that are deleted.
		{"btree", "several-btree-512.db", []patch{{1826, 0x80}}, map[string]string{"pair.example.com": "v0000003"}},
		{"btree", "several-btree-512.db", []patch{{1826, 0x80}, {1814, 0x80}}, map[string]string{"pair.example.com": none}},
		// Where the records of a cdb file end.
		{"cdb", "basic-cdb.cdb", []patch{{0, 1}}, map[string]string{"mail.example.com": broken, "example.org": "domain itself", "absent": none}},
		{"cdb", "basic-cdb.cdb", []patch{{40, 32}}, map[string]string{"mail.example.com": broken, "example.org": "domain itself"}},
		{"cdb", "basic-cdb.cdb", []patch{{3, 64}}, map[string]string{"example.org": broken, "absent": broken}},
		// A page without a type is none that was never written.
		{"hash", "basic-hash.db", []patch{{4096 + 25, 13}}, map[string]string{"example.org": broken, "127.0.0.1": "local address"}},
		{"hash", "basic-hash.db", []patch{{4096, clears}}, map[string]string{"example.org": none, "127.0.0.1": "local address"}},
		{"btree", "basic-btree.db", []patch{{4096, clears}}, map[string]string{"example.org": broken, "127.0.0.1": broken}},
		// A file without keys has no root.
		{"lmdb", "basic-lmdb.lmdb", []patch{{128, ones}, {4096 + 128, ones}}, map[string]string{"example.org": none}},
		// The first page's type.
		{"hash", "basic-hash.db", []patch{{25, 8}}, map[string]string{"example.org": broken}},
		{"hash", "basic-hash.db", []patch{{25, 8 ^ 2}}, map[string]string{"example.org": broken}},
		{"hash", "basic-hash.db", []patch{{25, 8 ^ 13}}, map[string]string{"example.org": broken}},
		{"hash", "basic-hash.db", []patch{{25, 8 ^ 16}}, map[string]string{"example.org": "domain itself"}},
		{"btree", "basic-btree.db", []patch{{25, 9 ^ 1}}, map[string]string{"example.org": "domain itself"}},
		{"btree", "basic-btree.db", []patch{{25, 9 ^ 17}}, map[string]string{"example.org": "domain itself"}},
		// Its checksum, from the first byte to the last, is no matter of what is used.
		{"hash", "sums-hash-512.db", []patch{{343, 1}}, map[string]string{"host0.example.com": broken}},
		{"hash", "sums-hash-512.db", []patch{{495, 1}}, map[string]string{"host0.example.com": broken}},
		{"btree", "sums-btree-512.db", []patch{{511, 1}}, map[string]string{"host0.example.com": broken}},
	} {
		data := readSample(t, tt.sample)
		for _, p := range tt.patches {
			switch p.bits {
			case clears:
				clear(data[p.at : p.at+4096])
			case ones:
				copy(data[p.at:], bytes.Repeat([]byte{0xff}, 8))
			default:
				data[p.at] ^= byte(p.bits)
			}
		}
		for key, want := range tt.answers {
			got := none
			err := guard(func() error {
				x, err := formats[tt.format](&mappedFile{fd: -1, data: data})
				for _, key := range [][]byte{append([]byte(key), 0), []byte(key)} {
					if err != nil || got != none {
						break
					}
					var value []byte
					var found bool
					if value, found, err = x.get(key); found {
						got = cString(string(value))
					}
				}
				return err
			})
			if err != nil {
				got = broken
			}
			if got != want {
				t.Errorf("%s %v: %s = %q (%v), want %q", tt.sample, tt.patches, key, got, err, want)
			}
		}
	}
}

// TestHashChains: a chain of pages that runs in a circle is damage, however long
// the circle and the way to it; one that ends is not.
func TestHashChains(t *testing.T) {
	data := readSample(t, "overflow-longkey-hash.db")
	size := int(binary.LittleEndian.Uint32(data[20:]))
	var pages []int
	for n := 1; (n+1)*size <= len(data); n++ {
		if typ := data[n*size+25]; typ == pageHash || typ == pageHashUnsorted {
			pages = append(pages, n)
		}
	}
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	// Each page is followed by the next, and the last by the one given.
	chain := func(last int) error {
		b := bytes.Clone(data)
		for i, n := range pages {
			next := last
			if i+1 < len(pages) {
				next = pages[i+1]
			}
			binary.LittleEndian.PutUint32(b[n*size+16:], uint32(next))
		}
		x, err := formats["hash"](&mappedFile{fd: -1, data: b})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			value, found, err := x.get([]byte("absent"))
			if found || value != nil {
				t.Errorf("found %q", value)
			}
			done <- err
		}()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			t.Fatalf("no end of a chain whose last page is followed by page %d", last)
			return nil
		}
	}
	if err := chain(0); err != nil {
		t.Errorf("a chain with an end: %v", err)
	}
	for _, first := range pages {
		if err := chain(first); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "follows itself") {
			t.Errorf("a circle that begins with page %d: %v", first, err)
		}
	}
}

// fuzzFormat damages the samples of a format: each four bytes of patches are a
// place in the file and what to write there. Small inputs keep it fast.
func fuzzFormat(f *testing.F, format string) {
	var samples [][]byte
	for _, s := range damagedSamples {
		if s.format == format {
			samples = append(samples, readSample(f, s.sample))
		}
	}
	for i := range samples {
		f.Add(byte(i), []byte("\x00\x00\x14\xff"), []byte("key"), uint32(1<<20))
		f.Add(byte(i), []byte("\x00\x10\x1a\x00\x00\x10\x1b\x10"), []byte("mail.example.com"), uint32(5000))
	}
	f.Fuzz(func(t *testing.T, which byte, patches, key []byte, size uint32) {
		data := bytes.Clone(samples[int(which)%len(samples)])
		for ; len(patches) >= 4; patches = patches[4:] {
			at := int(patches[0])<<16 | int(patches[1])<<8 | int(patches[2])
			data[at%len(data)] = patches[3]
		}
		ask(t, format, data[:min(int(size), len(data))], key, append(key, 0))
	})
}

func FuzzHash(f *testing.F)  { fuzzFormat(f, "hash") }
func FuzzBtree(f *testing.F) { fuzzFormat(f, "btree") }
func FuzzCDB(f *testing.F)   { fuzzFormat(f, "cdb") }
func FuzzLMDB(f *testing.F)  { fuzzFormat(f, "lmdb") }

func TestGuard(t *testing.T) {
	err := guard(func() error { panic("out of range") })
	if !errors.Is(err, errDamaged) {
		t.Errorf("guard: %v, want %v", err, errDamaged)
	}
}
