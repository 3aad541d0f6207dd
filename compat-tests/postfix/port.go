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
// any other address.
func FreePort(t testing.TB) int {
	t.Helper()
	start := int64(os.Getpid()) * 37
	for range portRange {
		port := firstPort + int((start+portsTried.Add(1))%portRange)
		ln, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		ln.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}
