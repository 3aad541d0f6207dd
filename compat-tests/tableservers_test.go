package compat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params"
)

// tableServer is a server whose answers a test writes down. It notes what it
// was sent.
type tableServer struct {
	net.Listener
	mu       sync.Mutex
	requests []string
}

// serveTable answers each request that read returns with answer's text; an
// empty answer closes the connection.
func serveTable(t *testing.T, read func(*bufio.Reader) (string, error), answer func(request string) string) *tableServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &tableServer{Listener: l}
	standin.Serve(t, l, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			request, err := read(r)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.requests = append(s.requests, request)
			s.mu.Unlock()
			reply := answer(request)
			if reply == "" {
				return
			}
			io.WriteString(conn, reply)
		}
	})
	return s
}

func (s *tableServer) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

func readTextLine(r *bufio.Reader) (string, error) { return r.ReadString('\n') }

func readNetstring(r *bufio.Reader) (string, error) {
	var n int
	if _, err := fmt.Fscanf(r, "%d:", &n); err != nil {
		return "", err
	}
	text := make([]byte, n+1)
	_, err := io.ReadFull(r, text)
	return fmt.Sprintf("%d:%s", n, text), err
}

// serverRow is one way for a server to answer.
type serverRow struct{ name, key, reply string }

// compareServers asks both programs the same keys of the same server.
func compareServers(t *testing.T, pf *postfix.Instance, rows []serverRow, read func(*bufio.Reader) (string, error), spec func(addr string) string) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			s := serveTable(t, read, func(string) string { return row.reply })
			spec := spec(s.Addr().String())
			keys := []string{row.key, row.key}
			wantAnswers, wantLog := queryPostmap(pf, spec, keys)
			wantRequests := s.take()
			gotAnswers, gotLog := queryOurs(t, pf.Dir, spec, keys)
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(queryErrors(wantLog), queryErrors(gotLog)); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(wantRequests, s.take()); diff != "" {
				t.Errorf("requests (-postmap +ours):\n%s", diff)
			}
		})
	}
}

// queryErrors writes the end of both programs after a failed lookup alike.
func queryErrors(log []string) []string {
	for i, line := range log {
		if strings.HasPrefix(line, "fatal: ") {
			log[i] = "fatal: query error"
		}
	}
	return log
}

func TestTCPTables(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	compareServers(t, pf, []serverRow{
		{"found", "key", "200 a%20value%25\n"},
		{"found, lower-case digits", "key", "250 %c3%bc\n"},
		{"found, empty", "key", "200 \n"},
		{"encoded key", "a b%x\t\x7fü", "200 x\n"},
		{"not found", "key", "500 no such key\n"},
		{"not found, capitals", "KEY", "500 no such key\n"},
		{"temporary", "key", "400 later\n"},
		{"other status", "key", "300 hm%20m\n"},
		{"no status", "key", "hello there\n"},
		{"short", "key", "200\n"},
		{"bad code", "key", "200 a%2\n"},
		{"bad hexadecimal", "key", "200 a%zz\n"},
		{"long malformed", "key", "x" + strings.Repeat("long ", 50) + "\n"},
		{"longest", "key", "200 " + strings.Repeat("v", 4091) + "\n"},
		{"value is not UTF-8", "key", "200 %ff\n"},
	}, readTextLine, func(addr string) string { return "tcp:" + addr })
}

// TestTCPServerEnds asks a server that says no more after each reply, and one
// that says a reply too many.
func TestTCPServerEnds(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	for _, reply := range []string{"200 x\n", "500 x\n", "200 x\n200 y\n"} {
		t.Run(fmt.Sprintf("%q", reply), func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			standin.Serve(t, l, func(conn net.Conn) {
				// What comes later is read, so that no reset is sent.
				r := bufio.NewReader(conn)
				if _, err := readTextLine(r); err == nil {
					io.WriteString(conn, reply)
				}
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, r)
			})
			spec, keys := "tcp:"+l.Addr().String(), []string{"a", "b", "c"}
			wantAnswers, wantLog := queryPostmap(pf, spec, keys)
			gotAnswers, gotLog := queryOurs(t, pf.Dir, spec, keys)
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(wantLog, gotLog); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
		})
	}
}

