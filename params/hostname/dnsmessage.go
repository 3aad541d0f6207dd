package hostname

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// DNS message format: RFC 1035 section 4.
const (
	headerSize = 12

	typeA     = 1
	typeCNAME = 5
	typePTR   = 12
	typeAAAA  = 28
	classIN   = 1

	rcodeSuccess        = 0
	rcodeServerFailure  = 2
	rcodeNameError      = 3
	rcodeNotImplemented = 4
	rcodeRefused        = 5

	maxName = 255
)

// question is a name in wire format, and a type.
type question struct {
	name  []byte
	qtype uint16
}

// newQuestion encodes a name without a final dot. It reports false for a name that
// has no wire format.
func newQuestion(name string, t uint16) (question, bool) {
	wire := make([]byte, 0, len(name)+2)
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return question{}, false
		}
		wire = append(append(wire, byte(len(label))), label...)
	}
	wire = append(wire, 0)
	return question{wire, t}, len(wire) <= maxName
}

// packet is a query for one question with recursion desired.
func (q question) packet(id uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = append(b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	b = append(b, q.name...)
	b = binary.BigEndian.AppendUint16(b, q.qtype)
	return binary.BigEndian.AppendUint16(b, classIN)
}

// asked reports whether a response has this question.
func (q question) asked(b []byte) bool {
	if b[2]&0x80 == 0 || binary.BigEndian.Uint16(b[4:]) != 1 {
		return false
	}
	name, rest, ok := readName(b, headerSize)
	return ok && equalWire(name, q.name) && rest+4 <= len(b) &&
		binary.BigEndian.Uint16(b[rest:]) == q.qtype &&
		binary.BigEndian.Uint16(b[rest+2:]) == classIN
}

// message is a response.
type message struct {
	rcode     int
	truncated bool
	// lame: the server has nothing to say and says where to ask; it is not the right one.
	lame    bool
	answers int    // as the header counts them
	whole   []byte // nil: there is no message
	records int    // where they begin
	name    []byte // the question's
	qtype   uint16
}

// parseMessage reads a response whose question, if it has one, is known to be right.
func parseMessage(b []byte, q question) message {
	count := func(at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
	m := message{
		rcode:     int(b[3] & 15),
		truncated: b[2]&2 != 0,
		answers:   count(6),
		whole:     b,
		records:   headerSize + len(q.name) + 4,
		name:      q.name,
		qtype:     q.qtype,
	}
	const authoritative, recursive = 4, 0x80
	m.lame = m.rcode == rcodeSuccess && m.answers == 0 && count(10) == 0 && b[2]&authoritative == 0 && b[3]&recursive == 0
	return m
}

// failed reports that the server could not answer.
func (m message) failed() bool {
	return m.rcode == rcodeServerFailure || m.rcode == rcodeNotImplemented || m.rcode == rcodeRefused
}

// record is one resource record.
type record struct {
	rtype, class uint16
	at, size     int // of its data
}

// answering yields the records of the question's type that belong to it. It returns
// false if a record cannot be read, what came before it notwithstanding.
//
// As in the C library the name that a CNAME record gives is from there on the one
// whose records count, whatever name the CNAME is for; and those of other classes
// count where A and AAAA are asked for together. Source: glibc dns-host.c.
func (m message) answering(anyClass bool, yield func(r record) bool) bool {
	name, at := m.name, m.records
	for range m.answers {
		owner, rest, ok := readName(m.whole, at)
		if !ok || rest+10 > len(m.whole) {
			return false
		}
		header := m.whole[rest:]
		r := record{binary.BigEndian.Uint16(header), binary.BigEndian.Uint16(header[2:]), rest + 10, int(binary.BigEndian.Uint16(header[8:]))}
		if at = r.at + r.size; at > len(m.whole) {
			return false
		}
		switch {
		case r.class != classIN && !anyClass:
		case r.rtype == typeCNAME:
			if name, _, ok = readName(m.whole, r.at); !ok {
				return false
			}
		case r.rtype == m.qtype && equalWire(owner, name):
			if !yield(r) {
				return true
			}
		}
	}
	return true
}

// addresses returns those that the question was for. The status is success,
// notFound if there is none, or unavailable if the message is damaged: then there
// are those before the damage.
func (m message) addresses(anyClass bool) ([]netip.Addr, status) {
	if _, ok := presentation(m.name); !ok || m.answers == 0 {
		return nil, notFound
	}
	size := 4
	if m.qtype == typeAAAA {
		size = 16
	}
	var addrs []netip.Addr
	whole := m.answering(anyClass, func(r record) bool {
		if a, ok := netip.AddrFromSlice(m.whole[r.at : r.at+r.size]); ok && r.size == size {
			addrs = append(addrs, a)
		}
		return true
	})
	switch {
	case !whole:
		return addrs, unavailable
	case len(addrs) == 0:
		return nil, notFound
	}
	return addrs, success
}

// pointer returns the first name that the address has. The status is success,
// tryAgain if there is none, or unavailable if the message is damaged before it, or
// it is not a proper host name: then others do not count.
func (m message) pointer() (name string, st status) {
	st = tryAgain
	whole := m.answering(false, func(r record) bool {
		wire, _, ok := readName(m.whole, r.at)
		if ok {
			name, ok = presentation(wire)
		}
		if st = success; !ok {
			name, st = "", unavailable
		}
		return false
	})
	if !whole {
		return "", unavailable
	}
	return name, st
}

// readName reads a name, which may be compressed. It returns the name without
// compression and where the reading goes on.
func readName(b []byte, at int) (name []byte, rest int, ok bool) {
	name = make([]byte, 0, 64)
	jumps := 0
	for {
		if at >= len(b) {
			return nil, 0, false
		}
		n := int(b[at])
		switch {
		case n == 0:
			if jumps == 0 {
				rest = at + 1
			}
			return append(name, 0), rest, true
		case n&0xc0 == 0xc0:
			if at+1 >= len(b) {
				return nil, 0, false
			}
			if jumps == 0 {
				rest = at + 2
			}
			if jumps++; jumps > maxName/2 {
				return nil, 0, false
			}
			at = n&0x3f<<8 | int(b[at+1])
		case n > 63 || at+1+n > len(b) || len(name)+n+2 > maxName:
			return nil, 0, false
		default:
			name = append(name, b[at:at+1+n]...)
			at += 1 + n
		}
	}
}

func equalWire(a, b []byte) bool { return equalNames(string(a), string(b)) }

// presentation turns a name in wire format into text, if it is a host name
// by the C library's standards (res_hnok: letters, digits, hyphens and underscores,
// no hyphen at the very beginning). The root is ".".
func presentation(wire []byte) (string, bool) {
	if len(wire) == 1 {
		return ".", true
	}
	var b strings.Builder
	for at := 0; wire[at] != 0; {
		n := int(wire[at])
		if at > 0 {
			b.WriteByte('.')
		}
		label := wire[at+1 : at+1+n]
		// A dot inside a label would look like the end of one.
		if strings.IndexByte(string(label), '.') >= 0 {
			return "", false
		}
		b.Write(label)
		at += 1 + n
	}
	return b.String(), hostName(b.String())
}

func hostName(s string) bool {
	if strings.HasPrefix(s, "-") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
