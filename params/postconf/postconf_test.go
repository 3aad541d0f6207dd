package postconf

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// testHost is a machine with a name of its own and two addresses.
func testHost() params.Host {
	return params.Host{
		Hostname: func() (string, error) { return "mail.example.com", nil },
		Interfaces: func() ([]netip.Prefix, error) {
			return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}, nil
		},
		Resolve: func(string, bool, bool) ([]netip.Addr, error) { return nil, os.ErrNotExist },
	}
}

// ask runs postconf as a version with short options, given as words.
func ask(t testing.TB, version string, words ...string) (stdout, stderr string, status int) {
	t.Helper()
	profile, err := params.ParseProfile(version)
	if err != nil {
		t.Fatal(err)
	}
	var out, diag bytes.Buffer
	p := Program{
		Name:    "postconf",
		PID:     4711,
		Getenv:  func(string) (string, bool) { return "", false },
		Stdout:  &out,
		Stderr:  &diag,
		Profile: profile,
		Host:    testHost(),
	}
	var request Request
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		letter, value := words[0][1], words[0][2:]
		if i := strings.IndexByte(p.OptionString(), letter); strings.HasPrefix(p.OptionString()[i+1:], ":") && value == "" {
			value, words = words[1], words[1:]
		}
		words = words[1:]
		if err := request.Option(letter, value, p); err != nil {
			return "", diag.String() + err.Error(), p.Fail(request, err)
		}
	}
	request.Operands(words)
	status = p.Run(request)
	return out.String(), diag.String(), status
}

// write makes a configuration directory.
func write(t testing.TB, mainText, masterText string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"main.cf": mainText, "master.cf": masterText} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDefaults holds "postconf -d -C builtin" against what real builds print,
// line for line, except for what depends on the machine and the process.
func TestDefaults(t *testing.T) {
	files, err := filepath.Glob("../testdata/defaults/*.txt")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d data files, %v", len(files), err)
	}
	dir := write(t, "", "")
	for _, file := range files {
		version := strings.Replace(strings.TrimSuffix(filepath.Base(file), ".txt"), "-", "/", 1)
		t.Run(version, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stdout, stderr, status := ask(t, version, "-c", dir, "-d", "-C", "builtin")
			if stderr != "" || status != 0 {
				t.Errorf("status %d, %s", status, stderr)
			}
			if d := cmp.Diff(maskHost(string(data)), maskHost(stdout)); d != "" {
				t.Error(d)
			}
		})
	}
}

func maskHost(listing string) []string {
	lines := strings.Split(listing, "\n")
	for i, line := range lines {
		switch name, _, _ := strings.Cut(line, " ="); name {
		case "myhostname", "mydomain", "mynetworks", "process_id":
			lines[i] = name
		}
	}
	return lines
}

// TestDefaultsReferToKnownNames holds what lets checkDefaults leave out the
// scan for names: no default refers to a name that is not built in or legacy.
func TestDefaultsReferToKnownNames(t *testing.T) {
	for _, version := range []string{"3.7.0", "3.7", "3.8.0", "3.8", "3.9.0", "3.9", "3.10.0", "3.10.2", "3.10", "3.11.0", "3.11"} {
		profile, err := params.ParseProfile(version)
		if err != nil {
			t.Fatal(err)
		}
		known := newNames(profile)
		scanner := mainconf.Expander{}
		if profile.Version >= 3_11_00 {
			scanner.Function = testHost().Function
		}
		check := func(name, value string) {
			err := scanner.Scan(value, func(reference string, _ bool) {
				if !known.has(reference) {
					t.Errorf("%s: the default of %s refers to %s", version, name, reference)
				}
			})
			if err != nil {
				t.Errorf("%s: the default of %s: %v", version, name, err)
			}
		}
		for p := range profile.Params {
			if p.Kind != params.Raw {
				check(p.Name, p.Default)
			}
		}
		for _, command := range []string{"smtp", "pipe", "spawn"} {
			for p := range params.ServiceParams(command) {
				check(p.Suffix, "$"+p.Default)
			}
		}
	}
}

