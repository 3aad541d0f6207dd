package table

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/netstring"
)

// socketmapTable asks a server in Sendmail's socketmap protocol: netstrings
// "MAP KEY" and "STATUS TEXT". It connects at the first lookup, from inside the
// jail. Source: Postfix 3.10 dict_sockmap.c, socketmap_table(5).
type socketmapTable struct {
	name     string
	mapName  string
	maxReply int
	utf8     bool // in log lines
	endpoint *endpoint
	log      Logger
}

const (
	socketmapTimeout = 100 * time.Second
	socketmapIdle    = 10 * time.Second
	socketmapAge     = 100 * time.Second
)

func openSocketmap(o *opening) (Table, error) {
	if o.flags&NoUnauth != 0 {
		return nil, &cannotOpen{"socketmap:" + o.name + " map is not allowed for security-sensitive data"}
	}
	i := strings.LastIndexByte(o.name, ':')
	if i < 0 {
		return nil, &cannotOpen{"socketmap requires server:socketmap argument"}
	}
	server := o.name[:i]
	network, address, err := parseEndpoint(server)
	if err != nil {
		return nil, err
	}
	return &socketmapTable{
		name: o.name, mapName: o.name[i+1:], maxReply: o.set.opt.SocketmapMaxReply, utf8: o.set.opt.UTF8, log: o.log(),
		endpoint: o.share("socketmap:"+server, func() *endpoint {
			if log := o.trace(); log != nil {
				transport, _, _ := strings.Cut(server, ":")
				log.Infof("auto_clnt_create: transport=%s endpoint=%s", transport, address)
			}
			e := o.newEndpoint(network, address, socketmapTimeout)
			e.idleLimit, e.ageLimit, e.tell = socketmapIdle, socketmapAge, tellAutoClient
			return e
		}),
	}, nil
}

func (t *socketmapTable) Type() string { return "socketmap" }
func (t *socketmapTable) Name() string { return t.name }
func (t *socketmapTable) Kind() Kind   { return Pattern }
func (t *socketmapTable) Close() error { return nil }

func (t *socketmapTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	if log := tracer(ctx); log != nil {
		log.Infof("dict_sockmap_lookup: key %s", key)
	}
	request := netstring.AppendNetstring(nil, []byte(t.mapName+" "+key))
	for retried := false; ; retried = true {
		l, err := t.endpoint.get(ctx)
		if ctx.Err() != nil {
			return "", false, t.failed(Retry, ctx.Err().Error())
		}
		if ClassOf(err) == Fatal {
			return "", false, err
		}
		if err != nil {
			t.log.Warningf("connect to %s: %s", t.endpoint.address, netError(err))
			return "", false, t.problem("lookup error: " + netError(err))
		}
		reply, err := t.ask(l, request)
		if err == nil {
			t.endpoint.put(l)
			return t.answer(string(reply))
		}
		l.drop()
		switch {
		case ctx.Err() != nil:
			return "", false, t.failed(Retry, ctx.Err().Error())
		case !errors.Is(err, netstring.ErrClosed):
			return "", false, t.problem("lookup error: " + netstringText(err))
		case retried:
			return "", false, t.problem("lookup error: unexpected disconnect")
		}
		// A server that was restarted is asked again, once.
		t.endpoint.tellEnd(ctx)
	}
}

func (t *socketmapTable) ask(l *link, request []byte) ([]byte, error) {
	if _, err := l.Write(request); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ETIMEDOUT) {
			return nil, netstring.ErrTimeout
		}
		return nil, netstring.ErrClosed
	}
	return netstring.NewReader(l.reader, 16).Append(nil, int64(t.maxReply))
}

// netstringText has Postfix's words. Source: netstring.c, netstring_strerror.
func netstringText(err error) string {
	switch {
	case errors.Is(err, netstring.ErrFormat):
		return "input format error"
	case errors.Is(err, netstring.ErrTimeout):
		return "time limit exceeded"
	case errors.Is(err, netstring.ErrSize):
		return "input exceeds size limit"
	}
	return "unknown netstring error"
}

func (t *socketmapTable) answer(reply string) (string, bool, error) {
	status, text, _ := strings.Cut(cString(reply), " ")
	class, word := Retry, "unknown"
	switch status {
	case "OK":
		return text, true, nil
	case "NOTFOUND":
		return "", false, nil
	case "TEMP":
		word = "temporary"
	case "TIMEOUT":
		word = "timeout"
	case "PERM":
		class, word = Config, "permanent"
	}
	if text = trimLeft(text); text != "" {
		text = ": " + clip(printable(text, '?', t.utf8), 200)
	}
	t.log.Warningf("socketmap:%s socketmap server %s error%s", t.name, word, text)
	return "", false, t.failed(class, word+" error"+text)
}

// problem logs a lookup that could not be made.
func (t *socketmapTable) problem(text string) error {
	t.log.Warningf("table socketmap:%s %s", t.name, text)
	return t.failed(Retry, text)
}

func (t *socketmapTable) failed(class Class, text string) error {
	return &Error{Class: class, Type: "socketmap", Name: t.name, Text: "socketmap:" + t.name + ": " + text}
}
