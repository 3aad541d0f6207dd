package params

import (
	"errors"
	"net/netip"
)

// testAccounts is a user and group database.
type testAccounts struct {
	users  []User
	groups []Group
}

func (a testAccounts) User(name string) (User, bool, error) {
	for _, u := range a.users {
		if u.Name == name {
			return u, true, nil
		}
	}
	return User{}, false, nil
}

func (a testAccounts) UserByID(uid uint32) (User, bool, error) {
	for _, u := range a.users {
		if u.UID == uid {
			return u, true, nil
		}
	}
	return User{}, false, nil
}

func (a testAccounts) Group(name string) (Group, bool, error) {
	for _, g := range a.groups {
		if g.Name == name {
			return g, true, nil
		}
	}
	return Group{}, false, nil
}

func (a testAccounts) GroupByID(gid uint32) (Group, bool, error) {
	for _, g := range a.groups {
		if g.GID == gid {
			return g, true, nil
		}
	}
	return Group{}, false, nil
}

// testHost is a machine with one network, and a user database as Debian makes
// it.
func testHost() Host {
	return Host{
		Hostname: func() (string, error) { return "mail.example.com", nil },
		Interfaces: func() ([]netip.Prefix, error) {
			return []netip.Prefix{
				netip.MustParsePrefix("127.0.0.1/8"),
				netip.MustParsePrefix("192.0.2.7/24"),
				netip.MustParsePrefix("::1/128"),
				netip.MustParsePrefix("fe80::5/64"),
			}, nil
		},
		Resolve: func(name string, ipv4, ipv6 bool) ([]netip.Addr, error) {
			if a, err := netip.ParseAddr(name); err == nil {
				return []netip.Addr{a}, nil
			}
			if name == "localhost" {
				return []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}, nil
			}
			if name == "ip6-localhost" && ipv6 {
				return []netip.Addr{netip.MustParseAddr("::1")}, nil
			}
			if name == "ip6-localhost" { // as the C library says from a hosts file
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return nil, errors.New("not found")
		},
		Accounts: testAccounts{
			users: []User{
				{Name: "root", UID: 0, GID: 0}, {Name: "daemon", UID: 1, GID: 1}, {Name: "nobody", UID: 65534, GID: 65534}, {Name: "postfix", UID: 100, GID: 101},
				{Name: "alias", UID: 100, GID: 101}, {Name: "wheel", UID: 5, GID: 0}, {Name: "shared", UID: 65534, GID: 7}, {Name: "mates", UID: 8, GID: 101}, {Name: "dropper", UID: 9, GID: 103},
				{Name: "high", UID: 4_000_000_000, GID: 101}, {Name: "higher", UID: 4_000_000_000, GID: 101},
			},
			groups: []Group{
				{"root", 0}, {"daemon", 1}, {"nogroup", 65534}, {"postfix", 101}, {"postdrop", 103},
				{"other", 103}, {"eight", 88},
			},
		},
	}
}
