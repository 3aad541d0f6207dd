package hostname

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// rr is a record that the test server gives.
type rr struct {
	owner string // empty: the question's name
	rtype uint16
	name  string // for CNAME and PTR; labels with a dot inside have it as \x01
	data  []byte // for others
	class uint16 // 0: IN
}

// reply is what the test server does with a question.
type reply struct {
	rcode   byte
	records []rr
	silent  bool
	cut     bool   // truncated by UDP; by TCP records come
	raw     []byte // instead of all that, after the id
	wrongID bool
	askedOf string // another question than was asked
}

func a(addr string) rr {
	ip := netip.MustParseAddr(addr)
	if ip.Is4() {
		return rr{rtype: typeA, data: ip.AsSlice()}
	}
	return rr{rtype: typeAAAA, data: ip.AsSlice()}
}

func ptr(name string) rr       { return rr{rtype: typePTR, name: name} }
func cname(name string) rr     { return rr{rtype: typeCNAME, name: name} }
func of(owner string, r rr) rr { r.owner = owner; return r }

// damagedName is a record whose data is no name.
func damagedName(rtype uint16, owner string) rr {
	return rr{owner: owner, rtype: rtype, data: []byte{0x40}}
}

func records(rs ...rr) reply       { return reply{records: rs} }
func code(rcode byte) reply        { return reply{rcode: rcode} }
func wireName(s string) []byte     { return appendLabels(nil, s) }
func unescape(label string) string { return strings.ReplaceAll(label, "\x01", ".") }

func appendLabels(b []byte, s string) []byte {
	for label := range strings.SplitSeq(s, ".") {
		if label != "" {
			b = append(append(b, byte(len(label))), unescape(label)...)
		}
	}
	return append(b, 0)
}

// dnsServer answers by "TYPE name", name in lower case; other questions get a
// name error.
type dnsServer struct {
	port    int
	replies map[string]reply

	mu    sync.Mutex
	asked []string
}

// listenBoth listens on one port for both protocols. The other protocol's port
// may be taken by anybody; then another one is tried.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for tries := 0; ; tries++ {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		udp.Close()
		if tries == 100 {
			t.Fatal(err)
		}
	}
}

func newDNS(t *testing.T, replies map[string]reply) *dnsServer {
	t.Helper()
	udp, tcp := listenBoth(t)
	s := &dnsServer{port: udp.LocalAddr().(*net.UDPAddr).Port, replies: replies}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 1024)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			if p := s.answer(b[:n], "udp"); p != nil {
				_, _ = udp.WriteTo(p, from)
			}
		}
	})
	wg.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1024)
			if _, err := io.ReadFull(c, b[:2]); err == nil {
				n := binary.BigEndian.Uint16(b)
				if _, err := io.ReadFull(c, b[:n]); err == nil {
					if p := s.answer(b[:n], "tcp"); p != nil {
						_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...))
					}
				}
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = udp.Close()
		_ = tcp.Close()
		wg.Wait()
	})
	return s
}

var typeNames = map[uint16]string{typeA: "A", typeAAAA: "AAAA", typePTR: "PTR"}

func (s *dnsServer) answer(q []byte, network string) []byte {
	wire, end, ok := readName(q, headerSize)
	if !ok {
		return nil
	}
	var labels []string
	for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
		labels = append(labels, string(wire[at+1:at+1+int(wire[at])]))
	}
	key := typeNames[binary.BigEndian.Uint16(q[end:])] + " " + strings.Join(labels, ".")
	s.mu.Lock()
	s.asked = append(s.asked, network+" "+key)
	s.mu.Unlock()
	r, ok := s.replies[strings.ToLower(key)]
	if !ok {
		r, ok = s.replies[strings.ToLower("any "+strings.Join(labels, "."))]
	}
	if !ok {
		r = code(rcodeNameError)
	}
	if r.silent {
		return nil
	}
	id := binary.BigEndian.Uint16(q)
	if r.wrongID {
		id ^= 1
	}
	b := binary.BigEndian.AppendUint16(nil, id)
	if r.raw != nil {
		return append(b, r.raw...)
	}
	question := q[headerSize : end+4]
	if r.askedOf != "" {
		question = append(wireName(r.askedOf), q[end:end+4]...)
	}
	flags := byte(0x81)
	rs := r.records
	if r.cut && network == "udp" {
		flags, rs = flags|2, rs[:1]
	}
	b = append(b, flags, 0x80|r.rcode, 0, 1, 0, byte(len(rs)), 0, 0, 0, 0)
	b = append(b, question...)
	for _, r := range rs {
		if r.owner == "" {
			b = append(b, 0xc0, headerSize) // compressed
		} else {
			b = append(b, wireName(r.owner)...)
		}
		class := r.class
		if class == 0 {
			class = classIN
		}
		data := r.data
		if data == nil {
			data = wireName(r.name)
		}
		b = binary.BigEndian.AppendUint16(b, r.rtype)
		b = binary.BigEndian.AppendUint16(b, class)
		b = append(b, 0, 0, 0, 60)
		b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
		b = append(b, data...)
	}
	return b
}

// questions returns what was asked since the last call.
func (s *dnsServer) questions() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := strings.Join(s.asked, "; ")
	s.asked = nil
	return q
}
