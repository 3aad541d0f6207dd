package queuefmt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// logical returns the records of a good file as its readers see them.
func logical(t testing.TB, b []byte) []Record {
	t.Helper()
	var recs []Record
	w := NewWalker(bytes.NewReader(b))
	for {
		rec, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch rec.Type {
		case RecPointer, RecPadding, RecSize:
			continue
		}
		rec.Data = bytes.Clone(rec.Data)
		recs = append(recs, rec)
		if rec.Type == RecEnd {
			return recs
		}
	}
}

func keys(recs []Record) []string {
	var s []string
	for _, r := range recs {
		if r.Type != RecSize {
			s = append(s, fmt.Sprintf("%c %q", r.Type, r.Data))
		}
	}
	return s
}

// TestRecoverGood: of a good file nothing is lost.
func TestRecoverGood(t *testing.T) {
	for name, b := range samples(t) {
		got := Recover(b, time.Time{})
		if len(got.Lost) > 0 || len(got.Missing) > 0 {
			t.Errorf("%s: lost %v, missing %v", name, got.Lost, got.Missing)
		}
		if !slices.Equal(keys(got.File.Records), keys(logical(t, b))) {
			t.Errorf("%s: records differ", name)
		}
		if _, err := VerifyBytes(got.File.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecoverDamaged damages one record of each sample at a time; all the
// others must come back. Bytes of the damaged record may by accident look like
// a record and take a neighbour with them; that may happen once in 200 times.
func TestRecoverDamaged(t *testing.T) {
	damages := []struct {
		name string
		do   func(b []byte, rec Record)
	}{
		{"type", func(b []byte, rec Record) { b[rec.Offset] = 0x01 }},
		{"length longer", func(b []byte, rec Record) { b[rec.Offset+1] += 9 }},
		{"length huge", func(b []byte, rec Record) { b[rec.Offset+1] = 0xff }},
		{"zeros", func(b []byte, rec Record) { clear(b[rec.Offset:rec.End()]) }},
	}
	cases, imperfect := 0, 0
	for name, b := range samples(t) {
		recs := logical(t, b)
		for _, d := range damages {
			for i, rec := range recs {
				if rec.Type == RecEnd {
					continue
				}
				bad := bytes.Clone(b)
				d.do(bad, rec)
				if longer, err := parseRecord(bad, int(rec.Offset)); err == nil && longer.End() != rec.End() &&
					slices.ContainsFunc(recs, func(r Record) bool { return r.Offset == longer.End() }) {
					continue // by accident a good file
				}
				got := Recover(bad, time.Unix(1, 0))
				want := keys(recs)
				switch rec.Type {
				case RecMessage, RecExtracted: // made anew
				default:
					want = slices.Delete(want, i, i+1)
				}
				have := keys(got.File.Records)
				missing := 0
				for _, w := range want {
					if j := slices.Index(have, w); j >= 0 {
						have = slices.Delete(have, j, j+1)
					} else {
						missing++
					}
				}
				cases++
				if missing > 0 {
					imperfect++
					t.Logf("%s: %s at %d (%c): %d records lost: %v", name, d.name, rec.Offset, rec.Type, missing, got.Lost)
				}
				if _, err := VerifyBytes(got.File.Bytes()); err != nil {
					t.Errorf("%s: %s at %d: %v", name, d.name, rec.Offset, err)
				}
			}
		}
	}
	if imperfect*200 > cases {
		t.Errorf("%d of %d damaged files lost more than the damaged record", imperfect, cases)
	}
}

// TestRecoverTruncated: the records before the end come back, the text of the
// last one as far as it goes.
func TestRecoverTruncated(t *testing.T) {
	b := build(whole())
	got := Recover(b[:247], time.Time{}) // in the data of "dy"
	want := []string{
		`T "1795343700 239654"`, `A "create_time=1795343700"`, `S "s@example.com"`,
		`A "dsn_orig_rcpt=rfc822;r@example.org"`, `O "r@example.org"`, `R "r@example.org"`,
		`M ""`, `N "Subject: test"`, `N ""`, `L "bo"`, `N "d"`, `X ""`, `E ""`,
	}
	if have := keys(got.File.Records); !slices.Equal(have, want) {
		t.Errorf("have %q", have)
	}
	if fmt.Sprint(got.Lost) != "[{244 246 unexpected EOF in data, record type 78 length 2; its data is kept}]" {
		t.Error(got.Lost)
	}
	// An address that may be incomplete is not kept.
	got = Recover(b[:215], time.Time{})
	if fmt.Sprint(got.Missing) != fmt.Sprint([]RecordType{RecRecipient, RecNormal}) {
		t.Error(got.Missing)
	}
	// No time at all.
	got = Recover(b[97+19+24:], time.Time{})
	if !slices.Contains(got.Missing, RecTime) {
		t.Error(got.Missing)
	}
	if got = Recover(b[97+19+24:], time.Unix(7, 0)); !slices.Contains(keys(got.File.Records), `T "7"`) {
		t.Error(keys(got.File.Records))
	}
}

// TestRecoverMilter follows pointers to records that a milter added.
func TestRecoverMilter(t *testing.T) {
	recs := withSize(append(append(append([]Record{}, whole()[:7]...), PointerRecord(0)), whole()[7:]...))
	b := build(recs)
	added := []Record{{Type: RecRecipient, Data: []byte("added@example.org")}, PointerRecord(238)}
	copy(b[221:], PointerRecord(int64(len(b))).AppendTo(nil))
	b = append(b, build(added)...)
	if _, err := VerifyBytes(b); err != nil {
		t.Fatal(err)
	}
	got := Recover(b, time.Time{})
	if len(got.Lost) > 0 || !slices.Contains(keys(got.File.Records), `R "added@example.org"`) {
		t.Errorf("%v %q", got.Lost, keys(got.File.Records))
	}
}

// TestRecoverNoise: whatever the damage, the result is a file.
func TestRecoverNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, b := range samples(t) {
		for range 200 {
			bad := bytes.Clone(b)
			for range 1 + rnd.IntN(5) {
				bad[rnd.IntN(len(bad))] = byte(rnd.Uint32())
			}
			if rnd.IntN(4) == 0 {
				bad = bad[:rnd.IntN(len(bad))]
			}
			checkRecovered(t, name, bad)
		}
	}
}

func checkRecovered(t testing.TB, name string, bad []byte) {
	t.Helper()
	got := Recover(bad, time.Unix(1, 0))
	if slices.Contains(got.Missing, RecNormal) {
		return
	}
	if _, err := VerifyBytes(got.File.Bytes()); err != nil {
		t.Fatalf("%s: %v\n%q", name, err, bad)
	}
}

// TestRecoverJumps: pointers that lead to the same damage again and again cost
// no search of the whole file each. When they did, a twenty-fifth of this file
// took twelve seconds.
func TestRecoverJumps(t *testing.T) {
	const n, damaged = 50_000, 5
	base := int64(n * PointerRecordLen)
	var b []byte
	for i := range int64(n) {
		b = PointerRecord(base + i*damaged).AppendTo(b)
	}
	for range n {
		b = append(AppendRecord(b, RecRecipient, []byte("r")), 0xff, 0xff)
	}
	got := Recover(b, time.Unix(1, 0))
	recipients := 0
	for _, rec := range got.File.Records {
		if rec.Type == RecRecipient {
			recipients++
		}
	}
	if recipients != n || len(got.Lost) != n {
		t.Errorf("%d recipients, %d gaps", recipients, len(got.Lost))
	}
}

// BenchmarkRecoverDamage recovers files that were made to make it search much:
// with n times the size it must take about n times as long.
func BenchmarkRecoverDamage(b *testing.B) {
	for _, n := range []int{1000, 8000} {
		for name, file := range map[string][]byte{"back": jumpsBack(n), "overlaps": overlaps(n)} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(len(file)))
				for b.Loop() {
					if got := Recover(file, time.Unix(1, 0)); len(got.Lost) != n {
						b.Fatalf("%d gaps", len(got.Lost))
					}
				}
			})
		}
	}
}

