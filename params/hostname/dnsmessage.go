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

// record is one resource record of class IN.
type record struct {
	owner []byte
	rtype uint16
	data  []byte // for PTR and CNAME the uncompressed name
}

// message is a response.
type message struct {
	question  question
	rcode     int
	truncated bool
	answers   int      // as the header counts them
	records   []record // that could be read, in order
}

// parseMessage reads a response whose question is known to be right. Records
// from the first damaged one on are left out.
func parseMessage(b []byte, q question) message {
	m := message{
		question:  q,
		rcode:     int(b[3] & 15),
		truncated: b[2]&2 != 0,
		answers:   int(binary.BigEndian.Uint16(b[6:])),
	}
	at := headerSize + len(q.name) + 4
	if _, rest, ok := readName(b, headerSize); ok {
		at = rest + 4
	}
	for range m.answers {
		owner, rest, ok := readName(b, at)
		if !ok || rest+10 > len(b) {
			break
		}
		size := int(binary.BigEndian.Uint16(b[rest+8:]))
		start := rest + 10
		if start+size > len(b) {
			break
		}
		at = start + size
		r := record{owner: owner, rtype: binary.BigEndian.Uint16(b[rest:]), data: b[start:at]}
		if binary.BigEndian.Uint16(b[rest+2:]) != classIN {
			continue
		}
		if r.rtype == typePTR || r.rtype == typeCNAME {
			name, end, ok := readName(b, start)
			if !ok || end != at {
				break
			}
			r.data = name
		}
		m.records = append(m.records, r)
	}
	return m
}

// answering yields the records of type t that belong to the question, aliases
// followed in the order of the records.
func (m message) answering(t uint16, yield func(data []byte) bool) {
	name := m.question.name
	for _, r := range m.records {
		switch {
		case !equalWire(r.owner, name):
		case r.rtype == typeCNAME && t != typeCNAME:
			name = r.data
		case r.rtype == t:
			if !yield(r.data) {
				return
			}
		}
	}
}

// addresses returns those that the question was for.
func (m message) addresses() []netip.Addr {
	size := 4
	if m.question.qtype == typeAAAA {
		size = 16
	}
	var addrs []netip.Addr
	m.answering(m.question.qtype, func(data []byte) bool {
		if a, ok := netip.AddrFromSlice(data); ok && len(data) == size {
			addrs = append(addrs, a)
		}
		return true
	})
	return addrs
}

// pointer returns the first name that the address has, whether there is one
// and whether it is a proper host name; if it is not, others do not count.
func (m message) pointer() (name string, found, ok bool) {
	m.answering(typePTR, func(data []byte) bool {
		found = true
		name, ok = presentation(data)
		return false
	})
	return name, found, ok
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
