package daemon

import (
	"cmp"
	"net"
	"strconv"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// sessionsParameter is our own parameter: how many sessions one process has at
// once. 0, the default, is as many as the service's process limit; 1 is one
// process for each session, as stock has it.
const sessionsParameter = "qmqpd_sessions_per_process"

// memoryParameter is another one of our own: how many bytes the messages of all
// sessions of a process hold in memory together, default defaultMessageMemory.
// What goes beyond that waits in files.
const memoryParameter = "qmqpd_message_memory"

// limits say how many sessions there may be at once.
type limits struct {
	sessions int // in this process
	service  int // in all processes of the service; 0 is no limit
	// private tells the socket of a unix service from a public one.
	private bool
}

// findLimits finds the service's process limit, which master(8) tells its children
// only where it is 1 or none. The others look into master.cf, as master did;
// where the entry cannot be found, this process has one session at a time.
func (r *run) findLimits() (limits, error) {
	wanted, err := sessionsPerProcess(r.effective)
	switch {
	case err != nil:
		return limits{}, err
	case wanted == 1 || r.args.Alone || r.args.Stdin:
		return limits{sessions: 1}, nil
	}
	var l limits
	if !r.args.Unlimited {
		found := false
		if l, found = r.masterEntry(); !found || l.service == 1 {
			return limits{sessions: 1}, nil
		}
	}
	l.sessions = l.service
	if most := master.OpenFilesBound(); l.sessions == 0 || l.sessions > most {
		l.sessions = most
	}
	if wanted > 0 {
		l.sessions = min(l.sessions, wanted)
	}
	return l, nil
}

func sessionsPerProcess(eff *params.Effective) (int, error) {
	n, err := ownNumber(eff, sessionsParameter, 0, strconv.IntSize)
	return int(n), err
}

func messageMemory(eff *params.Effective) (int64, error) {
	return ownNumber(eff, memoryParameter, defaultMessageMemory, 64)
}

// ownNumber reads a parameter of our own, which is a number of so many bits that is
// not negative.
func ownNumber(eff *params.Effective, name string, otherwise int64, bits int) (int64, error) {
	text := eff.Expand("$" + name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, bits)
	switch {
	case err != nil:
		return 0, aboutSetting(name, maillog.FatalError("bad numerical configuration: %s = %s", name, text))
	case n < 0:
		return 0, aboutSetting(name, maillog.FatalError("invalid %s parameter value %d < 0", name, n))
	}
	return n, nil
}

// masterEntry looks the service up in master.cf. The last entry counts, as it
// does for master(8).
func (r *run) masterEntry() (limits, bool) {
	data, _, err := readFile(r.settings.ConfigDir + "/master.cf")
	if err != nil {
		return limits{}, false
	}
	// An entry that is wrong is left out; master has complained about it.
	doc, _ := mainconf.ParseMaster("", data)
	services := doc.Lookup(r.args.Service, strings.ToLower(r.args.Transport))
	if len(services) == 0 {
		return limits{}, false
	}
	last := services[len(services)-1]
	l := limits{private: last.Field(mainconf.FieldPrivate) != "n"}
	field := last.Field(mainconf.FieldProcessLimit)
	if field == "-" {
		l.service = r.effective.Int("default_process_limit")
		return l, true
	}
	l.service, err = strconv.Atoi(field)
	return l, err == nil
}

// internalName is what master(8) calls the service in its warnings. Source:
// Postfix 3.10 master_ent.c, get_master_ent.
func (r *run) internalName() string {
	if !strings.EqualFold(r.args.Transport, "inet") {
		if r.limits.private {
			return "private/" + r.args.Service
		}
		return "public/" + r.args.Service
	}
	host, port := "", r.args.Service
	if i := strings.LastIndexByte(port, ':'); i >= 0 {
		host, port = strings.Trim(port[:i], "[]"), port[i+1:]
	}
	port = cmp.Or(r.effective.TCPPorts()[port], port)
	if n, err := net.LookupPort("tcp", port); err == nil {
		port = strconv.Itoa(n)
	}
	if host == "" {
		return port
	}
	return "[" + host + "]:" + port
}
