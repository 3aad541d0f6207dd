package main

import (
	"context"
	"os/signal"
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
	ConfigDir   string    `short:"c" placeholder:"DIR" help:"Read main.cf and master.cf from this directory. Without it, loopback clients are admitted and all else has Postfix's defaults."`
	Overrides   []rawText `short:"o" name:"override" placeholder:"NAME=VALUE" sep:"none" help:"Set a parameter; may be repeated."`
	Listen      []string  `sep:"none" placeholder:"ADDR" help:"Listen on HOST:PORT or unix:PATH; may be repeated (${listen})."`
	Queue       string    `placeholder:"DIR" help:"Write into this Postfix queue directory, made if missing (queue_directory with -c, else ${queue})."`
	MaxSessions int       `placeholder:"N" default:"1000" help:"How many clients are served at once; more wait (${default})."`
	Verbose     int       `short:"v" type:"counter" help:"Log more; may be repeated."`
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(term terminal) error {
	overrides, err := parseOverrides(texts(c.Overrides))
	if err != nil {
		return err
	}
	listen := c.Listen
	if len(listen) == 0 {
		listen = []string{defaultListen}
	}
	queue := c.Queue
	if queue == "" && c.ConfigDir == "" {
		queue = defaultQueue
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return daemon.Serve(ctx, daemon.ServeOptions{
		ConfigDir:   c.ConfigDir,
		Overrides:   overrides,
		Listen:      listen,
		Queue:       queue,
		MaxSessions: c.MaxSessions,
		Verbose:     c.Verbose,
		Log:         term.err,
	})
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
