package queuefmt

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"time"
)

// How many records must follow one another without fault for a position in a
// damaged file to count as the start of a record: enough to be no accident, or
// fewer when they end exactly where the file does, or where a pointer leads elsewhere.
const (
	resyncRecords    = 8
	resyncRecordsEOF = 3
)

// maxEnvelopeData is more than any record outside the content holds.
const maxEnvelopeData = 16 << 10

// finerRecords bounds how many records are looked for within another.
const finerRecords = 32

// finerWork bounds how often each position is looked at within records, on
// average. Only a file that was made for it, with records that overlap, would need
// more.
const finerWork = 16

// Recovered is what could be read of a damaged file.
type Recovered struct {
	// File has what was found, in the order in which a reader would see
	// it, with a true size record and the records that part the groups;
	// no pointers and no padding. It passes Verify unless Missing holds
	// RecTime or RecNormal.
	File *File

	// Lost lists the bytes that are not in File, in the order of reading, and
	// pointers to what the file has no longer or where nothing can be read.
	Lost []Gap

	// Missing lists the records that a message needs and that were not
	// found: RecTime when the arrival time is known from nowhere,
	// RecSender, for which the null sender stands in, RecRecipient, and
	// RecNormal for a message without any content.
	Missing []RecordType
}

// Gap is a stretch of a damaged file, from the first byte to the one before
// To.
type Gap struct {
	From, To int64
	Reason   string
}

// Recover reads what can be read of a damaged file. After a fault it looks for
// the next position from which records follow one another. A text record with
// a false length or at the end of a truncated file is kept as far as it goes;
// an address or attribute that may be incomplete is not. arrival stands in for
// the message's own arrival time when that is lost, the file's modification
// time being the best guess; it may be zero. The records of the result share
// the bytes of b. Recover needs time and memory in proportion to len(b).
func Recover(b []byte, arrival time.Time) *Recovered {
	r := &recoverer{b: b, seen: make([]bool, len(b)+1), work: finerWork * len(b)}
	r.run()
	return r.assemble(arrival)
}

type recoverer struct {
	b      []byte
	group  group
	groups [3][]Record
	size   Size
	lost   []Gap
	seen   []bool // positions that were read
	back   []int  // positions after pointers that were followed

	// What resync has found out, for pointers can lead to the same damage
	// again and again: where no chain of records of a group begins, and what
	// finer said of the positions where one does.
	barren [3]*marks
	finest [3]map[int]int

	work int // how many more positions finer may look at
}

func (r *recoverer) run() {
	pos := 0
	for {
		if pos >= len(r.b) || r.seen[pos] {
			// A way back that was lost: go on after the pointer.
			n := len(r.back)
			if n == 0 {
				return
			}
			pos, r.back = r.back[n-1], r.back[:n-1]
			continue
		}
		r.seen[pos] = true
		rec, err := parseRecord(r.b, pos)
		if err == nil && !fits(rec, r.group) {
			if _, ok := r.nextGroup(r.group, pos, pos+1); ok {
				r.group++ // the record that said so was not one, or another
			}
		}
		if err != nil || !fits(rec, r.group) {
			reason := fmt.Sprintf("no record of the %s group", r.group)
			if err != nil {
				reason = err.(*FormatError).Reason
			}
			next := r.resync(pos + 1)
			r.lose(pos, next, reason)
			if err != nil && next == len(r.b) {
				r.keepCut(rec, pos, next)
			}
			pos = next
			continue
		}
		if rec.Type == RecEnd {
			return
		}
		end := int(rec.End())
		if end < len(r.b) && !follows(r.b, end, advance(r.group, rec)) {
			// Is this record's length false, or the next one's start?
			before := r.group
			if next := r.resync(pos + 2); next < end {
				found := r.group
				r.group = before
				r.lose(pos, next, fmt.Sprintf("length %d of record type %d runs into the next record", len(rec.Data), rec.Type))
				r.keepCut(rec, pos, next)
				r.group = found
				pos = next
				continue
			}
			r.group = before
		}
		r.keep(rec)
		pos = r.next(rec, end)
	}
}

