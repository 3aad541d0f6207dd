package daemon

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/peer"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// memoryOpener is an opener of one's own: it keeps the records of messages.
type memoryOpener struct{ text strings.Builder }

func (o *memoryOpener) Open(context.Context, *maillog.Logger) (mailstream.Stream, error) {
	return &memoryStream{o}, nil
}

type memoryStream struct{ *memoryOpener }

func (s *memoryStream) QueueID() string { return "ABC" }

func (s *memoryStream) WriteRecord(t queuefmt.RecordType, data []byte) error {
	s.text.WriteString(string(rune(t)) + " " + string(data) + "\n")
	return nil
}

func (s *memoryStream) Finish(context.Context) (mailstream.Status, string) { return 0, "" }
func (s *memoryStream) Abort()                                             {}

// Who may send is for any function to say; without one nobody may.
func TestServerClients(t *testing.T) {
	client := peer.Client{Name: "a.example", Addr: "192.0.2.1", RFCAddr: "192.0.2.1", Port: "5", Family: 2}
	for name, tt := range map[string]struct {
		clients Access
		want    string
	}{
		"nil":   {nil, "D"},
		"no":    {func(context.Context, peer.Client, *maillog.Logger) (bool, error) { return false, nil }, "D"},
		"error": {func(context.Context, peer.Client, *maillog.Logger) (bool, error) { return true, errors.New("x") }, "Z"},
		"yes": {func(_ context.Context, c peer.Client, _ *maillog.Logger) (bool, error) {
			return c == client, nil
		}, "K"},
	} {
		t.Run(name, func(t *testing.T) {
			var opener memoryOpener
			s := &Server{
				Peer:       func(context.Context, net.Conn, *maillog.Logger) (peer.Client, error) { return client, nil },
				Clients:    tt.clients,
				DebugPeers: func(context.Context, peer.Client, *maillog.Logger) (bool, error) { return true, nil },
			}
			s.SetPolicy((&Config{}).Policy(&opener, qmqp.Storage{}))
			ours, theirs := net.Pipe()
			served := make(chan error, 1)
			go func() {
				served <- s.ServeConn(t.Context(), theirs, time.Now())
				theirs.Close()
			}()
			go func() { _, _ = ours.Write(qmqp.AppendRequest(nil, []byte("hello\n"), "a@b", []string{"c@d"})) }()
			reply, err := qmqp.ReadReply(ours)
			if err != nil || string(reply.Code) != tt.want {
				t.Errorf("%q, %v, want %s", reply, err, tt.want)
			}
			ours.Close()
			if err := <-served; err != nil {
				t.Error(err)
			}
			if got := strings.Contains(opener.text.String(), "R c@d\n"); got != (tt.want == "K") {
				t.Errorf("records: %q", opener.text.String())
			}
		})
	}
}

// What an access of one's own fails by is in the log, which is all that tells of it;
// lists have logged what they fail by themselves. To fail is to say no.
func TestServerLogsAccessErrors(t *testing.T) {
	fails := func(err error) Access {
		return func(context.Context, peer.Client, *maillog.Logger) (bool, error) { return true, err }
	}
	for name, tt := range map[string]struct {
		err  error
		want []string // of the lines, what is about it
	}{
		"own":  {errors.New("no database"), []string{"warning: a.example[192.0.2.1]: cannot tell whether to log more of it: no database", "warning: a.example[192.0.2.1]: cannot tell whether it may send: no database"}},
		"list": {loggedError{errors.New("no database")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			log := maillog.New(time.Now)
			log.AddFull(&text)
			s := &Server{
				Peer: func(context.Context, net.Conn, *maillog.Logger) (peer.Client, error) {
					return peer.Client{Name: "a.example", Addr: "192.0.2.1"}, nil
				},
				Clients:    fails(tt.err),
				DebugPeers: fails(tt.err),
				Log:        log,
			}
			s.SetPolicy((&Config{DebugLevel: 1}).Policy(&memoryOpener{}, qmqp.Storage{}))
			ours, theirs := net.Pipe()
			served := make(chan error, 1)
			go func() {
				served <- s.ServeConn(t.Context(), theirs, time.Now())
				theirs.Close()
			}()
			if reply, err := qmqp.ReadReply(ours); err != nil || reply.Code != 'Z' {
				t.Errorf("%q, %v", reply, err)
			}
			ours.Close()
			if err := <-served; err != nil {
				t.Error(err)
			}
			log.Flush(time.Second)
			log.End()
			var got []string
			for line := range strings.Lines(text.String()) {
				if _, about, ok := strings.Cut(strings.TrimSpace(line), "]: "); ok && strings.Contains(about, "cannot tell") {
					got = append(got, about)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q in:\n%s", got, tt.want, text.String())
			}
		})
	}
}
