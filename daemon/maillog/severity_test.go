package maillog

import (
	"bytes"
	"log/syslog"
	"testing"
	"time"
)

// TestFacilities: names stand for what package syslog has under them.
func TestFacilities(t *testing.T) {
	for name, want := range map[string]syslog.Priority{
		"kern": syslog.LOG_KERN, "user": syslog.LOG_USER, "mail": syslog.LOG_MAIL, "daemon": syslog.LOG_DAEMON,
		"auth": syslog.LOG_AUTH, "syslog": syslog.LOG_SYSLOG, "lpr": syslog.LOG_LPR, "news": syslog.LOG_NEWS,
		"uucp": syslog.LOG_UUCP, "cron": syslog.LOG_CRON, "authpriv": syslog.LOG_AUTHPRIV, "ftp": syslog.LOG_FTP,
		"local0": syslog.LOG_LOCAL0, "local3": syslog.LOG_LOCAL3, "local7": syslog.LOG_LOCAL7,
	} {
		if got, ok := ParseFacility(name); !ok || got != Facility(want) {
			t.Errorf("%s: %d, %v, want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "foo", "Mail", "local8", "local", "local10", "security"} {
		if _, ok := ParseFacility(name); ok {
			t.Errorf("%q accepted", name)
		}
	}
}

// TestSeverities: each method logs with its own word.
func TestSeverities(t *testing.T) {
	var b bytes.Buffer
	l := New(time.Now)
	l.AddPlain(&b, "t")
	for _, logf := range []func(string, ...any){l.Infof, l.Warningf, l.Errorf, l.Fatalf, l.Panicf} {
		logf("%d", 1)
	}
	l.Logf(Error, "%d", 2)
	if want := "t: 1\nt: warning: 1\nt: error: 1\nt: fatal: 1\nt: panic: 1\nt: error: 2\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
