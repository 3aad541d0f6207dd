package daemon

import (
	"cmp"
	"context"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/matchlist"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/dynamicmaps"
	"github.com/qmqpd/qmqpd/params/hostname"
)

// lists are the access lists of a server.
type lists struct {
	clients    Access
	debugPeers Access // nil if debug_peer_list is empty
}

// openLists parses debug_peer_list and qmqpd_authorized_clients, in this
// order, and opens the tables that they name through set. It must run before
// the process enters its jail. Whether a domain covers its subdomains follows
// from parent_domain_matches_subdomains, whose own
// problems come first. Source: Postfix 3.10 qmqpd.c, pre_jail_init; debug_peer.c; match_parent_style.c.
func openLists(ctx context.Context, c *Config, set *table.Set) (lists, error) {
	const parentList = "parent_domain_matches_subdomains"
	var l lists
	parents, err := matchlist.ParseStrings(parentList, c.ParentDomains, set, matchlist.Options{})
	if err != nil {
		return l, aboutSetting(parentList, err)
	}
	open := func(param, value string) (Access, error) {
		covers, err := parents.Match(ctx, param)
		if err != nil {
			return nil, aboutSetting(parentList, err)
		}
		list, err := matchlist.Parse(param, value, set, matchlist.Options{Parents: covers})
		return listed(list), aboutSetting(param, err)
	}
	if c.DebugPeers != "" {
		if l.debugPeers, err = open("debug_peer_list", c.DebugPeers); err != nil {
			return l, err
		}
	}
	l.clients, err = open("qmqpd_authorized_clients", c.Clients)
	return l, err
}

// openDestinations opens the tables that mydestination names. The server has no
// use for them, but Postfix opens them in every daemon of this kind, before its
// jail and after the daemon's own: what is wrong with one is logged or ends the
// start, and the change of one ends the process. Types that only Postfix has are
// none of our business here, if it has their libraries: it would not complain of
// them. Source: Postfix 3.10 single_server.c; resolve_local.c, resolve_local_init.
func openDestinations(value string, set *table.Set) error {
	_, err := matchlist.ParseStrings("mydestination", value, set, matchlist.Options{Skip: set.LeftToPostfix})
	return err
}

// isFatal tells whether a list or table failed in a way that ends a Postfix
// process.
func isFatal(err error) bool { return table.ClassOf(err) == table.Fatal }

// asFailure turns the fatal error of a list or table into the failure to log.
func asFailure(err error) error {
	if isFatal(err) {
		return maillog.FatalError("%w", err)
	}
	return err
}

// newTables returns a set for the lookup tables that lists name. queue is the queue
// directory, or empty for that of eff, in which the process is then. All else is taken
// from eff: stand-alone mode opens the tables of cleanup(8), whose settings may be
// others than those of qmqpd. The end of ctx ends the opening of tables that wait for
// proxymap(8).
func newTables(ctx context.Context, eff *params.Effective, resolver hostname.Resolver, queue string, log *maillog.Logger, loaded dynamicmaps.Tables) *table.Set {
	ipv4, ipv6 := eff.Protocols()
	return table.NewSet(table.Options{
		Context:           ctx,
		Resolver:          resolver,
		NoIPv4:            !ipv4,
		NoIPv6:            !ipv6,
		TCPPorts:          eff.TCPPorts(),
		Log:               log,
		UTF8:              eff.Bool("smtputf8_enable"),
		OpenErrorFatal:    eff.Bool("daemon_table_open_error_is_fatal"),
		Loaded:            loaded,
		QueueDirectory:    cmp.Or(queue, eff.String("queue_directory")),
		InQueue:           queue == "",
		ProxymapService:   eff.String("proxymap_service_name"),
		IPCIdle:           eff.Duration("ipc_idle"),
		IPCTTL:            eff.Duration("ipc_ttl"),
		IPCTimeout:        eff.Duration("ipc_timeout"),
		SocketmapMaxReply: eff.Int("socketmap_max_reply_size"),
		LMDBMapSize:       eff.Long("lmdb_map_size"),
		Parameter: func(name string) (string, bool) {
			if !eff.IsSet(name) {
				return "", false
			}
			return eff.Expand("$" + name), true
		},
		// A Postfix speaks its own version's words with its daemons.
		ProxyInstanceFlags: eff.Profile().Version >= 3_11_00,
		MemcacheKeyDigest:  eff.Profile().Version >= 3_11_00,
	})
}

// changed names a table that was modified or removed since it was opened, or nothing.
func changed(tables *table.Set, log *maillog.Logger) string {
	name, err := tables.Changed()
	if err != nil {
		// The table can still be read, and says so if not.
		log.Warningf("%s", err)
	}
	return name
}

// loadedTables reads which lookup tables the Postfix of this machine loads from
// libraries.
func loadedTables(eff *params.Effective, log *maillog.Logger) (dynamicmaps.Tables, error) {
	loaded, err := dynamicmaps.Read(eff.String("meta_directory"), eff.String("shlib_directory"), func(text string) { log.Warningf("%s", text) })
	if err != nil {
		return nil, maillog.FatalError("%w", err)
	}
	return loaded, nil
}
