package master

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/daemon/maillog"
)

type option struct {
	letter byte
	value  string
}

func TestArgs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []option
		want    Args
		failure string
	}{
		{"none", nil, Args{Process: "qmqpd", Service: "qmqpd", Sockets: 1}, ""},
		{"as master does", []option{{'n', "16283"}, {'t', "inet"}, {'u', ""}, {'o', "stress="}, {'s', "2"}},
			Args{Process: "qmqpd", Service: "16283", Transport: "inet", HasTransport: true, Unprivileged: true, Sockets: 2,
				Overrides: []Override{{"stress", ""}}}, ""},
		{"everything", []option{{'c', ""}, {'d', ""}, {'D', ""}, {'i', "5"}, {'l', ""}, {'m', "7"}, {'o', " a = b c "}, {'r', "1x"}, {'S', ""}, {'v', ""}, {'v', ""}, {'V', ""}, {'z', ""}},
			Args{Process: "qmqpd", Service: "qmqpd", Sockets: 1, Chroot: true, Foreground: true, Debug: true, Alone: true,
				Stdin: true, Unlimited: true,
				Overrides: []Override{{"max_idle", "5"}, {"max_use", "7"}, {"a", "b c"}}}, ""},
		{"-o foo", []option{{'o', "foo"}}, Args{}, `invalid "-o foo" option value: missing '=' after attribute name`},
		{"-o =x", []option{{'o', "=x"}}, Args{}, `invalid "-o =x" option value: missing attribute name`},
		{"-o empty", []option{{'o', "  "}}, Args{}, `invalid "-o   " option value: missing attribute name`},
		{"-o blank in name", []option{{'o', "a b = c"}}, Args{}, `invalid "-o a b = c" option value: missing '=' after attribute name`},
		{"-o value with equals", []option{{'o', "a==\tb="}}, Args{Process: "qmqpd", Service: "qmqpd", Sockets: 1, Overrides: []Override{{"a", "=\tb="}}}, ""},
		{"-r 0", []option{{'r', "0"}}, Args{}, "invalid retirement time: 0"},
		{"-r word", []option{{'r', "x1"}}, Args{}, "invalid retirement time: x1"},
		{"-s 0", []option{{'s', "0"}}, Args{}, "invalid socket_count: 0"},
		{"-s too large", []option{{'s', "99999999999999999999"}}, Args{}, "invalid socket_count: 99999999999999999999"},
		{"-s negative", []option{{'s', " -3"}}, Args{}, "invalid socket_count:  -3"},
		{"unknown", []option{{'x', ""}}, Args{}, "invalid option: x"},
		{"first error counts", []option{{'s', "z"}, {'x', ""}}, Args{}, "invalid socket_count: z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := NewArgs("/usr/lib/postfix/sbin/qmqpd")
			var err error
			for _, o := range tt.options {
				if err = a.Set(o.letter, o.value); err != nil {
					break
				}
			}
			if tt.failure != "" {
				wantFailure(t, err, tt.failure)
				return
			}
			if d := cmp.Diff(&tt.want, a); err != nil || d != "" {
				t.Error(err, d)
			}
		})
	}
}

func wantFailure(t *testing.T, err error, text string) {
	t.Helper()
	var f *maillog.Failure
	if !errors.As(err, &f) || f.Text != text || f.Severity != maillog.Fatal {
		t.Errorf("got %#v, want fatal %q", err, text)
	}
}

func TestOperands(t *testing.T) {
	a := NewArgs("qmqpd")
	if err := a.OperandFailure(); err != nil {
		t.Error(err)
	}
	a.Operands = []string{"foo", "bar"}
	wantFailure(t, a.OperandFailure(), "unexpected command-line argument: foo")
}

