package daemon

import (
	"time"

	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/params"
)

// Config is what the parameters of qmqpd(8) say, read once at start. Each field
// names its parameter; docs/compatibility.md lists them all with their tests.
// What stand-alone mode needs besides is read in store.go and storemaps.go.
type Config struct {
	// Session holds the parameters that rule one session: qmqpd_timeout,
	// qmqpd_error_delay, soft_bounce, message_size_limit,
	// line_length_limit, content_filter, verp_delimiter_filter,
	// myhostname, mail_name, qmqpd_client_port_logging.
	Session qmqp.Config

	// Clients says who may send. qmqpd_authorized_clients, default nobody.
	Clients string
	// ParentDomains lists the parameters whose domains cover subdomains.
	// parent_domain_matches_subdomains.
	ParentDomains string
	// DebugPeers are the clients that are logged in detail, DebugLevel is
	// how much. debug_peer_list, default nobody; debug_peer_level,
	// default 2.
	DebugPeers string
	DebugLevel int

	// OverrideOptions turns off parts of cleanup's work.
	// receive_override_options.
	OverrideOptions string
	// AutodetectClasses lists the origins of mail whose need for SMTPUTF8
	// is detected. smtputf8_autodetect_classes.
	AutodetectClasses string
	// CleanupService names the socket of cleanup(8) below public/.
	// cleanup_service_name, default cleanup.
	CleanupService string
	// IPCTimeout bounds each read and write there. ipc_timeout, default
	// 3600s.
	IPCTimeout time.Duration

	// Protocols are the network protocols in use, as written.
	// inet_protocols.
	Protocols string
	// QueueDirectory is the current directory and the jail.
	// queue_directory.
	QueueDirectory string

	// MaxUse is how many sessions a process serves. max_use, default 100.
	MaxUse int
	// MaxUseSet reports that this is the administrator's number and not the
	// default, which was chosen for processes of one session at a time.
	MaxUseSet bool
	// MaxIdle is how long a process waits for the next client. max_idle,
	// default 100s.
	MaxIdle time.Duration
	// Watchdog bounds one session. daemon_timeout, default 18000s.
	Watchdog time.Duration
}

// LoadConfig reads the parameters. The qmqpd's own come first and in Postfix's
// order, so that the first error is the one with which Postfix would stop.
// Others have been read by params.Effective's common checks already, and are
// looked up again. Errors are eff's: see its Err.
func LoadConfig(eff *params.Effective) *Config {
	c := new(Config)
	c.Session.Timeout = eff.Duration("qmqpd_timeout")
	c.Session.ErrorDelay = eff.Duration("qmqpd_error_delay")
	c.Session.ContentFilter = eff.String("content_filter")
	c.Clients = eff.String("qmqpd_authorized_clients")
	c.OverrideOptions = eff.String("receive_override_options")
	c.Session.PortLogging = eff.Bool("qmqpd_client_port_logging")

	c.Session.SoftBounce = eff.Bool("soft_bounce")
	c.Session.MessageSizeLimit = eff.Long("message_size_limit")
	c.Session.LineLengthLimit = eff.Int("line_length_limit")
	c.Session.VERPFilter = eff.String("verp_delimiter_filter")
	c.Session.Hostname = eff.String("myhostname")
	c.Session.MailName = eff.String("mail_name")

	c.ParentDomains = eff.String("parent_domain_matches_subdomains")
	c.DebugPeers = eff.String("debug_peer_list")
	c.DebugLevel = eff.Int("debug_peer_level")
	c.AutodetectClasses = eff.String("smtputf8_autodetect_classes")
	c.CleanupService = eff.String("cleanup_service_name")
	c.IPCTimeout = eff.Duration("ipc_timeout")
	c.Protocols = eff.String("inet_protocols")
	c.QueueDirectory = eff.String("queue_directory")
	c.MaxUse = eff.Int("max_use")
	use, _ := eff.Value("max_use")
	c.MaxUseSet = use.Source != params.SourceDefault
	c.MaxIdle = eff.Duration("max_idle")
	c.Watchdog = eff.Duration("daemon_timeout")
	return c
}