// TestRecoverDamage: what the benchmark recovers comes out whole.
func TestRecoverDamage(t *testing.T) {
	for name, file := range map[string][]byte{"back": jumpsBack(1000), "overlaps": overlaps(1000)} {
		if got := Recover(file, time.Unix(1, 0)); len(got.Lost) != 1000 {
			t.Errorf("%s: %d gaps", name, len(got.Lost))
		}
	}
}

// jumpsBack is a file of n pointers, which lead to damage from the last to the first.
func jumpsBack(n int) []byte {
	const records = 10
	recipient := AppendRecord(nil, RecRecipient, []byte("r"))
	block := len(recipient)*records + 2
	base := n * PointerRecordLen
	var b []byte
	for i := range n {
		last := base + (n-1-i)*block + len(recipient)*(records-1)
		b = PointerRecord(int64(last)).AppendTo(b)
	}
	for range n {
		b = append(append(b, bytes.Repeat(recipient, records)...), 0xff, 0xff)
	}
	return b
}

// overlaps is a file of n records that begin one in another and end together.
func overlaps(n int) []byte {
	const block, header = 10, 5
	b := AppendRecord(nil, RecMessage, nil)
	base := len(b) + n*PointerRecordLen
	end := base + n*block
	for i := range n {
		b = PointerRecord(int64(base + i*block)).AppendTo(b)
	}
	for range n {
		b = append(AppendRecord(b, RecNormal, []byte("r")), 0xff, 0xff)
		length := end - len(b) - header
		b = append(b, byte(RecNormal), byte(length|0x80), byte(length>>7|0x80), byte(length>>14|0x80), byte(length>>21))
	}
	for range 20 {
		b = AppendRecord(b, RecNormal, []byte("text"))
	}
	return b
}

