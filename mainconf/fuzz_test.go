package mainconf

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var fileSeeds = []string{
	"", "a = 1\n", "a=1\n b\n\n#c\n  d\nb =\n", " lead\na = 1", "a\n= b\n", "a = 1\x002\n", "#\n#", "a = 1\r\n\tb\r\n",
	"smtp inet n - y - - smtpd\n  -o a=b -o {c = d e} -vo f=g {h i} j\n",
	"a = 1\n# of a\n  more\n\n# of b\nb = 2\n#end", "a = 1\n#", "# x\na = 1", " lead\n\na = 1\n# c\nno entry\n b\n#d\nc = 2\n",
	"x unix - - n 1? 0 pipe flags=R user=a {b} -o c=d\n", "short line\n", "s inet n - y - - /bin/x -ofoo=bar -\n",
}

// FuzzParseMain holds the laws of a document: nothing is lost, and the parts
// lie where they say they do.
func FuzzParseMain(f *testing.F) {
	for _, s := range fileSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMain("f", data)
		if string(m.Bytes()) != string(data) {
			t.Fatalf("Bytes() = %q", m.Bytes())
		}
		again, errAgain := ParseMain("f", m.Bytes())
		if !slices.Equal(m.Entries, again.Entries) || !slices.Equal(m.Warnings, again.Warnings) || (err == nil) != (errAgain == nil) {
			t.Fatal("parsing the result again gives something else")
		}
		lines := make([]Line, len(m.Entries))
		for i, e := range m.Entries {
			lines[i] = e.Line
		}
		checkEdits(t, data, lines, "new = line\n", func(data []byte) (texts []string) {
			m, _ := ParseMain("f", data)
			for _, e := range m.Entries {
				texts = append(texts, e.Line.Text)
			}
			return texts
		})
		end, last := 0, 0
		for _, e := range m.Entries {
			checkLine(t, data, e.Line, end, last)
			end, last = e.Line.End, e.Line.Last
			name, value, err := SplitNameValue(e.Line.Text)
			if err != nil || name != e.Name || value != e.Value {
				t.Fatalf("entry %q = %q from line %q", e.Name, e.Value, e.Line.Text)
			}
			if inForce, ok := m.Lookup(e.Name); !ok || inForce.Line.First < e.Line.First {
				t.Fatalf("Lookup(%q) = %v, %v", e.Name, inForce, ok)
			}
		}
	})
}

// checkLine holds the position of a logical line against the text.
func checkLine(t *testing.T, data []byte, l Line, end, last int) {
	t.Helper()
	if l.Offset < end || l.End <= l.Offset || l.End > len(data) || l.First <= last || l.Last < l.First {
		t.Fatalf("line %+v after offset %d, line %d", l, end, last)
	}
	if first := strings.Count(string(data[:l.Offset]), "\n") + 1; first != l.First || !l.InFile() {
		t.Fatalf("line %+v starts in line %d", l, first)
	}
	// The entry's own lines say all of it, and end with one that counts; what is
	// behind them says nothing.
	if l.TextEnd <= l.Offset || l.TextEnd > l.End {
		t.Fatalf("line %+v: its own part ends where it cannot", l)
	}
	own, behind := string(data[l.Offset:l.TextEnd]), string(data[l.TextEnd:l.End])
	if !strings.HasSuffix(own, "\n") && l.TextEnd != len(data) {
		t.Fatalf("line %+v: its own part ends within a line", l)
	}
	var text strings.Builder
	lastPart := ""
	for part := range strings.Lines(own) {
		if lastPart = strings.TrimSuffix(part, "\n"); !isComment(lastPart) {
			text.WriteString(lastPart)
		}
	}
	if text.String() != l.Text || isComment(lastPart) {
		t.Fatalf("line %+v: its own part is %q", l, own)
	}
	for part := range strings.Lines(behind) {
		if !isComment(strings.TrimSuffix(part, "\n")) {
			t.Fatalf("line %+v: %q behind it is no comment", l, part)
		}
	}
	if l.Text == "" || isSpace(l.Text[0]) || strings.Contains(l.Text, "\n") {
		t.Fatalf("line text %q", l.Text)
	}
}

// checkEdits holds what the package says about editing: the pieces are the
// text, and to replace, remove, insert or append an entry leaves all others as
// they were. Parse returns the texts of the entries.
func checkEdits(t *testing.T, data []byte, lines []Line, entry string, parse func([]byte) []string) {
	t.Helper()
	var pieces strings.Builder
	at := 0
	for _, l := range lines {
		pieces.Write(data[at:l.Offset])
		pieces.Write(data[l.Offset:l.TextEnd])
		pieces.Write(data[l.TextEnd:l.End])
		at = l.End
	}
	pieces.Write(data[at:])
	if pieces.String() != string(data) {
		t.Fatalf("the pieces make %q", pieces.String())
	}
	texts, added := parse(data), []string{strings.TrimSuffix(entry, "\n")}
	same := func(what string, edited string, want ...[]string) {
		t.Helper()
		if got := parse([]byte(edited)); !slices.Equal(got, slices.Concat(want...)) {
			t.Fatalf("%s: %q has %q", what, edited, got)
		}
	}
	for _, i := range []int{0, len(lines) / 2, len(lines) - 1} {
		if i < 0 || i >= len(lines) {
			continue
		}
		before, after := string(data[:lines[i].Offset]), string(data[lines[i].TextEnd:])
		same("replaced", before+entry+after, texts[:i], added, texts[i+1:])
		same("removed", before+after, texts[:i], texts[i+1:])
		same("inserted", before+entry+string(data[lines[i].Offset:]), texts[:i], added, texts[i:])
	}
	appended := string(data)
	if appended != "" && !strings.HasSuffix(appended, "\n") {
		appended += "\n"
	}
	same("appended", appended+entry, texts, added)
}