// next returns where to go on after a good record: behind it, or where a
// pointer leads if records are there.
func (r *recoverer) next(rec Record, end int) int {
	if rec.Type != RecPointer {
		return end
	}
	target, ok := ParsePointer(rec.Data)
	if ok && target >= int64(len(r.b)) {
		r.lose(int(rec.Offset), end, fmt.Sprintf("pointer record leads behind the end of the file, to %d", target))
	}
	if !ok || target <= 0 || target >= int64(len(r.b)) || r.seen[target] {
		return end
	}
	if !follows(r.b, int(target), r.group) {
		// The size record, too, has the content begin or end there: the damage is at the
		// target. Behind this pointer is what belongs elsewhere.
		if begin := r.size.DataOffset; begin > 0 && (target == begin-int64(RecordSize(0)) || target == begin+r.size.DataSize) {
			return int(target)
		}
		rest, ok := r.regionRest(int(target))
		if !ok {
			r.lose(int(rec.Offset), end, fmt.Sprintf("pointer record leads to no record, to %d", target))
			return end
		}
		r.seen[target] = true // another pointer there brings nothing again
		first, _, _ := scanRecord(r.b, int(target))
		r.lose(int(target), rest, fmt.Sprintf("no record of the %s group", r.group))
		r.keepCut(first, int(target), rest)
		r.back = append(r.back, end)
		return rest
	}
	r.back = append(r.back, end)
	return int(target)
}

// regionRest returns where records follow one another after pos, up to the pointer that
// leads back, if what a Milter has put at the end of the file begins at pos and its first
// record is damaged: nothing else leads to the rest. What was put in before ends with a
// pointer there, or the file itself did.
func (r *recoverer) regionRest(pos int) (next int, ok bool) {
	before, _, bad := scanRecord(r.b, max(0, pos-PointerRecordLen))
	if end := max(0, pos-RecordSize(0)); string(r.b[end:pos]) != "E\x00" && (bad != noMisfit || !isJump(before) || int(before.End()) != pos) {
		return 0, false
	}
	for p := pos + 1; p < min(len(r.b), pos+maxEnvelopeData) && r.work > 0; p++ {
		r.work--
		for q, n := p, 0; q < len(r.b); n++ {
			rec, _, bad := scanRecord(r.b, q)
			if bad != noMisfit || !fits(rec, r.group) || rec.Type == RecEnd || advance(r.group, rec) != r.group {
				break
			}
			if isJump(rec) || n+1 >= resyncRecords {
				return p, true
			}
			q = int(rec.End())
		}
	}
	return 0, false
}

// isJump says whether a record is a pointer to somewhere, as it is written.
func isJump(rec Record) bool {
	target, ok := ParsePointer(rec.Data)
	return rec.Type == RecPointer && ok && target > 0 && bytes.Equal(rec.Data, appendPadded(nil, target))
}

// keep takes a record into its group.
func (r *recoverer) keep(rec Record) {
	switch rec.Type {
	case RecSize:
		if size, err := ParseSize(rec.Data); err == nil && size.Check() == nil {
			r.size = size
		}
	case RecMessage, RecExtracted, RecPointer, RecPadding, RecKilled:
	default:
		r.groups[r.group] = append(r.groups[r.group], rec)
	}
	r.group = advance(r.group, rec)
}

// keepCut takes the text of a record that ends early.
func (r *recoverer) keepCut(rec Record, pos, end int) {
	if r.group != groupContent || rec.Type != RecNormal && rec.Type != RecContinued || pos+rec.Header > end {
		return
	}
	rec.Data = r.b[pos+rec.Header : end : end]
	if len(rec.Data) == 0 {
		return
	}
	r.keep(Record{Type: rec.Type, Data: rec.Data, Offset: rec.Offset})
	last := &r.lost[len(r.lost)-1]
	last.To = rec.Offset + int64(rec.Header)
	last.Reason += "; its data is kept"
}

