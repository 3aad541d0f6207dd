package table_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/table"
)

// codeTypes returns the types that types.go and foreign.go list.
func codeTypes(t *testing.T) map[string]bool {
	t.Helper()
	types := map[string]bool{}
	for _, name := range []string{"types.go", "foreign.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			clause, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, expr := range clause.List {
				name, err := strconv.Unquote(expr.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				types[name] = true
			}
			return true
		})
	}
	return types
}

// testFiles returns the text of all test files that may hold a named test.
func testFiles(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*_test.go", "../../compat-tests/*_test.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// TestDocument holds docs/tables.md against the code: the same types, and
// tests that exist.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|.*\\| `(Test[A-Za-z]+)` \\|$")
	tests := testFiles(t)
	documented := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = true
		if !strings.Contains(tests, "\nfunc "+m[2]+"(t *testing.T)") {
			t.Errorf("%s: there is no %s", m[1], m[2])
		}
	}
	types := codeTypes(t)
	for typ := range types {
		if !strings.Contains(tests, `{"`+typ+":") && !strings.Contains(tests, `"`+typ+`"`) {
			t.Errorf("%s: no test names it", typ)
		}
	}
	if diff := cmp.Diff(types, documented); diff != "" {
		t.Errorf("types (-code +docs/tables.md):\n%s", diff)
	}
}

// TestForeignTypes shows the log line of types that need Postfix's libraries.
func TestForeignTypes(t *testing.T) {
	for _, typ := range []string{"dbm", "ldap", "mongodb", "mysql", "nis", "pgsql", "sdbm", "sqlite"} {
		log := &recorder{}
		tbl := open(t, typ+":/etc/postfix/x.cf", listFlags, log)
		reason := "unsupported dictionary type: " + typ + "; specify proxy:" + typ +
			":/etc/postfix/x.cf instead, and list it in proxy_read_maps, to reach the table through proxymap(8)"
		if _, found, err := tbl.Lookup(context.Background(), "key"); found || table.ClassOf(err) != table.Retry || err == nil {
			t.Errorf("%s: Lookup = %v, %v", typ, found, err)
		}
		want := []string{"error: " + reason, "warning: " + typ + ":/etc/postfix/x.cf is unavailable. " + reason}
		if diff := cmp.Diff(want, log.take()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if !table.IsForeign(typ) {
			t.Errorf("IsForeign(%s) is false", typ)
		}
	}
}
