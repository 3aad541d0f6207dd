package params

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hostValues are the parameters whose defaults depend on the machine or the
// process; the data files hold those of another one.
var hostValues = []string{"myhostname", "mydomain", "mynetworks", "process_id"}

// TestDefaultsMatchPostconf holds the table against the output of postconf -d
// of real builds, line for line.
func TestDefaultsMatchPostconf(t *testing.T) {
	files, err := filepath.Glob("testdata/defaults/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no data files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			profile, err := ParseProfile(strings.Replace(name, "-", "/", 1))
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := Resolver{Profile: profile, DefaultsOnly: true, ProcessName: "postconf", Host: testHost()}
			var got []string
			for p := range profile.Params {
				v, ok, err := r.Default(p.Name)
				if err != nil || !ok {
					t.Errorf("%s: %v, %v", p.Name, ok, err)
				}
				got = append(got, line(p.Name, v.Text))
			}
			want := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
			for i, w := range want {
				if name, _, _ := strings.Cut(w, " ="); slices.Contains(hostValues, name) {
					v, _, _ := r.Default(name)
					want[i] = line(name, v.Text)
				}
			}
			compareLines(t, got, want)
		})
	}
}

// line is how postconf prints a parameter.
func line(name, value string) string {
	return strings.Join(strings.Fields(name+" = "+value), " ")
}

func compareLines(t *testing.T, got, want []string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("missing: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("not in postconf's output: %s", g)
		}
	}
	if !t.Failed() && !slices.Equal(got, want) {
		t.Error("the order differs")
	}
}

// TestTableMatchesSource holds kinds, bounds and default units against the
// table that was extracted from the programs of Postfix 3.10.2.
func TestTableMatchesSource(t *testing.T) {
	data, err := os.ReadFile("testdata/table-3.10.2.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]Kind{
		"str": String, "str_fn": String, "adhoc_str": String, "raw": Raw, "bool": Bool, "nbool": Bool,
		"int": Int, "nint": Int, "adhoc_int": Int, "long": Long, "time": Time,
	}
	profile := Profile{Version: 3_10_02}
	e := New(Process{Profile: profile, Host: testHost()})
	rows := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:]
	for _, row := range rows {
		field := strings.Split(row, "\t")
		name := field[0]
		p, ok := profile.Lookup(name)
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		kind, ok := kinds[field[1]]
		if !ok || p.Kind != kind {
			t.Errorf("%s: kind %v, want %v", name, p.Kind, field[1])
		}
		if got := strconv.FormatInt(p.Min, 10); got != field[4] {
			t.Errorf("%s: min %s, want %s", name, got, field[4])
		}
		if got := strconv.FormatInt(p.Max, 10); got != field[5] {
			t.Errorf("%s: max %s, want %s", name, got, field[5])
		}
		if kind == Time {
			unit, _ := defaultUnit(e.Expand(p.Default))
			if string(unit) != field[3] {
				t.Errorf("%s: unit %c, want %s", name, unit, field[3])
			}
		}
	}
	n := 0
	for range profile.Params {
		n++
	}
	if n != len(rows) {
		t.Errorf("%d parameters, want %d", n, len(rows))
	}
}

func TestTablesAreSorted(t *testing.T) {
	byRow := func(a, b Param) int { return byName(a, b.Name) }
	if !slices.IsSortedFunc(table[:], byRow) {
		t.Error("table is not sorted")
	}
	if !slices.IsSortedFunc(history[:], func(a, b Param) int {
		if c := byRow(a, b); c != 0 {
			return c
		}
		return int(a.Since - b.Since)
	}) {
		t.Error("history is not sorted")
	}
	for i := 1; i < len(table); i++ {
		if table[i].Name == table[i-1].Name {
			t.Errorf("%s is in table twice", table[i].Name)
		}
	}
	for i, h := range history {
		if h.Until == 0 || h.Until <= h.Since {
			t.Errorf("%s: history row from %v until %v", h.Name, h.Since, h.Until)
		}
		if i > 0 && history[i-1].Name == h.Name && history[i-1].Until > h.Since {
			t.Errorf("%s: history rows overlap", h.Name)
		}
		j, found := slices.BinarySearchFunc(table[:], h.Name, byName)
		if !found || table[j].Since < h.Until {
			t.Errorf("%s: history reaches into the row of table, or there is none", h.Name)
		}
	}
	if !slices.IsSorted(legacyNames[:]) {
		t.Error("legacyNames is not sorted")
	}
	for i := 1; i < len(deprecated); i++ {
		if deprecated[i-1].name >= deprecated[i].name {
			t.Errorf("deprecated: %s after %s", deprecated[i].name, deprecated[i-1].name)
		}
	}
}

// TestTablesNameReleases: every version in a table is one that was released, and the
// releases of a series follow each other in time.
func TestTablesNameReleases(t *testing.T) {
	known := map[Version]bool{0: true}
	for i, r := range releases {
		known[r.version] = true
		if _, err := time.Parse("20060102", r.date); err != nil {
			t.Errorf("%v: %v", r.version, err)
		}
		if i > 0 && releases[i-1].version.series() == r.version.series() && releases[i-1].date > r.date {
			t.Errorf("%v is of %s, the release before it of %s", r.version, r.date, releases[i-1].date)
		}
	}
	released := func(name string, versions ...Version) {
		for _, v := range versions {
			if !known[v] {
				t.Errorf("%s: there is no release %v", name, v)
			}
		}
	}
	for _, rows := range [][]Param{table[:], history[:]} {
		for _, p := range rows {
			released(p.Name, p.Since, p.Until)
		}
	}
	for _, d := range deprecated {
		released(d.name, d.since)
	}
	for _, rows := range [][]clientParam{
		ldapParams[:], memcacheParams[:], mongodbParams[:], mysqlParams[:], pgsqlParams[:], sqliteParams[:],
	} {
		for _, p := range rows {
			released(p.name, p.since)
		}
	}
}

// TestCommonParametersExist: each step of ReadCommon reads a parameter that some
// version has, and of the kind that is read then.
func TestCommonParametersExist(t *testing.T) {
	for i, list := range [...][]step{
		firstStrings[:], otherStrings[:], firstBools[:], lastBools[:], otherInts[:], longs[:], times[:],
	} {
		kinds := [...][]Kind{{String, Raw}, {String, Raw}, {Bool}, {Bool}, {Int}, {Long}, {Time}}[i]
		for _, s := range list {
			read := false
			for _, r := range releases {
				p, ok := Profile{Version: r.version}.Lookup(s.name)
				read = read || ok && s.of(r.version) && slices.Contains(kinds, p.Kind)
			}
			if !read {
				t.Errorf("no version has %s of kind %v", s.name, kinds)
			}
		}
	}
}
