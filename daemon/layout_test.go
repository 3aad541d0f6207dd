package daemon_test

import (
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/qmqpd/qmqpd/"

// allowed says which packages of this module each package may import: the
// import rules of docs/architecture.md. A package that is not listed may not
// exist.
var allowed = map[string]string{
	"params/accountfile":        "",
	"params/directfile":         "",
	"params/dynamicmaps":        "mainconf params/directfile params/errno",
	"params/errno":              "",
	"params/hostname":           "params/accountfile params/directfile params/hosttext params/inetaton params/nodename",
	"params/hosttext":           "",
	"params/inetaton":           "",
	"params/nodename":           "",
	"mainconf":                  "",
	"params":                    "mainconf params/accountfile params/directfile params/hostname params/hosttext params/nodename",
	"params/postconf":           "mainconf params params/directfile params/dynamicmaps params/errno",
	"queuefmt":                  "",
	"queuefmt/export":           "queuefmt",
	"queuefmt/postcat":          "queuefmt",
	"daemon":                    "mainconf params queuefmt daemon/* params/directfile params/dynamicmaps params/errno params/hostname params/inetaton",
	"daemon/attr":               "",
	"daemon/cleanup":            "queuefmt daemon/attr daemon/maillog daemon/mailstream daemon/patience daemon/sockpath params/errno",
	"daemon/ere":                "",
	"daemon/incoming":           "queuefmt daemon/maillog daemon/mailstream daemon/mime daemon/rewrite daemon/rfc822 daemon/spool daemon/table params/errno",
	"daemon/jail":               "daemon/maillog params/accountfile params/directfile params/errno",
	"daemon/maillog":            "",
	"daemon/mailstream":         "queuefmt daemon/maillog",
	"daemon/master":             "daemon/maillog daemon/poll params/errno",
	"daemon/matchlist":          "daemon/table params/errno",
	"daemon/mime":               "queuefmt daemon/rfc822",
	"daemon/netstring":          "",
	"daemon/patience":           "daemon/poll",
	"daemon/peer":               "daemon/maillog params/errno params/hostname params/hosttext",
	"daemon/poll":               "",
	"daemon/qmqp":               "queuefmt daemon/maillog daemon/mailstream daemon/netstring daemon/patience daemon/peer daemon/rfc822",
	"daemon/rewrite":            "daemon/rfc822",
	"daemon/rfc822":             "",
	"daemon/sockpath":           "",
	"daemon/spool":              "queuefmt daemon/sockpath params/errno",
	"daemon/standalone":         "daemon/maillog daemon/poll daemon/sockpath params/errno",
	"daemon/table":              "daemon/attr daemon/ere daemon/netstring params/accountfile params/directfile params/errno params/hostname params/hosttext",
	"cmd/internal/buildinfo":    "",
	"cmd/internal/cat":          "queuefmt queuefmt/export queuefmt/postcat",
	"cmd/internal/getopt":       "",
	"cmd/internal/oneprocessor": "",
	"cmd/postconf-lite":         "cmd/internal/buildinfo cmd/internal/getopt params params/postconf",
	"cmd/qmqpd":                 "cmd/internal/buildinfo cmd/internal/cat cmd/internal/getopt cmd/internal/oneprocessor mainconf queuefmt/postcat daemon daemon/master daemon/qmqp daemon/sockpath",
}

// leaf tells whether a package takes values and returns errors, and so may
// neither end the process nor do anything at init.
func leaf(pkg string) bool { return pkg != "daemon" && !strings.HasPrefix(pkg, "cmd/") }

// heavy are packages that cost the daemon start-up time or size and that it
// does not need.
var heavy = []string{"net/http", "encoding/json", "encoding/gob", "html/template", "text/template", "log/slog", "testing"}

func TestLayout(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	seen, used := map[string]bool{}, map[string][]string{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || path != root && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil || rel == "compat-tests" || strings.HasPrefix(rel, "compat-tests/") {
			return err
		}
		if !seen[rel] {
			seen[rel] = true
			if _, ok := allowed[rel]; !ok {
				t.Errorf("package %s has no line in docs/architecture.md's import rules", rel)
			}
		}
		used[rel] = append(used[rel], checkFile(t, root, rel, path)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) < 10 {
		t.Errorf("only %d packages found", len(seen))
	}
	for pkg, may := range allowed {
		for _, own := range strings.Fields(may) {
			if own != "daemon/*" && !slices.Contains(used[pkg], own) {
				t.Errorf("%s may import %s and does not", pkg, own)
			}
		}
	}
}

// checkFile returns what a file imports of this module.
func checkFile(t *testing.T, root, pkg, path string) (imports []string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return nil
	}
	if name, _ := filepath.Rel(root, path); generator(file) {
		t.Logf("%s is a generator", name)
		return nil
	}
	may := strings.Fields(allowed[pkg])
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.HasPrefix(pkg, "daemon") && slices.Contains(heavy, imported) {
			t.Errorf("%s imports %s", pkg, imported)
		}
		own, ok := strings.CutPrefix(imported, module)
		if !ok {
			continue
		}
		imports = append(imports, own)
		if slices.Contains(may, own) {
			continue
		}
		if slices.Contains(may, "daemon/*") && strings.HasPrefix(own, "daemon/") {
			continue
		}
		t.Errorf("%s imports %s", pkg, own)
	}
	if !leaf(pkg) {
		return imports
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				t.Errorf("%s has an init function", pkg)
			}
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && id.Name == "os" && n.Sel.Name == "Exit" {
				t.Errorf("%s calls os.Exit", pkg)
			}
		}
		return true
	})
	return imports
}

