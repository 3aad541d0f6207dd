package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ruleFiles are tables of patterns, for pcre and regexp alike.
var ruleFiles = map[string]string{
	"rule-addresses": `/^old@(.*)$/        new@$1
/^(.*)\+ext@(.*)$/      ${1}.ext@$2
/^@dom\.example$/       @never.example
/^joe$/ never
!/@/    no-at
/^MIXED@x$/     mixed@example.org
/^two@x$/       one@x, three@x
`,
	"rule-bcc": `/^s@(x)$/   sender-$1@example.org
/@example\.com$/        copies
`,
	"rule-header": `if /^X-Do:/
/^X-Do: *a(.*)/ INFO a$1
!/^X-Do: *b/    WARN not b
/^X-Do: *b *(.*)/       PREPEND X-New: $1
endif
/^subject: *(secret) *(.*)/     REPLACE Subject: [$1] ${2}
/^(To|Cc): *nobody/     IGNORE
/^Reply-To: (.*) \(/     INFO reply to $(1)
/./     DUNNO
/^X-Never:/     REJECT never
`,
	"rule-body": `/^drop me$/     IGNORE
if !/^keep/
/virus (\d*|[0-9]*)/    HOLD number $1
endif
/^keep (.*)/    REPLACE kept: $1
`,
}

// indexedFile is a table for hash, btree, cdb and lmdb.
const indexedFile = `old@example.org   new@example.org
Mixed@X mixed@example.org
@dom.example    @other.example
joe     joe.doe@example.org
two@x   one@x, three@x
one@x   end@x
s@x     t@x
"a b"@x quoted@example.org
`

// TestIncomingTableTypes is TestIncomingMaps for types of tables: those that
// postmap(1) makes, patterns, where cleanup(8) uses whole addresses only, and tables
// made of tables.
func TestIncomingTableTypes(t *testing.T) {
	t.Parallel()
	variants := map[string]settings{}
	indexed := []string{"hash", "btree", "cdb", "lmdb"}
	for _, typ := range indexed {
		name := typ + ":DIR/" + typ
		variants[typ] = settings{"canonical_maps": name, "virtual_alias_maps": name, "recipient_bcc_maps": name, "recipient_delimiter": "+"}
	}
	for _, typ := range []string{"pcre", "regexp"} {
		rules := func(name string) string { return typ + ":DIR/" + name }
		variants[typ] = settings{"canonical_maps": rules("rule-addresses"), "virtual_alias_maps": rules("rule-addresses"),
			"sender_bcc_maps": rules("rule-bcc"), "recipient_bcc_maps": rules("rule-bcc"),
			"header_checks": rules("rule-header"), "body_checks": rules("rule-body")}
	}
	variants["union"] = settings{"canonical_maps": "unionmap:{texthash:DIR/canonical, texthash:DIR/sender}", "virtual_alias_maps": "unionmap:{texthash:DIR/virtual, inline:{{s@x = more@x}, {list = u4}}}"}
	variants["pipe"] = settings{"canonical_maps": "pipemap:{inline:{{a@x = old@example.org}, {s@x = none}}, texthash:DIR/canonical}", "header_checks": "pipemap:{regexp:DIR/header, static:{REPLACE X-Piped: y}}"}
	variants["cidr"] = settings{"header_checks": "static:IGNORE", "canonical_maps": "cidr:{{0.0.0.0/0 any@x}}", "body_checks": "fail:me"}
	sources := map[string]string{}
	for _, typ := range indexed {
		sources[typ] = indexedFile
	}
	d := newDuel(t, commonMain, variants, ruleFiles, sources)
	// Our server finds the files of its machine under the names that they have
	// in the rival's root.
	dir := filepath.Dir(d.variants["hash"]["canonical_maps"][len("hash:"):])
	for _, typ := range indexed {
		path := filepath.Join(dir, typ)
		d.rival.pf.MustRun("/usr/sbin/postmap", typ+":"+path)
		suffix := map[string]string{"cdb": ".cdb", "lmdb": ".lmdb"}[typ]
		if suffix == "" {
			suffix = ".db"
		}
		data, err := os.ReadFile(d.rival.pf.Path(path + suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var cases []incomingCase
	for name := range variants {
		for i, a := range []string{"old@example.org", "OLD@example.org", "mixed@x", "MIXED@X", "any@dom.example", "joe", "joe+ext", "two@x", "one@x", "s@x", "S@x", "a b@x", "u+ext@y", "list", "a@x", "user@example.com", ""} {
			cases = append(cases, incomingCase{name: fmt.Sprint("address ", a), variant: name, req: submission{
				fmt.Sprintf("From: %s\nTo: X <%s>, list\nX-Do: a%d\n\nb\n", a, a, i), a, []string{a, "s@x", "list"}}})
		}
		for _, m := range []string{
			"Reply-To: x (y)\nX-Do: abc\nX-Do: b New: x\nX-Do: c\nSubject: secret plan\nTo: nobody\nX-Never: x\n\nb\n",
			"Subject: SECRET\n folded\nCc: nobody, joe\n\nkeep this virus 1\ndrop me\nvirus 12\nvirus\n",
			"x-do:ax\n\nkeep \nDROP ME\n",
		} {
			cases = append(cases, incomingCase{name: "checks", variant: name, req: submission{m, "s@x", []string{"r@example.com"}}})
		}
	}
	d.run(cases)
}

// TestIncomingTableOrder opens tables in which something is bad, one for each
// parameter that names tables: the order of the complaints is that of opening, which
// decides how tables are opened that several parameters name inside others.
func TestIncomingTableOrder(t *testing.T) {
	t.Parallel()
	set := settings{"masquerade_domains": "example.com"}
	for _, name := range []string{"canonical_maps", "sender_canonical_maps", "recipient_canonical_maps", "virtual_alias_maps", "masquerade_exceptions", "header_checks", "mime_header_checks",
		"nested_header_checks", "body_checks", "sender_bcc_maps", "recipient_bcc_maps", "cleanup:mydestination"} {
		set[name] = "regexp:{{/^" + name + "/ x} {" + name + "}}"
	}
	d := newDuel(t, commonMain, map[string]settings{"order": set})
	if d.compare(t, "order", "127.0.0.1", submission{"Subject: x\n\nb\n", "s@x", []string{"r@x"}}); len(d.ours["order"].opening) != 12 {
		t.Errorf("complaints of opening: %q", d.ours["order"].opening)
	}
}
