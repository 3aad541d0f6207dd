package compat

import (
	"fmt"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// edgeTables are source texts that random tables do not hit upon.
var edgeTables = map[string][]string{
	"regexp": {
		"/(|a)(a|b)*/ <$1>\n", "/(|a|b)(a|b)*/ <$1>\n", "/(|(|a))(a|b)*/ <$1>\n", "/(b||a)(a|b)*/ <$1>\n", "/(()|a)(a|b)*/ <$1>\n", "/(|a?b)(a|b)*/ <$1>\n",
		"/(.)(.)\\2/ <$1>\n/b/ y\n", "/(.)(.)\\2/ <$2>\n", "/^(.+)@(.+)\\.\\2$/ <$1>\n", "/^(.+)@(.+)\\.\\2$/ <$1><$2>\n", "/(a)(b)(\\2|c)/ <$1>\n", "/(.)()\\1\\2/ <$1>\n", "/(.)(b*)\\2c/ <$1>\n",
		"\\a\\ x\n", "\\a\\b\\\n", "/a\\\n", "/ab\\\n/b/ ok\n", "if /a\\\n/b/ x\nendif\n",
	},
	"pcre": {"\\a\\ x\n", "\\a\\b\\\n", "/a\\\n"},
}

func TestTableEdges(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	keys := []string{"abb", "x@y.y", "xx", "acb", "a", "b", "ab", "ba", "abc", `a\`, "10.0.0.1", "10.1.2.3", "::1", "é", "key", "k", `k\`}
	for typ, texts := range edgeTables {
		for i, text := range texts {
			t.Run(fmt.Sprintf("%s/%q", typ, text), func(t *testing.T) {
				t.Parallel() // postmap pauses before it ends with an error
				postfix.Case(t)
				compareFile(t, pf, typ, fmt.Sprintf("/etc/postfix/%s-edge%d", typ, i), text, keys)
			})
		}
	}
}