// TestMarks compares a set of positions with a simple one.
func TestMarks(t *testing.T) {
	for size := range 200 {
		random := rand.New(rand.NewPCG(1, uint64(size)))
		m, simple := newMarks(size), make([]bool, size+1)
		for range 2 * size {
			pos := random.IntN(size)
			m.add(pos)
			simple[pos] = true
			from := random.IntN(size + 1)
			want := from
			for simple[want] {
				want++
			}
			if got := m.skip(from); got != want {
				t.Fatalf("size %d: from %d: %d, want %d", size, from, got, want)
			}
		}
	}
}

// TestRecoverPointers: a pointer that leads to no record is passed over, and told of,
// since something was there. All recipients count, those that are done with as well.
func TestRecoverPointers(t *testing.T) {
	want := []string{`T "1 2"`, `A "create_time=1"`, `S "s"`, `R "a"`, `D "b"`, `/ "c"`, `M ""`, `N "x"`, `X ""`, `E ""`}
	for _, pointer := range []string{"0", "1", "97", "100000", "9223372036854775807"} {
		b := AppendRecord(nil, RecSize, []byte("1 2 3"))
		for _, r := range []string{"T1 2", "Acreate_time=1", "Ss", "p" + pointer, "Ra", "Db", "/c", "M", "Nx", "X", "E"} {
			b = AppendRecord(b, RecordType(r[0]), []byte(r[1:]))
		}
		got := Recover(b, time.Time{})
		if have := keys(got.File.Records); !slices.Equal(have, want) || len(got.Lost) > 0 != (pointer != "0") {
			t.Errorf("pointer %q: %q, lost %v", pointer, have, got.Lost)
		}
		size, err := ParseSize(got.File.Records[0].Data)
		if err != nil || size.Recipients != 3 || size.DataSize != size.ContentLength {
			t.Errorf("pointer %q: %+v, %v", pointer, size, err)
		}
	}
}

