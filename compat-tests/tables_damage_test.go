package compat

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/table"
)

// indexedSuffixes are the ends of the names of indexed files.
var indexedSuffixes = map[string]string{"hash": ".db", "btree": ".db", "cdb": ".cdb", "lmdb": ".lmdb"}

// indexedSample is a file that is whole, and keys, most of which it has.
type indexedSample struct {
	typ  string
	data []byte
	keys []string
}

// indexedSamples are files of several sizes that postmap makes here, some with long
// keys and values, and those that the loaders of the libraries have made.
func indexedSamples(t *testing.T, pf *postfix.Instance) (samples []indexedSample) {
	t.Helper()
	for _, typ := range []string{"hash", "btree", "cdb", "lmdb"} {
		for i, records := range []int{3, 40, 300, 2500} {
			for _, long := range []bool{false, true} {
				g := rand.New(rand.NewPCG(9, uint64(i)))
				var source strings.Builder
				s := indexedSample{typ: typ}
				for n := range records {
					key, value := fmt.Sprintf("user%d@host%d.example.com", g.IntN(100_000), n), fmt.Sprint("value", n)
					if long && n%7 == 1 {
						length := 1200 + g.IntN(800)
						if typ == "lmdb" {
							length = 300 + g.IntN(190)
						}
						key = fmt.Sprint("long", n, ".", strings.Repeat("k", length))
					}
					if long && n%5 == 2 {
						value += strings.Repeat("v", 200+g.IntN(9000))
					}
					s.keys = append(s.keys, key)
					fmt.Fprintf(&source, "%s %s\n", key, value)
				}
				name := fmt.Sprintf("/etc/postfix/whole-%s-%d-%v", typ, records, long)
				pf.WriteFile(name, source.String(), 0o644)
				pf.MustRun("/usr/sbin/postmap", typ+":"+name)
				s.data = []byte(pf.ReadFile(name + indexedSuffixes[typ]))
				samples = append(samples, s)
			}
		}
	}
	for _, made := range [][3]string{
		{"hash", "bigendian-nonul-hash.db", "bigendian.kv"}, {"btree", "bigendian-nonul-btree-512.db", "bigendian.kv"},
		{"hash", "several-hash-512.db", "several-big.kv"}, {"hash", "several-sorted-hash-512.db", "several-big.kv"}, {"hash", "sums-hash-512.db", "several-big.kv"},
		{"btree", "several-btree-512.db", "several-big.kv"}, {"btree", "several-sorted-btree-512.db", "several-big.kv"}, {"btree", "sums-btree-512.db", "several-big.kv"},
		{"lmdb", "several-lmdb.lmdb", "several.kv"}, {"lmdb", "several-reverse-lmdb.lmdb", "several.kv"}, {"lmdb", "several-fixed-lmdb.lmdb", "several.kv"},
	} {
		data, err := os.ReadFile("../daemon/table/testdata/" + made[1])
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile("../daemon/table/testdata/" + made[2])
		if err != nil {
			t.Fatal(err)
		}
		s := indexedSample{typ: made[0], data: data}
		for i, line := range strings.Split(strings.TrimSuffix(string(source), "\n"), "\n") {
			if i%2 == 0 {
				s.keys = append(s.keys, line)
			}
		}
		samples = append(samples, s)
	}
	return samples
}

// pageSize is that of the file; a cdb file has no pages.
func (s *indexedSample) pageSize() int {
	switch {
	case s.typ == "cdb":
		return 256
	case s.typ == "lmdb":
		return 4096
	}
	return max(512, int(binary.LittleEndian.Uint16(s.data[20:])), int(binary.BigEndian.Uint16(s.data[22:])))
}

// fileDamager damages a file.
type fileDamager struct {
	*rand.Rand
	data []byte
	page int
}

// place is a place in the file. Those that tell where things are come more often: the
// beginnings and ends of pages, and that of the file.
func (d *fileDamager) place() int {
	at, page := 0, d.IntN(max(len(d.data)/d.page, 1))*d.page
	switch d.IntN(6) {
	case 0:
		at = d.IntN(len(d.data))
	case 1, 2:
		at = page + d.IntN(32)
	case 3:
		at = page + d.IntN(min(d.page, 512))
	case 4:
		at = d.IntN(2048)
	case 5:
		at = page + d.page - 1 - d.IntN(64)
	}
	return min(at, len(d.data)-1)
}

// step does one kind of damage, and says which.
func (d *fileDamager) step() string {
	at, pages := d.place(), max(len(d.data)/d.page, 1)
	whole := func() []byte {
		page := d.IntN(pages) * d.page
		return d.data[page:min(page+d.page, len(d.data))]
	}
	switch d.IntN(12) {
	case 0, 1, 2:
		bit := byte(1) << d.IntN(8)
		d.data[at] ^= bit
		return fmt.Sprintf("bit %#x at %d", bit, at)
	case 3, 4:
		d.data[at] = byte(d.IntN(256))
		return fmt.Sprintf("%#x at %d", d.data[at], at)
	case 5:
		at = max(0, min(at&^1, len(d.data)-2))
		number := []int{0, 1, 2, 0xffff, 0x7fff, 0x8000, d.page, d.page - 1, d.IntN(d.page)}[d.IntN(9)]
		binary.LittleEndian.PutUint16(d.data[at:], uint16(number))
		return fmt.Sprintf("number %#x at %d", number, at)
	case 6:
		at = max(0, min(at&^3, len(d.data)-4))
		number := []uint32{0, 1, 2, 0xffffffff, 0x7fffffff, 0x80000000, uint32(pages), uint32(pages - 1), uint32(d.IntN(pages)), uint32(d.IntN(len(d.data)))}[d.IntN(10)]
		binary.LittleEndian.PutUint32(d.data[at:], number)
		return fmt.Sprintf("number %#x at %d", number, at)
	case 7:
		clear(d.data[at:min(at+1+d.IntN(64), len(d.data))])
		return fmt.Sprintf("zeros at %d", at)
	case 8:
		clear(whole())
		return "a page of zeros"
	case 9:
		one, other := whole(), whole()
		old := bytes.Clone(one)
		copy(one, other)
		copy(other, old)
		return "two pages exchanged"
	case 10:
		copy(whole(), whole())
		return "a page copied over another"
	}
	if d.IntN(2) == 0 {
		at = d.IntN(pages) * d.page
	}
	d.data = d.data[:max(at, 8)]
	return fmt.Sprintf("cut at %d", at)
}

