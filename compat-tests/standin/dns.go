package standin

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone is what the stand-in DNS server knows. Names are fully qualified, with
// the final dot, and lower-case where they are looked up.
type Zone struct {
	// PTR maps an address to the names of its reverse lookup.
	PTR map[string][]string
	// Addr maps a name to its addresses.
	Addr map[string][]string
	// TXT maps a name to its texts.
	TXT map[string][]string
	// CNAME maps a name to its canonical name.
	CNAME map[string]string
	// Fail maps a name, or an address for its reverse lookup, to the response
	// code of the answer.
	Fail map[string]dnsmessage.RCode
	// Silent holds names, or addresses, whose queries get no answer.
	Silent map[string]bool
}

// ServeDNS starts a DNS server for the zone on port 53 of a loopback address
// of its own, and returns that address.
func ServeDNS(t testing.TB, zone Zone) string {
	t.Helper()
	reverse := map[string]string{}
	for _, addrs := range []map[string]bool{keys(zone.PTR), keys(zone.Fail), zone.Silent} {
		for addr := range addrs {
			if ip, err := netip.ParseAddr(addr); err == nil {
				reverse[reverseName(ip)] = addr
			}
		}
	}
	return ServeAnswers(t, func(query []byte) []byte { return zone.answer(query, reverse) })
}

// ServeAnswers is ServeDNS for a function that makes the answers; nil is none.
func ServeAnswers(t testing.TB, answer func(query []byte) []byte) string {
	t.Helper()
	start := os.Getpid()
	for n := range 250 {
		host := fmt.Sprintf("127.53.%d.%d", start%250+1, (start/250+n)%250+1)
		conn, err := net.ListenPacket("udp", net.JoinHostPort(host, "53"))
		if err != nil {
			continue
		}
		t.Cleanup(func() { conn.Close() })
		go serveDNS(conn, answer)
		return host
	}
	t.Fatal("no loopback address has its port 53 free")
	return ""
}

func keys[V any](m map[string]V) map[string]bool {
	set := map[string]bool{}
	for key := range m {
		set[key] = true
	}
	return set
}

// reverseName returns the name under which an address's names are looked up.
func reverseName(ip netip.Addr) string {
	var b strings.Builder
	if ip.Is4() {
		a := ip.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa.", a[3], a[2], a[1], a[0])
	}
	a := ip.As16()
	for i := 15; i >= 0; i-- {
		fmt.Fprintf(&b, "%x.%x.", a[i]&15, a[i]>>4)
	}
	return b.String() + "ip6.arpa."
}

func serveDNS(conn net.PacketConn, answerTo func(query []byte) []byte) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := answerTo(buf[:n]); answer != nil {
			conn.WriteTo(answer, from)
		}
	}
}

// answer returns the response to one query, or nil for none.
func (z Zone) answer(query []byte, reverse map[string]string) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil
	}
	question, err := parser.Question()
	if err != nil {
		return nil
	}
	asked := strings.ToLower(question.Name.String())
	key := asked
	if addr, ok := reverse[asked]; ok {
		key = addr
	}
	if z.Silent[key] {
		return nil
	}
	var answers []dnsmessage.Resource
	add := func(name dnsmessage.Name, body dnsmessage.ResourceBody) {
		answers = append(answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   body,
		})
	}
	code, failing := z.Fail[key]
	known := failing
	if !failing {
		owner := question.Name
		if canonical, ok := z.CNAME[key]; ok {
			target := dnsmessage.MustNewName(canonical)
			add(owner, &dnsmessage.CNAMEResource{CNAME: target})
			owner, key, known = target, strings.ToLower(canonical), true
		}
		if names, ok := z.PTR[key]; ok {
			known = true
			if question.Type == dnsmessage.TypePTR {
				for _, name := range names {
					add(owner, &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(name)})
				}
			}
		}
		if _, ok := z.Addr[key]; ok {
			known = true
		}
		for _, text := range z.Addr[key] {
			ip := netip.MustParseAddr(text)
			switch {
			case ip.Is4() && question.Type == dnsmessage.TypeA:
				add(owner, &dnsmessage.AResource{A: ip.As4()})
			case ip.Is6() && question.Type == dnsmessage.TypeAAAA:
				add(owner, &dnsmessage.AAAAResource{AAAA: ip.As16()})
			}
		}
		if texts, ok := z.TXT[key]; ok {
			known = true
			if question.Type == dnsmessage.TypeTXT {
				for _, text := range texts {
					add(owner, &dnsmessage.TXTResource{TXT: []string{text}})
				}
			}
		}
		if !known {
			code = dnsmessage.RCodeNameError
		}
	}
	message := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, Response: true, Authoritative: true, RCode: code,
			RecursionDesired: header.RecursionDesired, RecursionAvailable: true,
		},
		Questions: []dnsmessage.Question{question},
		Answers:   answers,
	}
	packed, err := message.Pack()
	if err != nil {
		return nil
	}
	return packed
}