func (r *recoverer) lose(from, to int, reason string) {
	r.lost = append(r.lost, Gap{From: int64(from), To: int64(to), Reason: reason})
}

// resync returns the first position from pos on where records follow one
// another, and moves to the group that they belong to. It returns the end of
// the file when there is none. A later group counts only when nothing is left
// of an earlier one: the text of a message has many places that might pass for
// a record of the envelope.
func (r *recoverer) resync(pos int) int {
	for g := r.group; g <= groupExtracted; g++ {
		if r.barren[g] == nil {
			r.barren[g] = newMarks(len(r.b))
		}
		p := r.barren[g].skip(pos)
		for p < len(r.b) && !chain(r.b, p, g) {
			r.barren[g].add(p)
			p = r.barren[g].skip(p + 1)
		}
		if p >= len(r.b) {
			continue
		}
		if next, ok := r.nextGroup(g, pos, p); ok {
			r.group = g + 1
			return next
		}
		r.group = g
		start, ok := r.finest[g][p]
		if !ok {
			start = r.finer(p)
			if r.finest[g] == nil {
				r.finest[g] = make(map[int]int)
			}
			r.finest[g][p] = start
		}
		return start
	}
	return len(r.b)
}

// nextGroup returns where the size record has the group after g begin, if that lies
// from pos on and before found, and records are there: what looks like more of g behind
// it is what a Milter has put at the end of the file.
func (r *recoverer) nextGroup(g group, pos, found int) (next int, ok bool) {
	at := r.size.DataOffset
	switch g {
	case groupContent:
		at += r.size.DataSize + int64(RecordSize(0))
	case groupExtracted:
		return 0, false
	}
	if at <= 0 || at < int64(pos) || at >= int64(found) {
		return 0, false
	}
	return int(at), chain(r.b, int(at), g+1)
}

// A marks is a set of positions in a file. To find the next one that is not in it
// takes about the same time however many are, and however they came in.
type marks struct {
	bits []uint64 // one for each position
	next []int    // of each element of bits, a later one; those between are full
}

// newMarks returns an empty set of positions below size.
func newMarks(size int) *marks {
	// The position size is never added, so that the last element is never full.
	m := &marks{bits: make([]uint64, size/64+1), next: make([]int, size/64+1)}
	for i := range m.next {
		m.next[i] = i + 1
	}
	return m
}

func (m *marks) add(pos int) { m.bits[pos/64] |= 1 << (pos % 64) }

// skip returns the first position from pos on that is not in the set, or size.
func (m *marks) skip(pos int) int {
	i := pos / 64
	if free := ^m.bits[i] >> (pos % 64); free != 0 {
		return pos + bits.TrailingZeros64(free)
	}
	for {
		next := m.next[i]
		if free := ^m.bits[next]; free != 0 {
			return 64*next + bits.TrailingZeros64(free)
		}
		m.next[i] = m.next[next] // the next search takes half as many steps
		i = next
	}
}

// finer returns where true records start inside the record at pos, if two or
// more fill it to its end: then pos was in the midst of damage, and by accident
// looked like the start of a record that holds them.
func (r *recoverer) finer(pos int) int {
	rec, _, _ := scanRecord(r.b, pos)
	end := int(rec.End())
	for p := pos + 2; p < end && r.work > 0; p++ {
		r.work--
		g, n, q := r.group, 0, p
		for q < end && n < finerRecords {
			inner, _, bad := scanRecord(r.b, q)
			if bad != noMisfit || !fits(inner, g) || inner.Type == RecEnd {
				break
			}
			g = advance(g, inner)
			q = int(inner.End())
			n++
		}
		if q == end && n > 1 {
			return p
		}
	}
	return pos
}

// chain says whether records follow one another from pos on.
func chain(b []byte, pos int, g group) bool {
	for n := 0; ; n++ {
		if pos == len(b) {
			return n >= resyncRecordsEOF
		}
		rec, _, bad := scanRecord(b, pos)
		if bad != noMisfit || !fits(rec, g) {
			return false
		}
		if rec.Type == RecEnd {
			return true
		}
		if n+1 >= resyncRecords || n >= resyncRecordsEOF && isJump(rec) {
			return true
		}
		g = advance(g, rec)
		pos = int(rec.End())
	}
}

