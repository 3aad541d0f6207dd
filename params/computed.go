package params

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// defaultDomain is the default of mydomain for a host name without a domain.
const defaultDomain = "localdomain"

// interfaceList is a list of addresses once it has been determined.
type interfaceList struct {
	own    []netip.Prefix
	err    error
	failed bool // err has been noted
}

// computedFrom is which parameters a computed default comes from, or may come from.
var computedFrom = map[string][]string{
	"myhostname": {"mydomain"}, // where the host's name has no domain
	"mydomain":   {"myhostname"},
	"mynetworks": {"mynetworks_style", "inet_interfaces", "inet_protocols"},
}

// computed returns the default of a parameter that depends on the host or the
// process. Source: Postfix 3.10 mail_params.c, mynetworks.c.
func (e *Effective) computed(name string) (string, bool) {
	switch name {
	case "myhostname":
		return e.ownHostname()
	case "mydomain":
		_, domain, ok := strings.Cut(e.String("myhostname"), ".")
		if !ok {
			domain = defaultDomain
		}
		return domain, true
	case "mynetworks":
		p := e.inetProtocols()
		text, err := networks(e.String("mynetworks_style"), p, logger{e.warn, e.p.Info}, func() ([]netip.Prefix, error) {
			list := e.ownInterfaces()
			return list.own, list.err
		})
		switch {
		case err == nil:
			return text, true
		case e.interfaces != nil && err == e.interfaces.err:
			e.failInterfaces()
		default:
			e.fail(name, err.Error(), err)
		}
		return "", false
	case "process_id":
		return itoa(e.p.PID), true
	case "process_name":
		return e.p.Name, true
	}
	return "", true
}

// ownHostname returns the host's name with a domain: that of the setting of
// mydomain, not of its default.
func (e *Effective) ownHostname() (string, bool) {
	name, err := ownHostname(e.p.Host, e.warn)
	if err != nil {
		e.fail("myhostname", err.Error(), err)
		return "", false
	}
	if strings.Contains(name, ".") {
		return name, true
	}
	domain := defaultDomain
	if v, ok := e.Value("mydomain"); ok {
		if domain, ok = e.expand("mydomain", v.Text); !ok {
			return "", false
		}
	}
	return name + "." + domain, true
}

// ownHostname returns the valid name of the host. Source: Postfix 3.10
// get_hostname.c.
func ownHostname(h Host, warn func(string)) (string, error) {
	if h.Hostname == nil {
		return "", hostError("gethostname: " + errUnknownHost.Error())
	}
	name, err := h.Hostname()
	if err != nil {
		return "", hostError("gethostname: " + reason(err))
	}
	if err := CheckHostname(name); err != nil {
		warn(err.Error())
		return "", hostError("unable to use my own hostname")
	}
	return name, nil
}

type hostError string

func (e hostError) Error() string { return string(e) }

// inetProtocols returns the protocols that the host has, of those in
// inet_protocols.
func (e *Effective) inetProtocols() protocols {
	if e.protocols == nil {
		p, err := parseProtocols(e.String("inet_protocols"), e.p.Host, logger{e.warn, e.p.Info})
		if err != nil {
			e.fail("inet_protocols", err.Error(), err)
		}
		e.protocols = &p
	}
	return *e.protocols
}

// Protocols tells which network protocols are in use: those in inet_protocols
// that the host has.
func (e *Effective) Protocols() (ipv4, ipv6 bool) {
	e.uses.use("inet_protocols")
	p := e.inetProtocols()
	return p.v4, p.v6
}

// ProxyInterfaces returns the addresses in proxy_interfaces, and those of the names in
// it. Addresses of a protocol that is not in use do not count; an item that is left
// without any is an error, with the text of Postfix's fatal one.
//
// Source: Postfix 3.10 own_inet_addr.c, proxy_inet_addr_init.
func (e *Effective) ProxyInterfaces() ([]netip.Addr, error) {
	var all []netip.Addr
	for _, item := range mainconf.Split(e.String("proxy_interfaces"), " \t,") {
		found := resolveInterface(item, e.p.Host, e.inetProtocols())
		if len(found) == 0 {
			return nil, errors.New("config variable proxy_interfaces: host not found: " + item)
		}
		all = append(all, found...)
	}
	return all, nil
}

// failInterfaces notes that ownInterfaces has failed. Whoever needs them, what is to be
// corrected is inet_interfaces; that is said once.
func (e *Effective) failInterfaces() {
	list := e.interfaces
	if !list.failed {
		list.failed = true
		e.fail("inet_interfaces", list.err.Error(), list.err)
	}
}

// ownInterfaces determines the addresses that inet_interfaces selects. If there
// are none, Postfix looks again each time, and says so with -v.
func (e *Effective) ownInterfaces() *interfaceList {
	if e.interfaces == nil || e.interfaces.err == nil && len(e.interfaces.own) == 0 {
		own, err := ownInterfaces(e.String("inet_interfaces"), e.p.Profile.Version, e.p.Host, e.inetProtocols(), logger{e.warn, e.p.Info})
		e.interfaces = &interfaceList{own: own, err: err}
	}
	return e.interfaces
}
