package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// mapFiles are the lookup tables of the map variants, by file name.
var mapFiles = map[string]string{
	"canonical": `old@example.org   new@example.org
user@mx.example.org     user@canonical.example
bare    bare.name@example.org
local+ext       ext.matched@example.org
delim   stripped@example.org
@dom.example    @other.example
@keep.example   keep
loop1@x loop2@x
loop2@x loop1@x
self@x  SELF@x
chain1@x        chain2@x
chain2@x        chain3@x
multi@x one@x, two@x
quoted@x        "a b"@example.org
"q q"@x quoted.key@example.org
phrase@x        Joe Doe <joe@example.org> (c)
empty@x <>
none@x  ,
route@x @r:joe@example.org
joe     joe.doe@example.org
bob@example.com bob
`,
	"sender": `s@x     sender.mapped@example.org
chain3@x        sender.end
user@local.example.org  su@example.org
`,
	"recipient": `r@x  rcpt.mapped@example.org
user@local.example.org  ru@example.org
@h.     at-h
`,
	"virtual": `alias@local.example.org    a1@example.net, a2@example.net
list    u1, u2@example.net u3
tree@x  tree1@x tree2@x
tree1@x leaf1@x leaf2@x
tree2@x leaf3@x tree@x
self@x  self@x other@x
loop1@x loop2@x
loop2@x loop1@x
grow@x  grow@x aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.net
wide@x  w1@x w2@x w3@x w4@x w5@x w6@x w7@x
deep1@x deep2@x
deep2@x deep3@x
deep3@x deep4@x
deep4@x deep5@x
@vdom.example   @real.example
@all.example    all@example.net
delim   d@example.net
user+ext        matched@example.net
quoted@x        "a b"@example.org
none@x  ,
empty@x <>
MAILER-DAEMON   root
dup@x   d@x d@x D@x
`,
	"sbcc": `s@x    bcc.of.sender@example.org
user@mx.example.org     bare
q@x     "a b"@example.org
joe+ext joe.ext@example.org
joe     joe.bcc@example.org
@dom.example    "quoted"@example.org (c)
`,
	"rbcc": `r@x    bcc.of.rcpt@example.org
user@local.example.org  local.bcc
alias@local.example.org copy@example.org
@example.com    dom.copy@example.org
"q q"@x quoted.copy@example.org
q r@x   internal.copy@example.org
`,
	"header": `/^X-Do: *(.*)/      $1
/^Subject: reject/      REJECT
/^Received: .*for <held@/       HOLD
/^Content-Description: *(.*)/   $1
`,
	"mime": `/^X-Mime: *(.*)/      $1
/^Content-Description: *(.*)/   $1
`,
	"nested": `/^X-Nested: *(.*)/  $1
`,
	"body": `/^DO (.*)/     $1
/^$/    INFO empty
`,
	"exceptions": `root
postmaster
`,
	"rules": "/^(.*)@re\\.example$/ $1@mapped.example\n/^upper(.)@x$/ <$1@x>\n/^bad@x$/ \xff@x\n/\xff/ eight@x\n/^plus\\+(.*)@(.*)$/ $1@$2\nif /^i/\n/^ia@x$/ ia2@x\nendif\n/^joe@/ none,\n",
	"latin": "bad@x \xff@x\njoe fine@x\n\xff@x eight@x\n",
}

