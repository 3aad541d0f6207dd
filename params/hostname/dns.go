package hostname

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lookupName asks DNS for the name of an address.
func (c dnsConfig) lookupName(ctx context.Context, addr netip.Addr) (string, status, error) {
	addr = addr.Unmap()
	if b := addr.As16(); addr.Is6() && [12]byte(b[:12]) == [12]byte{} && addr != netip.IPv6Loopback() {
		// glibc takes an IPv4-compatible address for the IPv4 one.
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	a := c.query(ctx, reverseName(addr), typePTR)
	switch {
	case a.refused:
		return "", unavailable, a.err
	case a.err != 0:
		return "", notFound, a.err // unlike the other way, failures too
	}
	name, st := a.message.pointer()
	if st != success {
		return "", st, NoName
	}
	return name, success, nil
}

// lookupAddrs asks DNS for the addresses of a name, with the search list of
// resolv.conf, or for those of its alias as it is, if there is one. Source: glibc
// res_query.c, __res_context_search.
func (c dnsConfig) lookupAddrs(ctx context.Context, name, alias string, family Family) ([]netip.Addr, status, error) {
	if !hostName(strings.TrimSuffix(name, ".")) {
		return nil, notFound, NoName
	}
	var a answer
	if alias != "" {
		a = c.queryFamily(ctx, strings.TrimSuffix(alias, "."), family)
	} else {
		a = c.searchFor(ctx, name, family)
	}
	if a.err != 0 {
		return nil, a.status, a.err
	}
	addrs, st := a.message.addresses(family == Any)
	if a.also != nil && st != unavailable {
		// A damaged one does no harm to a good one before it.
		more, also := a.also.addresses(true)
		addrs = append(addrs, more...)
		if st != success {
			st = also
		}
	}
	switch {
	case st == success:
		return addrs, success, nil
	case family == Any:
		return nil, st, NoName
	case st == notFound:
		st = tryAgain // so says glibc if there are other records
	}
	if family == IPv4 {
		return nil, st, NoData
	}
	return nil, st, NoName
}

// answer is what became of a query.
type answer struct {
	message  message     // if there is one
	also     *message    // another one
	err      LookupError // 0: a message has answers
	status   status
	refused  bool // nobody listens at any name server
	servfail bool // a name server said that it failed
}

// searchFor tries the name as it is and with the domains of the search list, in
// the order that ndots gives.
func (c dnsConfig) searchFor(ctx context.Context, name string, family Family) answer {
	dots := strings.Count(name, ".")
	absolute := strings.HasSuffix(name, ".")
	var asIs *answer
	if dots >= c.ndots || absolute {
		a := c.queryFamily(ctx, strings.TrimSuffix(name, "."), family)
		if a.err == 0 || absolute || ctx.Err() != nil {
			return a
		}
		asIs = &a
	}
	var last answer
	noData, servFail, root := false, false, false
search:
	for _, domain := range c.search {
		full := name
		if domain != "" {
			full += "." + domain
		} else {
			root = true
		}
		last = c.queryFamily(ctx, full, family)
		switch {
		case last.err == 0 || ctx.Err() != nil:
			return last
		case last.refused:
			return last
		case last.err == NoData:
			noData = true
		case last.err == TryAgain && last.servfail:
			servFail = true
		case last.err == TryAgain || last.status != notFound || last.message.rcode != rcodeNameError:
			break search
		}
	}
	if asIs == nil && !root && (dots > 0 || len(c.search) == 0 || !c.noTLD) {
		last = c.queryFamily(ctx, name, family)
		if last.err == 0 {
			return last
		}
	}
	result := answer{err: last.err, status: last.status}
	switch {
	case asIs != nil && len(c.search) == 0:
		return *asIs
	case asIs != nil:
		result.err = asIs.err
	case noData:
		result.err = NoData
	case servFail:
		result.err = TryAgain
	}
	if result.err == TryAgain && result.status == notFound && family == IPv4 {
		// The error is that of an earlier query and the status that of the
		// last one, and getaddrinfo(3) for IPv4 sees no failure then.
		result.err = NoName
	}
	return result
}

// queryFamily asks for the addresses of one name. Both types are asked for at the same
// time, and one good answer is enough. Source: glibc res_query.c,
// __res_context_query.
func (c dnsConfig) queryFamily(ctx context.Context, name string, family Family) answer {
	switch family {
	case IPv4:
		return c.query(ctx, name, typeA)
	case IPv6:
		return c.query(ctx, name, typeAAAA)
	}
	if c.noAAAA {
		return c.query(ctx, name, typeA)
	}
	six := make(chan answer, 1)
	go func() { six <- c.query(ctx, name, typeAAAA) }()
	a, b := c.query(ctx, name, typeA), <-six
	switch {
	case b.message.whole == nil:
		return a
	case a.message.whole == nil:
		return b
	case a.err == 0 || b.err == 0:
		// What there is counts, also with a code that says otherwise.
		a.err, a.also = 0, &b.message
		return a
	case a.err == NoData:
		return b // it says more
	default:
		return a
	}
}

// query asks the name servers in turn until one knows.
// Source: glibc res_send.c, __res_context_send; res_query.c.
func (c dnsConfig) query(ctx context.Context, name string, t uint16) answer {
	q, ok := newQuestion(name, t)
	if !ok {
		return answer{err: NoName, status: notFound}
	}
	if c.noAAAA && t == typeAAAA {
		// Only whether there is such a name is told.
		a := c.query(ctx, name, typeA)
		if a.err == 0 {
			a.err, a.status = NoData, notFound
		}
		return a
	}
	refused, servfail := true, false
	first := c.first()
	for range c.attempts {
		for i := range c.servers {
			server := (first + i) % len(c.servers)
			m, err := c.exchange(ctx, c.servers[server], c.wait(server), q)
			switch {
			case err != nil && ended(ctx):
				return answer{err: TryAgain, status: unavailable}
			case noSocket(err):
				return answer{err: TryAgain, status: unavailable, servfail: servfail}
			case err != nil:
				refused = refused && errors.Is(err, syscall.ECONNREFUSED)
				continue
			}
			refused = false
			switch {
			case m.failed() || m.lame:
				servfail = m.rcode == rcodeServerFailure
				continue // another server may do better
			case m.rcode != rcodeSuccess:
				return answer{message: m, err: NoName, status: notFound}
			case m.answers == 0:
				return answer{message: m, err: NoData, status: notFound}
			default:
				return answer{message: m}
			}
		}
	}
	return answer{err: TryAgain, status: unavailable, refused: refused, servfail: servfail}
}

// noSocket reports that there is no socket for the address of a name server, such as one
// of IPv6 where the kernel lacks that. Then no other server is asked.
func noSocket(err error) bool {
	var call *os.SyscallError
	return errors.As(err, &call) && call.Syscall == "socket"
}

// ended reports that a context is at its end, also when its deadline has passed
// and has only been noticed by a connection so far.
func ended(ctx context.Context) bool {
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// first is the server to begin with.
func (c dnsConfig) first() int {
	var b [1]byte
	if !c.rotate {
		return 0
	}
	if _, err := rand.Read(b[:]); err != nil {
		return 0
	}
	return int(b[0]) % len(c.servers)
}

// exchange asks one server, by UDP first.
func (c dnsConfig) exchange(ctx context.Context, server string, wait time.Duration, q question) (message, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if !c.tcp {
		m, err := talk(ctx, "udp", server, q)
		if err != nil || !m.truncated {
			return m, err
		}
	}
	return talk(ctx, "tcp", server, q)
}

// errUnusable is a response that cannot be one.
var errUnusable = errors.New("unusable DNS response")

func talk(ctx context.Context, network, server string, q question) (message, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, server)
	if err != nil {
		return message{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return message{}, err
		}
	}
	var id [2]byte
	if _, err := rand.Read(id[:]); err != nil {
		return message{}, err
	}
	packet := q.packet(binary.BigEndian.Uint16(id[:]))
	stream := network == "tcp"
	if stream {
		packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	}
	if _, err := conn.Write(packet); err != nil {
		return message{}, err
	}
	for {
		b, err := receive(conn, stream)
		if err != nil {
			return message{}, err
		}
		if len(b) < headerSize {
			return message{}, errUnusable
		}
		m := parseMessage(b, q)
		// Some servers refuse without the question.
		bare := !stream && m.failed() && len(b) == headerSize && binary.BigEndian.Uint16(b[4:]) == 0
		// What does not belong to the question may be forged: wait for the
		// real answer.
		if binary.BigEndian.Uint16(b) != binary.BigEndian.Uint16(id[:]) || !bare && !q.asked(b) {
			if stream {
				return message{}, errUnusable
			}
			continue
		}
		return m, nil
	}
}

// receive returns the next message. Memory for it is there when it is: a server that
// keeps silent keeps many waiting.
func receive(conn net.Conn, stream bool) ([]byte, error) {
	if !stream {
		if err := await(conn); err != nil {
			return nil, err
		}
		buf := make([]byte, math.MaxUint16)
		n, err := conn.Read(buf)
		return buf[:n], err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	// It may announce more than it sends.
	var b bytes.Buffer
	n := int64(binary.BigEndian.Uint16(size[:]))
	if _, err := io.CopyN(&b, conn, n); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// await returns when there is something to read. An error of the socket's is told
// once: it is told here.
func await(conn net.Conn) error {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		for {
			var b [1]byte
			switch _, _, e := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK); e {
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false
			default:
				failure = e
				return true
			}
		}
	})
	if err != nil {
		return err
	}
	return failure
}

// reverseName is the domain name that has the PTR record of an address.
func reverseName(a netip.Addr) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	octets := a.AsSlice()
	for i := len(octets) - 1; i >= 0; i-- {
		if a.Is4() {
			b.WriteString(strconv.Itoa(int(octets[i])) + ".")
		} else {
			b.WriteString(string([]byte{hex[octets[i]&15], '.', hex[octets[i]>>4], '.'}))
		}
	}
	if a.Is4() {
		return b.String() + "in-addr.arpa"
	}
	return b.String() + "ip6.arpa"
}
