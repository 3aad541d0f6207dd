package hostname

import (
	"slices"
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

// databases are the words of nsswitch.conf that the C library knows.
var databases = []string{
	"aliases", "ethers", "group", "group_compat", "gshadow", "hosts", "initgroups", "netgroup", "networks", "passwd",
	"passwd_compat", "protocols", "publickey", "rpc", "services", "shadow", "shadow_compat",
}

// readOrder reads nsswitch.conf. Without a hosts line the order is files, then
// dns. A mistake in the line of any database spoils them all; a last line without
// its end is not read. Source: glibc nss_database.c, process_line.
func readOrder(path string) order {
	o := parseOrder("files dns")
	b, err := directfile.ReadFile(path)
	if err != nil {
		return o
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		line, _, _ = strings.Cut(line, "\x00")
		line = strings.TrimLeft(line, confBlanks)
		end := strings.IndexAny(line, confBlanks+":")
		if end <= 0 || !slices.Contains(databases, line[:end]) {
			continue
		}
		parsed := parseOrder(strings.TrimLeft(line[end:], confBlanks+":"))
		switch {
		case parsed.bad:
			return parsed
		case line[:end] == "hosts":
			o = parsed // the last one counts
		}
	}
	return o
}

// orderText is what is left of a line.
type orderText string

func (t *orderText) skipBlanks() { *t = orderText(strings.TrimLeft(string(*t), confBlanks)) }

// word takes what is before the next blank or stop, and the blanks after it.
func (t *orderText) word(stops string) string {
	end := strings.IndexAny(string(*t), confBlanks+stops)
	if end < 0 {
		end = len(*t)
	}
	word := string(*t)[:end]
	*t = (*t)[end:]
	t.skipBlanks()
	return word
}

// sign takes one character, and the blanks after it.
func (t *orderText) sign(c string) bool {
	rest, ok := strings.CutPrefix(string(*t), c)
	if ok {
		*t = orderText(rest)
		t.skipBlanks()
	}
	return ok
}

// parseOrder reads services, each of which may have actions in brackets. Source: glibc
// nss_action_parse.c.
func parseOrder(line string) order {
	var o order
	t := orderText(line)
	t.skipBlanks()
	for {
		s := service{name: t.word("[")}
		if s.name == "" {
			return o // nothing more, or actions of nobody
		}
		s.actions[success] = stop
		if t.sign("[") {
			for first := true; first || !t.sign("]"); first = false {
				if !s.act(&t) {
					return order{bad: true}
				}
			}
		}
		o.services = append(o.services, s)
	}
}

// act takes and applies one STATUS=ACTION; !STATUS means all the others.
func (s *service) act(t *orderText) bool {
	rest, not := strings.CutPrefix(string(*t), "!")
	*t = orderText(rest)
	which, ok := byName(t.word("=]"), map[string]status{"success": success, "notfound": notFound, "unavail": unavailable, "tryagain": tryAgain})
	if !ok || !t.sign("=") {
		return false
	}
	then, ok := byName(t.word("=]"), map[string]action{"return": stop, "merge": merge, "continue": goOn})
	if !ok {
		return false
	}
	for st := range statuses {
		if (st == which) != not {
			s.actions[st] = then
		}
	}
	return true
}

// byName finds a value whatever the case of the name.
func byName[T any](name string, values map[string]T) (value T, ok bool) {
	for n, v := range values {
		if equalNames(n, name) {
			return v, true
		}
	}
	return value, false
}