// TestLeavesKeepNothing: the package variables of leaves are tables that
// nothing assigns to, and pools, which hold nothing but memory to use again.
func TestLeavesKeepNothing(t *testing.T) {
	pools := 0
	for pkg := range allowed {
		if !leaf(pkg) {
			continue
		}
		changing, n := packageState(t, "../"+pkg)
		for _, what := range changing {
			t.Errorf("%s %s", pkg, what)
		}
		pools += n
	}
	if pools == 0 {
		t.Error("no pool was seen, and there are some")
	}
}

// TestLeavesKeepNothingSees: the check sees each way to change a variable, and
// nothing else.
func TestLeavesKeepNothingSees(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct{ text, want string }{
		{"var v int; func f() { v = 1 }", "assigns to v"},
		{"var v int; func f() { v++ }", "assigns to v"},
		{"var v struct{ a [2]int }; func f() { v.a[1] += 1 }", "assigns to v"},
		{"var v *int; func f() { *v = 1 }", "assigns to v"},
		{"var v map[int]int; func f() { delete(v, 1) }", "clears v"},
		{"var v []int; func f() { for v[0] = range 3 {} }", "assigns to v"},
		{"var v []int; func f() { copy(v[1:], v) }", "clears v"},
		{"var v sync.Mutex", "has sync.Mutex in v"},
		{"var v = []atomic.Int64{}", "has atomic.Int64 in v"},
		{"var v struct{ p sync.Pool; o sync.Once }", "has sync.Once in v"},
		{"var v = sync.Pool{New: func() any { return nil }}; func f() { v.Put(v.Get()) }", ""},
		{"var v = [2]int{}; func f() int { v := v; v[0] = 1; p := &v[1]; return *p }", ""},
		{"type t struct{ v int }; var v int; func (t *t) f() { t.v = v }", ""},
	} {
		text := "package x\nimport (\"sync\"; \"sync/atomic\")\n" + row.text
		if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		changing, _ := packageState(t, dir)
		if got := strings.Join(changing, ", "); got != row.want {
			t.Errorf("%s: %q, want %q", row.text, got, row.want)
		}
	}
}

// packageState says what can change in the package variables of a package, and
// how many pools it has.
func packageState(t *testing.T, dir string) (changing []string, pools int) {
	t.Helper()
	built, err := build.Default.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range built.GoFiles {
		file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	// What an identifier of this package is, it can tell without the packages
	// that are imported; what is wrong for want of them does not matter.
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}, Importer: noImports{}}
	pkg, _ := config.Check(dir, set, files, &info)
	complain := func(verb string, e ast.Expr) {
		if v, ok := info.Uses[root(e)].(*types.Var); ok && v.Parent() == pkg.Scope() {
			changing = append(changing, verb+" "+v.Name())
		}
	}
	for _, file := range files {
		for _, d := range file.Decls {
			d, ok := d.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				ast.Inspect(spec, func(n ast.Node) bool {
					s, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					switch id, _ := s.X.(*ast.Ident); {
					case id == nil || id.Name != "sync" && id.Name != "atomic":
					case id.Name == "sync" && s.Sel.Name == "Pool":
						pools++
					default:
						changing = append(changing, "has "+id.Name+"."+s.Sel.Name+" in "+spec.(*ast.ValueSpec).Names[0].Name)
					}
					return true
				})
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					complain("assigns to", e)
				}
			case *ast.IncDecStmt:
				complain("assigns to", n.X)
			case *ast.RangeStmt:
				complain("assigns to", n.Key)
				complain("assigns to", n.Value)
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) && len(n.Args) > 0 {
					complain("clears", n.Args[0])
				}
			}
			return true
		})
	}
	return changing, pools
}

// root returns the variable of which an expression is a part, or nil.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// noImports has no packages to import.
type noImports struct{}

func (noImports) Import(path string) (*types.Package, error) { return nil, errors.New("not looked at") }

// generator tells whether a file is kept out of the package by a build tag.
func generator(file *ast.File) bool {
	for _, c := range file.Comments {
		for _, l := range c.List {
			if l.Text == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}

// The page has each package in its table, with a sentence, and the same import
// rules as this test.
func TestArchitecturePage(t *testing.T) {
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	table, rules := section(string(page), "Packages"), pageRules(t, section(string(page), "Import rules"))
	for pkg, may := range allowed {
		if !strings.Contains(table, "\n| `"+pkg+"` |") {
			t.Errorf("docs/architecture.md's table of packages does not name %s", pkg)
		}
		got, ok := rules[pkg]
		want := strings.Fields(may)
		slices.Sort(want)
		if !ok || !slices.Equal(got, want) {
			t.Errorf("docs/architecture.md: %s may import %q, want %q", pkg, got, want)
		}
		delete(rules, pkg)
	}
	for pkg := range rules {
		t.Errorf("docs/architecture.md has rules for %s, which has none here", pkg)
	}
}

// section returns a section of a page, without its heading.
func section(page, heading string) string {
	_, text, _ := strings.Cut(page, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// pageRules reads the items of a list, "`package`, ... → `package`, ...", in
// which other words do not count, and returns for each package left of an arrow
// those right of it, sorted.
func pageRules(t *testing.T, text string) map[string][]string {
	rules := map[string][]string{}
	list, _, _ := strings.Cut(text[max(0, strings.Index(text, "\n- ")):], "\n\n")
	for _, item := range strings.Split(list, "\n- ")[1:] {
		left, right, _ := strings.Cut(item, "→")
		for _, pkg := range quoted(left) {
			if _, twice := rules[pkg]; twice {
				t.Errorf("docs/architecture.md has two rules for %s", pkg)
			}
			rules[pkg] = quoted(right)
		}
	}
	return rules
}

// quoted returns what stands between backquotes, sorted.
func quoted(text string) []string {
	var words []string
	for i, word := range strings.Split(text, "`") {
		if i%2 == 1 {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}
