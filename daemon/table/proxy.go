package table

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/attr"
)

// proxyTable asks proxymap(8), which runs outside the jail. It connects when
// it is opened, by the path private/SERVICE in the working directory, if that may be
// the queue directory, or else below the queue directory; later it reconnects by the
// same path, which works inside the jail as long as it is the relative one.
// Lookups wait until the server answers, or ctx ends. Source: Postfix 3.10
// dict_proxy.c, and 3.11 for what Options.ProxyInstanceFlags is about.
type proxyTable struct {
	name string
	kind Kind
	// instance are the flags that the table was opened with, for a server that wants
	// to be told with each lookup.
	instance Flags
	told     bool  // the server wants that
	flags    Flags // of lookups
	service  string
	class    string // the folder of the socket, as messages name it
	endpoint *endpoint
	log      Logger
}

const (
	proxyOK     = 0
	proxyNoKey  = 1
	proxyRetry  = 2
	proxyBad    = 3
	proxyDeny   = 4
	proxyConfig = 5
)

const (
	proxyRequestMask = foldAny | Lock | DupReplace | DupWarn | DupIgnore | NoRegsub | NoProxy | NoUnauth | UTF8Request
	proxyImplMask    = flagFixed | flagPattern | flagMultiWriter

	proxyPause       = time.Second
	connectPause     = 10 * time.Second
	connectMaxWarned = 10
)

func openProxy(o *opening) (Table, error) {
	if o.flags&NoProxy != 0 {
		return o.set.open(o.name, o.flags)
	}
	opt := o.set.opt
	class := opt.QueueDirectory + "/private"
	if opt.InQueue {
		if _, err := os.Stat("private/" + opt.ProxymapService); err == nil {
			class = "private"
		}
	}
	t := &proxyTable{name: o.name, service: opt.ProxymapService, class: class, log: opt.Log}
	t.told, t.instance, t.flags = opt.ProxyInstanceFlags, o.flags, o.flags
	if o.utf8() {
		t.flags &^= foldAny // the key is folded here
	}
	t.endpoint = o.share("proxy", func() *endpoint {
		return &endpoint{network: "unix", address: class + "/" + opt.ProxymapService, timeout: opt.IPCTimeout, idleLimit: opt.IPCIdle, ageLimit: opt.IPCTTL, tell: t.tell}
	})
	return t, t.open(o.context())
}

// tell has the words of Postfix's mail_connect.c and clnt_stream.c.
func (t *proxyTable) tell(log Logger, _ string, began bool) {
	if began {
		log.Infof("connect to subsystem %s/%s", t.class, t.service)
	} else {
		log.Infof("%s stream disconnect", t.service)
	}
}

func (t *proxyTable) Type() string { return "proxy" }
func (t *proxyTable) Name() string { return t.name }
func (t *proxyTable) Kind() Kind   { return t.kind }
func (t *proxyTable) Close() error { return nil }

// open asks for the kind of the table, for as long as it takes.
func (t *proxyTable) open(ctx context.Context) error {
	log := tracer(ctx)
	request := t.request("open")
	if !t.told {
		request = attr.AppendUint(request, "flags", uint64(t.flags&^(proxyRequestMask|proxyImplMask)))
	}
	for {
		var status, flags uint32
		l, problem, err := t.exchange(ctx, attr.AppendEnd(request), attr.Uint32("status", &status), attr.Uint32("flags", &flags))
		ok := l != nil
		if ok && log != nil {
			log.Infof("dict_proxy_open: connect to map=%s status=%d server_flags=%s", t.name, int32(status), Flags(flags))
		}
		t.release(l, status == proxyOK || status == proxyBad || status == proxyDeny)
		switch {
		case err != nil:
			return err
		case !ok:
			// Even if there was no system error.
			if log != nil || !wentAway(problem) {
				t.log.Warningf("dict_proxy_open: service %s: %s", t.service, netError(problem))
			}
			t.endpoint.tellEnd(ctx)
		case status == proxyOK:
			if Flags(flags)&flagFixed == 0 {
				t.kind = Pattern
			}
			if t.told {
				// Among them are the properties of the table, which the server takes
				// from each request.
				t.flags = Flags(flags)
			}
			return nil
		case status == proxyBad:
			return t.refused(t.service + " open failed for table \"" + t.name + "\": invalid request")
		case status == proxyDeny:
			return t.refused(t.notConfigured())
		default:
			t.log.Warningf("%s open failed for table \"%s\": unexpected status %d", t.service, t.name, int32(status))
			t.endpoint.tellEnd(ctx)
		}
		if err := pause(ctx, proxyPause); err != nil {
			return err
		}
	}
}

