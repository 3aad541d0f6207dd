package compat

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/mainconf"
)

// Folders with mail and configurations of one's own, which the tests of this file
// compare; without them they have nothing to do.
const (
	ownMail = "QMQPD_COMPAT_MAIL"
	ownConf = "QMQPD_COMPAT_CONF"
)

// filesBelow calls use with the path and content of each file below the folder that
// an environment variable names.
func filesBelow(t *testing.T, variable string, use func(path string, data []byte)) {
	t.Helper()
	err := filepath.WalkDir(os.Getenv(variable), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			use(path, data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// addressPattern finds what looks like an address in a header.
var addressPattern = regexp.MustCompile(`[^\s<>"(),;:@]+@[A-Za-z0-9.-]+`)

// ownSubmission makes a request of a file with a message. Sender and recipients are
// addresses of its header, as far as it has any.
func ownSubmission(data []byte) submission {
	text := string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	header, _, _ := strings.Cut(text, "\n\n")
	found := addressPattern.FindAllString(header, 20)
	if len(found) < 2 {
		found = append(found, "someone@local.example.org")
	}
	if len(found) < 2 {
		found = append([]string{""}, found...) // nobody: a bounce
	}
	return submission{message: text, sender: found[0], recipients: found[1:]}
}

// ownChecks are rules that most mail matches somewhere, with each action that does
// not end a message, for both sorts of patterns.
var ownChecks = map[string]string{
	"own-header": `/^Received:.* by ([^ ]+)/ REPLACE Received: by $1, shorter
if /^X-/
/^X-[a-m][^:]*: *(.*)/ PREPEND X-Before: $1
/^X-Spam[^:]*: (.*)/ REPLACE X-Junk: $1
/^X-[^:]*:$/ IGNORE
/^X-(Mailer|Priority|Original)/ STRIP of $1
endif
/^Subject: *(re|aw|fwd?): *(.*)/ REPLACE Subject: $2 ($1)
/^Subject:.*=\?([^?]*)\?/ WARN in $1
/^From:.*<([^>@]+)@([^>]+)>/ BCC $1+from@$2
/^List-(Id|Post|Help): *(.*)/ REDIRECT list@$1.example
/^(DKIM-Signature|Authentication-Results|ARC-[^:]*): / IGNORE
/^(To|Cc): (.*)/ REPLACE $1: extra, $2
/^Reply-To:/ HOLD at $$
/^Message-ID: *<(.*)@/ PREPEND X-Left: $1
/^(Date|Sender|Precedence|References):/ INFO $1
/^Return-Path:/ FILTER smtp:[192.0.2.1]
/^Delivered-To: *(.*)/ PASS
!/^[ -~]*$/ INFO unusual
`,
	"own-mime": `/^Content-Type: *multipart.([^;]*);.*boundary="?([^";]+)/ REPLACE Content-Type: multipart/mixed; x=$1; boundary="$2"
/^Content-Type: *([a-z]+).([^; ]+)/ PREPEND X-Kind: $1, $2
/^Content-Transfer-Encoding: *(.*)/ INFO $1
/^Content-(Disposition|Description):.*name="?([^";]*)/ REPLACE X-File: $2
/^Content-/ STRIP
/^MIME-Version: *(.*)/ PREPEND  folded: $1
`,
	"own-nested": `/^(From|To|Subject): *(.*)/ PREPEND X-Inner-$1: $2
/^Received:/ IGNORE
/^[^:]*: *(.*)/ REPLACE X: $1
`,
	"own-body": `/^--([^ ]+)--$/ INFO last $1
/^--([^ ]+)$/ PREPEND between
/^> *(.*)/ REPLACE $1
/^$/ DUNNO
/^[^ ]{60,}$/ DUNNO
/href=["']?([^"' >]+)/ REPLACE link $1
/^-- ?$/ PREPEND $$
/(.*)=$/ STRIP
/^[a-f](.*)/ PREPEND To: $1
/^[g-k]/ IGNORE
/[^ -~]/ WARN
`,
}

// ownVariants are settings under which mail of one's own is not what it was.
var ownVariants = map[string]settings{
	"own-regexp": {"header_checks": "regexp:DIR/own-header", "mime_header_checks": "regexp:DIR/own-mime", "nested_header_checks": "regexp:DIR/own-nested", "body_checks": "regexp:DIR/own-body"},
	"own-pcre": {"header_checks": "pcre:DIR/own-header", "mime_header_checks": "pcre:DIR/own-mime", "nested_header_checks": "pcre:DIR/own-nested", "body_checks": "pcre:DIR/own-body",
		"cleanup_replace_stray_cr_lf": "no"},
	"own-limits": {"header_checks": "pcre:DIR/own-header", "body_checks": "pcre:DIR/own-body", "header_size_limit": "400", "mime_boundary_length_limit": "20", "mime_nesting_limit": "2",
		"body_checks_size_limit": "2000", "header_address_token_limit": "20", "line_length_limit": "600"},
	"own-convert": {"mime_header_checks": "regexp:DIR/own-mime", "nested_header_checks": "", "force_mime_input_conversion": "yes", "message_strip_characters": `\0`, "smtputf8_autodetect_classes": "all"},
	"own-maps": {"canonical_maps": `pcre:{{/^(.*)@(.*)\.com$$/ $$1@$$2.example}}`, "virtual_alias_maps": `regexp:{{/^([a-j][^+]*)@(.*)/ $$1+v@$$2, z+$$1@$$2}}`, "masquerade_domains": "org net",
		"sender_bcc_maps": "static:kept@archive.example", "message_drop_headers": "received, bcc, x-mailer"},
}

// ownForms are what becomes of a message on odd ways.
var ownForms = []struct {
	name   string
	change func(text string) string
}{
	{"as it is", func(s string) string { return s }},
	{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
	{"bare CR", func(s string) string { return strings.ReplaceAll(s, ";\n", ";\r") }},
	{"no last line end", func(s string) string { return strings.TrimRight(s, "\n") }},
	{"out of an mbox", func(s string) string { return "From joe Sun Nov 22 10:00:00 2026\n" + s }},
	{"NUL", func(s string) string { return strings.ReplaceAll(s, "er", "e\x00") }},
	{"first half", func(s string) string { return s[:len(s)/2] }},
	{"second half", func(s string) string { return s[len(s)/2:] }},
	{"without empty lines", func(s string) string { return strings.ReplaceAll(s, "\n\n", "\n") }},
	{"unfolded", func(s string) string { return strings.NewReplacer("\n ", " ", "\n\t", "\t").Replace(s) }},
	{"nested", func(s string) string { return "Content-Type: message/rfc822\n\n" + s }},
}

// TestOwnMail sends the messages of a folder, one in each file as in a Maildir, to the
// real qmqpd and cleanup(8), and to ours: with the stock settings, with those of
// TestIncomingCorpus in turn, and in odd forms under settings that change much of it.
func TestOwnMail(t *testing.T) {
	if os.Getenv(ownMail) == "" {
		t.Skip("no folder: make own-mail DIR=...")
	}
	const stock, most = "stock", 10_000_000 // message_size_limit is a little more
	variants := maps.Clone(incomingVariants)
	maps.Copy(variants, mapVariants)
	names := slices.Sorted(maps.Keys(variants))
	maps.Copy(variants, ownVariants)
	own := slices.Sorted(maps.Keys(ownVariants))
	d := newDuel(t, commonMain, variants, ownChecks)
	sent := 0
	filesBelow(t, ownMail, func(path string, data []byte) {
		if len(data) > most {
			t.Logf("%s: too large", path)
			return
		}
		compare := func(variant, form string, change func(string) string) {
			d.t.Run(variant+"/"+form+path, func(t *testing.T) {
				postfix.Case(t)
				req := ownSubmission(data)
				req.message = change(req.message)
				d.compare(t, variant, "127.0.0.1", req)
			})
		}
		for _, variant := range slices.Compact([]string{stock, names[sent%len(names)]}) {
			compare(variant, ownForms[0].name, ownForms[0].change)
		}
		// The numbers of both have no divisor in common: all meet.
		form := ownForms[sent%len(ownForms)]
		compare(own[sent%len(own)], form.name, form.change)
		sent++
	})
	if sent == 0 {
		t.Errorf("no messages below %s", os.Getenv(ownMail))
	}
}

// ownLines are the command lines to which each configuration of one's own is put.
// NAMES stands for all names that main.cf sets, and for one that it does not.
var ownLines = [][]string{
	{}, {"-n"}, {"-d"}, {"-f"}, {"-x"}, {"-n", "-x"}, {"-n", "-f"}, {"-n", "-x", "-f"}, {"-d", "-x"}, {"-n", "-o", "myhostname=other.example"},
	{"-n", "-v"}, {"-p"}, {"-p", "-n"}, {"-h", "NAMES"}, {"-H", "NAMES"}, {"-x", "NAMES"}, {"-d", "NAMES"}, {"NAMES"},
	{"-C", "builtin"}, {"-C", "service"}, {"-C", "user"}, {"-C", "all", "-n"},
	{"-M"}, {"-M", "-f"}, {"-M", "-x"}, {"-M", "inet"}, {"-M", "smtp/inet", "qmqp"}, {"-F"}, {"-F", "*/*/chroot"}, {"-F", "-h", "smtp"},
	{"-P"}, {"-P", "-x"}, {"-P", "-h", "smtp/inet"}, {"-P", "-f", "*/*/syslog_name"},
	{"-m"}, {"-l"}, {"-a"}, {"-A"}, {"-t"},
}

// setName finds the names of settings.
var setName = regexp.MustCompile(`(?m)^([A-Za-z0-9_.-]+)[ \t]*=`)

// TestOwnConf puts each main.cf below a folder, with the master.cf beside it or that of
// the package, to postconf(1) and postconf-lite.
func TestOwnConf(t *testing.T) {
	if os.Getenv(ownConf) == "" {
		t.Skip("no folder: make own-conf DIR=...")
	}
	pair := newPostconfPair(t)
	packaged, err := os.ReadFile(pair.root.Path("/etc/postfix/master.cf"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	filesBelow(t, ownConf, func(path string, main []byte) {
		if !strings.HasPrefix(filepath.Base(path), "main.cf") {
			return
		}
		found++
		master, err := os.ReadFile(filepath.Join(filepath.Dir(path), strings.Replace(filepath.Base(path), "main", "master", 1)))
		if err != nil {
			master = packaged
		}
		t.Run(path, func(t *testing.T) {
			// Stock pauses for a second before it ends with an error.
			t.Parallel()
			dir := pair.configure(t, nil)
			defer os.RemoveAll(pair.root.Path(dir))
			for name, data := range map[string][]byte{"main.cf": main, "master.cf": master} {
				file := pair.root.Path(dir + "/" + name)
				if err := os.WriteFile(file, data, 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(file, coldTime, coldTime); err != nil {
					t.Fatal(err)
				}
			}
			if doc, err := mainconf.ParseMain("main.cf", main); err == nil && !bytes.Equal(doc.Bytes(), main) {
				t.Error("main.cf is not what it was after reading and writing")
			}
			if doc, err := mainconf.ParseMaster("master.cf", master); err == nil && !bytes.Equal(doc.Bytes(), master) {
				t.Error("master.cf is not what it was after reading and writing")
			}
			names := []string{"no_such_parameter"}
			for _, m := range setName.FindAllSubmatch(main, -1) {
				names = append(names, string(m[1]))
			}
			var lines [][]string
			for _, line := range ownLines {
				args := []string{"-c", dir}
				for _, arg := range line {
					if arg == "NAMES" {
						args = append(args, names...)
					} else {
						args = append(args, arg)
					}
				}
				lines = append(lines, args)
				postfix.Case(t)
			}
			pair.same(t, lines)
		})
	})
	if found == 0 {
		t.Errorf("no main.cf below %s", os.Getenv(ownConf))
	}
}

// ownHere is what a configuration of one's own cannot decide in a private root.
const ownHere = `
queue_directory = ` + postfix.QueueDir + `
data_directory = /var/lib/postfix
command_directory = /usr/sbin
daemon_directory = ` + postfix.DaemonDir + `
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
inet_interfaces = loopback-only
inet_protocols = all
qmqpd_authorized_clients = 127.0.0.0/8, [::1]
qmqpd_error_delay = 0s
in_flow_delay = 0s
maillog_file =
multi_instance_directories =
master_service_disable =
debug_peer_list =
`

// ownSubmissions are what is sent under each configuration of one's own: addresses with
// and without a domain, in the header too.
var ownSubmissions = []submission{
	{message: "From: joe\nTo: Some One <a.b+c@$myhostname>, root\nSubject: x\n\nbody\n", sender: "joe@example.org", recipients: []string{"root", "a%b@localhost"}},
	{message: "Received: by x\nX-Spam-Flag: YES\n\n.\nviagra\n", sender: "", recipients: []string{"postmaster@example.org", "abuse", "Abuse"}},
	{message: "no header\n", sender: "owner-list-@example.com-@[]", recipients: []string{"x!y@z", "joe@sub.example.com"}},
}

// tableType finds what may be the type of a table.
var tableType = regexp.MustCompile(`([A-Za-z0-9_-]+)}?:`)

// TestOwnConfMessages sends messages under each main.cf below a folder to the real qmqpd
// and cleanup(8), and to our stand-alone server: without the settings that ours leaves to
// cleanup(8). Where ours does not start for another reason, the real programs end as well.
func TestOwnConfMessages(t *testing.T) {
	if os.Getenv(ownConf) == "" {
		t.Skip("no folder: make own-conf DIR=...")
	}
	found, served := 0, 0
	filesBelow(t, ownConf, func(path string, main []byte) {
		if !strings.HasPrefix(filepath.Base(path), "main.cf") {
			return
		}
		found++
		t.Run(path, func(t *testing.T) {
			postfix.Case(t)
			// No proxymap(8) runs for ours, whose start would wait for it; the real programs
			// have no library for lmdb.
			dir, text := t.TempDir(), strings.NewReplacer("proxy:", "", "lmdb:", "hash:").Replace(string(main))+ownHere
			if strings.Contains(text, "/etc/mailname") {
				text += "myorigin = mailname.example.org\n" // what this machine may have is not in the private root
			}
			start := func() error {
				if err := os.WriteFile(dir+"/main.cf", []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return tryStart(t, dir)
			}
			err := start()
			if names := refusedNames(err); len(names) > 0 {
				t.Logf("without %s", strings.Join(names, ", "))
				for _, name := range names {
					text += name + " =\n"
				}
				err = start()
			}
			if err == nil {
				served++
				d := newDuel(t, text, map[string]settings{"own": nil})
				// The real programs open tables that have no part in this.
				for _, m := range tableType.FindAllStringSubmatch(text, -1) {
					d.opening["warning: unsupported dictionary type: "+m[1]+". Is the postfix-"+m[1]+" package installed?"] = true
					d.opening["error: unsupported dictionary type: "+m[1]] = true
				}
				for _, req := range ownSubmissions {
					d.compare(t, "own", "127.0.0.1", req)
				}
				return
			}
			t.Log(err)
			r := startRival(t, text, nil)
			port := strconv.Itoa(postfix.FreePort(t))
			r.pf.WriteMaster("127.0.0.1:" + port + " inet n - y - 5 qmqpd\ncleanup unix n - y - 0 cleanup\nrewrite unix - - y - - trivial-rewrite\n")
			if r.pf.TryStart() {
				mark := r.pf.Log.Mark()
				conn, err := net.Dial("tcp", "127.0.0.1:"+port) // qmqpd waits long for a cleanup(8) that does not start
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_, _ = conn.Write(ownSubmissions[0].bytes())
				r.pf.Log.WaitFor(t, mark, "of the end of a real program", func(l postfix.Line) bool { return strings.HasPrefix(l.Text, "fatal: ") })
			}
		})
	})
	if found == 0 {
		t.Errorf("no main.cf below %s", os.Getenv(ownConf))
	}
	t.Logf("%d configurations, %d of them served", found, served)
}

// refusedNames returns the parameters that our server leaves to cleanup(8), if they are
// all that keeps it from starting.
func refusedNames(err error) (names []string) {
	var all *multierror.Error
	if !errors.As(err, &all) {
		return nil
	}
	for _, err := range all.Errors {
		var refused *daemon.RefusedError
		if !errors.As(err, &refused) {
			return nil
		}
		names = append(names, refused.Name)
	}
	return names
}
