package postfix

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// Ports are given out below the range that the kernel uses for clients, from
// a start that differs between test programs, so that two programs that run at
// the same time rarely try the same one.
const (
	firstPort = 16384
	portRange = 12000
)

var portsTried atomic.Int64

// FreePort returns a TCP port on which nothing listens, on 127.0.0.1 nor on
// any other address. No other test program is given it before this test ends.
func FreePort(t testing.TB) int {
	t.Helper()
	start := int64(os.Getpid()) * 37
	for range portRange {
		port := firstPort + int((start+portsTried.Add(1))%portRange)
		claim, ok := claimPort(port)
		if !ok {
			continue
		}
		if isFree(port) != nil {
			claim.Close()
			continue
		}
		t.Cleanup(func() { claim.Close() })
		return port
	}
	t.Fatal("no free port")
	return 0
}

// isFree returns an error if anything listens on a port, of any address.
func isFree(port int) error {
	return Unforked(func() error {
		ln, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err == nil {
			err = ln.Close()
		}
		return err
	})
}

// claimPort keeps other test programs from a port until the claim is closed: between
// FreePort and the server that listens nobody has the port. An abstract name goes away
// with the process, and is the network namespace's, as ports are.
func claimPort(port int) (claim *net.UnixConn, ok bool) {
	name := fmt.Sprintf("@qmqpd-compat-tests/port/%d", port)
	claim, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	return claim, err == nil
}
