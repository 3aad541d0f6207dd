package daemon_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// A program with a server in it, which ends it when it has seen enough. Messages
// become files in the queue directory.
func ExampleServe() {
	queue, err := os.MkdirTemp("", "queue-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(queue)
	ctx, stop := context.WithCancel(context.Background())
	err = daemon.Serve(ctx, daemon.ServeOptions{
		Listen:    []string{"127.0.0.1:0"},
		Queue:     queue,
		Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}, {Name: "message_size_limit", Value: "1000000"}},
		Ready: func(addrs []net.Addr) {
			fmt.Println("clients can connect by", addrs[0].Network())
			stop()
		},
	})
	fmt.Println("ended:", err)

	// Output:
	// clients can connect by tcp
	// ended: <nil>
}

// subjects is an opener of messages that keeps their subjects, and no more.
type subjects chan string

func (s subjects) Open(context.Context, *maillog.Logger) (mailstream.Stream, error) {
	return &message{to: s}, nil
}

// message is one of them.
type message struct {
	to      subjects
	subject string
}

func (m *message) QueueID() string { return "none" }

func (m *message) WriteRecord(t queuefmt.RecordType, data []byte) error {
	if subject, ok := strings.CutPrefix(string(data), "Subject: "); ok && t == queuefmt.RecNormal && m.subject == "" {
		m.subject = subject
	}
	return nil
}

// Finish is where a message would be made safe: the client hears of it then.
func (m *message) Finish(context.Context) (mailstream.Status, string) {
	m.to <- m.subject
	return 0, ""
}

func (m *message) Abort() {}

// A program that takes messages itself, on a listener that it was given, from whom it
// likes.
func ExampleServe_opener() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	received := make(subjects, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Serve(ctx, daemon.ServeOptions{
			Listeners: []net.Listener{l},
			Clients: func(_ context.Context, client peer.Client, _ *maillog.Logger) (bool, error) {
				return client.Addr == "127.0.0.1", nil
			},
			Opener: received,
		})
	}()

	// A client.
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	request := qmqp.AppendRequest(nil, []byte("Subject: hello\n\nHow are you?\n"), "me@example.com", []string{"you@example.net"})
	if _, err := conn.Write(request); err != nil {
		fmt.Println(err)
	}
	reply, err := qmqp.ReadReply(conn)
	fmt.Printf("%c%s %v\n", reply.Code, reply.Text, err)
	fmt.Println("subject:", <-received)

	stop()
	fmt.Println("ended:", <-ended)

	// Output:
	// KOk: queued as none <nil>
	// subject: hello
	// ended: <nil>
}

// A program that accepts clients itself. Parameters, such as the size limit, are those
// of a main.cf.
func ExampleServer() {
	file, err := mainconf.ParseMain("main.cf", []byte("myhostname = mail.example.com\nmessage_size_limit = 20\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	eff := params.New(params.Process{Main: file, Name: "qmqpd"})
	config := daemon.LoadConfig(eff)
	if err := eff.Errors(); err != nil {
		fmt.Println(err)
		return
	}
	config.Session.ErrorDelay = 0 // before bad news

	server := &daemon.Server{
		Peer: (&peer.Options{IPv4: true, IPv6: true, Owner: -1}).Lookup, // which has no resolver: names are unknown
		Clients: func(_ context.Context, client peer.Client, _ *maillog.Logger) (bool, error) {
			return client.Addr == "127.0.0.1", nil
		},
		Log: maillog.New(time.Now), // which writes nowhere
	}
	server.SetPolicy(config.Policy(make(subjects, 2), qmqp.Storage{}))

	for _, text := range []string{"Subject: hi\n\nHi.\n", "Subject: hello\n\nHow are you?\n"} {
		client, conn := net.Pipe()
		go func() {
			defer conn.Close()
			if err := server.ServeConn(context.Background(), conn, time.Now()); err != nil {
				fmt.Println(err)
			}
		}()
		// A client that is refused early is told before it has said all.
		go client.Write(qmqp.AppendRequest(nil, []byte(text), "me@example.com", []string{"you@example.net"}))
		reply, err := qmqp.ReadReply(client)
		fmt.Printf("%c%s %v\n", reply.Code, reply.Text, err)
		client.Close()
	}

	// Output:
	// KOk: queued as none <nil>
	// Dnetstring length exceeds storage limit while receiving message content <nil>
}