// follows says whether a record of the group is at pos.
func follows(b []byte, pos int, g group) bool {
	rec, _, bad := scanRecord(b, pos)
	return bad == noMisfit && fits(rec, g)
}

// fits says whether a record may be one of the group, by type and by data.
func fits(rec Record, g group) bool {
	switch rec.Type {
	case RecPointer:
		_, ok := ParsePointer(rec.Data[:min(len(rec.Data), 2*pointerDataLen)])
		return ok && len(rec.Data) > 0 && len(rec.Data) < 2*pointerDataLen
	case RecPadding:
		return g == groupContent && len(bytes.TrimLeft(rec.Data, " ")) == 1 && rec.Data[len(rec.Data)-1] == '0'
	case RecMessage, RecExtracted, RecEnd:
		return len(rec.Data) == 0 && rec.Type.inSet(g.types())
	}
	if !rec.Type.inSet(g.types()) {
		return false
	}
	if g == groupContent {
		return true
	}
	if len(rec.Data) > maxEnvelopeData {
		return false
	}
	switch rec.Type {
	case RecSize:
		_, err := ParseSize(rec.Data)
		return err == nil
	case RecTime:
		sec, _, ok := scanInt(rec.Data)
		return ok && sec > 0
	case RecWarnTime:
		_, _, ok := scanInt(rec.Data)
		return ok
	case RecAttr:
		_, _, err := ParseAttribute(rec.Data)
		return err == nil
	case RecVERP:
		return len(rec.Data) == 2
	case RecCreateTime, RecDSNRet, RecDSNEnvID, RecDSNOrcpt, RecDSNNotify:
		return false // in files these are attributes
	}
	return true
}

// assemble makes a whole file of what was found.
func (r *recoverer) assemble(arrival time.Time) *Recovered {
	env, content, ext := r.groups[groupEnvelope], r.groups[groupContent], r.groups[groupExtracted]
	out := &Recovered{Lost: r.lost}
	var head []Record
	if !has(env, RecTime) {
		switch sec := createTime(env); {
		case sec > 0:
			head = append(head, Record{Type: RecTime, Data: strconv.AppendInt(nil, sec, 10)})
		case !arrival.IsZero() && arrival.Unix() > 0:
			head = append(head, Record{Type: RecTime, Data: strconv.AppendInt(nil, arrival.Unix(), 10)})
		default:
			out.Missing = append(out.Missing, RecTime)
		}
	}
	if !has(env, RecSender) {
		head = append(head, Record{Type: RecSender})
		out.Missing = append(out.Missing, RecSender)
	}
	if !has(env, RecRecipient) && !has(ext, RecRecipient) {
		out.Missing = append(out.Missing, RecRecipient)
	}
	if len(content) == 0 {
		out.Missing = append(out.Missing, RecNormal)
	}
	f := &File{Records: []Record{{}}}
	f.Records = append(f.Records, head...)
	f.Records = append(f.Records, env...)
	f.Records = append(f.Records, Record{Type: RecMessage})
	f.Records = append(f.Records, content...)
	f.Records = append(f.Records, Record{Type: RecExtracted})
	f.Records = append(f.Records, ext...)
	f.Records = append(f.Records, Record{Type: RecEnd})
	for i := range f.Records {
		f.Records[i].Header = 0
	}
	f.setSize(r.size)
	out.File = f
	return out
}

func has(recs []Record, t RecordType) bool {
	return slices.ContainsFunc(recs, func(rec Record) bool { return rec.Type == t })
}

// createTime returns the value of the create_time attribute, or 0.
func createTime(recs []Record) int64 {
	for _, rec := range recs {
		if rec.EffectiveType() == RecCreateTime {
			_, value, _ := ParseAttribute(rec.Data)
			if sec, _, ok := scanInt(value); ok {
				return sec
			}
		}
	}
	return 0
}
