package main

import (
	"bytes"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// A message that cannot be read is not sent.
func TestSendReadFails(t *testing.T) {
	var out, errs bytes.Buffer
	c := sendCmd{Server: "unix:/none", Timeout: time.Minute}
	err := c.Run(terminal{iotest.ErrReader(errors.New("no tape")), &out, &errs})
	if err != exitRetry || out.Len() > 0 || errs.String() != "qmqpd: read message: no tape\n" {
		t.Errorf("%v, %q, %q", err, out.String(), errs.String())
	}
}

// A server that neither reads nor answers: what went wrong first is told.
func TestSendWriteFails(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	var out, errs bytes.Buffer
	c := sendCmd{Server: name("unix:" + socket), Timeout: time.Minute}
	err = c.Run(terminal{strings.NewReader(strings.Repeat("x\n", 1<<20)), &out, &errs})
	if err != exitRetry || out.Len() > 0 || !strings.Contains(errs.String(), ": write unix ") {
		t.Errorf("%v, %q, %q", err, out.String(), errs.String())
	}
}
