package compat

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
	"github.com/qmqpd/qmqpd/params/hostname"
)

const (
	dnsHeader  = 12
	dnsTypeA   = 1
	dnsCNAME   = 5
	dnsPTR     = 12
	dnsTypeTXT = 16
	dnsAAAA    = 28
)

// oddAnswer answers a query with records that are not as they should be, now and
// then. The same question has the same answer, whoever asks.
func oddAnswer(query []byte) []byte {
	end := dnsHeader + bytes.IndexByte(query[dnsHeader:], 0) + 5
	question := slices.Clone(query[dnsHeader:end])
	qtype := binary.BigEndian.Uint16(question[len(question)-4:])
	h := fnv.New64a()
	h.Write(question)
	d := dice{rand.New(rand.NewPCG(h.Sum64(), 20261130))}
	b := append(slices.Clone(query[:2]), 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	b = append(b, question...)
	if d.IntN(12) == 0 {
		b[3] |= 3 // name error
	}
	asked := []byte{0xc0, dnsHeader} // a pointer to the name of the question
	expected := asked
	count := d.IntN(5)
	for range count {
		rtype, class := qtype, uint16(1)
		switch d.IntN(8) {
		case 0, 1:
			rtype = dnsCNAME
		case 2:
			rtype = []uint16{dnsTypeA, dnsAAAA, dnsPTR, dnsTypeTXT}[d.IntN(4)]
		}
		if d.IntN(20) == 0 {
			class = 3
		}
		owner := expected
		switch d.IntN(12) {
		case 0:
			owner = asked
		case 1:
			owner = oddName(d)
		case 2:
			owner = bytes.ToUpper(question[:len(question)-4])
		}
		var data []byte
		switch rtype {
		case dnsTypeA:
			data = []byte{192, 0, 2, byte(d.IntN(256))}
		case dnsAAAA:
			data = []byte{0x20, 1, 0xd, 0xb8, 15: byte(d.IntN(256))}
		case dnsTypeTXT:
			data = []byte("text")
		default:
			data = oddName(d)
			if rtype == dnsCNAME && d.IntN(4) > 0 {
				expected = data
			}
		}
		switch d.IntN(25) {
		case 0:
			data = append(slices.Clone(data), 0)
		case 1:
			data = data[:len(data)-1]
		}
		b = append(b, owner...)
		b = binary.BigEndian.AppendUint16(b, rtype)
		b = binary.BigEndian.AppendUint16(b, class)
		b = append(b, 0, 0, 0, 60)
		b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
		b = append(b, data...)
	}
	binary.BigEndian.PutUint16(b[6:], uint16(count))
	switch d.IntN(20) {
	case 0:
		binary.BigEndian.PutUint16(b[6:], uint16(d.IntN(6)))
	case 1:
		b = b[:end+d.IntN(len(b)-end+1)]
	}
	return b
}

// oddName is a name in wire format.
func oddName(d dice) []byte {
	if d.IntN(10) == 0 {
		return []byte{0x40} // none
	}
	var wire []byte
	for label := range strings.SplitSeq(d.of("mail.example", "mail.example", "MX.Example.org", "a.b.c", "bad!name.example", "-x.example", "_.example", "a b", "x", "\xe9.example", strings.Repeat("long.", 60)+"x"), ".") {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return append(wire, 0)
}

// TestResolverAnswers holds our resolver against the C library with answers of name
// servers that are odd, or damaged.
func TestResolverAnswers(t *testing.T) {
	i := postfix.New(t, postfix.Options{})
	server := standin.ServeAnswers(t, oddAnswer)
	for name, text := range map[string]string{
		"nsswitch.conf": "hosts: dns\n", "resolv.conf": "nameserver " + server + "\nsearch search.test\noptions timeout:30 attempts:1\n", "host.conf": "",
	} {
		i.WriteFile("/etc/"+name, text, 0o644)
	}
	d := dice{rand.New(rand.NewPCG(20261130, 1))}
	var queries []string
	for range 2000 {
		n := d.IntN(1 << 16)
		switch kind := d.of("n", "n", "4", "6", "0"); kind {
		case "n":
			queries = append(queries, "n 10.0."+strconv.Itoa(n>>8)+"."+strconv.Itoa(n&255))
		default:
			queries = append(queries, kind+" c"+strconv.Itoa(n)+".example")
		}
	}
	result := i.RunInput([]byte(strings.Join(queries, "\n")+"\n"), "/usr/bin/perl", "-e", lookups)
	stock := strings.Split(strings.TrimSuffix(string(result.Stdout), "\n"), "\n")
	if len(stock) != len(queries) {
		t.Fatalf("perl: %d answers to %d questions: %s", len(stock), len(queries), result.Stderr)
	}
	ours := hostname.NewSystem(hostname.SystemOptions{Dir: i.Path("/etc")})
	names, addresses := 0, 0
	for n, query := range queries {
		if got := ourLookup(ours, query); got != stock[n] {
			t.Errorf("%s: %q, the C library says %q", query, got, stock[n])
		}
		switch {
		case query[0] == 'n' && stock[n] != "no name":
			names++
		case query[0] != 'n' && strings.ContainsAny(stock[n], "0123456789"):
			addresses++
		}
	}
	if names < 150 || addresses < 500 {
		t.Errorf("only %d names and %d times addresses", names, addresses)
	}
	postfix.Case(t)
}
