package netstring

import (
	"bytes"
	"testing"
)

// BenchmarkAppend reads what a message with many recipients consists of.
func BenchmarkAppend(b *testing.B) {
	var input []byte
	for range 1000 {
		input = AppendNetstring(input, []byte("recipient12345@b.example"))
	}
	source := bytes.NewReader(input)
	var line []byte
	b.SetBytes(int64(len(input)))
	for b.Loop() {
		source.Reset(input)
		r := NewReader(source, 5120)
		for range 1000 {
			var err error
			if line, err = r.Append(line[:0], 2048); err != nil {
				b.Fatal(err)
			}
		}
	}
}