// TestDamagedTables damages indexed files at random. Whatever postmap finds, we find or
// have an error; what it does not find, we do not find either, unless it is in the
// file, or have an error; and where it has an error, crashes or does not end, we
// have an error, or the answer of the undamaged file.
// QMQPD_COMPAT_DAMAGED_TABLES="NUMBER SEED" asks for other files than usual.
func TestDamagedTables(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	seed, n := uint64(20261129), 120
	if text := os.Getenv("QMQPD_COMPAT_DAMAGED_TABLES"); text != "" {
		if _, err := fmt.Sscan(text, &n, &seed); err != nil {
			t.Fatalf("QMQPD_COMPAT_DAMAGED_TABLES=%q: %v", text, err)
		}
	}
	samples := indexedSamples(t, pf)
	for i, s := range samples {
		name := fmt.Sprintf("/etc/postfix/sample%d", i)
		pf.WriteFile(name+indexedSuffixes[s.typ], string(s.data), 0o644)
		if got := askOurs(pf, s.typ+":"+pf.Path(name), s.keys[0]); !got.found {
			t.Errorf("sample %d, %s: nothing is found in the undamaged file: %+v", i, s.typ, got)
		}
	}
	var mu sync.Mutex
	met := map[string]int{}
	try := func(name string, seed uint64) {
		g := rand.New(rand.NewPCG(seed, 3))
		which := g.IntN(len(samples))
		s := samples[which]
		d := &fileDamager{g, bytes.Clone(s.data), s.pageSize()}
		damage := d.step()
		for g.IntN(4) == 0 {
			damage += ", " + d.step()
		}
		pf.WriteFile(name+indexedSuffixes[s.typ], string(d.data), 0o644)
		for _, key := range []string{"absent", s.keys[0], s.keys[len(s.keys)-1], s.keys[g.IntN(len(s.keys))]} {
			postfix.Case(t)
			theirs, ours := askPostmap(pf, s.typ+":"+name, key), askOurs(pf, s.typ+":"+pf.Path(name), key)
			before := askOurs(pf, fmt.Sprintf("%s:%s%d", s.typ, pf.Path("/etc/postfix/sample"), which), key)
			good := ours.problem != "" || ours == theirs || ours == before && (theirs.problem != "" || !theirs.found)
			if !good {
				t.Errorf("seed %d, sample %d, %s, %s: %.50s:\npostmap %.300s\nours %.300s\nbefore %.300s", seed, which, s.typ, damage, key, theirs.text(), ours.text(), before.text())
			}
			mu.Lock()
			met[fmt.Sprintf("%s: postmap %s, ours %s", s.typ, theirs.kind(), ours.kind())]++
			mu.Unlock()
		}
	}
	// postmap pauses before it ends with an error.
	work := make(chan uint64)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for seed := range work {
				try(fmt.Sprintf("/etc/postfix/damaged%d", i), seed)
			}
		})
	}
	for i := range n {
		work <- seed + uint64(i)
	}
	close(work)
	wg.Wait()
	t.Log(met)
}

// tableAnswer is what comes of a lookup. Problem is an error's text.
type tableAnswer struct {
	value   string
	found   bool
	problem string
}

func (a tableAnswer) kind() string {
	switch {
	case a.problem != "":
		return "error"
	case a.found:
		return "value"
	}
	return "nothing"
}

func (a tableAnswer) text() string { return fmt.Sprintf("%s %q%q", a.kind(), a.value, a.problem) }

// askPostmap asks postmap for a key. It may crash or go round in circles.
func askPostmap(pf *postfix.Instance, spec, key string) tableAnswer {
	r := pf.Run("/usr/bin/timeout", "-s", "KILL", "5", "/bin/sh", "-c", `ulimit -v 4000000; exec /usr/sbin/postmap -q "$0" "$1"`, key, spec)
	switch {
	case r.Code == 0:
		return tableAnswer{value: strings.TrimSuffix(r.Stdout, "\n"), found: true}
	case r.Code == 1 && !strings.Contains(r.Stderr, "fatal: "):
		return tableAnswer{}
	}
	return tableAnswer{problem: fmt.Sprintf("%d: %s", r.Code, r.Stderr)}
}

// askOurs asks for a key in a table that is opened for it.
func askOurs(pf *postfix.Instance, spec, key string) tableAnswer {
	set := table.NewSet(table.Options{Log: &tableLog{root: pf.Dir}, UTF8: true, OpenErrorFatal: true})
	defer set.Close()
	tbl, err := set.Open(spec, postmapFlags)
	if err != nil {
		return tableAnswer{problem: err.Error()}
	}
	value, found, err := tbl.Lookup(context.Background(), key)
	if err != nil {
		return tableAnswer{problem: err.Error()}
	}
	return tableAnswer{value: value, found: found}
}
