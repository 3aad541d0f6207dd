package compat

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/daemon/jail"
	"github.com/qmqpd/qmqpd/params"
)

// accountEdges are lines of passwd(5) and group(5) files alike, with what the
// manual pages do not have.
var accountEdges = []string{
	"a:x:1:1::/:/bin/sh\n", "a:x:1:1::/\n", "a:x:1:1:i\n", "a:x:1:1\n", "a:x:1:\n", "a:x:1\n", "a:x:\n", "a:x\n", "a:\n", "a\n", "a:x:1:1:::\r\n", "a:x:1:b:i:/:/bin/sh:more\n",
	" a:x:1:1:::\n", "\t\v\f\r a:x:1:1:::\n", "a :x:1:1:::\n", " : 1:1:::\n", " a : 1:1:::\n", ": 1:1:::\n", "a: 1:1:::\n", "#a:x:1:1:::\n", " #a:x:1:1:::\n",
	"a:x: 1:1:::\n", "a:x:\t\v\f\r 1: 1:::\n", "a:x:1 :1:::\n", "a:x:1:1 :::\n", "a:x:+1:+1:::\n", "a:x:-1:1:::\n", "a:x:1:-1:::\n", "a:x:-0:-0:::\n", "a:x:+ 1:1:::\n", "a:x:++1:1:::\n",
	"a:x:007:007:::\n", "a:x:0x7:7:::\n", "a:x:7x:7:::\n", "a:x:7:7x:::\n", "a:x::7:::\n", "a:x:7::::\n", "a:x:x:7:::\n", "a::7:7:::\n",
	"a:x:4294967294:1:::\n", "a:x:4294967295:1:::\n", "a:x:4294967296:1:::\n", "a:x:1:4294967295:::\n", "a:x:1:4294967296:::\n", "a:x:18446744073709551615:1:::\n", "a:x:18446744073709551616:1:::\n", "a:x:-18446744073709551615:1:::\n", "a:x:-18446744073709551616:1:::\n", "a:x:99999999999999999999999:1:::\n", "a:x:-99999999999999999999999:1:::\n",
	"+a:x:1:1:::\n", "-a:x:1:1:::\n", "+:x:1:1:::\n", "+\n", "+a\n", "+::::::\n", "+a:x::a\n", "-a:x::a\n", "+a:x:x:a\n", " +a:x:1:a\n", " +a:x::a\n", "#+a:x::a\n",
	"127.0.0.77:x:1:1::/\n", "127.0.0.77:x:1:1\n", "a:x:1:1:::\na:x:2:2:::\n", "a:x:x:1\na:x:2:2\n", "\n\n \n\ta:x:1:1\n",
	"a:x:7:b,a\n", "a:x:7: b, a ,\tc,,, d,\n", "a:x:7:,\n", "a:x:7: \n", "a:x:7: a\n", "a:x:7:a:b,c:a\n", "a:x:7:a,b:c\n", "a:x:7:aa,ba\nb:x:8:a\nc:x:7:a\n", "#b:x:9:a\n  b:x:10:a\n", "b:x:11:a \nc:x:12:a\r\n", "b:x: 13:a\nc:x:-1:a\nd:x:4294967295:a\n",
	"a:x:1:1\x00:i\n", "a\x00:x:1:1\n", "\x00a:x:1:1\n", "b:x:7:a\x00b\n", " a:x:1:1\x00\n",
	"a:x:1:1", " a:x:1:1", "  a:x:1:10", " a:x:10", " b:x:7:a", "a:x:1:1:i:/:/s", "  a:x:1:1:i:/:/s",
	"a:x:1:1:" + strings.Repeat("i", 5000) + ":/:\n", "b:x:1:1:" + strings.Repeat("i", 5000) + ":/:\na:x:1:1\n", "a:x:7:" + strings.Repeat("b,", 3000) + "a\n", strings.Repeat(" ", 3000) + "a:x:1:1\n",
}

// randomAccounts returns a few lines.
func randomAccounts(g *rand.Rand) string {
	noise := func() string {
		s := ""
		for g.IntN(3) == 0 {
			s += pickOne(g, ":", ":", "a", "b", "1", "0", "10", "4294967295", "18446744073709551617", "-", "+", " ", "\t", "\v", "\r", "#", ",", "\x00")
		}
		return s
	}
	var text strings.Builder
	for range 1 + g.IntN(8) {
		fields := []string{
			pickOne(g, "", "", "", " ", "#", "+", "-", "\t") + pickOne(g, "a", "b", "c", "") + noise(), pickOne(g, "x", ""),
			noise() + pickOne(g, "0", "1", "2", "7", "4294967295", "-1", "+3", " 4", "") + noise(),
			noise() + pickOne(g, "0", "1", "a", "b,a", " a", "a ,b", ",a", "") + noise(), noise(), noise(), noise(),
		}
		text.WriteString(strings.Join(fields[:1+g.IntN(len(fields))], ":") + pickOne(g, "\n", "\n", "\n", "\n\n", "\r\n"))
	}
	if g.IntN(4) == 0 {
		return strings.TrimRight(text.String(), "\n")
	}
	return text.String()
}

