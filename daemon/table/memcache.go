package table

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/params/errno"
)

// memcacheTable asks a memcached server, and then a backup table whose answer
// it stores in the server. Its settings come from a file, or from main.cf
// parameters NAME_setting. It connects at the first lookup, from inside the
// jail. The setting "domain", a list of domains to look up, is refused, since
// it can name tables; so are key_digest, where Postfix has it, and a timeout below
// zero. Source: Postfix 3.10 dict_memcache.c, memcache_table(5).
type memcacheTable struct {
	name      string
	keyFormat string
	ttl       int
	flags     int
	pause     time.Duration
	tries     int
	maxLine   int
	maxData   int
	endpoint  *endpoint
	backup    Table // or nil
	fold      bool  // the key for the server, which nobody has folded before
	log       Logger
}

func openMemcache(o *opening) (Table, error) {
	if o.flags&NoUnauth != 0 {
		return nil, &cannotOpen{"memcache:" + o.name + " map is not allowed for security-sensitive data"}
	}
	settings, err := o.readSettings()
	if err != nil {
		return nil, err
	}
	t := &memcacheTable{name: o.name, fold: o.flags&FoldFix != 0 && !o.utf8(), log: o.log()}
	var timeout, wait int
	numbers := []struct {
		name          string
		value         *int
		standard, min int
	}{
		{"timeout", &timeout, 2, 0},
		{"ttl", &t.ttl, 3600, 0},
		{"flags", &t.flags, 0, 0},
		{"retry_pause", &wait, 1, 1},
		{"max_try", &t.tries, 2, 1},
		{"line_size_limit", &t.maxLine, 1024, 1},
		{"data_size_limit", &t.maxData, 10240, 1},
	}
	for _, n := range numbers {
		if *n.value, err = settings.number(n.name, n.standard, n.min); err != nil {
			return nil, err
		}
	}
	if timeout < 0 {
		// Postfix takes it, and panics when it is connected.
		return nil, &cannotOpen{"memcache:" + o.name + ": unsupported setting: timeout = " + decimal(timeout)}
	}
	t.pause = time.Duration(wait) * time.Second
	t.keyFormat = settings.text("key_format", "%s")
	refused := []string{"domain"}
	if o.set.opt.MemcacheKeyDigest {
		refused = append(refused, "key_digest")
	}
	for _, name := range refused {
		if settings.text(name, "") != "" {
			return nil, &cannotOpen{"memcache:" + o.name + ": unsupported setting: " + name + "; specify proxy:memcache:" + o.name + " instead"}
		}
	}
	server := settings.text("memcache", "inet:localhost:11211")
	network, address, err := parseEndpoint(server)
	if err != nil {
		return nil, err
	}
	t.endpoint = o.share("memcache:"+o.name, func() *endpoint {
		return o.newEndpoint(network, address, time.Duration(timeout)*time.Second)
	})
	if backup := settings.text("backup", ""); backup != "" {
		if t.backup, err = o.set.open(backup, o.flags); err != nil {
			return nil, err
		}
	}
	if err := checkQueryTemplate(o.name, t.keyFormat); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

func (t *memcacheTable) Type() string { return "memcache" }
func (t *memcacheTable) Name() string { return t.name }
func (t *memcacheTable) Kind() Kind   { return Fixed }

func (t *memcacheTable) Close() error {
	if t.backup != nil {
		return t.backup.Close()
	}
	return nil
}

func (t *memcacheTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	folded := key
	if t.fold {
		folded = Fold(key, false)
	}
	cacheKey, ok := expandQuery(t.keyFormat, folded)
	if !ok || strings.IndexFunc(cacheKey, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }) >= 0 {
		return "", false, nil
	}
	value, found, err := t.get(ctx, cacheKey)
	if found || t.backup == nil || ClassOf(err) == Fatal {
		return value, found, err
	}
	if value, found, err = t.backup.Lookup(ctx, key); found {
		t.set(ctx, cacheKey, value)
	}
	return value, found, err
}

// errNoRetry ends the attempts: the server cannot be reached.
var errNoRetry = errors.New("no connection")

// attempt talks to the server as often as the settings allow. talk returns a
// warning for the log, or none; from the second failure on it is logged.
func (t *memcacheTable) attempt(ctx context.Context, talk func(*link) (problem string)) error {
	for count := range t.tries {
		if count > 0 {
			if err := pause(ctx, t.pause); err != nil {
				return err
			}
		}
		l, err := t.endpoint.get(ctx)
		if ClassOf(err) == Fatal {
			return err
		}
		if err != nil {
			if ctx.Err() == nil {
				t.log.Warningf("connect to %s: %s", t.endpoint.address, netError(err))
			}
			return errNoRetry
		}
		problem := talk(l)
		if problem == "" {
			return nil // talk has kept or dropped the connection
		}
		l.drop()
		if count > 0 && ctx.Err() == nil {
			t.log.Warningf("%s", problem)
		}
	}
	return errNoRetry
}