func TestSocketmapTables(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	text := func(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }
	compareServers(t, pf, []serverRow{
		{"found", "key", text("OK some value")},
		{"found, empty", "key", text("OK ")},
		{"found, no blank", "key", text("OK")},
		{"not found", "key", text("NOTFOUND ")},
		{"key with blanks", "a b ü", text("OK x")},
		{"temporary", "key", text("TEMP  later\x01 please")},
		{"timeout", "key", text("TIMEOUT ")},
		{"permanent", "key", text("PERM never" + strings.Repeat("x", 300))},
		{"unknown word", "key", text("WHAT is this")},
		{"bad framing", "key", "12x:abc,"},
		{"no comma", "key", "5:OK xyz"},
		{"too long", "key", "100001:OK "},
		{"disconnect", "key", ""},
	}, readNetstring, func(addr string) string { return "socketmap:inet:" + addr + ":clients" })
}

func TestUnreachableServers(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	for _, spec := range []string{"socketmap:inet:127.0.0.1:1:clients", "socketmap:unix:/nonexistent/socket:clients", "socketmap:noserver"} {
		t.Run(spec, func(t *testing.T) {
			postfix.Case(t)
			wantAnswers, wantLog := queryPostmap(pf, spec, []string{"key"})
			gotAnswers, gotLog := queryOurs(t, pf.Dir, spec, []string{"key"})
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(queryErrors(wantLog), queryErrors(gotLog)); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
		})
	}
}

func TestMemcacheTables(t *testing.T) { testMemcacheTables(t, true) }

// TestMemcacheTablesWithoutUTF8 is TestMemcacheTables where keys are bytes.
func TestMemcacheTablesWithoutUTF8(t *testing.T) { testMemcacheTables(t, false) }