func (t *proxyTable) Lookup(ctx context.Context, key string) (string, bool, error) {
	log := tracer(ctx)
	request := t.request("lookup")
	request = attr.AppendUint(request, "flags", uint64(t.flags))
	request = attr.AppendString(request, "key", key)
	request = attr.AppendEnd(request)
	for count := 1; ; count++ {
		var status, flags uint32
		var value string
		wants := []attr.Want{attr.Uint32("status", &status), attr.Uint32("flags", &flags), attr.String("value", &value)}
		if !t.told {
			wants = slices.Delete(wants, 1, 2)
		}
		l, problem, err := t.exchange(ctx, request, wants...)
		ok := l != nil
		if ok && log != nil {
			log.Infof("dict_proxy_lookup: table=%s flags=%s key=%s -> status=%d result=%s", t.name, t.flags, key, int32(status), value)
		}
		t.release(l, status <= proxyConfig)
		switch {
		case err != nil:
			return "", false, t.failed(err)
		case !ok:
			if log != nil || count > 1 || problem != nil && !wentAway(problem) {
				t.log.Warningf("dict_proxy_lookup: service %s: %s", t.service, netError(problem))
			}
			t.endpoint.tellEnd(ctx)
		case status == proxyOK:
			return value, true, nil
		case status == proxyNoKey:
			return "", false, nil
		case status == proxyRetry:
			return "", false, &Error{Class: Retry, Type: "proxy", Name: t.name, Text: "proxy:" + t.name + ": temporary error"}
		case status == proxyConfig:
			return "", false, &Error{Class: Config, Type: "proxy", Name: t.name, Text: "proxy:" + t.name + ": configuration error"}
		case status == proxyBad:
			return "", false, fatalError(t.service+" lookup failed for table \""+t.name+"\" key \""+key+"\": invalid request", nil)
		case status == proxyDeny:
			return "", false, fatalError(t.notConfigured(), nil)
		default:
			t.log.Warningf("%s lookup failed for table \"%s\" key \"%s\": unexpected reply status %d", t.service, t.name, key, int32(status))
			t.endpoint.tellEnd(ctx)
		}
		if err := pause(ctx, proxyPause); err != nil {
			return "", false, t.failed(err)
		}
	}
}

func (t *proxyTable) request(what string) []byte {
	request := attr.AppendString(attr.AppendString(nil, "request", what), "table", t.name)
	if t.told {
		request = attr.AppendUint(request, "instance_flags", uint64(t.instance))
	}
	return request
}

func (t *proxyTable) notConfigured() string {
	return t.service + " service is not configured for table \"" + t.name + "\""
}

// refused is the error for a table that the server does not open: Postfix 3.11 takes
// it for unavailable, older ones end.
func (t *proxyTable) refused(reason string) error {
	if t.told {
		return &cannotOpen{reason: reason}
	}
	return fatalError(reason, nil)
}

// failed keeps the class of an error that has one.
func (t *proxyTable) failed(err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	return &Error{Class: Retry, Type: "proxy", Name: t.name, Text: "proxy:" + t.name + ": " + err.Error(), Err: err}
}

// wentAway tells the errors of a server that was restarted, which are common.
func wentAway(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ENOENT)
}

// release keeps the connection of an exchange, if there was one, when the reply was
// understood. Otherwise the next request has a new one.
func (t *proxyTable) release(l *link, understood bool) {
	switch {
	case l == nil:
	case understood:
		// What came with the reply is lost, as before a request; it is no reason for
		// another connection.
		_, _ = l.reader.Discard(l.reader.Buffered())
		t.endpoint.put(l)
	default:
		l.drop()
	}
}

// exchange sends a request and reads the reply. It returns the connection, or none
// when the server could not be talked to, for the reason given; err ends the lookup.
func (t *proxyTable) exchange(ctx context.Context, request []byte, wants ...attr.Want) (l *link, problem, err error) {
	l, err = t.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	reader := attr.NewReader(l.reader, t.class+"/"+t.service+" socket")
	log := tracer(ctx)
	if log != nil {
		reader.Trace = log.Infof
	}
	good := true
	if l.fresh {
		n, warnings := reader.Scan(attr.Equal("protocol", "proxymap_protocol"))
		t.warnAll(warnings)
		good = n == 0 // an attribute too many, or another one, does no harm
	}
	if good {
		if log != nil {
			traceRequest(log, request)
		}
		// What the server said unasked is lost when Postfix writes.
		_, _ = l.reader.Discard(l.reader.Buffered())
		if _, problem = l.Write(request); problem == nil {
			n, warnings := reader.Scan(wants...)
			t.warnAll(warnings)
			if n == len(wants) {
				return l, nil, nil
			}
			problem = l.failure
		}
	}
	l.drop()
	return nil, problem, ctx.Err()
}

// traceRequest tells of each attribute of a request: names and values that end in
// NUL, and a NUL.
func traceRequest(log Logger, request []byte) {
	words := strings.Split(string(request), "\x00")
	for i := 0; i+1 < len(words) && words[i] != ""; i += 2 {
		log.Infof("send attr %s = %s", words[i], words[i+1])
	}
}

func (t *proxyTable) warnAll(warnings []string) {
	for _, text := range warnings {
		t.log.Warningf("%s", text)
	}
}

// connect waits for the service to come up, as long as Postfix would. Source:
// Postfix 3.10 mail_connect.c, mail_connect_wait.
func (t *proxyTable) connect(ctx context.Context) (*link, error) {
	for count := 1; ; count++ {
		l, err := t.endpoint.get(ctx)
		if err == nil {
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if ClassOf(err) == Fatal {
			return nil, err
		}
		if log := tracer(ctx); log != nil {
			log.Infof("connect to subsystem %s/%s: %s", t.class, t.service, netError(err))
		}
		text := "connect #" + decimal(count) + " to subsystem " + t.class + "/" + t.service + ": " + netError(err)
		if count > connectMaxWarned {
			return nil, fatalError(text, err)
		}
		t.log.Warningf("%s", text)
		if err := pause(ctx, connectPause); err != nil {
			return nil, err
		}
	}
}
