package daemon

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/params"
)

// readers are the methods of params.Effective that read a parameter, and the
// kind that each wants.
var readers = map[string]params.Kind{
	"String": params.String, "Bool": params.Bool, "Int": params.Int, "Long": params.Long, "Duration": params.Time,
}

// Each parameter that qmqpd reads exists, is of the kind that it is read as, and
// stands in the table of docs/compatibility.md with its default.
func TestParametersDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, name := range strings.Split(cells[1], ",") {
			rows[strings.TrimSpace(name)] = strings.TrimSpace(cells[2])
		}
	}
	profile := params.DefaultProfile
	count := 0
	for _, file := range []string{"config.go", "lists.go", "limit.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\b(?:eff|effective)\.(String|Bool|Int|Long|Duration)\("([a-z0-9_]+)"\)`).FindAllSubmatch(source, -1) {
			count++
			name := string(m[2])
			p, ok := profile.Lookup(name)
			if !ok || p.Kind != readers[string(m[1])] {
				t.Errorf("%s: read as %s, is %v", name, m[1], p.Kind)
				continue
			}
			documented, ok := rows[name]
			if !ok {
				t.Errorf("%s is not in docs/compatibility.md", name)
			}
			if !strings.ContainsAny(p.Default, "$/") && !strings.Contains(documented, p.Default) && documented != "see postconf" {
				t.Errorf("%s: default %q is documented as %q", name, p.Default, documented)
			}
		}
	}
	if count < 25 {
		t.Errorf("only %d parameters found", count)
	}
}