func testMemcacheTables(t *testing.T, utf8 bool) {
	pf := postfix.New(t, postfix.Options{})
	if !utf8 {
		pf.AppendMain("smtputf8_enable = no")
	}
	rows := []struct{ name, settings, key, get, set string }{
		{name: "found", key: "key", get: "VALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "not found", key: "key", get: "END\r\n"},
		{name: "blank in the key", key: "a key", get: "VALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "too large", settings: "data_size_limit = 3\n", key: "key", get: "VALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "odd answer", key: "key", get: "ERROR what\r\n"},
		{name: "cut short", settings: "timeout = 1\n", key: "key", get: "VALUE key 0 50\r\nvalue"},
		{name: "backup", settings: "backup = inline:{key=from backup}\nttl = 7\nflags = 3\n", key: "key", get: "END\r\n", set: "STORED\r\n"},
		{name: "backup, not stored", settings: "backup = inline:{key=from backup}\n", key: "key", get: "END\r\n", set: "SERVER_ERROR out of memory\r\n"},
		{name: "backup lacks it", settings: "backup = inline:{other=x}\n", key: "key", get: "END\r\n"},
		{name: "key format", settings: "key_format = p-%u-%d-%1-%%\n", key: "user@example.com", get: "VALUE k 0 1\r\nv\r\nEND\r\n"},
		{name: "no blank before the key", key: "key", get: "VALUEkey 0 5\r\nvalue\r\nEND\r\n"},
		{name: "blank before the answer", key: "key", get: " VALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "other blanks", key: "key", get: "VALUE\tk\u00a0x\v0\f+5 77\r\r\nvalue\r\nEND\n"},
		{name: "size ends in letters", key: "key", get: "VALUE key 0 5abc\r\nvalue\r\nEND\r\n"},
		{name: "negative size", key: "key", get: "VALUE key 0 -5\r\nvalue\r\nEND\r\n"},
		{name: "huge size", key: "key", get: "VALUE key 0 99999999999999999999\r\nvalue\r\nEND\r\n"},
		{name: "value without its end", key: "key", get: "VALUE key 0 5\r\nvalue\nEND\r\n"},
		{name: "more after the value", key: "key", get: "VALUE key 0 5\r\nvalue\r\nVALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "empty value", key: "key", get: "VALUE key 0 0\r\n\r\nEND\r\n"},
		{name: "NUL in the value", key: "key", get: "VALUE key 0 5\r\nva\x00ue\r\nEND\r\n"},
		{name: "NUL after the end", key: "key", get: "END\x00x\r\n"},
		{name: "NUL in an odd answer", key: "key", get: "ER\x00ROR\r\n"},
		{name: "odd answer to a set", settings: "backup = static:a\n", key: "key", get: "END\r\n", set: "ER\xff\x01\x00ROR\r\n"},
		{name: "end of input", key: "key"},
		{name: "end of input at a set", settings: "backup = static:a\n", key: "key", get: "END\r\n"},
		{name: "line too long", settings: "line_size_limit = 3\n", key: "key", get: "END\n"},
		{name: "line too long in its end", settings: "line_size_limit = 4\n", key: "key", get: "END\rx"},
		{name: "line of the limit", settings: "line_size_limit = 4\n", key: "key", get: "END\n"},
		{name: "limit in the end of a line", settings: "line_size_limit = 4\n", key: "key", get: "END\r\n"},
		{name: "key format %S%U%D", settings: "key_format = %S-%U-%D-%2\n", key: "a@b@example.com", get: "END\r\n"},
		{name: "key format %U", settings: "key_format = %U\n", key: "user", get: "END\r\n"},
		{name: "key format %U without user", settings: "key_format = %U\n", key: "@example.com"},
		{name: "key format %3", settings: "key_format = %3\n", key: "user@example.com"},
		{name: "key format with empty labels", settings: "key_format = %2\n", key: "user@..example..com.", get: "END\r\n"},
		{name: "key format without labels", settings: "key_format = %1\n", key: "user@..."},
		{name: "key format of no key", settings: "key_format = const\n", key: "user@", get: "END\r\n"},
		{name: "key format with a blank", settings: "key_format = con st\n", key: "user@"},
		{name: "no key format", settings: "key_format =\n", key: "user@"},
		{name: "backup fails", settings: "backup = fail:x\n", key: "key", get: "END\r\n"},
		{name: "backup's value as long as may be", settings: "backup = static:abcde\ndata_size_limit = 5\n", key: "key", get: "END\r\n", set: "STORED\r\n"},
		{name: "too large by one", settings: "data_size_limit = 4\n", key: "key", get: "VALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "as large as may be", settings: "data_size_limit = 5\n", key: "key", get: "VALUE key 0 5\r\nvalue\r\nEND\r\n"},
		{name: "backup's value too long", settings: "backup = static:abcdef\ndata_size_limit = 5\n", key: "key", get: "END\r\n"},
		{name: "backup has the whole key", settings: "backup = regexp:{{/^(.*)$/ <$1>}}\nkey_format = %u\n", key: "User@x", get: "END\r\n", set: "STORED\r\n"},
		{name: "upper case", key: "KEY", get: "END\r\n"},
		{name: "upper case in the key format", settings: "key_format = P-%u\n", key: "USER@x", get: "END\r\n"},
		{name: "setting twice", settings: "ttl = 5\nttl = 6\n", key: "key", get: "END\r\n"},
		{name: "key format without domain", settings: "key_format = %d\n", key: "user", get: "VALUE k 0 1\r\nv\r\nEND\r\n"},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			postfix.Case(t)
			s := serveTable(t, func(r *bufio.Reader) (string, error) {
				line, err := r.ReadString('\n')
				if strings.HasPrefix(line, "set ") && err == nil {
					var data string
					data, err = r.ReadString('\n')
					line += data
				}
				return line, err
			}, func(request string) string {
				if strings.HasPrefix(request, "set ") {
					return row.set
				}
				return row.get
			})
			name := fmt.Sprintf("/etc/postfix/memcache%d", i)
			pf.WriteFile(name, "memcache = inet:"+s.Addr().String()+"\n"+row.settings, 0o644)
			wantAnswers, wantLog := queryPostmap(pf, "memcache:"+name, []string{row.key})
			wantRequests := s.take()
			gotAnswers, gotLog := queryOursUTF8(t, pf.Dir, "memcache:"+pf.Path(name), []string{row.key}, utf8)
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(queryErrors(wantLog), queryErrors(gotLog)); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(wantRequests, s.take()); diff != "" {
				t.Errorf("requests (-postmap +ours):\n%s", diff)
			}
		})
	}
}

// TestProxyTables asks the real proxymap(8), through which tables are reached
// whose libraries only Postfix has.
func TestProxyTables(t *testing.T) { testProxyTables(t, true) }

// TestProxyTablesWithoutUTF8 is TestProxyTables where keys are bytes, which proxymap(8)
// gets as they are.
func TestProxyTablesWithoutUTF8(t *testing.T) { testProxyTables(t, false) }

func testProxyTables(t *testing.T, utf8 bool) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	if !utf8 {
		pf.AppendMain("smtputf8_enable = no")
	}
	pf.WriteFile("/etc/postfix/clients", "b.example.com x\nUpper.Example.COM y\ngrüsse z\n", 0o644)
	pf.MustRun("/usr/sbin/postmap", "hash:/etc/postfix/clients")
	pf.WriteFile("/etc/postfix/sqlite.cf", "dbpath = /etc/postfix/none.db\nquery = SELECT 1\n", 0o644)
	approved := []string{"hash:/etc/postfix/clients", "cidr:{{10.0.0.0/8 ten}}", "inline:{key=value}", "regexp:{{/^(a.*)z$/ $1}}", "sqlite:/etc/postfix/sqlite.cf", "hash:/etc/postfix/missing",
		"unionmap:{inline:{absent=in},regexp:{{/^(A)(.*)/m upper $1}}}"}
	pf.AppendMain("proxy_read_maps = proxy:" + strings.ReplaceAll(strings.Join(approved, ", proxy:"), "$", "$$"))
	pf.Start()
	version, err := params.ParseVersion(strings.TrimSpace(pf.MustRun("/usr/sbin/postconf", "-dh", "mail_version")))
	if err != nil {
		t.Fatal(err)
	}
	newer := version >= 3_11_00
	keys := []string{"b.example.com", "B.Example.Com", "upper.example.com", "10.1.2.3", "key", "abcz", "absent", "Absent", "grüsse"}
	for _, spec := range append(approved, "proxy:inline:{key=value}", "hash:/etc/postfix/denied") {
		t.Run(spec, func(t *testing.T) {
			postfix.Case(t)
			wantAnswers, wantLog := queryPostmap(pf, "proxy:"+spec, keys)
			l := &tableLog{root: pf.Dir}
			set := table.NewSet(table.Options{Log: l, UTF8: utf8, QueueDirectory: pf.Path(postfix.QueueDir), OpenErrorFatal: true, ProxyInstanceFlags: newer}) // postmap has no unavailable tables
			defer set.Close()
			gotAnswers, gotLog := querySet(set, l, "proxy:"+spec, keys)
			if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(proxyErrors(wantLog), proxyErrors(gotLog)); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
		})
	}
}

// TestProxyServers has something else answer in proxymap's place, mostly as proxymap
// does not.
func TestProxyServers(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	const greeting = "protocol\x00proxymap_protocol\x00\x00"
	opened := func(status, flags int) string {
		return fmt.Sprintf("status\x00%d\x00flags\x00%d\x00\x00", status, flags)
	}
	found := func(status int, value string) string {
		return fmt.Sprintf("status\x00%d\x00value\x00%s\x00\x00", status, value)
	}
	const end = "" // of the connection
	for i, row := range []struct {
		name     string
		greeting string   // where it is another one, of the first connection
		replies  []string // to one request after the other
		keys     string
	}{
		{name: "found", replies: []string{opened(0, 32), found(0, "x"), found(1, "y")}},
		{name: "fixed", replies: []string{opened(0, 16), found(1, ""), found(0, "")}},
		{name: "soft error", replies: []string{opened(0, 16), found(2, "")}},
		{name: "configuration error", replies: []string{opened(0, 16), found(5, "")}},
		{name: "invalid request", replies: []string{opened(0, 16), found(3, "")}},
		{name: "denied", replies: []string{opened(0, 16), found(4, "")}},
		{name: "open, invalid request", replies: []string{opened(3, 0)}},
		{name: "open, denied", replies: []string{opened(4, 0)}},
		{name: "open, unexpected status", replies: []string{opened(1, 0), opened(6, 0), opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "unexpected status", replies: []string{opened(0, 16), found(6, "u"), found(77, "v"), found(0, "x"), found(0, "y")}},
		{name: "open, end", replies: []string{end, opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "open, end twice", replies: []string{end, end, opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "end", replies: []string{opened(0, 16), end, found(0, "x"), end, found(0, "y")}},
		{name: "end twice", replies: []string{opened(0, 16), end, end, found(0, "x"), found(0, "y")}},
		{name: "part of a reply", replies: []string{"status\x000\x00fla" + end, opened(0, 16)}},
		{name: "other attributes", replies: []string{"state\x000\x00flags\x0016\x00\x00", opened(0, 16), "value\x00x\x00status\x000\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "an attribute too many", replies: []string{opened(0, 16), "status\x000\x00value\x00x\x00more\x00z\x00\x00", found(0, "y"), found(0, "y")}},
		{name: "an attribute too few", replies: []string{opened(0, 16), "status\x000\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "no number", replies: []string{opened(0, 16), "status\x00ten\x00value\x00x\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "two replies", replies: []string{opened(0, 16), found(0, "x") + found(0, "z"), found(0, "y"), found(0, "y")}},
		{name: "another greeting", greeting: "protocol\x00other_protocol\x00\x00", replies: []string{opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "a longer greeting", greeting: "protocol\x00proxymap_protocol\x00more\x00x\x00\x00", replies: []string{opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "negative status", replies: []string{opened(0, 16), found(-1, "x"), found(0, "x"), found(0, "y")}},
		{name: "open, negative status", replies: []string{opened(-1, 0), opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "status that wraps", replies: []string{opened(0, 16), found(4294967296, "x"), found(0, "y")}},
		{name: "status of 31 bits and one", replies: []string{opened(0, 16), found(2147483648, "x"), found(0, "x"), found(0, "y")}},
		{name: "huge status", replies: []string{opened(0, 16), "status\x0099999999999999999999\x00value\x00x\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "status with blanks and sign", replies: []string{"status\x00 \t+0\x00flags\x00\n16\x00\x00", "status\x00 -0\x00value\x00x\x00\x00", found(0, "y")}},
		{name: "status with blank after", replies: []string{opened(0, 16), "status\x000 \x00value\x00x\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "empty status", replies: []string{opened(0, 16), "status\x00\x00value\x00x\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "odd number", replies: []string{opened(0, 16), "status\x00\x01\xc3\xbc\xff" + strings.Repeat("\u00fc", 60) + "\x00value\x00x\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "odd attribute", replies: []string{opened(0, 16), "\x01\xc3\xbc\xff" + strings.Repeat("\u00fc", 160) + "\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "negative flags", replies: []string{opened(0, -1), found(0, "x"), found(0, "y")}},
		{name: "all flags", replies: []string{opened(0, 2147483647), found(0, "x"), found(0, "y")}},
		{name: "empty list", replies: []string{opened(0, 16), "\x00", found(0, "x"), found(0, "y")}},
		{name: "part of a name", replies: []string{opened(0, 16), "sta", found(0, "x"), found(0, "y")}},
		{name: "part of a name of ff", replies: []string{opened(0, 16), "sta\xff", found(0, "x"), found(0, "y")}},
		{name: "part of a value of fe", replies: []string{opened(0, 16), "status\x000\x00value\x00x\xfe", found(0, "x"), found(0, "y")}},
		{name: "part of a value of ff", replies: []string{opened(0, 16), "status\x000\x00value\x00x\xff", found(0, "x"), found(0, "y")}},
		{name: "part, at a NUL", replies: []string{opened(0, 16), "status\x000\x00value\x00", found(0, "x"), found(0, "y")}},
		{name: "no end", replies: []string{opened(0, 16), "status\x000\x00value\x00x\x00", found(0, "x"), found(0, "y")}},
		{name: "long value", replies: []string{opened(0, 16), found(0, strings.Repeat("v", 1<<20)), found(0, "y")}},
		{name: "not UTF-8", replies: []string{opened(0, 16), found(0, "\xff")}},
		{name: "value of lines", replies: []string{opened(0, 16), found(0, "x\ny\r"), found(0, "")}},
		{name: "not found with a value", replies: []string{opened(0, 16), found(1, "x"), found(0, "y")}},
		{name: "a greeting in another's place", replies: []string{opened(0, 16), greeting, found(0, "x"), found(0, "y")}},
		{name: "twice the same attribute", replies: []string{opened(0, 16), "status\x000\x00status\x000\x00value\x00x\x00\x00", found(0, "x"), found(0, "y")}},
		{name: "long key", keys: strings.Repeat("k", 9000) + "|b", replies: []string{opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "odd keys", keys: "a\x01b\x7fc%41\\|\u00fc|  lead|trail  |\ttab|UPPER|\u00c4|bad\xff||end", replies: []string{opened(0, 16)}},
		{name: "odd keys of patterns", keys: "a\x01b\x7fc%41\\|\u00fc|  lead|trail  |\ttab|UPPER|\u00c4|bad\xff||end", replies: []string{opened(0, 32)}},
		{name: "empty greeting", greeting: "\x00", replies: []string{opened(0, 16), found(0, "x"), found(0, "y")}},
		{name: "an odd greeting", greeting: "greeting\x00proxymap_protocol\x00\x00", replies: []string{opened(0, 16), found(0, "x"), found(0, "y")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // there is a pause after what is not understood
			postfix.Case(t)
			service := fmt.Sprint("stand-in", i)
			l, err := postfix.ListenUnix(pf.Path(postfix.QueueDir + "/private/" + service))
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var asked []string
			connections := 0
			standin.Serve(t, l, func(conn net.Conn) {
				mu.Lock()
				connections++
				first := greeting
				if connections == 1 && row.greeting != "" {
					first = row.greeting
				}
				mu.Unlock()
				io.WriteString(conn, first)
				for r := bufio.NewReader(conn); ; {
					var request strings.Builder
					for !strings.HasSuffix(request.String(), "\x00\x00") {
						c, err := r.ReadByte()
						if err != nil {
							return
						}
						request.WriteByte(c)
					}
					mu.Lock()
					reply := found(1, "")
					if strings.HasPrefix(request.String(), "request\x00open") {
						reply = opened(0, 16)
					}
					if len(asked) < len(row.replies) {
						reply = row.replies[len(asked)]
					}
					asked = append(asked, request.String())
					mu.Unlock()
					if reply == end {
						return
					}
					io.WriteString(conn, reply)
					if !strings.HasSuffix(reply, "\x00\x00") {
						return
					}
				}
			})
			taken := func() []string {
				mu.Lock()
				defer mu.Unlock()
				result := append(asked, fmt.Sprint(connections, " connections"))
				asked, connections = nil, 0
				return result
			}
			conf := fmt.Sprint("/etc/postfix/proxy", i)
			if err := os.Mkdir(pf.Path(conf), 0o755); err != nil {
				t.Fatal(err)
			}
			pf.WriteFile(conf+"/main.cf", pf.ReadFile("/etc/postfix/main.cf")+"proxymap_service_name = "+service+"\n", 0o644)
			const spec = "proxy:static:x"
			keys := []string{"a", "b"}
			if row.keys != "" {
				keys = strings.Split(row.keys, "|")
			}
			r := pf.RunInput([]byte(strings.Join(keys, "\n")+"\n"), "/usr/bin/timeout", "30", "/usr/sbin/postmap", "-c", conf, "-q", "-", spec)
			var wantLog []string
			for _, line := range strings.Split(strings.TrimSuffix(strings.ReplaceAll(r.Stderr, "postmap: ", ""), "\n"), "\n") {
				if line != "" && !strings.Contains(line, "empty string result is not allowed") && !strings.Contains(line, "should return NO RESULT in case of NOT FOUND") {
					wantLog = append(wantLog, line)
				}
			}
			wantAsked := taken()
			log := &tableLog{root: pf.Dir}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			set := table.NewSet(table.Options{Log: log, UTF8: true, Context: ctx, QueueDirectory: pf.Path(postfix.QueueDir), ProxymapService: service, IPCTimeout: time.Hour})
			defer set.Close()
			gotAnswers, gotLog := querySet(set, log, spec, keys)
			if diff := cmp.Diff(r.Stdout, gotAnswers); diff != "" {
				t.Errorf("answers (-postmap +ours):\n%s", diff)
			}
			fatal := func(log []string) []string {
				for i, line := range log {
					if strings.HasPrefix(line, "fatal: ") && !strings.Contains(line, service) {
						log[i] = "fatal: query error"
					}
				}
				return log
			}
			if diff := cmp.Diff(fatal(wantLog), fatal(gotLog)); diff != "" {
				t.Errorf("log (-postmap +ours):\n%s", diff)
			}
			if diff := cmp.Diff(wantAsked, taken()); diff != "" {
				t.Errorf("requests (-postmap +ours):\n%s", diff)
			}
		})
	}
}

// proxyErrors keeps the fatal texts of proxymap's client.
func proxyErrors(log []string) []string {
	for i, line := range log {
		if strings.HasPrefix(line, "fatal: ") && !strings.Contains(line, "proxymap") {
			log[i] = "fatal: query error"
		}
	}
	return log
}
