package params

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params/hosttext"
)

// logger takes what Postfix logs: warnings, and what it tells only with -v.
type logger struct{ warn, verbose func(string) }

func (l logger) info(text string) {
	if l.verbose != nil {
		l.verbose(text)
	}
}

// protocols is the value of inet_protocols.
type protocols struct{ v4, v6 bool }

func (p protocols) none() bool { return !p.v4 && !p.v6 }

func (p protocols) has(a netip.Addr) bool {
	if a.Is4() {
		return p.v4
	}
	return p.v6
}

// parseProtocols reads inet_protocols and asks the host which protocols it
// has. Source: Postfix 3.10 inet_proto.c.
func parseProtocols(text string, host Host, log logger) (protocols, error) {
	var p protocols
	for _, word := range mainconf.SplitList(text) {
		switch word {
		case "all":
			p = protocols{v4: true, v6: true}
		case "ipv4":
			p.v4 = true
		case "ipv6":
			p.v6 = true
		default:
			return protocols{}, errors.New("unknown inet_protocols value \"" + word + "\" in \"" + text + "\"")
		}
		log.info("name_mask: " + word)
	}
	for _, family := range []struct {
		name   string
		v6     bool
		wanted *bool
	}{{"IPv6", true, &p.v6}, {"IPv4", false, &p.v4}} {
		if !*family.wanted || host.Unsupported == nil {
			continue
		}
		err := host.Unsupported(family.v6)
		switch {
		case err == nil:
		case errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EPROTONOSUPPORT):
			log.warn("inet_protocols: disabling " + family.name + " name/address support: " + reason(err))
			*family.wanted = false
		default:
			return protocols{}, errors.New("socket: " + reason(err))
		}
	}
	return p, nil
}

// localInterfaces returns the host's addresses: IPv4 before IPv6. Source:
// Postfix 3.10 inet_addr_local.c.
func localInterfaces(host Host, p protocols, log logger) ([]netip.Prefix, error) {
	if host.Interfaces == nil {
		return nil, errUnknownHost
	}
	all, err := host.Interfaces()
	if err != nil {
		return nil, errors.New("inet_addr_local[getifaddrs]: getifaddrs: " + reason(err))
	}
	var local []netip.Prefix
	for _, v4 := range [...]bool{true, false} {
		count := 0
		for _, a := range all {
			if a.Addr().Is4() == v4 && p.has(a.Addr()) {
				local = append(local, a)
				count++
			}
		}
		switch {
		case v4 && p.v4:
			log.info("inet_addr_local: configured " + itoa(count) + " IPv4 addresses")
		case !v4 && p.v6:
			log.info("inet_addr_local: configured " + itoa(count) + " IPv6 addresses")
		}
	}
	if len(local) == 0 {
		return nil, errors.New("could not find any active network interfaces")
	}
	return local, nil
}

// ownInterfaces returns the addresses that inet_interfaces selects, with their
// netmasks. Source: Postfix 3.10 own_inet_addr.c.
func ownInterfaces(text string, v Version, host Host, p protocols, log logger) ([]netip.Prefix, error) {
	if p.none() {
		log.info("skipping inet_interfaces setting - all network protocols are disabled")
		return nil, nil
	}
	switch text {
	case "all":
		return localInterfaces(host, p, log)
	case "loopback-only":
		local, err := localInterfaces(host, p, log)
		return slices.DeleteFunc(local, func(a netip.Prefix) bool { return !a.Addr().IsLoopback() }), err
	}
	var wanted []netip.Addr
	for _, item := range mainconf.Split(text, " \t,") {
		found := resolveInterface(item, host, p)
		if len(found) == 0 {
			return nil, errors.New("config variable inet_interfaces: host not found: " + item)
		}
		for _, a := range found {
			// Stock compares without the zone.
			wanted = append(wanted, a.WithZone(""))
		}
	}
	// Stock sorts to find duplicates.
	mergeSort(wanted, addressOrder(v))
	wanted = slices.Compact(wanted)
	local, err := localInterfaces(host, p, log)
	if err != nil {
		return nil, err
	}
	var own []netip.Prefix
	for _, a := range wanted {
		i := slices.IndexFunc(local, func(l netip.Prefix) bool { return l.Addr().WithZone("") == a })
		if i < 0 {
			return nil, errors.New("parameter inet_interfaces: no local interface found for " + hosttext.Addr(a))
		}
		own = append(own, netip.PrefixFrom(a, local[i].Bits()))
	}
	return own, nil
}

