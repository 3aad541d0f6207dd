package table_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// openFile opens a table whose settings are in a file that is some time old.
func openFile(t *testing.T, opt table.Options, typ, text string) (tbl table.Table, path string, err error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	set := table.NewSet(opt)
	t.Cleanup(func() { set.Close() })
	tbl, err = set.Open(typ+":"+path, listFlags)
	return tbl, path, err
}

// The errors are postmap's. FILE stands for the name of the file.
func TestSettingsFiles(t *testing.T) {
	for _, tt := range []struct {
		text, fatal string
		log         []string
	}{
		{"", "", nil},
		{"# comment\nttl = 5\n", "", nil},
		{"ttl\t=\t-2147483648 \nkey_format =\n", "", nil},
		{"ttl=5\nttl = 5\n", "", nil},
		{"ttl=5\nttl = 6\n", "", []string{"warning: FILE, line 2: overriding earlier entry: ttl=5"}},
		{"max_try = 0\nmax_try = 1\n", "", []string{"warning: FILE, line 2: overriding earlier entry: max_try=0"}},
		{"timeout = 0\nttl = -1\nflags = -1\n", "", nil},
		{"key_digest = sha256\n", "", nil},
		{"key_digest =\ndomain =\n", "", nil},
		{"\n\nttl\n", `FILE, line 3: missing '=' after attribute name: "ttl"`, nil},
		{"ttl x = 5\n", `FILE, line 1: missing '=' after attribute name: "ttl x = 5"`, nil},
		{"= x\n", `FILE, line 1: missing attribute name: "= x"`, nil},
		{"  = x\n", "", []string{`warning: FILE: logical line must not start with whitespace: "  = x"`}},
		{"ttl = 2147483648\n", "FILE: bad numerical configuration: ttl = 2147483648", nil},
		{"ttl = 5x\n", "FILE: bad numerical configuration: ttl = 5x", nil},
		{"ttl =\n", "FILE: bad numerical configuration: ttl = ", nil},
		{"max_try = 0\n", "FILE: invalid max_try parameter value 0 < 1", nil},
		{"retry_pause = 0\n", "FILE: invalid retry_pause parameter value 0 < 1", nil},
		{"line_size_limit = 0\n", "FILE: invalid line_size_limit parameter value 0 < 1", nil},
		{"data_size_limit = 0\n", "FILE: invalid data_size_limit parameter value 0 < 1", nil},
		{"key_format = a%\n", "db_common_parse: FILE: Invalid query template: a%", nil},
		{"key_format = %0\n", "db_common_parse: FILE: Invalid query template: %0", nil},
		{"memcache = inet\n", `need service transport:endpoint instead of "inet"`, nil},
		{"backup = socketmap:x:y:z\n", "invalid transport name: x in service: x:y", nil},
	} {
		log := &recorder{}
		tbl, path, err := openFile(t, table.Options{Log: log}, "memcache", tt.text)
		got := ""
		switch {
		case err != nil:
			got = strings.ReplaceAll(err.Error(), path, "FILE")
			if table.ClassOf(err) != table.Fatal {
				t.Errorf("%q: class %v", tt.text, table.ClassOf(err))
			}
		case tbl.Type() != "memcache" || tbl.Name() != path || tbl.Kind() != table.Fixed:
			t.Errorf("%q: %s:%s of kind %v", tt.text, tbl.Type(), tbl.Name(), tbl.Kind())
		}
		if got != tt.fatal {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.fatal)
		}
		var lines []string
		for _, line := range log.take() {
			lines = append(lines, strings.ReplaceAll(line, path, "FILE"))
		}
		if diff := cmp.Diff(tt.log, lines); diff != "" {
			t.Errorf("%q, log (-want +got):\n%s", tt.text, diff)
		}
	}
	dir := t.TempDir()
	if _, err := table.NewSet(table.Options{}).Open("memcache:"+dir, listFlags); err == nil || err.Error() != "read "+dir+": Is a directory" || table.ClassOf(err) != table.Fatal {
		t.Errorf("a folder: %v", err)
	}
	// One that is its own backup would be opened for ever.
	loop := "memcache:" + dir + "/loop"
	if err := os.WriteFile(dir+"/loop", []byte("backup = "+loop+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := table.NewSet(table.Options{})
	for range 2 {
		if _, err := set.Open(loop, listFlags); err == nil || err.Error() != "open dictionary: "+loop+": more than 1000 tables in each other" || table.ClassOf(err) != table.Fatal {
			t.Errorf("its own backup: %v", err)
		}
	}
	// A name with a dot is that of a file too.
	t.Chdir(dir)
	if err := os.WriteFile("x", []byte("ttl\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes("x", old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := table.NewSet(table.Options{}).Open("memcache:./x", listFlags); err == nil || !strings.HasPrefix(err.Error(), "./x, line 1: ") {
		t.Errorf("./x: %v", err)
	}
}

// What is not for security-sensitive data, or is not understood, is unavailable.
func TestServersRefused(t *testing.T) {
	for spec, want := range map[string]string{
		"memcache:m":           "memcache:m map is not allowed for security-sensitive data",
		"socketmap:unix:/x:y":  "socketmap:unix:/x:y map is not allowed for security-sensitive data",
		"memcache:d":           "memcache:d: unsupported setting: domain; specify proxy:memcache:d instead",
		"memcache:t":           "memcache:t: unsupported setting: timeout = -1",
		"memcache:k":           "memcache:k: unsupported setting: key_digest; specify proxy:memcache:k instead",
		"socketmap:nosuchname": "socketmap requires server:socketmap argument",
	} {
		flags := listFlags
		if strings.HasSuffix(want, "data") {
			flags |= table.NoUnauth
		}
		log := &recorder{}
		set := table.NewSet(table.Options{Log: log, MemcacheKeyDigest: true, Parameter: func(name string) (string, bool) {
			value, ok := map[string]string{"d_domain": "x", "k_key_digest": "sha256", "t_timeout": "-1"}[name]
			return value, ok
		}})
		defer set.Close()
		tbl, err := set.Open(spec, flags)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"error: " + want}, log.take()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spec, diff)
		}
		if got := result(t.Context(), tbl, "key"); !strings.HasPrefix(got, "retry: ") {
			t.Errorf("%s: %s", spec, got)
		}
	}
}

