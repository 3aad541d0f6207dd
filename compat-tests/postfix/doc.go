// Package postfix gives a test a real Postfix of its own.
//
// compat-tests/setup-postfix makes the template, a small Debian with Postfix
// in a cache folder outside the source tree. New copies it by hard links into
// a private root, where a test may write main.cf and master.cf, exchange
// daemons for ours, run commands by chroot(2), start a real master(8), and
// read what is sent to /dev/log. Nothing outside the private root is touched,
// and a process is only ever ended by its id.
//
// Where there is no template (not Debian, not root, never set up) the calling
// test is skipped with one line; with REQUIRE_POSTFIX=1 in the environment it
// fails instead.
//
//	func TestSomething(t *testing.T) {
//		pf := postfix.New(t, postfix.Options{})
//		pf.AppendMain("soft_bounce = yes")
//		out := pf.MustRun("/usr/sbin/postconf", "-h", "soft_bounce")
//		...
//	}
package postfix