// addressOrder returns how a version compares the addresses of inet_interfaces.
// Source: Postfix 3.10 sock_addr.c.
func addressOrder(v Version) func(a, b netip.Addr) int {
	var fixed bool
	switch {
	case v >= 3_11_00:
		fixed = v >= 3_11_06
	case v >= 3_10_00:
		fixed = v >= 3_10_13
	case v >= 3_09_00:
		fixed = v >= 3_09_14
	case v >= 3_08_00:
		fixed = v >= 3_08_20
	default:
		fixed = v >= 3_07_22
	}
	if fixed {
		return netip.Addr.Compare
	}
	// Before, the difference of two IPv4 addresses, as numbers of the machine's,
	// was cut to a signed one, by which three of them can stand in a circle.
	return func(a, b netip.Addr) int {
		if !a.Is4() || !b.Is4() {
			return a.Compare(b)
		}
		bytesA, bytesB := a.As4(), b.As4()
		return int(int32(binary.NativeEndian.Uint32(bytesA[:]) - binary.NativeEndian.Uint32(bytesB[:])))
	}
}

// mergeSort sorts with the comparisons that qsort(3) of glibc makes, so that the
// outcome is the same for an order that is none.
func mergeSort[T any](list []T, compare func(a, b T) int) {
	if len(list) < 2 {
		return
	}
	left, right := slices.Clone(list[:len(list)/2]), list[len(list)/2:]
	mergeSort(left, compare)
	mergeSort(right, compare)
	for i := 0; len(left) > 0; i++ {
		// What is taken from the right is ahead of where it goes.
		if len(right) > 0 && compare(left[0], right[0]) > 0 {
			list[i], right = right[0], right[1:]
		} else {
			list[i], left = left[0], left[1:]
		}
	}
}

// resolveInterface returns the addresses of one item of inet_interfaces or
// proxy_interfaces that are of a protocol in use.
func resolveInterface(item string, host Host, p protocols) []netip.Addr {
	if host.Resolve == nil {
		return nil
	}
	name := item
	// Brackets around an address are not enforced.
	if n := len(name); n > 2 && name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	found, _ := host.Resolve(name, p.v4, p.v6)
	return slices.DeleteFunc(slices.Clone(found), func(a netip.Addr) bool { return !p.has(a) })
}

// networks returns the default of mynetworks for the host's own addresses. As
// in Postfix each network is followed by a blank. Source: Postfix 3.10
// mynetworks.c.
func networks(style string, p protocols, log logger, own func() ([]netip.Prefix, error)) (string, error) {
	if p.none() {
		log.info("skipping mynetworks setting - all network protocols are disabled")
		return "", nil
	}
	extent, err := networkStyle(style, log)
	if err != nil {
		return "", err
	}
	addresses, err := own()
	if err != nil {
		return "", err
	}
	if len(addresses) == 0 {
		own() // stock asks for the netmasks, and as there are none, all over again
	}
	var list []string
	for _, a := range addresses {
		text, err := networkOf(a, extent)
		if err != nil {
			return "", err
		}
		list = append(list, text)
	}
	var result strings.Builder
	for i, text := range list {
		known := "0"
		if slices.Contains(list[:i], text) {
			known = "1"
		} else {
			result.WriteString(text)
			result.WriteByte(' ')
		}
		if len(list) > 1 {
			log.info("been_here: " + text + ": " + known)
		}
	}
	log.info("mynetworks_core: " + result.String())
	return result.String(), nil
}

// extents are the words of mynetworks_style: which network of an address is meant.
type extents uint8

const (
	classExtent extents = 1 << iota
	subnetExtent
	hostExtent
)

// networkStyle reads mynetworks_style.
func networkStyle(style string, log logger) (extents, error) {
	var found extents
	for _, word := range mainconf.SplitList(style) {
		switch word {
		case "class":
			found |= classExtent
		case "subnet":
			found |= subnetExtent
		case "host":
			found |= hostExtent
		default:
			return 0, errors.New("unknown mynetworks mask style value \"" + word + "\" in \"" + style + "\"")
		}
		log.info("name_mask: " + word)
	}
	if bits.OnesCount8(uint8(found)) != 1 {
		return 0, errors.New("bad mynetworks_style value: " + style + "; specify exactly one value")
	}
	return found, nil
}

// networkOf returns the network of one of our own addresses.
func networkOf(own netip.Prefix, extent extents) (string, error) {
	addr := own.Addr().WithZone("")
	length := own.Bits()
	switch {
	case extent == hostExtent:
		length = addr.BitLen()
	case extent == classExtent && addr.Is4():
		switch first := addr.As4()[0]; {
		case first < 128:
			length = 8
		case first < 192:
			length = 16
		case first < 224:
			length = 24
		case first < 240:
			length = 4
		default:
			return "", errors.New("mynetworks_core: unknown address class: " + addr.String())
		}
	}
	network, err := addr.Prefix(length)
	if err != nil {
		return "", err
	}
	if addr.Is4() {
		return network.String(), nil
	}
	return "[" + hosttext.Addr(network.Addr()) + "]/" + itoa(length), nil
}

// reason returns the innermost text of a system error.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return capitalize(err.Error())
		}
		err = inner
	}
}

// capitalize makes Go's text of an error number the one of strerror(3).
func capitalize(s string) string {
	if s != "" && s[0]-'a' < 26 {
		return string(s[0]-0x20) + s[1:]
	}
	return s
}
