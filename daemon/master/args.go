package master

import (
	"math"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/maillog"
)

// OptionString is the option string of Postfix daemons for getopt(3).
const OptionString = "cdDi:lm:n:o:r:s:St:uvVz"

// Override is one parameter setting of the command line, in order.
type Override struct{ Name, Value string }

// Args is what the argument vector says.
type Args struct {
	Process      string     // basename of argv[0]: process_name
	Service      string     // -n NAME: service_name; Process by default
	Transport    string     // -t: as given; see ParseTransport
	HasTransport bool       // -t was given
	Chroot       bool       // -c: change root to queue_directory
	Unprivileged bool       // -u: become mail_owner
	Foreground   bool       // -d: no check for a terminal
	Debug        bool       // -D: run debugger_command
	Alone        bool       // -l: the process limit is 1; no lock file
	Unlimited    bool       // -z: there is no process limit
	Stdin        bool       // -S: the client is on stdin
	Sockets      int        // -s: number of listening sockets, 1 by default
	Overrides    []Override // -o, and -i and -m as max_idle and max_use
	Operands     []string   // words after the options; see OperandFailure
}

// NewArgs returns the state before the first option.
func NewArgs(argv0 string) *Args {
	process := basename(argv0)
	return &Args{Process: process, Service: process, Sockets: 1}
}

// Set applies one option. Options act in the order of the command line: the
// first error ends the process, and -v and -V before it have an effect on
// how it is logged. The letter must be one of OptionString; InvalidOption is
// for others and for a missing option argument.
func (a *Args) Set(letter byte, value string) error {
	switch letter {
	case 'c':
		a.Chroot = true
	case 'd':
		a.Foreground = true
	case 'D':
		a.Debug = true
	case 'i':
		a.Overrides = append(a.Overrides, Override{"max_idle", value})
	case 'l':
		a.Alone = true
	case 'm':
		a.Overrides = append(a.Overrides, Override{"max_use", value})
	case 'n':
		a.Service = value
	case 'o':
		o, problem := splitNameValue(value)
		if problem != "" {
			return maillog.FatalError("invalid \"-o %s\" option value: %s", value, problem)
		}
		a.Overrides = append(a.Overrides, o)
	case 'r':
		// It says when to retire, which this server, like the original, does not.
		if atoi(value) <= 0 {
			return maillog.FatalError("invalid retirement time: %s", value)
		}
	case 's':
		if a.Sockets = atoi(value); a.Sockets <= 0 {
			return maillog.FatalError("invalid socket_count: %s", value)
		}
	case 'S':
		a.Stdin = true
	case 't':
		a.Transport, a.HasTransport = value, true
	case 'u':
		a.Unprivileged = true
	case 'v', 'V': // for the log, at once
	case 'z':
		a.Unlimited = true
	default:
		return InvalidOption(letter)
	}
	return nil
}

// InvalidOption is the failure for an unknown option letter, and for a known
// one whose argument is missing.
func InvalidOption(letter byte) error {
	return maillog.FatalError("invalid option: %s", string([]byte{letter}))
}

// OperandFailure is the failure that the first client meets if there are
// words after the options; the original looks at them only then.
func (a *Args) OperandFailure() error {
	if len(a.Operands) == 0 {
		return nil
	}
	return maillog.FatalError("unexpected command-line argument: %s", a.Operands[0])
}

// StressAware reports whether master started this process with -o stress=,
// which it does for services that remote clients reach and that have a
// process limit above one, and whether it was in stress mode then.
func (a *Args) StressAware() (aware, stressed bool) {
	for _, o := range a.Overrides {
		if o.Name == "stress" {
			aware, stressed = true, o.Value != ""
		}
	}
	return aware, stressed
}

// Transport is how clients reach the service.
type Transport int

// The transports.
const (
	Inet Transport = iota + 1 // TCP
	Unix                      // UNIX-domain stream socket
	Pass                      // UNIX-domain socket over which connections are passed
)

// ParseTransport reads the value of -t without regard to case.
func (a *Args) ParseTransport() (Transport, error) {
	s := a.Transport
	switch {
	case !a.HasTransport:
		return 0, maillog.FatalError("no transport type specified")
	case strings.EqualFold(s, "inet"):
		return Inet, nil
	case strings.EqualFold(s, "unix"):
		return Unix, nil
	case strings.EqualFold(s, "pass"):
		return Pass, nil
	}
	return 0, maillog.FatalError("unsupported transport type: %s", s)
}

// basename returns what follows the last slash.
func basename(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

const space = " \t\n\v\f\r"

// splitNameValue splits name = value with blanks around both trimmed.
// Source: Postfix 3.10 split_nameval.c.
func splitNameValue(s string) (Override, string) {
	s = strings.TrimLeft(s, space)
	if s == "" || s[0] == '=' {
		return Override{}, "missing attribute name"
	}
	end := strings.IndexAny(s, space+"=")
	if end < 0 {
		end = len(s)
	}
	rest := strings.TrimLeft(s[end:], space)
	if rest == "" || rest[0] != '=' {
		return Override{}, "missing '=' after attribute name"
	}
	return Override{Name: s[:end], Value: strings.Trim(rest[1:], space)}, ""
}

// atoi is atoi(3): blanks, a sign, digits, and whatever follows; 64 bits
// saturated, then cut to 32.
func atoi(s string) int {
	s = strings.TrimLeft(s, space)
	negative := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		negative = s[0] == '-'
		s = s[1:]
	}
	var n int64
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		d := int64(s[i] - '0')
		if n > (math.MaxInt64-d)/10 {
			if negative {
				return 0 // the low 32 bits of the smallest number
			}
			return -1 // those of the largest
		}
		n = n*10 + d
	}
	if negative {
		n = -n
	}
	return int(int32(n))
}
