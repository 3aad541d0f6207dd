package hostname

import (
	"strings"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// status is the outcome of one name service.
type status int

const (
	success status = iota
	notFound
	unavailable
	tryAgain
	statuses
)

// action is what is done after the outcome of a name service.
type action int

const (
	goOn action = iota
	stop
	// merge puts together the results of two services. That cannot be done with
	// hosts: a success counts for nothing then.
	merge
)

// service is one word of the hosts line of nsswitch.conf, with what to do after
// each outcome.
type service struct {
	name    string
	actions [statuses]action
}

// ends tells whether the next service is not asked. The loops of the C library differ in
// what merge means without a result: strict is the one of getaddrinfo(3) itself, or of
// any about a service that is not there.
func (s service) ends(st status, strict bool) bool {
	a := s.actions[st]
	return a == stop || a == merge && (strict || st == success)
}

// order is what nsswitch.conf says about hosts.
type order struct {
	services []service // others than files, dns and myhostname count as not installed
	bad      bool      // cannot be understood; every lookup fails
}

// readOrder reads nsswitch.conf. Without a hosts line the order is files, then
// dns.
func readOrder(path string) order {
	b, err := directfile.ReadFile(path)
	line := "files dns"
	if err == nil {
		for l := range strings.Lines(string(b)) {
			l = strings.TrimLeft(strings.TrimRight(l, "\n"), " \t")
			name, rest, ok := strings.Cut(l, ":")
			if ok && strings.TrimRight(name, " \t") == "hosts" {
				line = rest // the last one counts
			}
		}
	}
	return parseOrder(line)
}

func parseOrder(line string) order {
	var o order
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return o
		}
		end := strings.IndexAny(line, " \t[")
		if end < 0 {
			end = len(line)
		}
		if end == 0 {
			return order{} // actions without a service
		}
		s := service{name: line[:end]}
		s.actions[success] = stop
		line = strings.TrimLeft(line[end:], " \t")
		for strings.HasPrefix(line, "[") {
			actions, rest, ok := strings.Cut(line[1:], "]")
			if !ok || !s.act(actions) {
				return order{bad: true}
			}
			line = strings.TrimLeft(rest, " \t")
		}
		o.services = append(o.services, s)
	}
}

// act applies STATUS=ACTION words; !STATUS means all the others.
func (s *service) act(actions string) bool {
	words := strings.Fields(actions)
	for _, word := range words {
		word, not := strings.CutPrefix(word, "!")
		name, reaction, ok := strings.Cut(word, "=")
		if !ok {
			return false
		}
		var which status
		switch strings.ToLower(name) {
		case "success":
			which = success
		case "notfound":
			which = notFound
		case "unavail":
			which = unavailable
		case "tryagain":
			which = tryAgain
		default:
			return false
		}
		var then action
		switch strings.ToLower(reaction) {
		case "return":
			then = stop
		case "merge":
			then = merge
		case "continue":
		default:
			return false
		}
		for st := range statuses {
			if (st == which) != not {
				s.actions[st] = then
			}
		}
	}
	return len(words) > 0
}
