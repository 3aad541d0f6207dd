package compat

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
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

// TestOwnMail sends the messages of a folder, one in each file as in a Maildir, to the
// real qmqpd and cleanup(8), and to ours: with the stock settings, and with those of
// TestIncomingCorpus in turn.
func TestOwnMail(t *testing.T) {
	if os.Getenv(ownMail) == "" {
		t.Skip("no folder: make own-mail DIR=...")
	}
	const stock, most = "stock", 10_000_000 // message_size_limit is a little more
	variants := maps.Clone(incomingVariants)
	maps.Copy(variants, mapVariants)
	names := slices.Sorted(maps.Keys(variants))
	d := newDuel(t, commonMain, variants)
	sent := 0
	filesBelow(t, ownMail, func(path string, data []byte) {
		if len(data) > most {
			t.Logf("%s: too large", path)
			return
		}
		for _, variant := range slices.Compact([]string{stock, names[sent%len(names)]}) {
			d.t.Run(variant+"/"+path, func(t *testing.T) {
				postfix.Case(t)
				d.compare(t, variant, "127.0.0.1", ownSubmission(data))
			})
		}
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
