package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/mainconf"
)

const (
	defaultListen = "127.0.0.1:6280"
	defaultQueue  = "./qmqpd-spool"
)

type serveCmd struct {
	ConfigDir   name      `short:"c" placeholder:"DIR" help:"Read main.cf and master.cf from this directory. Without it, loopback clients are admitted and all else has Postfix's defaults."`
	Overrides   []rawText `short:"o" name:"override" placeholder:"NAME=VALUE" sep:"none" help:"Set a parameter; may be repeated."`
	Listen      []name    `sep:"none" placeholder:"ADDR" help:"Listen on HOST:PORT or unix:PATH; may be repeated (${listen})."`
	Queue       name      `placeholder:"DIR" help:"The Postfix queue directory, made if missing (queue_directory with -c or where -o sets it, else ${queue})."`
	MaxSessions *int      `placeholder:"N" help:"How many clients are served at once; more wait (1000, if the limit of open files allows)."`
	Verbose     int       `short:"v" type:"counter" help:"Log more; may be repeated."`
}

// Validate implements what kong calls when it has read the command line.
func (c *serveCmd) Validate() error {
	if c.MaxSessions != nil && *c.MaxSessions < 1 {
		return fmt.Errorf("--max-sessions: %d is too few", *c.MaxSessions)
	}
	return nil
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(term terminal) error {
	options, err := c.options()
	if err != nil {
		return usageError{err}
	}
	options.Log = term.err
	// A log that nobody reads any more, or a file that may grow no further, is an
	// error for one message and no reason to drop all clients.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	ctx, stop := untilSignal()
	defer stop()
	return daemon.Serve(ctx, options)
}

// options are the settings that the command line means.
func (c *serveCmd) options() (daemon.ServeOptions, error) {
	overrides, err := parseOverrides(texts(c.Overrides))
	if err != nil {
		return daemon.ServeOptions{}, err
	}
	listen := texts(c.Listen)
	if len(listen) == 0 {
		listen = []string{defaultListen}
	}
	queue := string(c.Queue)
	isQueue := func(o mainconf.Setting) bool { return o.Name == "queue_directory" }
	if queue == "" && c.ConfigDir == "" && !slices.ContainsFunc(overrides, isQueue) {
		queue = defaultQueue
	}
	sessions := 0
	if c.MaxSessions != nil {
		sessions = *c.MaxSessions
	}
	return daemon.ServeOptions{
		ConfigDir:   string(c.ConfigDir),
		Overrides:   overrides,
		Listen:      listen,
		Queue:       queue,
		MaxSessions: sessions,
		Verbose:     c.Verbose,
	}, nil
}

// untilSignal gives a context that the first of endSignals ends. A second one
// ends the process at once: who says it twice will not wait, and no message is
// answered before it is safe.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	told := make(chan os.Signal, 1)
	signal.Notify(told, endSignals()...)
	go func() {
		select {
		case <-told:
		case <-ctx.Done():
		}
		signal.Stop(told)
		cancel()
	}()
	return ctx, cancel
}

// endSignals are the signals for an orderly end. A terminal that closes gives
// SIGHUP; nohup(1) lets it be ignored.
func endSignals() []os.Signal {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// parseOverrides splits the values of -o; all that are wrong are reported.
func parseOverrides(args []string) ([]mainconf.Setting, error) {
	var settings []mainconf.Setting
	var errs *multierror.Error
	for _, arg := range args {
		name, value, err := mainconf.SplitNameValue(arg)
		if err != nil {
			errs = multierror.Append(errs, &overrideError{arg, err})
			continue
		}
		settings = append(settings, mainconf.Setting{Name: name, Value: value})
	}
	return settings, errs.ErrorOrNil()
}

// overrideError has the words of Postfix's daemons.
type overrideError struct {
	arg string
	err error
}

func (e *overrideError) Error() string {
	return "invalid \"-o " + e.arg + "\" option value: " + e.err.Error()
}

func (e *overrideError) Unwrap() error { return e.err }