// TestRecoverEdited damages the two records that part the groups of a file that a Milter
// has edited. What it put in stands at the end of the file, and looks like more of the
// group before.
func TestRecoverEdited(t *testing.T) {
	rec := func(t RecordType, data string) Record { return Record{Type: t, Data: []byte(data)} }
	recs := slices.Insert(whole(), 7, PointerRecord(0)) // to recipients
	recs = slices.Insert(recs, 10, PointerRecord(0))    // to a header and the body
	recs = append(recs,
		rec(RecOrigRecipient, "added1@example.net"), rec(RecRecipient, "added1@example.net"),
		rec(RecOrigRecipient, "added2@example.net"), rec(RecRecipient, "added2@example.net"), PointerRecord(0),
		rec(RecNormal, "X-Added: value"), rec(RecNormal, ""), rec(RecNormal, "new body"), rec(RecNormal, "of lines"), PointerRecord(0))
	offsets := make([]int64, len(recs)+1)
	for i, r := range recs {
		offsets[i+1] = offsets[i] + int64(RecordSize(len(r.Data)))
	}
	const message, extracted, recipients, body = 8, 14, 17, 22
	for _, p := range [][2]int{{7, recipients}, {10, body}, {21, message}, {26, extracted}} {
		recs[p[0]] = PointerRecord(offsets[p[1]])
	}
	withSize(recs)
	b := build(recs)
	if _, err := VerifyBytes(b); err != nil || recs[message].Type != RecMessage || recs[extracted].Type != RecExtracted {
		t.Fatal(err)
	}
	want := keys(logical(t, b))
	for _, at := range []int{message, extracted} {
		for _, change := range []func(typ, length *byte){
			func(typ, _ *byte) { *typ = 1 },
			func(typ, _ *byte) { *typ ^= 0x80 },
			func(_, length *byte) { *length = 0x80 },
			func(_, length *byte) { *length = 200 },
			func(typ, length *byte) { *typ, *length = 0, 0 },
		} {
			c := bytes.Clone(b)
			change(&c[offsets[at]], &c[offsets[at]+1])
			found := Recover(c, time.Time{})
			if got := keys(found.File.Records); !slices.Equal(got, want) {
				t.Errorf("record %d as %q: lost %v, have\n%q\nwant\n%q", at, c[offsets[at]:][:2], found.Lost, got, want)
			}
		}
	}
	// With the first record of what was put in go its data, at most.
	for _, at := range []int{recipients, body} {
		for i, change := range []func(typ, length *byte){
			func(typ, _ *byte) { *typ = 1 },
			func(_, length *byte) { *length = 120 },
			func(typ, length *byte) { *typ, *length = 0, 0 },
		} {
			c := bytes.Clone(b)
			change(&c[offsets[at]], &c[offsets[at]+1])
			found := Recover(c, time.Time{})
			got := keys(found.File.Records)
			less := slices.DeleteFunc(slices.Clone(want), func(k string) bool { return k == keys(recs[at : at+1])[0] })
			whole := slices.Equal(got, want) && at == body && i == 1 // of a text the length is known
			if !slices.Equal(got, less) && !whole || len(found.Lost) == 0 {
				t.Errorf("record %d as %q: lost %v, have\n%q\nwant\n%q", at, c[offsets[at]:][:2], found.Lost, got, less)
			}
		}
	}
	// Where all of it is damaged, it is told.
	c := bytes.Clone(b)
	clear(c[offsets[body]:])
	if found := Recover(c, time.Time{}); !slices.ContainsFunc(found.Lost, func(g Gap) bool { return g.From == offsets[10] }) {
		t.Errorf("lost %v", found.Lost)
	}
	// Cut before what was put in, it has all else, and says what is not there.
	found := Recover(b[:offsets[recipients]], time.Time{})
	const lost = "[{221 238 pointer record leads behind the end of the file, to 314} {255 272 pointer record leads behind the end of the file, to 411}]"
	if got := fmt.Sprint(found.Lost); got != lost || !has(found.File.Records, RecRecipient) {
		t.Errorf("lost %s, want %s", got, lost)
	}
}

// TestRecoverAllocates: to find out that no record begins at a position allocates
// nothing, however many positions there are. With an error for each, a damaged
// stretch took 3 s a megabyte.
func TestRecoverAllocates(t *testing.T) {
	for _, text := range []string{"\xff", "N\x80\x80\x80\x08", "N\xff\x7f"} {
		b := bytes.Repeat([]byte(text), 1<<16/len(text))
		if n := testing.AllocsPerRun(1, func() { Recover(b, time.Time{}) }); n > 100 {
			t.Errorf("%q: %v allocations for %d bytes", text, n, len(b))
		}
	}
}