func TestStressAware(t *testing.T) {
	for _, tt := range []struct {
		value           []string
		aware, stressed bool
	}{{nil, false, false}, {[]string{"stress="}, true, false}, {[]string{"stress=yes"}, true, true}, {[]string{"stress=yes", "stress="}, true, false}, {[]string{"a=yes"}, false, false}, {[]string{"stress=yes", "a="}, true, true}} {
		a := NewArgs("qmqpd")
		for _, v := range tt.value {
			if err := a.Set('o', v); err != nil {
				t.Fatal(err)
			}
		}
		if aware, stressed := a.StressAware(); aware != tt.aware || stressed != tt.stressed {
			t.Errorf("%q: %v %v", tt.value, aware, stressed)
		}
	}
}

func TestAtoi(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "x": 0, "-": 0, "+": 0, "0": 0, "7": 7, " \t\n\v\f\r7": 7, "+7": 7, "-7": -7, "--7": 0, "+-7": 0, "- 7": 0,
		"12x3": 12, "1 2": 1, "0x10": 0, "2147483647": 1<<31 - 1, "2147483648": -1 << 31, "4294967297": 1, "-4294967297": -1,
		"9223372036854775807": -1, "9223372036854775808": -1, "92233720368547758070": -1,
		"-9223372036854775807": 1, "-9223372036854775808": 0, "-9223372036854775809": 0,
	} {
		if got := atoi(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestTransport(t *testing.T) {
	for _, tt := range []struct {
		value   string
		want    Transport
		failure string
	}{
		{"inet", Inet, ""}, {"INET", Inet, ""}, {"unix", Unix, ""}, {"Pass", Pass, ""},
		{"fifo", 0, "unsupported transport type: fifo"}, {"", 0, "unsupported transport type: "},
	} {
		a := NewArgs("qmqpd")
		if err := a.Set('t', tt.value); err != nil {
			t.Fatal(err)
		}
		got, err := a.ParseTransport()
		if tt.failure != "" {
			wantFailure(t, err, tt.failure)
		} else if err != nil || got != tt.want {
			t.Errorf("%s: %v %v", tt.value, got, err)
		}
	}
	_, err := NewArgs("qmqpd").ParseTransport()
	wantFailure(t, err, "no transport type specified")
}

func TestGeneration(t *testing.T) {
	for _, tt := range []struct {
		value   string
		want    uint32
		failure string
	}{
		{"17", 15, ""}, {"0", 0, ""}, {"18", 1, ""}, {"181", 1, ""}, {"7_1", 0, "bad generation: 7_1"}, {"7:", 0, "bad generation: 7:"}, {"7/", 0, "bad generation: 7/"}, {"9", 0, ""}, {"37777777777", 0xffffffff, ""},
		{"40000000001", 1, ""}, {"777777777777777777777777777", 0xffffffff, ""},
		{"", 0, "bad generation: "}, {"9x", 0, "bad generation: 9x"}, {"-1", 0, "bad generation: -1"},
	} {
		got, err := ParseGeneration(Environ{Generation: tt.value, HasGeneration: true})
		if tt.failure != "" {
			wantFailure(t, err, tt.failure)
		} else if err != nil || got != tt.want {
			t.Errorf("%s: %d %v, want %d", tt.value, got, err, tt.want)
		}
	}
	if got, err := ParseGeneration(Environ{}); got != 0 || err != nil {
		t.Error(got, err)
	}
}

func TestEnviron(t *testing.T) {
	env := map[string]string{"MAIL_CONFIG": "/c", "MAIL_LOGTAG": "postfix", "GENERATION": "7", "POSTLOG_SERVICE": "/s", "POSTLOG_HOSTNAME": "h", "MAIL_VERBOSE": "", "TZ": ""}
	got := ReadEnviron(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	want := Environ{ConfigDir: "/c", HasConfigDir: true, LogTag: "postfix", HasLogTag: true, Generation: "7", HasGeneration: true, PostlogService: "/s", PostlogHostname: "h", Verbose: true, HasTimeZone: true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	env = map[string]string{"MAIL_DEBUG": "", "TZ": "UTC", "TZDIR": "/z"}
	got = ReadEnviron(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if d := cmp.Diff(Environ{Debug: true, TimeZone: "UTC", HasTimeZone: true, TimeZoneDir: "/z"}, got); d != "" {
		t.Error(d)
	}
}