// TestLastProgram shows that entries with the same name and type had one
// $process_name, that of the last, before Postfix 3.7.6, and in 3.8.0.
func TestLastProgram(t *testing.T) {
	dir := write(t, "", `smtp inet n - n - - smtpd -o x=$process_name,$service_name
smtp unix - - n - - lmtp -o x=$process_name
smtp inet n - n - - postscreen
`)
	const (
		each = `smtp       inet  n       -       n       -       -       smtpd -o x=smtpd,smtp
smtp       unix  -       -       n       -       -       lmtp -o x=lmtp
smtp       inet  n       -       n       -       -       postscreen
`
		last = `smtp       inet  n       -       n       -       -       smtpd -o x=postscreen,smtp
smtp       unix  -       -       n       -       -       lmtp -o x=lmtp
smtp       inet  n       -       n       -       -       postscreen
`
	)
	for version, want := range map[string]string{
		"3.7.0": last, "3.7.5": last, "3.7.6": each, "3.8.0": last, "3.8.1": each, "3.9.0": each, "3.10.0": each, "3.11.0": each,
	} {
		if stdout, _, status := ask(t, version, "-c", dir, "-M", "-x"); status != 0 || stdout != want {
			t.Errorf("%s: status %d, printed\n%s", version, status, stdout)
		}
	}
}

const versionsMain = `zonk = 1
alpha = 2
smtpd_use_tls = yes
virtual_maps = x
service_name = svc
mydestination = $luser_relay
luser_relay = $user
alias_maps = regexp:{{ldap:re x}} debug:ldap:dbg mongodb:mo {a}b
re_domain = 1
dbg_domain = 1
mo_uri = 1
notify_classes = a #b
`