// bodyEdited is a file whose body a Milter has replaced by twelve lines, and where its
// records are, of which the one at body is the first line. So many pointers lead there, where
// a Milter leaves one.
func bodyEdited(pointers int) (b []byte, offsets []int64, body int) {
	recs := slices.Insert(whole(), 9, slices.Repeat([]Record{PointerRecord(0)}, pointers)...)
	body = len(recs)
	for i := range 12 {
		recs = append(recs, Record{Type: RecNormal, Data: fmt.Appendf(nil, "line %d", i)})
	}
	recs = append(recs, PointerRecord(0))
	offsets = make([]int64, len(recs)+1)
	for i, r := range recs {
		offsets[i+1] = offsets[i] + int64(RecordSize(len(r.Data)))
	}
	for i := range pointers {
		recs[9+i] = PointerRecord(offsets[body])
	}
	recs[len(recs)-1] = PointerRecord(offsets[body-3])
	return build(withSize(recs)), offsets, body
}

// TestRecoverRegionCut: what follows the damaged first record of what a Milter has put in
// is found without the pointer that leads back, and so is what that would lead to.
func TestRecoverRegionCut(t *testing.T) {
	b, offsets, body := bodyEdited(1)
	b[offsets[body]] = 1
	got := keys(Recover(b[:offsets[body+12]], time.Time{}).File.Records)
	for _, want := range []string{`N "line 1"`, `N "line 11"`, `A "message_id=<1@example.com>"`} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
}

// TestRecoverRegionTwice: a second pointer to the same damage brings nothing again.
func TestRecoverRegionTwice(t *testing.T) {
	for _, cut := range []int{0, PointerRecordLen} { // the way back
		var want []string
		for pointers := 1; pointers <= 2; pointers++ {
			b, offsets, body := bodyEdited(pointers)
			b[offsets[body]+1] = 120 // the length of a text, of which the data is kept
			found := Recover(b[:len(b)-cut], time.Time{})
			got := keys(found.File.Records)
			if pointers == 1 {
				want = got
			}
			if !slices.Equal(got, want) || !slices.Contains(got, `N "line 0"`) || !slices.Contains(got, `N "line 11"`) {
				t.Errorf("%d pointers: %q, lost %v, want %q", pointers, got, found.Lost, want)
			}
		}
	}
}

// TestRecoverRegionElsewhere: a damaged pointer into the midst of the text, which a Milter
// has not put there, is not followed: the lines keep their order.
func TestRecoverRegionElsewhere(t *testing.T) {
	recs := slices.Insert(whole(), 10, PointerRecord(0))
	for i := range 20 {
		recs = slices.Insert(recs, 11+i, Record{Type: RecNormal, Data: fmt.Appendf(nil, "line %d", i)})
	}
	b := build(withSize(recs))
	want := keys(logical(t, b))
	at := bytes.Index(b, []byte("line 3")) + 1
	copy(b[bytes.Index(b, PointerRecord(0).AppendTo(nil)):], PointerRecord(int64(at)).AppendTo(nil))
	if got := keys(Recover(b, time.Time{}).File.Records); !slices.Equal(got, want) {
		t.Errorf("have\n%q\nwant\n%q", got, want)
	}
}

// TestRecoverRegionWork: pointers that all lead behind end records, where nothing can be read,
// cost no more than so many looks at each position.
func TestRecoverRegionWork(t *testing.T) {
	b := AppendRecord(nil, RecMessage, nil)
	const pointers = 2000
	base := len(b) + pointers*PointerRecordLen
	const end = "E\x00\xff"
	for i := range pointers {
		b = PointerRecord(int64(base + (i+1)*len(end) - 1)).AppendTo(b)
	}
	b = append(b, strings.Repeat(end, pointers)...)
	b = append(b, bytes.Repeat([]byte{0xff}, maxEnvelopeData)...)
	r := &recoverer{b: b, seen: make([]bool, len(b)+1), work: finerWork * len(b)}
	r.run()
	if r.work != 0 {
		t.Errorf("%d looks are left, of %d", r.work, finerWork*len(b))
	}
}
