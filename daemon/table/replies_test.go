package table_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// script is a server of one protocol that answers whole requests by a list, and keeps
// what it was asked. It ends a connection on which it is asked something else.
type script struct {
	greeting string
	read     func(*bufio.Reader) (string, error)
	replies  map[string]string

	mu          sync.Mutex
	asked       []string
	connections int
}

// listen starts the server, which ends with the test.
func (s *script) listen(t *testing.T, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s.serve(t, l)
	return l.Addr().String()
}

// serve is listen with a listener.
func (s *script) serve(t *testing.T, l net.Listener) {
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() }) // the table has closed its connections by then
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.connections++
			s.mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				s.talk(conn)
			})
		}
	})
}

func (s *script) talk(conn net.Conn) {
	if _, err := io.WriteString(conn, s.greeting); err != nil {
		return
	}
	for r := bufio.NewReader(conn); ; {
		request, err := s.read(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, request)
		s.mu.Unlock()
		reply, ok := s.replies[request]
		if !ok {
			return
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

// taken returns what was asked, and forgets it, and how many connections there were.
func (s *script) taken() (asked []string, connections int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, s.asked = s.asked, nil
	return asked, s.connections
}

// upTo reads requests that end with a delimiter.
func upTo(end string) func(*bufio.Reader) (string, error) {
	return func(r *bufio.Reader) (string, error) {
		var request strings.Builder
		for !strings.HasSuffix(request.String(), end) {
			c, err := r.ReadByte()
			if err != nil {
				return "", err
			}
			request.WriteByte(c)
		}
		return request.String(), nil
	}
}

// lookup is one with a server: what it is asked, what it says, what comes of it and
// what is logged.
type lookup struct {
	key, request, reply string
	want                string
	log                 []string
}

// check makes the lookups in turn. Connections are how many they take.
func (s *script) check(t *testing.T, tbl table.Table, log *recorder, connections int, lookups []lookup) {
	t.Helper()
	for _, tt := range lookups {
		if got := result(t.Context(), tbl, tt.key); got != tt.want {
			t.Errorf("Lookup(%q): %s, want %s", tt.key, got, tt.want)
		}
		var want []string
		if tt.request != "" {
			want = []string{tt.request}
		}
		asked, _ := s.taken()
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("Lookup(%q), requests (-want +got):\n%s", tt.key, diff)
		}
		if diff := cmp.Diff(tt.log, log.take()); diff != "" {
			t.Errorf("Lookup(%q), log (-want +got):\n%s", tt.key, diff)
		}
	}
	if _, n := s.taken(); n != connections {
		t.Errorf("%d connections, want %d", n, connections)
	}
}

func repliesOf(lookups []lookup) map[string]string {
	replies := map[string]string{}
	for _, l := range lookups {
		replies[l.request] = l.reply
	}
	return replies
}

// After an error of the server, and after a reply that is none, there is a new
// connection.
func TestTCPReplies(t *testing.T) {
	s := &script{read: upTo("\n")}
	addr := s.listen(t, "tcp", "127.0.0.1:0")
	malformed := "warning: read TCP map reply from " + addr + ": malformed reply: "
	lookups := []lookup{
		{key: "a b%~", request: "get a%20b%25~\n", reply: "200 x%20y%5a\n", want: "= x yZ"},
		{key: "\x7f\xc3\xbc", request: "get %7F%C3%BC\n", reply: "299 \n", want: "= "},
		{key: "none", request: "get none\n", reply: "500 not here\n", want: "not found"},
		{key: "soft", request: "get soft\n", reply: "400 a%20b\n", want: "retry: tcp:" + addr + ": 400 a%20b"},
		{key: "code", request: "get code\n", reply: "300 x\n", want: "retry: tcp:" + addr + ": 300 x",
			log: []string{"warning: read TCP map reply from " + addr + ": bad status code: 300 x"}},
		{key: "short", request: "get short\n", reply: "200\n", want: "retry: tcp:" + addr + ": 200", log: []string{malformed + "200"}},
		{key: "letter", request: "get letter\n", reply: "2x0 v\n", want: "retry: tcp:" + addr + ": 2x0 v", log: []string{malformed + "2x0 v"}},
		{key: "hex", request: "get hex\n", reply: "200 %4g\n", want: "retry: tcp:" + addr + ": 200 %4g", log: []string{malformed + "200 %4g"}},
		{key: "cut", request: "get cut\n", reply: "200 %4\n", want: "retry: tcp:" + addr + ": 200 %4", log: []string{malformed + "200 %4"}},
		{key: "high", request: "get high\n", reply: "200 %g4\n", want: "retry: tcp:" + addr + ": 200 %g4", log: []string{malformed + "200 %g4"}},
		{key: "nul", request: "get nul\n", reply: "200 a%00b\n", want: "= a"},
		{key: "odd", request: "get odd\n", reply: "200 \x01%\xc3\xbc\n", want: "retry: tcp:" + addr + ": 200 _%ü", log: []string{malformed + "200 _%ü"}},
		{key: "end", request: "get end\n", reply: "200 %4f%4F%5A\n", want: "= OOZ"},
	}
	s.replies = repliesOf(lookups)
	log := &recorder{}
	s.check(t, open(t, "tcp:"+addr, listFlags, log), log, 9, lookups)
}

// A part of a reply is too long a text for Postfix, or the end of the input, as its last
// byte is. The lines are postmap's.
func TestTCPPartOfAReply(t *testing.T) {
	const long, ended = "text longer than 4096", "unexpected EOF (Operation now in progress)"
	for part, want := range map[string]string{
		"200 x": long, "200 x\x7f": long, "200 x\x00": long, "": ended, "200 x\xc3": ended, "200 x\xff": ended,
		"200 " + strings.Repeat("v", 4093): long, "200 " + strings.Repeat("\u00fc", 2047): ended,
	} {
		t.Run(fmt.Sprintf("%.10q", part), func(t *testing.T) {
			t.Parallel() // there is a pause before it is asked again
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			t.Cleanup(func() { l.Close(); wg.Wait() })
			wg.Go(func() {
				for _, reply := range []string{part, "200 ok\n"} {
					conn, err := l.Accept()
					if err != nil {
						t.Error(err)
						return
					}
					if _, err = upTo("\n")(bufio.NewReader(conn)); err == nil {
						_, err = io.WriteString(conn, reply)
					}
					if err != nil {
						t.Error(err)
					}
					conn.Close()
				}
			})
			log := &recorder{}
			tbl := open(t, "tcp:"+l.Addr().String(), listFlags, log)
			if got := result(t.Context(), tbl, "key"); got != "= ok" {
				t.Errorf("Lookup: %s", got)
			}
			if diff := cmp.Diff([]string{"warning: read TCP map reply from " + l.Addr().String() + ": " + want}, log.take()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSocketmapReplies(t *testing.T) {
	s := &script{read: upTo(",")}
	path := filepath.Join(t.TempDir(), "socket")
	s.listen(t, "unix", path)
	spec := "socketmap:unix:" + path + ":map"
	ask := func(key string) string { return fmt.Sprintf("%d:map %s,", len(key)+4, key) }
	lookups := []lookup{
		{key: "a b", request: ask("a b"), reply: "9:OK  x y\xc3\xbc,", want: "=  x y\xc3\xbc"},
		{key: "none", request: ask("none"), reply: "13:NOTFOUND text,", want: "not found"},
		{key: "temp", request: ask("temp"), reply: "14:TEMP  be right,", want: "retry: " + spec + ": temporary error: be right",
			log: []string{"warning: " + spec + " socketmap server temporary error: be right"}},
		{key: "slow", request: ask("slow"), reply: "7:TIMEOUT,", want: "retry: " + spec + ": timeout error",
			log: []string{"warning: " + spec + " socketmap server timeout error"}},
		{key: "perm", request: ask("perm"), reply: "7:PERM no,", want: "config: " + spec + ": permanent error: no",
			log: []string{"warning: " + spec + " socketmap server permanent error: no"}},
		{key: "what", request: ask("what"), reply: "4:ok v,", want: "retry: " + spec + ": unknown error: v",
			log: []string{"warning: " + spec + " socketmap server unknown error: v"}},
		{key: "long", request: ask("long"), reply: "305:TEMP " + strings.Repeat("v", 198) + "\x01\xff" + strings.Repeat("v", 100) + ",", want: "retry: " + spec + ": temporary error: " + strings.Repeat("v", 198) + "??",
			log: []string{"warning: " + spec + " socketmap server temporary error: " + strings.Repeat("v", 198) + "??"}},
		{key: "nul", request: ask("nul"), reply: "7:OK a\x00bc,", want: "= a"},
		{key: "form", request: ask("form"), reply: "x", want: "retry: " + spec + ": lookup error: input format error",
			log: []string{"warning: table " + spec + " lookup error: input format error"}},
		{key: "size", request: ask("size"), reply: "100001:", want: "retry: " + spec + ": lookup error: input exceeds size limit",
			log: []string{"warning: table " + spec + " lookup error: input exceeds size limit"}},
		{key: "end", request: ask("end"), reply: "3:OK ,", want: "= "},
	}
	s.replies = repliesOf(lookups)
	log := &recorder{}
	s.check(t, open(t, spec, listFlags, log), log, 3, lookups)
}

// A server that ends the connection is asked once more. What is told of that at
// verbose level 1, stock tells.
func TestSocketmapDisconnects(t *testing.T) {
	s := &script{read: upTo(","), replies: map[string]string{"7:map one,": "4:OK 1,"}}
	addr := s.listen(t, "tcp", "127.0.0.1:0")
	spec := "socketmap:inet:" + addr + ":map"
	log := &talker{level: 1}
	tbl := open(t, spec, listFlags, log)
	if diff := cmp.Diff([]string{"auto_clnt_create: transport=inet endpoint=" + addr, "dict_open: " + spec}, log.take()); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	began, ended := "auto_clnt_open: connected to "+addr, "auto_clnt_close: disconnect "+addr+" stream"
	trying := "trying... [127.0.0.1]"
	for _, tt := range []struct {
		key, want string
		asked     []string
		log       []string
	}{
		{"one", "= 1", []string{"7:map one,"}, []string{trying, began}},
		{"two", "retry: " + spec + ": lookup error: unexpected disconnect", []string{"7:map two,", "7:map two,"},
			[]string{ended, trying, began, "warning: table " + spec + " lookup error: unexpected disconnect"}},
		{"one", "= 1", []string{"7:map one,"}, []string{trying, began}},
	} {
		if got := result(table.WithTrace(t.Context(), log), tbl, tt.key); got != tt.want {
			t.Errorf("Lookup(%s): %s, want %s", tt.key, got, tt.want)
		}
		asked, _ := s.taken()
		if diff := cmp.Diff(tt.asked, asked); diff != "" {
			t.Errorf("Lookup(%s), requests (-want +got):\n%s", tt.key, diff)
		}
		if diff := cmp.Diff(append([]string{"dict_sockmap_lookup: key " + tt.key}, tt.log...), log.take()); diff != "" {
			t.Errorf("Lookup(%s), log (-want +got):\n%s", tt.key, diff)
		}
	}
}

// memcacheRequest reads a command, with the data that follow.
func memcacheRequest(r *bufio.Reader) (string, error) {
	line := upTo("\r\n")
	request, err := line(r)
	if err == nil && strings.HasPrefix(request, "set ") {
		var data string
		data, err = line(r)
		request += data
	}
	return request, err
}

// What the backup has is found there once, and stored.
func TestMemcacheReplies(t *testing.T) {
	s := &script{read: memcacheRequest}
	const store = "set k:b@c 3 7 4\r\nsafe\r\n"
	s.replies = map[string]string{
		"get k:a@b\r\n": "VALUE k:a@b 0 5\r\nv \r\nw\r\nEND\r\n",
		"get k:b@c\r\n": "END\r\n", store: "STORED\r\n",
		"get k:none\r\n":                  "END\r\n",
		"get k:long\r\n":                  "VALUE k:long 0 9\r\n123456789\r\nEND\r\n",
		"set k:long 3 7 7\r\nshorter\r\n": "STORED\r\n",
		"get k:what\r\n":                  "ERROR\r\n",
		"get k:more\r\n":                  "VALUE k:more 0 1\r\nv\r\nEND\r\nEND\r\n",
		"get k:endless\r\n":               "VALUE k:endless 0 1\r\nv\r\nEND \r\n",
	}
	addr := s.listen(t, "tcp", "127.0.0.1:0")
	log := &recorder{}
	set := table.NewSet(table.Options{Log: log, UTF8: true, Parameter: func(name string) (string, bool) {
		value, ok := map[string]string{
			"local_memcache": "inet:" + addr, "local_key_format": "k:%s", "local_flags": "3", "local_ttl": "7",
			"local_backup": "inline:{b@c=safe,long=shorter}", "local_max_try": "1", "local_data_size_limit": "8",
		}[name]
		return value, ok
	}})
	defer set.Close()
	tbl, err := set.Open("memcache:local", listFlags)
	if err != nil {
		t.Fatal(err)
	}
	if tbl.Kind() != table.Fixed {
		t.Errorf("kind %v", tbl.Kind())
	}
	for _, tt := range []struct {
		key, want   string
		asked       []string
		connections int // so far
	}{
		{"a@b", "= v \r\nw", []string{"get k:a@b\r\n"}, 1},
		{"b@c", "= safe", []string{"get k:b@c\r\n", store}, 1},
		{"none", "not found", []string{"get k:none\r\n"}, 1},
		{"", "not found", nil, 1},
		{"a b", "not found", nil, 1},
		{"long", "= shorter", []string{"get k:long\r\n", "set k:long 3 7 7\r\nshorter\r\n"}, 2},
		{"what", "not found", []string{"get k:what\r\n"}, 2},
		// What comes with a reply is lost, and costs no connection; a value without its
		// end does.
		{"more", "= v", []string{"get k:more\r\n"}, 3},
		{"a@b", "= v \r\nw", []string{"get k:a@b\r\n"}, 3},
		{"endless", "= v", []string{"get k:endless\r\n"}, 3},
		{"none", "not found", []string{"get k:none\r\n"}, 4},
	} {
		if got := result(t.Context(), tbl, tt.key); got != tt.want {
			t.Errorf("Lookup(%q): %s, want %s", tt.key, got, tt.want)
		}
		asked, connections := s.taken()
		if diff := cmp.Diff(tt.asked, asked); diff != "" || connections != tt.connections {
			t.Errorf("Lookup(%q): %d connections, requests (-want +got):\n%s", tt.key, connections, diff)
		}
	}
	if lines := log.take(); lines != nil {
		t.Errorf("log: %q", lines)
	}
}

// scriptProxymap is a proxymap(8) named map below the queue directory that it
// returns, with one answer to the opening of a table.
func scriptProxymap(t *testing.T, opening, reply string, lookups []lookup) (s *script, queueDirectory string) {
	t.Helper()
	queueDirectory = t.TempDir()
	if err := os.Mkdir(filepath.Join(queueDirectory, "private"), 0o700); err != nil {
		t.Fatal(err)
	}
	s = &script{greeting: "protocol\x00proxymap_protocol\x00\x00", read: upTo("\x00\x00"), replies: repliesOf(lookups)}
	s.replies[opening] = reply
	s.listen(t, "unix", filepath.Join(queueDirectory, "private", "map"))
	return s, queueDirectory
}

// All that proxymap(8) says here is understood, so one connection does for opening and
// lookups.
func TestProxyReplies(t *testing.T) {
	const name = "static:x"
	ask := func(key string) string {
		return fmt.Sprintf("request\x00lookup\x00table\x00%s\x00flags\x00%d\x00key\x00%s\x00\x00", name, listFlags, key)
	}
	reply := func(status int, value string) string {
		return fmt.Sprintf("status\x00%d\x00value\x00%s\x00\x00", status, value)
	}
	lookups := []lookup{
		{key: "ok", request: ask("ok"), reply: reply(0, "some value"), want: "= some value"},
		{key: "none", request: ask("none"), reply: reply(1, ""), want: "not found"},
		{key: "soft", request: ask("soft"), reply: reply(2, ""), want: "retry: proxy:" + name + ": temporary error"},
		{key: "conf", request: ask("conf"), reply: reply(5, ""), want: "config: proxy:" + name + ": configuration error"},
		{key: "bad", request: ask("bad"), reply: reply(3, ""), want: `fatal: map lookup failed for table "` + name + `" key "bad": invalid request`},
		{key: "deny", request: ask("deny"), reply: reply(4, ""), want: `fatal: map service is not configured for table "` + name + `"`},
		{key: "end", request: ask("end"), reply: reply(0, ""), want: "= "},
	}
	const opening = "request\x00open\x00table\x00" + name + "\x00flags\x000\x00\x00"
	for _, tt := range []struct {
		reply   string
		kind    table.Kind
		problem string
	}{
		{"status\x000\x00flags\x0032\x00\x00", table.Pattern, ""},
		{"status\x000\x00flags\x0016\x00\x00", table.Fixed, ""},
		{"status\x003\x00flags\x000\x00\x00", 0, `map open failed for table "` + name + `": invalid request`},
		{"status\x004\x00flags\x000\x00\x00", 0, `map service is not configured for table "` + name + `"`},
	} {
		s, dir := scriptProxymap(t, opening, tt.reply, lookups)
		log := &recorder{}
		set := table.NewSet(table.Options{Log: log, UTF8: true, QueueDirectory: dir, ProxymapService: "map"})
		defer set.Close()
		tbl, err := set.Open("proxy:"+name, listFlags)
		asked, _ := s.taken()
		if diff := cmp.Diff([]string{opening}, asked); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if tt.problem != "" {
			if err == nil || err.Error() != tt.problem || table.ClassOf(err) != table.Fatal {
				t.Errorf("Open: %v, want fatal %q", err, tt.problem)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if tbl.Kind() != tt.kind {
			t.Errorf("kind %v, want %v", tbl.Kind(), tt.kind)
		}
		s.check(t, tbl, log, 1, lookups)
	}
}

// The words of Postfix 3.11, as its postmap(1) and proxymap(8) exchanged them, and what
// 3.11 makes of a table that the server does not open.
func TestProxyInstanceFlags(t *testing.T) {
	const (
		name    = "hash:/x"
		opening = "request\x00open\x00table\x00" + name + "\x00instance_flags\x00524352\x00\x00"
		// try0null, try1null, fixed, lock, utf8_request, utf8_active
		properties = "1572956"
	)
	ask := func(key string) string {
		return "request\x00lookup\x00table\x00" + name + "\x00instance_flags\x00524352\x00flags\x00" + properties + "\x00key\x00" + key + "\x00\x00"
	}
	reply := func(status int, value string) string {
		// With the first key that it finds the server learns how keys end.
		return fmt.Sprintf("status\x00%d\x00flags\x001572952\x00value\x00%s\x00\x00", status, value)
	}
	lookups := []lookup{
		{key: "ok", request: ask("ok"), reply: reply(0, "some value"), want: "= some value"},
		{key: "none", request: ask("none"), reply: reply(1, ""), want: "not found"},
		{key: "soft", request: ask("soft"), reply: reply(2, ""), want: "retry: proxy:" + name + ": temporary error"},
		{key: "deny", request: ask("deny"), reply: reply(4, ""), want: `fatal: map service is not configured for table "` + name + `"`},
	}
	for _, tt := range []struct {
		reply  string
		reason string
		fatal  bool // daemon_table_open_error_is_fatal
	}{
		{reply: "status\x000\x00flags\x00" + properties + "\x00\x00"},
		{reply: "status\x003\x00flags\x000\x00\x00", reason: `map open failed for table "` + name + `": invalid request`},
		{reply: "status\x004\x00flags\x000\x00\x00", reason: `map service is not configured for table "` + name + `"`},
		{reply: "status\x004\x00flags\x000\x00\x00", reason: `map service is not configured for table "` + name + `"`, fatal: true},
	} {
		s, dir := scriptProxymap(t, opening, tt.reply, lookups)
		log := &recorder{}
		set := table.NewSet(table.Options{Log: log, UTF8: true, OpenErrorFatal: tt.fatal, QueueDirectory: dir, ProxymapService: "map", ProxyInstanceFlags: true})
		defer set.Close()
		tbl, err := set.Open("proxy:"+name, listFlags)
		asked, _ := s.taken()
		if diff := cmp.Diff([]string{opening}, asked); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if tt.fatal {
			if err == nil || err.Error() != tt.reason || table.ClassOf(err) != table.Fatal {
				t.Errorf("Open: %v, want fatal %q", err, tt.reason)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if tt.reason == "" {
			if tbl.Kind() != table.Fixed {
				t.Errorf("kind %v", tbl.Kind())
			}
			s.check(t, tbl, log, 1, lookups)
			continue
		}
		text := "proxy:" + name + " is unavailable. " + tt.reason
		if got := result(t.Context(), tbl, "key"); got != "retry: "+text {
			t.Errorf("Lookup: %s", got)
		}
		if diff := cmp.Diff([]string{"error: " + tt.reason, "warning: " + text}, log.take()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	}
}

// What proxymap(8) does not say, or says otherwise, is asked for again after a pause, by
// another connection. The lines are postmap's; compat-tests has more.
func TestProxyTrouble(t *testing.T) {
	const name = "static:x"
	opened := func(status, flags int) string {
		return fmt.Sprintf("status\x00%d\x00flags\x00%d\x00\x00", status, flags)
	}
	found := func(status int, value string) string {
		return fmt.Sprintf("status\x00%d\x00value\x00%s\x00\x00", status, value)
	}
	const end = "" // of the connection
	for title, tt := range map[string]struct {
		greeting    string   // of the first connection, where it is another one
		replies     []string // to the requests
		connections int
		log         []string
	}{
		"open, unexpected status": {"", []string{opened(6, 0), opened(0, 16), found(0, "x")}, 2, []string{`warning: map open failed for table "static:x": unexpected status 6`}},
		"open, end":               {"", []string{end, opened(0, 16), found(0, "x")}, 2, []string{"warning: dict_proxy_open: service map: Application error"}},
		"unexpected status":       {"", []string{opened(0, 16), found(6, "u"), found(0, "x")}, 2, []string{`warning: map lookup failed for table "static:x" key "key": unexpected reply status 6`}},
		"open, negative status":   {"", []string{opened(-1, 0), opened(0, 16), found(0, "x")}, 2, []string{`warning: map open failed for table "static:x": unexpected status -1`}},
		"negative status":         {"", []string{opened(0, 16), found(-1, "u"), found(0, "x")}, 2, []string{`warning: map lookup failed for table "static:x" key "key": unexpected reply status -1`}},
		"end":                     {"", []string{opened(0, 16), end, found(0, "x")}, 2, nil},
		"end twice":               {"", []string{opened(0, 16), end, end, found(0, "x")}, 3, []string{"warning: dict_proxy_lookup: service map: Application error"}},
		"other attributes":        {"", []string{opened(0, 16), "value\x00x\x00status\x000\x00\x00", found(0, "x")}, 2, []string{"warning: unexpected attribute value from DIR/private/map socket (expecting: status)"}},
		"an attribute too many":   {"", []string{opened(0, 16), "status\x000\x00value\x00x\x00more\x00z\x00\x00"}, 1, []string{"warning: unexpected attribute more from DIR/private/map socket (expecting: (list terminator))"}},
		"two replies":             {"", []string{opened(0, 16) + found(0, "z"), found(0, "x")}, 1, nil},
		"another greeting":        {"protocol\x00other_protocol\x00\x00", []string{opened(0, 16), found(0, "x")}, 2, []string{"warning: unexpected protocol other_protocol from DIR/private/map socket (expected: proxymap_protocol)", "warning: dict_proxy_open: service map: Application error"}},
		"a longer greeting":       {"protocol\x00proxymap_protocol\x00more\x00x\x00\x00", []string{opened(0, 16), found(0, "x")}, 1, []string{"warning: unexpected attribute more from DIR/private/map socket (expecting: (list terminator))"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "private"), 0o700); err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("unix", filepath.Join(dir, "private", "map"))
			if err != nil {
				t.Fatal(err)
			}
			var asked []string
			connections := 0
			var wg sync.WaitGroup
			defer wg.Wait()
			defer l.Close()
			wg.Go(func() {
				for asks := upTo("\x00\x00"); ; {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					greeting := "protocol\x00proxymap_protocol\x00\x00"
					if connections++; connections == 1 && tt.greeting != "" {
						greeting = tt.greeting
					}
					if _, err := io.WriteString(conn, greeting); err != nil {
						t.Error(err)
					}
					for r := bufio.NewReader(conn); ; {
						request, err := asks(r)
						if err != nil {
							break
						}
						asked = append(asked, request)
						if len(asked) > len(tt.replies) || tt.replies[len(asked)-1] == end {
							break
						}
						if _, err := io.WriteString(conn, tt.replies[len(asked)-1]); err != nil {
							t.Error(err)
						}
					}
					conn.Close()
				}
			})
			log := &recorder{}
			set := table.NewSet(table.Options{Log: log, UTF8: true, QueueDirectory: dir, ProxymapService: "map"})
			tbl, err := set.Open("proxy:"+name, listFlags)
			if err != nil {
				t.Fatal(err)
			}
			if tbl.Type() != "proxy" || tbl.Name() != name || tbl.Kind() != table.Fixed {
				t.Errorf("%s:%s, kind %v", tbl.Type(), tbl.Name(), tbl.Kind())
			}
			if got := result(t.Context(), tbl, "key"); got != "= x" {
				t.Errorf("Lookup: %s", got)
			}
			set.Close()
			l.Close()
			wg.Wait()
			if len(asked) != len(tt.replies) || connections != tt.connections {
				t.Errorf("%d requests in %d connections, want %d in %d: %q", len(asked), connections, len(tt.replies), tt.connections, asked)
			}
			lines := log.take()
			for i, line := range lines {
				lines[i] = strings.ReplaceAll(line, dir, "DIR")
			}
			if diff := cmp.Diff(tt.log, lines); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}
