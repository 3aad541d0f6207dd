package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/qmqpd/qmqpd/daemon"
)

type demoCmd struct{}

const demoMessage = `From: demo
To: you@example.net
Subject: A message by QMQP

One connection, one message, one reply.
`

// Run serves one message to itself over TCP and shows what came of it.
func (demoCmd) Run(term terminal) error {
	dir, err := os.MkdirTemp("", "qmqpd-demo-")
	if err != nil {
		return err
	}
	queue := filepath.Join(dir, "spool")
	var log lockedBuffer
	ready := make(chan []net.Addr, 1)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- daemon.Serve(ctx, daemon.ServeOptions{
			Listen:      []string{"127.0.0.1:0"},
			Queue:       queue,
			MaxSessions: 10,
			Log:         &log,
			Ready:       func(addrs []net.Addr) { ready <- addrs },
		})
	}()
	var server string
	select {
	case addrs := <-ready:
		server = addrs[0].String()
	case err := <-served:
		io.Copy(term.out, log.contents())
		if err == nil {
			err = errors.New("the server was not ready in time")
		}
		return err
	}

	fmt.Fprintf(term.out, "A server on %s, its queue in %s\n\n", server, queue)
	client := sendCmd{Server: name(server), Sender: "me@example.com", Timeout: 30 * time.Second,
		Recipients: []rawText{"you@example.net", "them@example.net"}}
	fmt.Fprintf(term.out, "$ qmqpd send --server %s -f %s %s %s\n", server, client.Sender, client.Recipients[0], client.Recipients[1])
	reply, sendErr := client.send([]byte(demoMessage))
	if sendErr == nil {
		fmt.Fprintf(term.out, "%c%s\n", reply.Code, reply.Text)
	}
	stop()
	serveErr := <-served
	fmt.Fprintln(term.out, "\nThe server's log:")
	if _, err := io.Copy(term.out, log.contents()); err != nil {
		return err
	}
	if err := errors.Join(sendErr, serveErr); err != nil {
		return err
	}
	if reply.Code != 'K' {
		return errors.New("the message was not accepted")
	}
	files, err := filepath.Glob(filepath.Join(queue, "incoming", "*"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("%d queue files, %v", len(files), err)
	}
	fmt.Fprintf(term.out, "\n$ qmqpd cat %s\n", files[0])
	if err := (&catCmd{Files: []rawText{rawText(files[0])}}).Run(term); err != nil {
		return err
	}
	fmt.Fprintf(term.out, "\n%s\n", files[0])
	return nil
}

// lockedBuffer collects what several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) contents() io.Reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.NewReader(bytes.Clone(b.b.Bytes()))
}
