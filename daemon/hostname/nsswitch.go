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

// service is one word of the hosts line of nsswitch.conf, with what to do after
// each outcome.
type service struct {
	name string
	end  [statuses]bool
}

func (s service) ends(st status) bool { return s.end[st] }

// order is what nsswitch.conf says about hosts.
type order struct {
	services []service // others than files and dns count as not installed
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
		s.end[success] = true
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
		name, action, ok := strings.Cut(word, "=")
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
		var end bool
		switch strings.ToLower(action) {
		case "return":
			end = true
		case "continue", "merge": // there is nothing to merge for hosts
		default:
			return false
		}
		for st := range statuses {
			if (st == which) != not {
				s.end[st] = end
			}
		}
	}
	return len(words) > 0
}
