package table

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"time"
)

// tcpTable asks a server, one line for each key: "get KEY" is answered by
// "2xx VALUE", "5xx TEXT" for not found, "4xx TEXT" for an error; text is %XX
// encoded. It connects at the first lookup, from inside the jail. Source:
// Postfix 3.10 dict_tcp.c, tcp_table(5).
type tcpTable struct {
	name     string
	endpoint *endpoint
	log      Logger
	utf8     bool // in log lines
}

const (
	tcpTries     = 10
	tcpTimeout   = 100 * time.Second
	tcpMaxReply  = 4096
	tcpRetryWait = time.Second
)

func openTCP(o *opening) (Table, error) {
	if o.flags&NoUnauth != 0 {
		return nil, &cannotOpen{"tcp:" + o.name + " map is not allowed for security sensitive data"}
	}
	return &tcpTable{name: o.name, log: o.log(), utf8: o.set.opt.UTF8, endpoint: o.share("tcp:"+o.name, func() *endpoint {
		e := o.newEndpoint("tcp", o.name, tcpTimeout)
		e.asksBlindly = true
		return e
	})}, nil
}

func (t *tcpTable) Type() string { return "tcp" }
func (t *tcpTable) Name() string { return t.name }
func (t *tcpTable) Kind() Kind   { return Pattern }
func (t *tcpTable) Close() error { return nil }

func (t *tcpTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	log := tracer(ctx)
	if log != nil {
		log.Infof("dict_tcp_lookup: key %s", key)
	}
	for try := 1; ; try++ {
		connect := t.endpoint.connect
		if try == 1 {
			connect = t.endpoint.get
		}
		l, err := connect(ctx)
		switch {
		case ctx.Err() != nil:
			return "", false, t.failed(ctx.Err().Error())
		case ClassOf(err) == Fatal:
			return "", false, err
		case err != nil:
			t.log.Warningf("connect to TCP map %s: %s", t.name, netError(err))
		default:
			reply, err := t.ask(ctx, l, key, log)
			if err == nil {
				return t.answer(l, reply, log)
			}
			l.drop()
			if ctx.Err() != nil {
				return "", false, t.failed(ctx.Err().Error())
			}
			t.log.Warningf("read TCP map reply from %s: %v", t.name, err)
		}
		if try >= tcpTries {
			return "", false, t.failed("no answer")
		}
		if err := pause(ctx, tcpRetryWait); err != nil {
			return "", false, t.failed(err.Error())
		}
	}
}

func (t *tcpTable) failed(text string) error {
	return &Error{Class: Retry, Type: "tcp", Name: t.name, Text: "tcp:" + t.name + ": " + text}
}

// ask returns the reply line; the error's text is Postfix's.
func (t *tcpTable) ask(ctx context.Context, l *link, key string, log Logger) (string, error) {
	request := "get " + hexQuote(key)
	if log != nil {
		log.Infof("dict_tcp_lookup: send: %s", request)
	}
	if _, err := l.Write([]byte(request + "\n")); err != nil {
		return "", errors.New("unexpected EOF (" + l.trouble(ctx, err) + ")")
	}
	line, err := readLine(l.reader, tcpMaxReply)
	switch {
	case err == nil && line[len(line)-1] == '\n':
		return line[:len(line)-1], nil
	case line == "" || line[len(line)-1] >= 0x80:
		// Postfix takes an 8-bit character at the end of a part for the end of the input,
		// which is negative too.
		return "", errors.New("unexpected EOF (" + l.trouble(ctx, cmp.Or(err, io.EOF)) + ")")
	}
	return "", errors.New("text longer than " + decimal(tcpMaxReply))
}

// readLine reads up to a newline, at most limit bytes. Without error the line
// ends in a newline or has limit bytes.
func readLine(r *bufio.Reader, limit int) (string, error) {
	var line []byte
	for len(line) < limit {
		c, err := r.ReadByte()
		if err != nil {
			return string(line), err
		}
		if line = append(line, c); c == '\n' {
			break
		}
	}
	return string(line), nil
}

func (t *tcpTable) answer(l *link, reply string, log Logger) (string, bool, error) {
	reply = cString(reply)
	if log != nil {
		log.Infof("dict_tcp_lookup: recv: %s", reply)
	}
	tell := func(what, text string) string {
		if log != nil {
			text = printable(text, '_', t.utf8)
			log.Infof("dict_tcp_lookup: %s: %s", what, text)
		}
		return text
	}
	value, ok := "", false
	if len(reply) >= 4 && allDigits(reply[:3]) && isSpace(reply[3]) {
		value, ok = hexUnquote(reply[4:])
	}
	shown := clip(printable(reply, '_', t.utf8), 100)
	switch {
	case !ok:
		t.log.Warningf("read TCP map reply from %s: malformed reply: %s", t.name, shown)
	case reply[0] == '2':
		// Postfix makes the value printable where it lies, so what is told counts: what is
		// not UTF-8 is then a good value.
		value = tell("found", cString(value))
		t.endpoint.put(l)
		return value, true, nil
	case reply[0] == '5':
		tell("not found", reply)
		t.endpoint.put(l)
		return "", false, nil
	case reply[0] != '4':
		t.log.Warningf("read TCP map reply from %s: bad status code: %s", t.name, shown)
	default:
		tell("soft error", reply)
	}
	l.drop()
	return "", false, t.failed(shown)
}

// hexQuote encodes percent signs, blanks, controls and 8-bit bytes as %XX.
func hexQuote(raw string) string {
	const digits = "0123456789ABCDEF"
	quoted := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c == '%' || c <= ' ' || c >= 0x7f {
			quoted = append(quoted, '%', digits[c>>4], digits[c&15])
		} else {
			quoted = append(quoted, c)
		}
	}
	return string(quoted)
}

func hexUnquote(quoted string) (raw string, ok bool) {
	out := make([]byte, 0, len(quoted))
	for i := 0; i < len(quoted); i++ {
		c := quoted[i]
		if c == '%' {
			if i+2 >= len(quoted) {
				return "", false
			}
			high, ok1 := hexDigit(quoted[i+1])
			low, ok2 := hexDigit(quoted[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			c, i = high<<4|low, i+2
		}
		out = append(out, c)
	}
	return string(out), true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
