package daemon

import (
	"os"
	"path/filepath"
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

// parameterRead finds where the package reads a parameter: for whom, how, and which.
var parameterRead = regexp.MustCompile(`\b(eff|effective|e|qmqpd|clean|cleanup|rewriter)\.(String|Bool|Int|Long|Duration)\("([a-z0-9_]+)"\)`)

// Each parameter that is read exists and is of the kind that it is read as. Those of
// qmqpd stand in the table of docs/compatibility.md with their default, those of other
// programs in docs/stand-alone.md.
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
	alone, err := os.ReadFile("../docs/stand-alone.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	profile := params.DefaultProfile()
	count := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range parameterRead.FindAllStringSubmatch(string(source), -1) {
			count++
			program, how, name := m[1], m[2], m[3]
			p, ok := profile.Lookup(name)
			if !ok || p.Kind != readers[how] {
				t.Errorf("%s: read as %s, is %v", name, how, p.Kind)
				continue
			}
			documented, ok := rows[name]
			if program != "eff" && program != "effective" && program != "e" {
				if !ok && !regexp.MustCompile(`\b`+name+`\b`).Match(alone) {
					t.Errorf("%s is not in docs/stand-alone.md", name)
				}
				continue
			}
			if !ok {
				t.Errorf("%s is not in docs/compatibility.md", name)
			}
			if !strings.ContainsAny(p.Default, "$/") && !strings.Contains(documented, p.Default) && documented != "see postconf" {
				t.Errorf("%s: default %q is documented as %q", name, p.Default, documented)
			}
		}
	}
	if count < 80 {
		t.Errorf("only %d parameters found", count)
	}
}