// A key is asked for by the template, if it has what that names. The requests are
// those of postmap.
func TestKeyFormats(t *testing.T) {
	s := &script{read: upTo("\r\n")}
	addr := s.listen(t, "tcp", "127.0.0.1:0")
	for _, tt := range []struct{ format, key, asked string }{
		{"p-%u-%d-%1-%%", "user@example.com", "p-user-example.com-com-%"},
		{"%s", "a@b", "a@b"},
		{"%S-%U-%D-%2", "a@b@example.com", "a@b@example.com-a@b-example.com-example"},
		{"%U", "user", "user"},
		{"%u", "user@", "user"},
		{"%U", "@example.com", ""},
		{"%d", "@example.com", "example.com"},
		{"%d", "user", ""},
		{"%1", "user@", ""},
		{"%3", "user@example.com", ""},
		{"%2", "user@..example..com.", "example"},
		{"%1", "user@...", ""},
		{"const", "user@", "const"},
		{"con st", "user@", ""},
		{"", "user@", ""},
		{"%s", "a\u00a0b", "a\u00a0b"},
		{"%s", "a\tb", ""},
	} {
		var want []string
		if tt.asked != "" {
			request := "get " + tt.asked + "\r\n"
			want, s.replies = []string{request}, map[string]string{request: "END\r\n"}
		}
		log := &recorder{}
		tbl, _, err := openFile(t, table.Options{Log: log}, "memcache", "memcache = inet:"+addr+"\nkey_format = "+tt.format+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := result(t.Context(), tbl, tt.key); got != "not found" {
			t.Errorf("%q, %q: %s", tt.format, tt.key, got)
		}
		asked, _ := s.taken()
		if diff := cmp.Diff(want, asked); diff != "" || log.take() != nil {
			t.Errorf("%q, %q (-want +got):\n%s", tt.format, tt.key, diff)
		}
		tbl.Close()
	}
}

// What a memcache server says badly is said in the log at the second time. The lines
// are postmap's.
func TestMemcacheTrouble(t *testing.T) {
	const key = "key"
	for name, tt := range map[string]struct {
		settings, get, set string
		want, log          string // NAME stands for the table's name
		asked              int
	}{
		"odd answer":               {get: "ERROR " + strings.Repeat("x", 40) + "\r\n", want: "retry: memcache:NAME: no connection", log: "warning: NAME: unexpected memcache server reply: ERROR xxxxxxxxxxxxxxxxxxxxxxxx", asked: 2},
		"too large":                {settings: "data_size_limit = 4\n", get: "VALUE key 0 5\r\nvalue\r\nEND\r\n", want: "retry: memcache:NAME: no connection", log: "warning: NAME: unexpected memcache server reply: VALUE key 0 5", asked: 2},
		"three times":              {settings: "max_try = 3\n", get: "ERROR\r\n", want: "retry: memcache:NAME: no connection", log: "warning: NAME: unexpected memcache server reply: ERROR\nwarning: NAME: unexpected memcache server reply: ERROR", asked: 3},
		"value without its end":    {get: "VALUE key 0 5\r\nvalue\nEND\r\n", want: "retry: memcache:NAME: no connection", log: "warning: NAME: EOF receiving memcache server reply", asked: 2},
		"wrong end, and silence":   {settings: "timeout = 600\n", get: "VALUE key 0 5\r\nvalue\n", want: "retry: memcache:NAME: no connection", log: "warning: NAME: EOF receiving memcache server reply", asked: 2},
		"end of input":             {want: "retry: memcache:NAME: no connection", log: "warning: database memcache:NAME: I/O error: Operation now in progress", asked: 2},
		"silence":                  {settings: "timeout = 1\n", get: "VALUE key 0 9\r\n", want: "retry: memcache:NAME: no connection", log: "warning: NAME: EOF receiving memcache server reply", asked: 2},
		"silence at first":         {settings: "timeout = 1\n", get: "E", want: "retry: memcache:NAME: no connection", log: "warning: database memcache:NAME: I/O error: Connection timed out", asked: 2},
		"line too long":            {settings: "line_size_limit = 3\n", get: "END\n", want: "retry: memcache:NAME: no connection", log: "warning: database memcache:NAME: I/O error: Operation now in progress", asked: 2},
		"line too long in its end": {settings: "line_size_limit = 4\n", get: "END\rx", want: "retry: memcache:NAME: no connection", log: "warning: database memcache:NAME: I/O error: Operation now in progress", asked: 2},
		"line of the limit":        {settings: "line_size_limit = 4\n", get: "END\r\n", want: "not found", asked: 1},
		"more after the value":     {get: "VALUE key 0 5\r\nvalue\r\nVALUE key 0 5\r\nvalue\r\nEND\r\n", want: "= value", asked: 1},
		"NUL":                      {get: "VALUE key 0 5\r\nva\x00ue\r\nEND\x00x\r\n", want: "= va", asked: 1},
		"the largest value":        {get: "VALUE key 0 10240\r\n" + strings.Repeat("v", 10240) + "\r\nEND\r\n", want: "= " + strings.Repeat("v", 10240), asked: 1},
		"backup fails":             {settings: "backup = fail:x\n", get: "END\r\n", want: "retry: fail:x always fails", asked: 1},
		"backup's value too long":  {settings: "backup = static:abcdef\ndata_size_limit = 5\n", get: "END\r\n", want: "= abcdef", log: "warning: database memcache:NAME: data for key key is too long (data_size_limit=5) -- not stored", asked: 1},
		"not stored":               {settings: "backup = static:a\n", get: "END\r\n", set: "ERROR " + strings.Repeat("x", 40) + "\r\n", want: "= a", log: "warning: database memcache:NAME: update failed: ERROR xxxxxxxxxxxxxxxxxxxxxxxx", asked: 3},
		"end of input at a set":    {settings: "backup = static:a\n", get: "END\r\n", want: "= a", log: "warning: database memcache:NAME: I/O error: Operation now in progress", asked: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // there is a pause of a second before each further attempt
			s := &script{read: memcacheRequest, replies: map[string]string{}}
			if tt.get != "" {
				s.replies["get key\r\n"] = tt.get
			}
			if tt.set != "" {
				s.replies["set key 0 3600 1\r\na\r\n"] = tt.set
			}
			addr := s.listen(t, "tcp", "127.0.0.1:0")
			log := &recorder{}
			tbl, path, err := openFile(t, table.Options{Log: log}, "memcache", "memcache = inet:"+addr+"\n"+tt.settings)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(result(t.Context(), tbl, key), path, "NAME"); got != tt.want {
				t.Errorf("%.300s, want %.300s", got, tt.want)
			}
			if got := strings.ReplaceAll(strings.Join(log.take(), "\n"), path, "NAME"); got != tt.log {
				t.Errorf("log %s, want %s", got, tt.log)
			}
			if asked, _ := s.taken(); len(asked) != tt.asked {
				t.Errorf("asked %q, want %d requests", asked, tt.asked)
			}
			tbl.Close()
		})
	}
}

// deaf returns an address that refuses connections until the test ends: a socket that does
// not listen keeps others from it.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", sa.(*unix.SockaddrInet4).Port)
}

// Nobody listens there.
func TestUnreachable(t *testing.T) {
	addr := deaf(t)
	log := &recorder{}
	tbl, path, err := openFile(t, table.Options{Log: log}, "memcache", "memcache = inet:"+addr+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := result(t.Context(), tbl, "key"), "retry: memcache:"+path+": no connection"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"warning: connect to " + addr + ": Connection refused"}, log.take()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	spec := "socketmap:inet:" + addr + ":map"
	tbl = open(t, spec, listFlags, log)
	if tbl.Type() != "socketmap" || "socketmap:"+tbl.Name() != spec || tbl.Kind() != table.Pattern {
		t.Errorf("%s:%s, kind %v", tbl.Type(), tbl.Name(), tbl.Kind())
	}
	if got, want := result(t.Context(), tbl, "key"), "retry: "+spec+": lookup error: Connection refused"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	want := []string{"warning: connect to " + addr + ": Connection refused", "warning: table " + spec + " lookup error: Connection refused"}
	if diff := cmp.Diff(want, log.take()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