// mapVariants are settings with lookup tables. DIR is where mapFiles are.
var mapVariants = map[string]settings{
	"canonical": {"canonical_maps": "texthash:DIR/canonical"},
	"canonical-delim": {"canonical_maps": "texthash:DIR/canonical", "recipient_delimiter": "+-", "owner_request_special": "yes",
		"propagate_unmatched_extensions": "virtual"},
	"canonical-header": {"canonical_maps": "texthash:DIR/canonical", "canonical_classes": "header_sender, header_recipient"},
	"canonical-both": {"canonical_maps": "texthash:DIR/canonical", "sender_canonical_maps": "texthash:DIR/sender",
		"recipient_canonical_maps": "texthash:DIR/recipient"},
	"canonical-classes": {"sender_canonical_maps": "texthash:DIR/sender", "sender_canonical_classes": "header_sender",
		"recipient_canonical_maps": "texthash:DIR/recipient", "recipient_canonical_classes": "envelope_recipient", "smtputf8_enable": "no"},
	"virtual": {"virtual_alias_maps": "texthash:DIR/virtual"},
	"virtual-limits": {"virtual_alias_maps": "texthash:DIR/virtual", "virtual_alias_expansion_limit": "4",
		"virtual_alias_recursion_limit": "3", "virtual_alias_address_length_limit": "40"},
	"virtual-delim": {"virtual_alias_maps": "texthash:DIR/virtual", "recipient_delimiter": "-", "enable_original_recipient": "no",
		"propagate_unmatched_extensions": ""},
	"virtual-off": {"virtual_alias_maps": "texthash:DIR/virtual", "canonical_maps": "texthash:DIR/canonical", "always_bcc": "archive",
		"receive_override_options": "no_address_mappings"},
	"masquerade": {"masquerade_domains": "!spared.example.com, example.com HOST.example.org"},
	"masquerade-all": {"masquerade_domains": "!!example.com ! example.org !x", "masquerade_exceptions": "DIR/exceptions",
		"masquerade_classes": "envelope_sender, envelope_recipient, header_sender, header_recipient"},
	"bcc": {"always_bcc": "archive+x", "sender_bcc_maps": "texthash:DIR/sbcc", "recipient_bcc_maps": "texthash:DIR/rbcc"},
	"checks": {"header_checks": "regexp:DIR/header", "mime_header_checks": "regexp:DIR/mime", "nested_header_checks": "regexp:DIR/nested",
		"body_checks": "regexp:DIR/body"},
	"checks-one":      {"header_checks": "regexp:DIR/header", "body_checks": "regexp:DIR/body", "body_checks_size_limit": "20", "always_bcc": "archive"},
	"checks-internal": {"header_checks": "regexp:DIR/header", "info_log_address_format": "internal"},
	"checks-off":      {"header_checks": "regexp:DIR/header", "body_checks": "regexp:DIR/body", "receive_override_options": "no_header_body_checks"},
	"everything": {"canonical_maps": "texthash:DIR/canonical", "sender_canonical_maps": "texthash:DIR/sender", "recipient_canonical_maps": "texthash:DIR/recipient",
		"virtual_alias_maps": "texthash:DIR/virtual", "masquerade_domains": "example.org", "masquerade_classes": "envelope_sender, envelope_recipient, header_sender",
		"always_bcc": "alias@local.example.org", "sender_bcc_maps": "texthash:DIR/sbcc", "recipient_bcc_maps": "texthash:DIR/rbcc",
		"header_checks": "regexp:DIR/header", "body_checks": "regexp:DIR/body", "delay_warning_time": "4h", "smtputf8_autodetect_classes": "all"},
	"missing":          {"canonical_maps": "texthash:DIR/no-such-file"},
	"missing-virt":     {"virtual_alias_maps": "texthash:DIR/no-such-file"},
	"missing-bcc":      {"sender_bcc_maps": "texthash:DIR/no-such-file"},
	"missing-checks":   {"body_checks": "texthash:DIR/no-such-file"},
	"rules":            {"canonical_maps": "regexp:DIR/rules", "sender_bcc_maps": "pcre:DIR/rules"},
	"rules-off":        {"canonical_maps": "pcre:DIR/rules", "recipient_bcc_maps": "regexp:DIR/rules", "smtputf8_enable": "no"},
	"latin-off":        {"canonical_maps": "texthash:DIR/latin", "smtputf8_enable": "no"},
	"virtual-rules":    {"virtual_alias_maps": "pcre:DIR/rules", "recipient_delimiter": "+"},
	"virtual-union":    {"virtual_alias_maps": "unionmap:{texthash:DIR/virtual,inline:{r@x=u@x,@x=all@x}}", "canonical_maps": "pipemap:{texthash:DIR/canonical,regexp:DIR/rules}"},
	"fails":            {"canonical_maps": "inline:{s@x=t@x}, fail:x"},
	"virtual-fails":    {"virtual_alias_maps": "inline:{s@x=t@x}, fail:x", "header_checks": "fail:x"},
	"local-fails":      {"canonical_maps": "inline:{a=b@x}", "mydestination": "localhost, fail:x"},
	"local-rules":      {"canonical_maps": "inline:{joe=b@x}", "mydestination": "!mx.example.org, regexp:{{/^local/ x}}"},
	"masquerade-map":   {"masquerade_domains": "example.com", "masquerade_exceptions": "regexp:{{/^r/ x}}"},
	"masquerade-fails": {"masquerade_domains": "example.com", "masquerade_exceptions": "root, fail:x"},
	"two":              {"canonical_maps": "inline:{{s@x = two@example.org}}, texthash:DIR/canonical", "virtual_alias_maps": "static:everybody@example.net"},
}

var mapAddresses = []string{
	"old@example.org", "OLD@Example.ORG", "user", "bare", "bare+x", "local+ext", "local+other", "delim+x@mx.example.org", "delim-x", "owner-delim", "delim-request", "postmaster+x", "double-bounce+x",
	"anybody@dom.example", "any+ext@dom.example", "any@keep.example", "loop1@x", "self@x", "chain1@x", "multi@x", "quoted@x", "q q@x", "phrase@x", "empty@x", "none@x", "route@x", "joe+ext", "joe",
	"joe@local.example.org", "joe@[127.0.0.1]", "joe@[IPv6:::1]", "joe@[::1]", "joe@local.example.org.", "bob@example.com", "s@x", "S@X", "chain3@x", "user@local.example.org", "r@x", "any@h.", "",
	"alias@local.example.org", "alias+ext@local.example.org", "list", "list@local.example.org", "tree@x", "tree2@x", "grow@x", "wide@x", "deep1@x", "x@vdom.example", "x+y@vdom.example", "z@all.example", "user+ext", "user+other",
	"dup@x", "q@x", "q r@x", "u@a.example.com", "u@example.com", "u@a.spared.example.com", "u@spared.example.com", "u@b.host.example.org", "root@a.example.com", "u@A.Example.COM", "u@aexample.com", "j\u00f6@a.example.com", "j\u00f6@dom.example",
	"a@re.example", "A@RE.Example", "UpperX@x", "bad@x", "\xff@x", "\xffa@re.example", "plus+a@b", "ia@x", "ib@x", "held@x", "+x@y", "@dom.example", "u@", "a b+c@dom.example", "\u00d6ld@x", "u@sub.example.org", "u@y.x",
}

