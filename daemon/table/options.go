package table

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/qmqpd/qmqpd/params/hostname"
)

// Logger takes the lines that Postfix logs about tables. The text has no
// severity prefix. It is called from many goroutines at once.
// *maillog.Logger is one.
type Logger interface {
	Infof(format string, args ...any)
	Warningf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Verbose is implemented by loggers that know the verbose level (-v). From 1
// on, tables tell that they were opened.
type Verbose interface{ Verbose() int }

// Options are what tables need to know about the process. The zero value
// works: nothing is logged, no UTF-8 checks, Postfix's default limits.
type Options struct {
	// Context ends the opening of tables that wait for a server, as those of
	// type proxy do for as long as it takes. Nil never ends.
	Context context.Context
	// Log takes warnings; nil drops them.
	Log Logger
	// UTF8 is smtputf8_enable: see UTF8Request.
	UTF8 bool
	// OpenErrorFatal is daemon_table_open_error_is_fatal: a table that
	// cannot be opened is a Fatal error instead of an unavailable table.
	OpenErrorFatal bool
	// Loaded are the types that the Postfix of this machine loads from
	// libraries, with the path of each library, as dynamicmaps.cf has them.
	// Nil means that it loads none. It tells for which types proxymap(8) can
	// stand in.
	Loaded map[string]string

	// QueueDirectory is where proxy tables find private/. InQueue says that the
	// working directory is meant to be the same, as that of a child of master(8):
	// if private/ is there, they go by the relative path, which they find from
	// within the jail as well.
	QueueDirectory string
	InQueue        bool
	// ProxymapService is proxymap_service_name; empty means "proxymap".
	ProxymapService string
	// ProxyInstanceFlags says that proxymap(8) is that of Postfix 3.11 or later, which
	// wants the flags that a table was opened with in each request, and returns those of
	// the table with each result. It refuses the requests of older versions as invalid.
	ProxyInstanceFlags bool
	// MemcacheKeyDigest says that key_digest is a setting of memcache tables, as with
	// Postfix 3.11 and later. It is refused then.
	MemcacheKeyDigest bool
	// IPCIdle and IPCTTL are ipc_idle and ipc_ttl, the longest idle time and
	// age of a connection to proxymap. Zero means 5s and 1000s.
	IPCIdle, IPCTTL time.Duration
	// IPCTimeout is ipc_timeout, the longest wait for one answer of
	// proxymap. Zero means 3600s.
	IPCTimeout time.Duration
	// SocketmapMaxReply is socketmap_max_reply_size. Zero means 100000.
	SocketmapMaxReply int
	// Resolver finds the servers of tcp, socketmap and memcache tables. Nil is
	// the system's.
	Resolver hostname.Resolver
	// NoIPv4 and NoIPv6 leave out the servers' addresses of that family:
	// inet_protocols.
	NoIPv4, NoIPv6 bool
	// TCPPorts is known_tcp_ports: port numbers by the names of services.
	TCPPorts map[string]string
	// LMDBMapSize is lmdb_map_size, which is only told at verbose level 1.
	// Zero means 16777216.
	LMDBMapSize int64
	// Parameter looks a name up in main.cf, for tables whose settings live
	// there (memcache:prefix). Nil finds nothing.
	Parameter func(name string) (value string, found bool)

	// IntN returns a random number below n, for the choice of randmap. Nil is that
	// of math/rand/v2.
	IntN func(n int) int

	// MaxFileSize bounds what is read into memory of one table's file.
	// Zero means 1 GiB.
	MaxFileSize int64
}

type nopLogger struct{}

func (nopLogger) Infof(string, ...any)    {}
func (nopLogger) Warningf(string, ...any) {}
func (nopLogger) Errorf(string, ...any)   {}

func (o Options) withDefaults() Options {
	if o.Context == nil {
		o.Context = context.Background()
	}
	if o.Log == nil {
		o.Log = nopLogger{}
	}
	if o.ProxymapService == "" {
		o.ProxymapService = "proxymap"
	}
	if o.IPCIdle == 0 {
		o.IPCIdle = 5 * time.Second
	}
	if o.IPCTTL == 0 {
		o.IPCTTL = 1000 * time.Second
	}
	if o.IPCTimeout == 0 {
		o.IPCTimeout = 3600 * time.Second
	}
	if o.SocketmapMaxReply == 0 {
		o.SocketmapMaxReply = 100000
	}
	if o.LMDBMapSize == 0 {
		o.LMDBMapSize = 16777216
	}
	if o.IntN == nil {
		o.IntN = rand.IntN
	}
	if o.MaxFileSize == 0 {
		o.MaxFileSize = 1 << 30
	}
	return o
}