// TestVersions shows what differs between the versions besides the table.
func TestVersions(t *testing.T) {
	dir := write(t, versionsMain, "")
	path := dir + "/main.cf: "
	for _, tt := range []struct {
		version string
		args    []string
		stdout  string // "" is not compared
		stderr  []string
	}{
		{"3.7", []string{"-x", "mydestination"}, "mydestination =\n", []string{
			"main.cf: syntax error after '}' in \"{a}b\"",
			path + "read-only parameter assignment: service_name=svc",
			path + "unused parameter: alpha=2",
			path + "unused parameter: dbg_domain=1",
			path + "unused parameter: mo_uri=1",
			path + "unused parameter: zonk=1",
		}},
		{"3.8", []string{"-x", "mydestination"}, "mydestination =\n", []string{
			path + "#comment after other text is not allowed: #b ...",
			path + "read-only parameter assignment: service_name=svc",
			path + "syntax error after '}' in \"{a}b\"",
			path + "unused parameter: alpha=2",
			path + "unused parameter: dbg_domain=1",
			path + "unused parameter: mo_uri=1",
			path + "unused parameter: re_domain=1",
			path + "unused parameter: zonk=1",
		}},
		{"3.10", []string{"-x", "mydestination"}, "mydestination =\n", []string{
			path + "#comment after other text is not allowed: #b ...",
			path + "read-only parameter assignment: service_name=svc",
			path + "support for parameter \"smtpd_use_tls\" will be removed; instead, specify \"smtpd_tls_security_level\"",
			path + "syntax error after '}' in \"{a}b\"",
			path + "unused parameter: alpha=2",
			path + "unused parameter: dbg_domain=1",
			path + "unused parameter: re_domain=1",
			path + "unused parameter: zonk=1",
		}},
		{"3.11", []string{"-x", "mydestination", "service_name"}, "mydestination = $user\nservice_name = svc\n", []string{
			path + "#comment after other text is not allowed: #b ...",
			path + "support for parameter \"smtpd_use_tls\" will be removed; instead, specify \"smtpd_tls_security_level\"",
			path + "support for parameter \"virtual_maps\" will be removed; instead, specify \"virtual_alias_maps\"",
			path + "syntax error after '}' in \"{a}b\"",
			path + "unused parameter: alpha=2",
			path + "unused parameter: re_domain=1",
			path + "unused parameter: zonk=1",
			"See https://www.postfix.org/DEPRECATION_README.html for details",
		}},
	} {
		t.Run(tt.version, func(t *testing.T) {
			stdout, stderr, status := ask(t, tt.version, append([]string{"-c", dir}, tt.args...)...)
			if status != 0 || stdout != tt.stdout {
				t.Errorf("status %d, printed %q, want %q", status, stdout, tt.stdout)
			}
			lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
			for i, line := range lines {
				lines[i] = strings.TrimPrefix(line, "postconf: warning: ")
			}
			slices.Sort(lines)
			slices.Sort(tt.stderr)
			if d := cmp.Diff(tt.stderr, lines); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestComplaints shows the texts of versions that cannot be asked on a machine
// with another one.
func TestComplaints(t *testing.T) {
	for _, tt := range []struct {
		version string
		args    []string
		stderr  string
	}{
		{"3.10", []string{"-d", "-n"}, "specify one of -d -n"},
		{"3.11", []string{"-d", "-n"}, "specify one of -d, -n"},
		{"3.11", []string{"-PP", "-X", "x"}, "specify one of -X, -PP"},
		{"3.11", []string{"-P", "-P", "-j"}, "with option -j, do not specify -PP"},
		{"3.11", []string{"-d", "-M"}, "with option -M, do not specify -d"},
		{"3.11", []string{"-j", "-h"}, "with option -j, do not specify -h"},
		{"3.11", []string{"-b", "-j"}, "with option -b, do not specify -j"},
		{"3.10", []string{"-j", "-h"}, "with option -j, do not specify -h"},
		{"3.10", []string{"-X", "x"}, "option -X is not implemented: this program does not edit main.cf or master.cf"},
		{"3.10", []string{"x=y"}, "option -e is not implemented: this program does not edit main.cf or master.cf"},
		{"3.10", []string{"-M", "-#", "x"}, "option -# is not implemented: this program does not edit main.cf or master.cf"},
		{"3.10", []string{"-T", "run-version"}, "-T run-version: only an installed Postfix of version 3.10.13 with TLS can tell, and there is none"},
	} {
		args := tt.args
		if args[0] == "-PP" {
			args = append([]string{"-P", "-P"}, args[1:]...)
		}
		_, stderr, status := ask(t, tt.version, args...)
		if want := "postconf: fatal: " + tt.stderr + "\n"; stderr != want || status != 1 {
			t.Errorf("%s %q: status %d, %q, want %q", tt.version, tt.args, status, stderr, want)
		}
	}
}

const jsonMain = "mydestination = a  \"q\" \\ \t tab \b\f\r. \x01\x7f\xff\xc3\xa9\nfoo = $bar\nbar = 1/2\n"

const jsonMaster = `smtp inet n - n - - smtpd -o x=a\b -o {y=a  b} -v {first one} {c d}
smtp unix - - n - - smtp
`

// TestJSON shows -j, which Postfix has since 3.11 and this program always.
func TestJSON(t *testing.T) {
	dir := write(t, jsonMain, jsonMaster)
	for _, version := range []string{"3.7", "3.10", "3.11"} {
		for _, tt := range []struct {
			args   []string
			stdout string
		}{
			{[]string{"-jq", "mydestination", "default_process_limit"},
				`{"mydestination": "a  \"q\" \\ \t tab \b\f\r. \u0001\u007F` + "\xff\xc3\xa9" + `"}` + "\n" + `{"default_process_limit": "100"}` + "\n"},
			{[]string{"-jqn", "bar"}, `{"bar": "1/2"}` + "\n"},
			{[]string{"-jM", "smtp/inet"}, `{"smtp/inet": "smtp inet n - n - - smtpd -o x=a\\b -o {y=a  b} -v first one {c d}"}` + "\n"},
			{[]string{"-jF", "smtp/unix/command", "smtp/inet/wakeup"}, `{"smtp/inet/wakeup": "-"}` + "\n" + `{"smtp/unix/command": "smtp"}` + "\n"},
			{[]string{"-jP"}, `{"smtp/inet/x": "a\\b"}` + "\n" + `{"smtp/inet/y": "a  b"}` + "\n"},
		} {
			args := []string{"-c", dir}
			for _, letter := range tt.args[0][1:] {
				if letter == 'q' && version == "3.7" {
					continue
				}
				args = append(args, "-"+string(letter))
			}
			stdout, _, status := ask(t, version, append(args, tt.args[1:]...)...)
			if stdout != tt.stdout || status != 0 {
				t.Errorf("%s %q: status %d\n got %s\nwant %s", version, tt.args, status, stdout, tt.stdout)
			}
		}
	}
}

// TestMergedParams shows -PP of Postfix 3.11: each service with all parameters
// as it sees them. Before, a second -P has no effect.
func TestMergedParams(t *testing.T) {
	dir := write(t, "mydestination = $foo\nfoo = 1\n", "smtp inet n - n - - smtpd -o foo=2 -o own=3\nx unix - - n - - smtp\n")
	stdout, _, _ := ask(t, "3.10", "-c", dir, "-P", "-P")
	if want := "smtp/inet/foo = 2\nsmtp/inet/own = 3\n"; stdout != want {
		t.Errorf("3.10: %q, want %q", stdout, want)
	}
	stdout, _, _ = ask(t, "3.11", "-c", dir, "-P", "-P", "-x", "*/*/mydestination", "smtp/inet/own")
	if want := "smtp/inet/mydestination = 2\nsmtp/inet/own = 3\nx/unix/mydestination = 1\n"; stdout != want {
		t.Errorf("3.11: %q, want %q", stdout, want)
	}
	stdout, _, _ = ask(t, "3.11", "-c", dir, "-P", "-P", "-C", "user")
	if want := "smtp/inet/foo = 2\nsmtp/inet/own = 3\nx/unix/foo = 1\n"; stdout != want {
		t.Errorf("3.11 -C user: %q, want %q", stdout, want)
	}
	stdout, _, _ = ask(t, "3.11", "-c", dir, "-P", "-P", "-H", "x/unix")
	if n := strings.Count(stdout, "\n"); n < 880 {
		t.Errorf("%d parameters of a service", n)
	}
}

// TestSnapshot shows that a file which has just been changed is read as an old
// one: at once, each warning once, config_directory listed.
func TestSnapshot(t *testing.T) {
	dir := write(t, "a = 1\na = 2\nmydestination = $a\n", "")
	stdout, stderr, status := ask(t, "3.10", "-c", dir, "-n")
	if want := "a = 2\nconfig_directory = " + dir + "\nmydestination = $a\n"; stdout != want || status != 0 {
		t.Errorf("status %d, %q, want %q", status, stdout, want)
	}
	if want := "postconf: warning: " + dir + "/main.cf, line 2: overriding earlier entry: a=1\n"; stderr != want {
		t.Errorf("%q, want %q", stderr, want)
	}
}

// TestBuffer shows that a fatal error loses what stock's buffer still holds.
func TestBuffer(t *testing.T) {
	dir := write(t, "zzz = $zzz\nsmtpd_banner = $zzy\nzzy = 1\nzzx = $zzz\n", "")
	stdout, stderr, status := ask(t, "3.10", "-c", dir, "-x")
	if len(stdout) == 0 || len(stdout)%bufferSize != 0 || status != 1 || !strings.HasSuffix(stderr, "fatal: macro processing error\n") {
		t.Errorf("status %d after %d bytes, %q", status, len(stdout), stderr)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a  b\tc", true)
	f.Add(strings.Repeat("word ", 40), true)
	f.Fuzz(func(t *testing.T, text string, fold bool) {
		var b bytes.Buffer
		o := newOutput(&b)
		o.line(fold, "name", " = ", text)
		o.flush()
		got := b.String()
		words := strings.FieldsFunc("name = "+text, func(c rune) bool { return strings.ContainsRune(whiteSpace, c) })
		if !fold && got != strings.Join(words, " ")+"\n" {
			t.Errorf("%q is printed as %q", text, got)
		}
		if strings.Join(strings.FieldsFunc(got, func(c rune) bool { return strings.ContainsRune(whiteSpace, c) }), " ") != strings.Join(words, " ") {
			t.Errorf("%q is folded to %q", text, got)
		}
	})
}

// FuzzRun holds that any configuration gets an answer or an error, in every
// mode: no panic, no endless loop, messages of printable lines.
func FuzzRun(f *testing.F) {
	f.Add("a = $b\nb = ${a?{x}:{y}}\n", "smtp inet n - n - - smtpd -o a=b\n", uint16(0), "3.10")
	f.Add("mydestination = ${{$mydestination} == {x}}\n", "", uint16(0xffff), "3.11")
	f.Add("alias_maps = proxy:ldap:{x y} mysql:/nowhere {a}b #c\n", "a unix - - - - - pipe {a b} -o {c = d}\n", uint16(0x123), "3.7")
	f.Add("= x\n y\n", "x\n", uint16(7), "3.8")
	f.Fuzz(func(t *testing.T, mainText, masterText string, options uint16, version string) {
		profile, err := params.ParseProfile(version)
		if err != nil {
			return
		}
		dir := t.TempDir()
		for name, text := range map[string]string{"main.cf": mainText, "master.cf": masterText} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var out, diag bytes.Buffer
		p := Program{
			Name:    "postconf",
			Getenv:  func(string) (string, bool) { return "", false },
			Stdout:  &out,
			Stderr:  &diag,
			Profile: profile,
			Host:    testHost(),
		}
		var request Request
		letters := "dnMFPxfhHjqvopCc"
		for i := range len(letters) {
			if options&(1<<i) == 0 {
				continue
			}
			value := map[byte]string{'o': "a=b", 'C': "user,builtin"}[letters[i]]
			if letters[i] == 'c' {
				continue
			}
			if err := request.Option(letters[i], value, p); err != nil {
				return
			}
		}
		if err := request.Option('c', dir, p); err != nil {
			t.Fatal(err)
		}
		status := p.Run(request)
		if status != 0 && status != 1 {
			t.Errorf("status %d", status)
		}
		if fatal := strings.Contains(diag.String(), "postconf: fatal: "); fatal != (status == 1) {
			t.Errorf("status %d with %q", status, diag.String())
		}
		for line := range strings.Lines(diag.String()) {
			for _, c := range []byte(strings.TrimSuffix(line, "\n")) {
				if c < ' ' || c > '~' {
					t.Fatalf("message %q", line)
				}
			}
		}
	})
}

// TestHashTable holds the order of a table that has grown against that in which
// Postfix 3.10.2 with NORANDOMIZE warned about these unused parameters.
func TestHashTable(t *testing.T) {
	table := newHashTable(smallTable)
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o a p") {
		table.enter(name)
	}
	if diff := cmp.Diff("b k f h i l c m o j a d n p e g", strings.Join(table.list(), " ")); diff != "" {
		t.Error(diff)
	}
}

// TestDefaultsInTableOrder holds what -v tells of references in defaults against
// what Postfix 3.10.13 with NORANDOMIZE told.
func TestDefaultsInTableOrder(t *testing.T) {
	profile, err := params.ParseProfile("3.10.13")
	if err != nil {
		t.Fatal(err)
	}
	var diag bytes.Buffer
	p := Program{Name: "postconf", Stderr: &diag, Profile: profile, Host: testHost()}
	p.Getenv = func(name string) (string, bool) { return "", name == "NORANDOMIZE" }
	master := "slow unix - - n - - smtp -o authorized_verp_clients=y -o fallback_relay=x -o virtual_maps=z\n"
	request := Request{mode: showSet, verbose: 1, configDir: write(t, "", master), hasDir: true}
	if status := p.Run(request); status != 0 {
		t.Errorf("status %d", status)
	}
	var order []string
	for line := range strings.Lines(diag.String()) {
		for _, text := range []string{"$fallback_relay in", "$virtual_maps in", "$authorized_verp_clients in", "mynetworks_core: "} {
			if strings.Contains(line, text) {
				order = append(order, text)
			}
		}
	}
	want := []string{"$fallback_relay in", "mynetworks_core: ", "$virtual_maps in", "$authorized_verp_clients in"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyFirstError shows that nothing is said after the error that ends the run,
// though the value refers to more that fails.
func TestOnlyFirstError(t *testing.T) {
	host := testHost()
	host.Hostname = func() (string, error) { return "a..b", nil }
	profile, err := params.ParseProfile("3.10.2")
	if err != nil {
		t.Fatal(err)
	}
	var diag bytes.Buffer
	p := Program{Name: "postconf", Stdout: new(bytes.Buffer), Stderr: &diag, Profile: profile, Host: host}
	p.Getenv = func(string) (string, bool) { return "", false }
	// The default of mydestination refers to $myhostname and $mydomain.
	request := Request{mode: showDefaults | expandValues, configDir: write(t, "", ""), hasDir: true}
	request.Operands([]string{"mydestination"})
	if status := p.Run(request); status != 1 {
		t.Errorf("status %d", status)
	}
	const want = "postconf: warning: valid_hostname: misplaced delimiter: a..b\n" +
		"postconf: fatal: unable to use my own hostname\n"
	if diff := cmp.Diff(want, diag.String()); diff != "" {
		t.Error(diff)
	}
}

// A Program whose profile has no version is that of params.Reference.
func TestZeroVersion(t *testing.T) {
	var out, diag bytes.Buffer
	p := Program{
		Name:    "postconf",
		Getenv:  func(string) (string, bool) { return "", false },
		Stdout:  &out,
		Stderr:  &diag,
		Profile: params.Profile{Distribution: params.Debian},
		Host:    testHost(),
	}
	var request Request
	if err := request.Option('d', "", p); err != nil {
		t.Fatal(err)
	}
	request.Operands([]string{"mail_version", "shlib_directory"})
	if status := p.Run(request); status != 0 || out.String() != "mail_version = 3.10.2\nshlib_directory = /usr/lib/postfix\n" {
		t.Errorf("status %d: %s%s", status, out.String(), diag.String())
	}
	if p.OptionString() != (Program{Profile: params.DefaultProfile()}).OptionString() {
		t.Errorf("options %s", p.OptionString())
	}
}

// TestTooManyBraceWarnings: a warning for each of many braces, with all the text
// behind it, would be gigabytes.
func TestTooManyBraceWarnings(t *testing.T) {
	for _, row := range []struct {
		braces, status int
	}{{5000, 0}, {200_000, 1}} {
		dir := t.TempDir()
		main := "virtual_alias_maps = " + strings.Repeat("{", row.braces) + "\n"
		for name, text := range map[string]string{"main.cf": main, "master.cf": ""} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, stderr, status := ask(t, "3.10.2", "-c", dir, "-n")
		if status != row.status || len(stderr) > 20<<20 {
			t.Errorf("%d braces: status %d, %d bytes", row.braces, status, len(stderr))
		}
		const end = "postconf: fatal: warnings about braces take more than 16777216 bytes: \"{{{{"
		if n := strings.Count(stderr, end); n != row.status {
			t.Errorf("%d braces: %d fatal errors", row.braces, n)
		}
		if n := strings.Count(stderr, "warning"); row.status == 0 && n != row.braces {
			t.Errorf("%d braces: %d warnings", row.braces, n)
		}
	}
}

// TestManyEntries: entries that share a name and a type share their settings, and
// what is said of them is said for each; that need not be found out for each,
// whatever their programs.
func TestManyEntries(t *testing.T) {
	for _, program := range []string{"smtpd", "smtpd%d"} {
		_, stderr, status := ask(t, "3.11", "-c", manyEntries(t, 9, program), "-n")
		for text, want := range map[string]int{"undefined parameter: nope": 10, "unused parameter: zonk=1": 10, "unused parameter: m": 9, "unused parameter: p": 0} {
			if n := strings.Count(stderr, text); n != want {
				t.Errorf("%s: status %d: %d times %q, want %d", program, status, n, text, want)
			}
		}
	}
}

// BenchmarkManyEntries must take about ten times as long for ten times as many.
func BenchmarkManyEntries(b *testing.B) {
	for _, program := range []string{"smtpd", "smtpd%d"} {
		for _, n := range []int{500, 5000} {
			b.Run(program+"/"+strconv.Itoa(n), func(b *testing.B) {
				dir := manyEntries(b, n, program)
				for b.Loop() {
					ask(b, "3.11", "-c", dir, "-n")
				}
			})
		}
	}
}

// BenchmarkBraces must take about ten times as long for ten times as many.
func BenchmarkBraces(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir := write(b, "virtual_alias_maps = "+strings.Repeat("inline:{", n)+strings.Repeat("}", n)+"\n", "")
			for b.Loop() {
				if _, stderr, _ := ask(b, "3.11", "-c", dir, "-n"); stderr != "" {
					b.Fatal(stderr)
				}
			}
		})
	}
}

// manyEntries makes a configuration with so many entries of one name and type, and
// one that is wrong. "%d" in the program is the number of an entry.
func manyEntries(t testing.TB, n int, program string) string {
	var main, master strings.Builder
	for i := range n {
		fmt.Fprintf(&main, "m%d = $p%d\n", i, i)
		fmt.Fprintf(&master, "smtp inet n - n - - %s -o p%d=x\n", strings.ReplaceAll(program, "%d", strconv.Itoa(i)), i)
	}
	master.WriteString("smtp inet n - n - - smtpd -o mydestination=$nope -o zonk=1\n")
	return write(t, main.String(), master.String())
}

// TestUnknownProfile: a profile that nothing is known of is not answered with
// what is known of another.
func TestUnknownProfile(t *testing.T) {
	var out, diag bytes.Buffer
	p := Program{
		Name: "postconf", Stdout: &out, Stderr: &diag, Profile: params.Profile{Version: 3_05_00}, Host: testHost(),
		Getenv: func(string) (string, bool) { return "", false },
	}
	var request Request
	if err := request.Option('d', "", p); err != nil {
		t.Fatal(err)
	}
	want := "postconf: fatal: unknown Postfix version 3.5.0: known are 3.7 to 3.11\n"
	if status := p.Run(request); status != 1 || out.Len() > 0 || diag.String() != want {
		t.Errorf("status %d, %q, %q", status, out.String(), diag.String())
	}
}

// A Program that lacks what it could do with works, and says so where it cannot.
func TestZeroProgram(t *testing.T) {
	for letter := range 256 {
		for _, value := range []string{"", "x"} {
			var request Request
			if err := request.Option(byte(letter), value, Program{}); err != nil {
				continue
			}
			request.Operands([]string{"", "mail_name", "smtp/inet", "a/b/c"})
			Program{}.Run(request)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"main.cf", "master.cf"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var errors strings.Builder
	var request Request
	for letter, value := range map[byte]string{'c': dir, 't': ""} {
		if err := request.Option(letter, value, Program{}); err != nil {
			t.Fatal(err)
		}
	}
	status := Program{Name: "postconf", Stderr: &errors, Host: testHost()}.Run(request)
	if want := "/bounce: no programs are run here\n"; status != 1 || !strings.HasSuffix(errors.String(), want) {
		t.Errorf("%d, %q; want ...%q", status, errors.String(), want)
	}
	if status := (Program{}).Fail(Request{}, &Fatal{"x"}); status != 1 {
		t.Errorf("%d", status)
	}
	if status := (Program{}).BadOption(Request{}, &Fatal{"x"}); status != 1 {
		t.Errorf("%d", status)
	}
}

// TestNetworksSeeServices: the default of mynetworks depends on
// compatibility_level, which may be the name of a service parameter.
func TestNetworksSeeServices(t *testing.T) {
	for _, c := range []struct{ master, want string }{
		{"foo unix - - n - - smtp\n", "127.0.0.1/32 [::1]/128\n"},
		{"foo_extra unix - - n - - smtp\nfoo unix - - n - - smtp\n", "127.0.0.0/8 [::1]/128\n"},
	} {
		dir := write(t, "compatibility_level = $foo_extra_recipient_limit\ndefault_recipient_limit = 1\n", c.master)
		stdout, stderr, status := ask(t, "3.10.2", "-c", dir, "-h", "mynetworks")
		if stdout != c.want || stderr != "" || status != 0 {
			t.Errorf("%q: %q, %q, status %d", c.master, stdout, stderr, status)
		}
	}
}