var checkActions = []string{
	"REJECT", "REJECT no thanks", "REJECT 4.2.2 later", "REJECT 5.9.9 never", "REJECT 2.0.0 fine?", "reject 5.1", "REJECT 4.3.2", "WARN text", "WARN", "INFO x", "FILTER smtp:[1.2.3.4]", "FILTER nothing", "FILTER", "PASS", "PASS x", "DISCARD", "DISCARD y", "HOLD", "HOLD z",
	"PREPEND X-New: a", "PREPEND new", "PREPEND", "PREPEND To: joe", "REPLACE X-Other: b", "REPLACE To : joe, bob", "REPLACE plain", "REPLACE", "REPLACE Message-ID: <new@id>", "REPLACE Content-Type: multipart/mixed; boundary=q", "REDIRECT a@b", "REDIRECT a", "REDIRECT",
	"BCC x@y", "BCC alias@local.example.org", "BCC x", "BCC", "STRIP", "STRIP s", "IGNORE", "IGNORE i", "DUNNO", "OK", "nonsense", "hold", "  WARN", "WARN \t two",
}

func mapCorpus() []incomingCase {
	var cases []incomingCase
	for _, variant := range slices.Sorted(maps.Keys(mapVariants)) {
		if !strings.HasPrefix(variant, "checks") {
			addresses := mapAddresses
			if strings.HasPrefix(variant, "missing") || strings.HasSuffix(variant, "fails") {
				addresses = addresses[:6]
			}
			for i, a := range addresses {
				h := fmt.Sprintf("From: X <%s>\nTo: %s, other@example.com\nReply-To: %s\nCc: \"p\" <%s> (c)\n\nb\n", a, a, a, a)
				s := a
				if strings.HasPrefix(variant, "virtual") {
					s = "sender@example.com"
				}
				cases = append(cases,
					incomingCase{name: "as is " + a, variant: variant, req: submission{h, s, []string{a}}},
					incomingCase{name: "two " + a, variant: variant, req: submission{h, "", []string{a, mapAddresses[(i+7)%len(mapAddresses)]}}})
			}
		}
		if strings.HasPrefix(variant, "checks") || variant == "everything" {
			for i, a := range checkActions {
				next := checkActions[(i+11)%len(checkActions)]
				for _, m := range []string{
					"X-Do: " + a + "\nSubject: x\nTo: joe\n\nb\n",
					"Subject: x\nX-Do: " + a + "\nX-Do: " + next + "\n\nb\n",
					"Subject: x\n\nb\nDO " + a + "\nDO " + next + "\n\nend\n",
					"X-Do: " + a + "\n\nDO " + next + "\n",
					"Content-Description: " + a + "\nSubject: x\n\nb\n",
					"Content-Type: multipart/mixed; boundary=q\n\n--q\nContent-Description: " + a + "\nX-Mime: " + next + "\nX-Do: " + a + "\n\nDO " + a + "\n--q\nContent-Type: message/rfc822\n\nX-Nested: " + a + "\nX-Do: " + next + "\n\nDO " + next + "\n",
				} {
					cases = append(cases, incomingCase{name: "action " + a, variant: variant, req: submission{m, "s@x", []string{"r@x", "user+ext"}}})
				}
			}
			cases = append(cases,
				incomingCase{name: "held", variant: variant, req: submission{"b\n", "s@x", []string{"held@x"}}},
				incomingCase{name: "long header", variant: variant, req: submission{"X-Do: INFO " + strings.Repeat("x", 300) + "\n folded\n\nb\n", "", []string{"a b@c"}}},
				incomingCase{name: "NUL in body", variant: variant, req: submission{"\nDO REPLACE a\x00b\nDO INFO \x00\n" + strings.Repeat("y", 100) + "\nDO STRIP\n", "a b@c", []string{"r@x"}}},
				incomingCase{name: "long body line", variant: variant, req: submission{"\nDO INFO " + strings.Repeat("y", 3000), "s@x", []string{"r@x"}}})
		}
	}
	return cases
}

// TestIncomingMaps is TestIncomingCorpus for the settings with lookup tables:
// canonical, virtual alias, masquerade and bcc mappings, header and body
// checks.
func TestIncomingMaps(t *testing.T) {
	t.Parallel()
	newDuel(t, commonMain, mapVariants).run(mapCorpus())
}
