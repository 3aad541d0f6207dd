package postconf

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/params"
)

// TestBuild shows what is found out about an installed Postfix, whose programs
// and libraries are given by the names they contain.
func TestBuild(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"smtpd":                "\x00xsasl_dovecot_server_connect\x00xsasl_cyrus_server_create\x00",
		"smtp":                 "\x00xsasl_cyrus_client_create\x00",
		"libpostfix-util.so":   "\x00dict_ht_open\x00dict_hash_open\x00not_dict_nis_open\x00",
		"libpostfix-global.so": "\x00dict_proxy_open\x00dict_ldap_opened\x00",
		"libpostfix-tls.so":    "\x00OpenSSL error\x00OpenSSL 3.0\x00OpenSSL library code 7\x00OpenSSL 3.0 is too old for us\x00OpenSSL 3.0.15 3 Sep 2024\x00",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := &Build{DaemonDir: dir, LibraryDirs: []string{filepath.Join(dir, "none"), dir}}
	ask := func(p params.Profile, build *Build, letter byte, value string) string {
		var out, diag bytes.Buffer
		program := Program{Name: "postconf", Stdout: &out, Stderr: &diag, Profile: p, Build: build, Host: testHost(),
			Getenv: func(string) (string, bool) { return "", false }}
		var request Request
		if err := request.Option(letter, value, program); err != nil {
			t.Fatal(err)
		}
		program.Run(request)
		return out.String() + diag.String()
	}
	upstream := params.DefaultProfile()
	debian := params.Profile{Version: upstream.Version, Distribution: params.Debian}
	for _, tt := range []struct {
		name   string
		p      params.Profile
		build  *Build
		letter byte
		value  string
		want   string
	}{
		{"installed, servers", upstream, build, 'a', "", "cyrus dovecot"},
		{"installed, clients", upstream, build, 'A', "", "cyrus"},
		{"upstream, servers", upstream, nil, 'a', "", ""},
		{"upstream, clients", upstream, nil, 'A', "", ""},
		{"Debian, servers", debian, nil, 'a', "", "cyrus dovecot"},
		{"Debian, clients", debian, nil, 'A', "", "cyrus"},
		{"locks", upstream, nil, 'l', "", "flock fcntl dotlock"},
		{"TLS of the build", upstream, build, 'T', "compile-version", "OpenSSL 3.0.15 3 Sep 2024"},
		{"algorithms", upstream, nil, 'T', "public-key-algorithms", "dsa ecdsa rsa"},
		{"unknown mode", upstream, build, 'T', "x", "postconf: warning: unknown 'postconf -T' mode: x"},
	} {
		got := strings.Join(strings.Split(strings.TrimSuffix(ask(tt.p, tt.build, tt.letter, tt.value), "\n"), "\n"), " ")
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	tables, ok := build.tables()
	if d := cmp.Diff([]string{"hash", "internal", "proxy"}, tables); d != "" || !ok {
		t.Errorf("tables, %v: %s", ok, d)
	}
	if tables, ok := (&Build{DaemonDir: dir}).tables(); ok {
		t.Errorf("a build without libraries has %q", tables)
	}
}

// TestTableTypes: what -m tells where no Postfix is installed.
func TestTableTypes(t *testing.T) {
	dir := write(t, "", "")
	const before, after = "btree cidr ", "environ fail hash inline internal memcache nis "
	const last = "pipemap proxy randmap regexp socketmap static tcp texthash unionmap unix"
	for version, want := range map[string]string{
		"3.10/debian":   before + after + last,
		"3.10/upstream": before + after + "pcre " + last,
		"3.11/debian":   before + "debug " + after + last,
	} {
		out, diag, status := ask(t, version, "-c", dir, "-m")
		if got := strings.Join(strings.Fields(out), " "); got != want || diag != "" || status != 0 {
			t.Errorf("%s: %q, %q, status %d", version, got, diag, status)
		}
	}
}

// TestTemplates shows how the bounce daemon is run.
func TestTemplates(t *testing.T) {
	dir := write(t, "daemon_directory = /nowhere/$mail_name\ndefault_privs = nobody\n", "")
	var got []string
	var diag bytes.Buffer
	program := Program{
		Name: "postconf", Stdout: &bytes.Buffer{}, Stderr: &diag, Profile: params.DefaultProfile(), Host: testHost(),
		Getenv: func(string) (string, bool) { return "", false },
		Exec: func(path string, args, env []string) error {
			got = append(append([]string{path}, args...), env...)
			return os.ErrNotExist
		},
	}
	accounts := params.AccountFiles{PasswdFile: filepath.Join(dir, "passwd"), GroupFile: filepath.Join(dir, "group")}
	for path, text := range map[string]string{
		accounts.PasswdFile: "root:x:0:0::/:/bin/sh\npostfix:x:101:102::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
		accounts.GroupFile:  "root:x:0:\npostfix:x:102:\npostdrop:x:103:\nnogroup:x:65534:\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program.Host.Accounts = accounts
	var request Request
	for _, o := range []struct {
		letter byte
		value  string
	}{{'c', dir}, {'b', ""}} {
		if err := request.Option(o.letter, o.value, program); err != nil {
			t.Fatal(err)
		}
	}
	request.Operands([]string{"file"})
	status := program.Run(request)
	want := []string{"/nowhere/Postfix/bounce", "bounce", "-SVnexpand_templates", "-o", "bounce_template_file=file",
		"-o", "queue_directory=.", "MAIL_LOGTAG=postfix", "MAIL_CONFIG=" + dir}
	if d := cmp.Diff(want, got); d != "" || status != 1 || !strings.HasPrefix(diag.String(), "postconf: fatal: execv /nowhere/Postfix/bounce: ") {
		t.Errorf("status %d, %s%s", status, diag.String(), d)
	}
}