// FuzzParseMaster holds the laws of a master.cf document.
func FuzzParseMaster(f *testing.F) {
	for _, s := range fileSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMaster("f", data)
		if string(m.Bytes()) != string(data) {
			t.Fatalf("Bytes() = %q", m.Bytes())
		}
		if err == nil && strings.TrimSpace(string(data)) == "" && len(m.Services) > 0 {
			t.Fatal("services out of nothing")
		}
		lines := make([]Line, len(m.Services))
		for i, s := range m.Services {
			lines[i] = s.Line
		}
		checkEdits(t, data, lines, "new unix - - n - - line\n", func(data []byte) (texts []string) {
			m, _ := ParseMaster("f", data)
			for _, s := range m.Services {
				texts = append(texts, s.Line.Text)
			}
			return texts
		})
		end, last := 0, 0
		for _, s := range m.Services {
			checkLine(t, data, s.Line, end, last)
			end, last = s.Line.End, s.Line.Last
			if len(s.Words) < NumFields {
				t.Fatalf("words %q", s.Words)
			}
			line := s.Line.First
			inNoFile := slices.Clone(s.Overrides)
			for i, o := range s.Overrides {
				if o.Line < line || o.Line > s.Line.Last {
					t.Fatalf("override %+v, service %+v", o, s)
				}
				line, inNoFile[i].Line = o.Line, 0
			}
			one, _, err := ParseService(s.Line.Text)
			if err != nil || !slices.Equal(one.Args, s.Args) || !slices.Equal(one.Overrides, inNoFile) {
				t.Fatalf("ParseService(%q) = %+v, %v", s.Line.Text, one, err)
			}
			for _, o := range s.Overrides {
				if o.Arg < 1 || s.Args[o.Arg-1] != "-o" {
					t.Fatalf("override %+v among %q", o, s.Args)
				}
			}
		}
	})
}

// FuzzExpand holds the laws of expansion: it ends, it agrees with itself, and
// a scan visits whatever an evaluation looks up.
func FuzzExpand(f *testing.F) {
	for _, row := range expandRows {
		f.Add(row.in, "$a", "x$b")
	}
	f.Add("$a", "$b$b$b", "$c$c")
	f.Add("${{$a} == {1}}", "${{$a} == {1}}", "")
	f.Fuzz(func(t *testing.T, text, a, b string) {
		values := map[string]string{"a": a, "b": b, "c": "end", "e": ""}
		evaluate := func(work int, once bool) (string, []string, []string, error) {
			var warnings, names []string
			x := Expander{
				Lookup: func(name string) (string, bool, error) {
					names = append(names, name)
					v, ok := values[name]
					return v, ok, nil
				},
				Warn:    func(text string) { warnings = append(warnings, text) },
				Once:    once,
				MaxWork: work,
			}
			v, err := x.Expand(text)
			return v, warnings, names, err
		}
		const work = 1 << 20
		v, warnings, _, err := evaluate(work, false)
		again, warningsAgain, _, errAgain := evaluate(work, false)
		if v != again || !slices.Equal(warnings, warningsAgain) || !sameError(err, errAgain) {
			t.Fatalf("twice: %q, %v and %q, %v", v, err, again, errAgain)
		}
		if err == nil {
			if len(warnings) > 0 {
				t.Fatalf("warnings without an error: %q", warnings)
			}
			if more, _, _, err := evaluate(2*work, false); more != v || err != nil {
				t.Fatalf("with more work allowed: %q, %v", more, err)
			}
		} else if v != "" {
			t.Fatalf("a result with an error: %q, %v", v, err)
		}
		if errors.Is(err, ErrMacro) && len(warnings) == 0 {
			t.Fatal("an error without a warning")
		}
		if !strings.Contains(text, "$") && (v != text || err != nil) {
			t.Fatalf("text without macros became %q, %v", v, err)
		}

		visited := map[string]bool{}
		x := Expander{MaxWork: work}
		if err := x.Scan(text, func(name string, _ bool) { visited[name] = true }); err != nil {
			return
		}
		if _, _, names, err := evaluate(work, true); err == nil {
			for _, name := range names {
				if !visited[name] {
					t.Fatalf("%q was looked up but not found by the scan", name)
				}
			}
		}
	})
}

func sameError(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
}
