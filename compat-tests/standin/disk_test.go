package standin

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestDisk writes blocks, flushes, and writes more. After a cut, what was
// flushed is there, what came later is or is not, and what was never written
// is as it was.
func TestDisk(t *testing.T) {
	const blocks = 64
	image := filepath.Join(t.TempDir(), "image")
	before := bytes.Repeat([]byte("b"), blocks*diskBlock)
	if err := os.WriteFile(image, before, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := NewDisk(t, image)
	if err != nil {
		t.Skip(err)
	}
	f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d.Record()
	write := func(from, to int, with string) {
		t.Helper()
		if _, err := f.WriteAt(bytes.Repeat([]byte(with), (to-from)*diskBlock), int64(from)*diskBlock); err != nil {
			t.Fatal(err)
		}
	}
	write(0, 32, "1")
	unflushed := d.Position()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	flushed := d.Position()
	write(16, 48, "2")
	written := d.Position()
	if unflushed == 0 || flushed <= unflushed || written <= flushed {
		t.Fatalf("positions %d %d %d", unflushed, flushed, written)
	}
	// The block's possible contents, by range of blocks.
	for _, cut := range []struct {
		at                 int
		until16, until32   string
		until48, otherwise string
	}{
		{0, "b", "b", "b", "b"},
		{unflushed, "b1", "b1", "b", "b"},
		{flushed, "1", "1", "b", "b"},
		{written, "1", "12", "b2", "b"},
	} {
		seen := [4]map[byte]bool{{}, {}, {}, {}}
		for n := range 40 {
			if err := d.Cut(cut.at, rand.New(rand.NewPCG(1, uint64(n))), image); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(image)
			if err != nil || len(content) != len(before) {
				t.Fatalf("%d bytes, %v", len(content), err)
			}
			for at := range blocks {
				block := content[at*diskBlock : (at+1)*diskBlock]
				if len(bytes.Trim(block, string(block[:1]))) != 0 {
					t.Fatalf("block %d is torn", at)
				}
				seen[at/16][block[0]] = true
			}
		}
		for n, want := range []string{cut.until16, cut.until32, cut.until48, cut.otherwise} {
			if len(seen[n]) != len(want) {
				t.Errorf("after event %d, blocks from %d: %v, want each of %q", cut.at, 16*n, seen[n], want)
			}
			for _, b := range []byte(want) {
				if !seen[n][b] {
					t.Errorf("after event %d, blocks from %d: never %q", cut.at, 16*n, b)
				}
			}
		}
	}
}
