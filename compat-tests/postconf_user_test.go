package compat

import (
	"os"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

const (
	ordinaryUser  = 65534
	ordinaryGroup = 65534
)

// TestPostconfUser runs both programs as a user who may not read everything.
func TestPostconfUser(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	clients := map[string]string{
		"main.cf": "alias_maps = ldap:@/closed.cf mysql:@/dir/x.cf pgsql:@/open.cf sqlite:@/dir\nmydestination = $x\n" +
			"daemon_directory = /usr/lib/postfix/sbin\n",
		"master.cf": defaultCaseFiles["master.cf"],
		"closed.cf": "zonk = 1\n", "open.cf": "zonk = 1\n", "dir/x.cf": "zonk = 1\n",
	}
	for _, row := range []struct {
		name   string
		closed []string // files and folders that only root may read
		lines  []string
	}{
		{"clients", []string{"closed.cf", "dir"}, []string{"postconf -n", "postconf -M smtp", "postconf -m", "postconf -t", "postconf -e a=b"}},
		{"main.cf", []string{"main.cf"}, []string{"postconf -n", "postconf -d mydomain", "postconf -M smtp", "postconf -m", "postconf -t"}},
		{"master.cf", []string{"master.cf"}, []string{"postconf -n", "postconf -d mydomain", "postconf -M smtp", "postconf -m"}},
		{"all", []string{""}, []string{"postconf -n", "postconf -d mydomain", "postconf -M smtp", "postconf -m", "! MAIL_CONFIG=@ postconf -n"}},
		{"none", nil, []string{"postconf -n", "! MAIL_CONFIG=@ postconf -n", "! MAIL_CONFIG=@ postconf -m"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := pair.configure(t, clients)
			for _, name := range row.closed {
				if err := os.Chmod(pair.root.Path(dir+"/"+name), 0); err != nil {
					t.Fatal(err)
				}
			}
			pair.sameAs(t, ordinaryUser, dir, row.lines)
		})
	}
}

// TestPostconfForeignLibraries shows that a dynamicmaps.cf that others than root can
// write is passed over.
func TestPostconfForeignLibraries(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	for _, row := range []struct {
		name, file string
		owner      int
		mode       os.FileMode
	}{
		{"owner", "dynamicmaps.cf", ordinaryUser, 0o644},
		{"group", "dynamicmaps.cf", 0, 0o664},
		{"world", "dynamicmaps.cf", 0, 0o646},
		{"owner of another", "dynamicmaps.cf.d/more", ordinaryUser, 0o644},
		{"unreadable", "dynamicmaps.cf", 0, 0o600},
		{"unreadable folder", "dynamicmaps.cf.d", 0, 0o700},
		{"folder that is not searched", "dynamicmaps.cf.d", 0, 0o744},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := pair.configure(t, map[string]string{
				"main.cf": "meta_directory = @\n", "master.cf": "",
				"dynamicmaps.cf": "one x.so open\n", "dynamicmaps.cf.d/more": "two x.so open\n",
			})
			path := pair.root.Path(dir + "/" + row.file)
			if err := os.Chown(path, row.owner, 0); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, row.mode); err != nil {
				t.Fatal(err)
			}
			for _, user := range []uint32{0, ordinaryUser} {
				pair.sameAs(t, user, dir, []string{"postconf -m"})
			}
		})
	}
}

// TestPostconfSetgid shows that programs with more rights than their user do not
// believe where the configuration is, neither the environment nor -c; with -m, -b
// and -t they ask the main.cf in /etc/postfix.
func TestPostconfSetgid(t *testing.T) {
	t.Parallel()
	pair := newPostconfPair(t)
	for _, program := range []string{pair.stock, ourPostconf} {
		path := pair.root.Path(program)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// Not a link to the template's.
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := postfix.WriteProgram(path, data); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, 0, 8); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o755|os.ModeSetgid); err != nil {
			t.Fatal(err)
		}
	}
	dir := pair.configure(t, map[string]string{"main.cf": "myhostname = h.example\n", "master.cf": ""})
	lines := []string{
		"postconf -n", "! MAIL_CONFIG=@ postconf -n", "! MAIL_CONFIG=@ postconf -M", "postconf -d config_directory", "! postconf -n", "postconf -m",
		"! MAIL_CONFIG=@ postconf -m", "! postconf -m", "! postconf -c /etc/postfix -m", "postconf -t", "postconf -l", "postconf -a",
	}
	pair.sameAs(t, 0, dir, lines)
	pair.sameAs(t, ordinaryUser, dir, lines)
	for _, main := range []string{
		"alternate_config_directories = /x, " + dir + "\n",
		"multi_instance_directories = " + dir + "\nmulti_instance_directories = /y\nbroken\na = b\na = c\n",
		" lead\nbroken\nalternate_config_directories = $x\nx = " + dir + "\n y\n",
		" lead\n\nalternate_config_directories =\n " + dir + "\n# x\n\n",
	} {
		pair.root.WriteMain(main)
		pair.sameAs(t, ordinaryUser, dir, []string{"postconf -m", "! MAIL_CONFIG=@ postconf -t"})
	}
	if err := os.Remove(pair.root.Path("/etc/postfix/main.cf")); err != nil {
		t.Fatal(err)
	}
	pair.sameAs(t, ordinaryUser, dir, []string{"postconf -m", "postconf -n"})
	if err := os.Mkdir(pair.root.Path("/etc/postfix/main.cf"), 0o755); err != nil {
		t.Fatal(err)
	}
	pair.sameAs(t, ordinaryUser, dir, []string{"postconf -m", "postconf -n"})
}

// sameAs compares command lines, in the form of the case files, for a user.
func (p *postconfPair) sameAs(t *testing.T, user uint32, dir string, lines []string) {
	t.Helper()
	for _, text := range lines {
		postfix.Case(t)
		raw := text[0] == '!'
		if raw {
			text = text[2:]
		}
		c, err := caseLine{text: text, raw: raw}.parse(dir)
		if err != nil {
			t.Fatal(err)
		}
		c.user = user
		diff, err := p.compare(c)
		if err != nil {
			t.Fatal(err)
		}
		if diff != "" {
			t.Errorf("user %d: %s\n%s", user, text, diff)
		}
	}
}
