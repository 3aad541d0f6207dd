package accountfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzAccounts: what is read of any text, written as the manual pages have it, is read
// as the same again; and a user is in those groups that list him.
func FuzzAccounts(f *testing.F) {
	for _, text := range []string{
		"", "root:x:0:0:root:/root:/bin/sh\npostfix:x:101:103::/var/spool/postfix:/usr/sbin/nologin\n", " a:x:1:2", "a:x: +1:-0\n#b:x:1:1\n+c::::::\n",
		"g:x:5:postfix, a,b\n+:::postfix\n#g:x:6:postfix\n", "a:x:1:1\x00\nb:x:4294967296:1\n:x:7:7", "a:x:1:1:i:d:s:more\r\n",
	} {
		f.Add(text, "postfix")
	}
	f.Fuzz(func(t *testing.T, text, user string) {
		// A look-up may see the end of such a line twice, which initgroups(3) does not.
		doubled := strings.Contains(text, "\x00") || !strings.HasSuffix(text, "\n")
		for u := range Users(text) {
			line := fmt.Sprintf("%s:%s:%d:%d:%s:%s:%s\n", u.Name, u.Password, u.UID, u.GID, u.Info, u.Dir, u.Shell)
			if again := slices.Collect(Users(line)); len(again) != 1 || again[0] != u {
				t.Errorf("%q is read as %+v, from %+v", line, again, u)
			}
		}
		for g := range Groups(text) {
			line := fmt.Sprintf("%s:%s:%d:%s\n", g.Name, g.Password, g.GID, g.members)
			if again := slices.Collect(Groups(line)); len(again) != 1 || again[0] != g {
				t.Errorf("%q is read as %+v, from %+v", line, again, g)
			}
			if doubled {
				continue
			}
			if members := slices.Collect(g.Members()); slices.Contains(members, user) && !slices.Contains(slices.Collect(GroupsOf(text, user)), g.GID) {
				t.Errorf("%q is in %+v, but GroupsOf does not say so", user, g)
			}
		}
	})
}