func pickOne(g *rand.Rand, from ...string) string { return from[g.IntN(len(from))] }

// TestUnixTables asks for users and groups by name, as tables of type unix, and by
// number, and for the groups of a user.
func TestUnixTables(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{})
	// postmap itself looks for the accounts of Postfix.
	usual := map[string]string{"passwd": pf.ReadFile("/etc/passwd"), "group": pf.ReadFile("/etc/group")}
	texts := slices.Clone(accountEdges)
	g := rand.New(rand.NewPCG(11, 7))
	for range 60 {
		texts = append(texts, randomAccounts(g))
	}
	for _, text := range texts {
		t.Run(fmt.Sprintf("%.60q", text), func(t *testing.T) {
			for _, file := range []string{"passwd", "group"} {
				postfix.Case(t)
				pf.WriteFile("/etc/"+file, usual[file]+text, 0o644)
				compareAccounts(t, pf, file, text)
			}
		})
	}
}

func compareAccounts(t *testing.T, pf *postfix.Instance, file, text string) {
	keys := []string{"a", "b", "c", "postfix", "root", "nobody", "nogroup", "+a", "-a", "#a", "#b", "+", " ", "a ", " a"}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if name = strings.Trim(name, " \t\v\f\r\x00"); name != "" && !strings.Contains(name, "\x00") {
			keys = append(keys, name)
		}
	}
	// Not -1, which getent does not look for.
	ids := []uint32{1, 2, 3, 4, 7, 10, 11, 13, 22, 44, 1010, 4294967294}
	spec := "unix:" + file + ".byname"
	wantAnswers, wantLog := queryPostmap(pf, spec, keys)
	type byNumber struct {
		ID   uint32
		Name string
	}
	var wantIDs, gotIDs []byNumber
	for i, id := range ids {
		r := pf.Run("/usr/bin/getent", file, strconv.FormatUint(uint64(id), 10))
		if strings.Contains(r.Stderr, "error writing") {
			ids[i] = 0 // what it has found it does not print, if a member has a colon
			continue
		}
		if name, _, ok := strings.Cut(r.Stdout, ":"); ok {
			wantIDs = append(wantIDs, byNumber{id, name})
		}
	}
	const ownGroup = 65533
	var wantGroups, gotGroups []string
	if file == "group" {
		r := pf.Run("/usr/bin/getent", "initgroups", "a")
		wantGroups = strings.Fields(strings.TrimPrefix(r.Stdout, "a"))
	}

	var gotAnswers string
	var gotLog []string
	inRoot(t, pf.Dir, func() {
		gotAnswers, gotLog = queryOurs(t, pf.Dir, spec, keys)
		accounts := params.AccountFiles{PasswdFile: "/etc/passwd", GroupFile: "/etc/group"}
		for _, id := range slices.DeleteFunc(ids, func(id uint32) bool { return id == 0 }) {
			user, found, err := accounts.UserByID(id)
			name := user.Name
			if file == "group" {
				var group params.Group
				group, found, err = accounts.GroupByID(id)
				name = group.Name
			}
			if err != nil {
				t.Error(err)
			}
			if found {
				gotIDs = append(gotIDs, byNumber{id, name})
			}
		}
		if file == "group" {
			groups, err := jail.SupplementaryGroups("/etc/group", "a", ownGroup)
			if err != nil {
				t.Error(err)
			}
			for _, id := range groups[1:] {
				gotGroups = append(gotGroups, strconv.Itoa(id))
			}
		}
	})
	if diff := cmp.Diff(wantAnswers, gotAnswers); diff != "" {
		t.Errorf("%s: answers (-postmap +ours):\n%s", spec, diff)
	}
	if diff := cmp.Diff(wantLog, gotLog); diff != "" {
		t.Errorf("%s: log (-postmap +ours):\n%s", spec, diff)
	}
	if diff := cmp.Diff(wantIDs, gotIDs); diff != "" {
		t.Errorf("%s by number (-getent +ours):\n%s", file, diff)
	}
	// getent leaves out the number that it gives itself; twins are dropped by
	// initgroups(3) or by the kernel.
	wantGroups = slices.DeleteFunc(wantGroups, func(id string) bool { return id == "4294967295" })
	gotGroups = slices.DeleteFunc(gotGroups, func(id string) bool { return id == "4294967295" })
	for _, list := range []*[]string{&wantGroups, &gotGroups} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if !slices.Equal(wantGroups, gotGroups) {
		t.Errorf("groups of a: getent %q, ours %q", wantGroups, gotGroups)
	}
}

// inRoot calls f in a thread with another root directory.
func inRoot(t testing.TB, dir string, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no more use
		done <- func() error {
			if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
				return err
			}
			old, err := os.Open("/")
			if err != nil {
				return err
			}
			defer old.Close()
			if err := syscall.Chroot(dir); err != nil {
				return err
			}
			// The first thread of a process does not end before it.
			defer func() {
				if err := errors.Join(old.Chdir(), syscall.Chroot(".")); err != nil {
					t.Error(err)
				}
			}()
			if err := syscall.Chdir("/"); err != nil {
				return err
			}
			f()
			return nil
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
