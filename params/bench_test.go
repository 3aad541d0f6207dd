package params

import (
	"testing"

	"github.com/qmqpd/qmqpd/mainconf"
)

// BenchmarkReadCommon is what a daemon does at each start, without asking the
// system.
func BenchmarkReadCommon(b *testing.B) {
	doc, err := mainconf.ParseMain("main.cf", []byte("myhostname = mail.example.com\nmydestination = $myhostname, localhost\ncompatibility_level = 3.10\n"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		e := New(Process{Main: doc, Name: "qmqpd", PID: 77, Host: testHost()})
		if _, err := e.ReadCommon(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSystemHost is what the system is asked.
func BenchmarkSystemHost(b *testing.B) {
	h := SystemHost(b.Context(), nil)
	for b.Loop() {
		h.Interfaces()
		h.Hostname()
		h.Unsupported(true)
		h.Unsupported(false)
		h.Accounts.User("postfix")
		h.Accounts.Group("postdrop")
	}
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		DefaultProfile().Lookup("qmqpd_timeout")
	}
}

func BenchmarkParams(b *testing.B) {
	for b.Loop() {
		n := 0
		for range DefaultProfile().Params {
			n++
		}
	}
}