// keep keeps a connection. What came with the reply is lost, as in Postfix when it writes
// the next request.
func (t *memcacheTable) keep(l *link) {
	_, _ = l.reader.Discard(l.reader.Buffered())
	t.endpoint.put(l)
}

func (t *memcacheTable) get(ctx context.Context, key string) (value string, found bool, err error) {
	err = t.attempt(ctx, func(l *link) string {
		line, err := t.command(l, "get "+key)
		if err != nil {
			return t.ioError(ctx, l, err)
		}
		if line == "END" {
			t.keep(l)
			return ""
		}
		size, ok := valueSize(line)
		if !ok || size > t.maxData {
			return t.name + ": unexpected memcache server reply: " + clip(line, 30)
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(l.reader, data); err != nil || !next(l.reader, '\r') || !next(l.reader, '\n') {
			return t.name + ": EOF receiving memcache server reply"
		}
		value, found = cString(string(data)), true
		if end, err := t.line(l); err == nil && end == "END" {
			t.keep(l)
		} else {
			l.drop()
		}
		return ""
	})
	if ClassOf(err) == Fatal {
		return "", false, err
	}
	if err != nil {
		return "", false, &Error{Class: Retry, Type: "memcache", Name: t.name, Text: "memcache:" + t.name + ": " + err.Error(), Err: err}
	}
	return value, found, nil
}

// next reads one byte, and reports whether it is c. Nobody waits for a second byte
// where the first is wrong.
func next(r *bufio.Reader, c byte) bool {
	got, err := r.ReadByte()
	return err == nil && got == c
}

// valueSize reads "VALUE key flags size" as scanf(3) does: blanks need not stand
// before the key, and more may stand after the size.
func valueSize(line string) (int, bool) {
	rest, ok := strings.CutPrefix(line, "VALUE")
	for range 2 {
		rest = trimLeft(rest)
		n := 0
		for n < len(rest) && !isSpace(rest[n]) {
			n++
		}
		ok = ok && n > 0
		rest = rest[n:]
	}
	rest = trimLeft(rest)
	end := 0
	for end < len(rest) && (isDigit(rest[end]) || end == 0 && (rest[0] == '+' || rest[0] == '-')) {
		end++
	}
	n, err := strconv.Atoi(rest[:end])
	return n, ok && err == nil && n >= 0
}

// set stores a value; a failure is logged and has no other effect.
func (t *memcacheTable) set(ctx context.Context, key, value string) {
	if len(value) > t.maxData {
		t.log.Warningf("database memcache:%s: data for key %s is too long (data_size_limit=%d) -- not stored", t.name, key, t.maxData)
		return
	}
	_ = t.attempt(ctx, func(l *link) string {
		request := "set " + key + " " + decimal(t.flags) + " " + decimal(t.ttl) + " " + decimal(len(value)) + "\r\n" + value
		line, err := t.command(l, request)
		switch {
		case err != nil:
			return t.ioError(ctx, l, err)
		case line != "STORED":
			return "database memcache:" + t.name + ": update failed: " + clip(line, 30)
		}
		t.keep(l)
		return ""
	})
}

// ioError tells of a failed exchange, and of the system's error if there was one.
func (t *memcacheTable) ioError(ctx context.Context, l *link, err error) string {
	text := "database memcache:" + t.name + ": I/O error"
	if reason := l.trouble(ctx, err); reason != errno.NoNumber {
		text += ": " + reason
	}
	return text
}

// command sends a line and reads the first line of the answer.
func (t *memcacheTable) command(l *link, request string) (string, error) {
	if _, err := l.Write([]byte(request + "\r\n")); err != nil {
		return "", err
	}
	return t.line(l)
}

// line reads one line, without its end, and up to a NUL. The limit may part "\r"
// from "\n". A line that is too long is the end of the input.
func (t *memcacheTable) line(l *link) (string, error) {
	line, err := readLine(l.reader, t.maxLine)
	if err == nil && line[len(line)-1] == '\r' {
		var c byte
		if c, err = l.reader.ReadByte(); c == '\n' {
			line += "\n"
		}
	}
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(line, "\n")
	if !ok {
		return "", io.EOF
	}
	return cString(strings.TrimSuffix(text, "\r")), nil
}
