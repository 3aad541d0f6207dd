package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The manual page has the options of each command, those that --help has, and
// shows their defaults.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/man/qmqpd.8")
	if err != nil {
		t.Fatal(err)
	}
	font := regexp.MustCompile(`\\f[BRI]`)
	text := strings.ReplaceAll(font.ReplaceAllString(string(page), ""), `\-`, "-")
	parser, err := kong.New(&commands{}, kong.Vars{"listen": defaultListen, "queue": defaultQueue})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		_, section, ok := strings.Cut(text, ".SS \"qmqpd "+command.Name+"\"\n")
		if !ok {
			t.Errorf("no section for %s", command.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n.S")
		var want, got []string
		for _, f := range command.Flags {
			name := "--" + f.Name
			if f.Short != 0 {
				name = "-" + string(f.Short) + ", " + name
			}
			want = append(want, name)
			if _, item, _ := strings.Cut(section, name); f.HasDefault && !strings.Contains(item, "("+f.Default+")") {
				t.Errorf("%s %s: the default %s is not told", command.Name, name, f.Default)
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^\.TP\n((?:-., )?--[a-z-]+)`).FindAllStringSubmatch(section, -1) {
			got = append(got, m[1])
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the manual page has %q, the program %q", command.Name, got, want)
		}
	}
}
