package params

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestStampedVersion(t *testing.T) {
	for text, want := range map[string]string{
		"\x7fELF mail_version=3.10.13\x00x": "3.10.13",
		"mail_version=3.7.0\x00":            "3.7.0",
		"mail_version=3.11-20251212\x00":    "3.11.7",
		"mail_version=3.9\x00":              "3.9.0",
		"mail_version=3.12.1\x00":           "3.11.7",
		"mail_version=4.0\x00":              "3.11.7",
		"mail_version=2.11.3\x00":           "3.7.0",
		"mail_version=x":                    "",
		"no version":                        "",
		// Without a stamp, as in Debian's 3.11.7.
		"\x003.11.7\x00":                        "3.11.7",
		"\x003.11-20251212\x00":                 "3.11.7",
		"\x003.\x003.x\x003.10.2x\x003.9.1\x00": "3.9.1",
		"\x002.36\x0013.8.1\x00":                "",
		"\x003.8.1\x00mail_version=3.10.2\x00":  "3.10.2",
	} {
		// Wherever the stamp is: the program is read in pieces.
		for _, before := range []int{0, 1, 8150, 8179, 8180, 8191, 8192, 8193, 16380, 100_000} {
			program := strings.Repeat("mail_", before/5+1)[:before] + text
			for _, after := range []int{0, 1, 70, 10_000} {
				program := program + strings.Repeat("\x00", min(after, 1)) + strings.Repeat("x", max(after-1, 0))
				v, ok := stampedVersion(strings.NewReader(program))
				if ok != (want != "") || ok && v.String() != want {
					t.Errorf("%q after %d bytes and before %d: %s, %v, want %q", text, before, after, v, ok, want)
				}
				v, ok = stampedVersion(iotest.OneByteReader(strings.NewReader(program)))
				if ok != (want != "") || ok && v.String() != want {
					t.Errorf("%q after %d bytes, byte by byte: %s, %v, want %q", text, before, v, ok, want)
				}
			}
		}
	}
}

func TestInstalled(t *testing.T) {
	for _, row := range []struct {
		name  string
		files map[string]string
		want  string
		dir   string
	}{
		{name: "nothing", want: "3.10.2/upstream"},
		{
			name:  "Debian",
			files: map[string]string{"/usr/lib/postfix/sbin/master": "mail_version=3.7.11\x00", "/etc/os-release": "NAME=x\nID=debian\n"},
			want:  "3.7.11/debian", dir: "/usr/lib/postfix/sbin",
		},
		{
			name:  "Ubuntu",
			files: map[string]string{"/usr/lib/postfix/sbin/master": "mail_version=3.8.6\x00", "/etc/os-release": "ID=ubuntu\nID_LIKE=\"debian\"\n"},
			want:  "3.8.6/debian", dir: "/usr/lib/postfix/sbin",
		},
		{
			name:  "beside the program",
			files: map[string]string{"/opt/own/master": "mail_version=3.8.6\x00", "/usr/lib/postfix/sbin/master": "mail_version=3.9.1\x00"},
			want:  "3.8.6/upstream", dir: "/opt/own",
		},
		{
			name:  "openSUSE",
			files: map[string]string{"/usr/lib/postfix/bin/master": "mail_version=3.9.1\x00", "/etc/os-release": "ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n"},
			want:  "3.9.1/upstream", dir: "/usr/lib/postfix/bin",
		},
		{
			name:  "another distribution",
			files: map[string]string{"/usr/libexec/postfix/master": "..mail_version=3.9.1\x00", "/etc/os-release": "ID=fedora\n"},
			want:  "3.9.1/upstream", dir: "/usr/libexec/postfix",
		},
		{
			name:  "Debian without Postfix",
			files: map[string]string{"/etc/os-release": "ID='debian'\n"},
			want:  "3.10.2/debian",
		},
		{
			name:  "not a Postfix program",
			files: map[string]string{"/usr/lib/postfix/sbin/master": "x", "/usr/libexec/postfix/master": "mail_version=3.11.2\x00"},
			want:  "3.11.2/upstream", dir: "/usr/libexec/postfix",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range row.files {
				if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(root+name, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if p, dir := installedIn(root, append([]string{"/opt/own"}, daemonDirs...)); p.String() != row.want || dir != row.dir {
				t.Errorf("%v, %q", p, dir)
			}
		})
	}
}
