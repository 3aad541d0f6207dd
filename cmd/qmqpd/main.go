// Command qmqpd is a QMQP server: a drop-in for Postfix's qmqpd(8), and a
// stand-alone server that writes Postfix queue files itself.
//
// With serve, send, demo, cat, version or help as its first argument it is a program for
// people. Anything else is the command line of a child of master(8), which
// never starts with a word.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/alecthomas/kong"
	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/cmd/internal/oneprocessor"
)

// commands is the command line for people.
type commands struct {
	Serve serveCmd `cmd:"" help:"Accept mail without master(8), for a running cleanup(8) or by writing Postfix queue files."`
	Send  sendCmd  `cmd:"" help:"Send the message on standard input to a QMQP server."`
	Demo  demoCmd  `cmd:"" help:"Start a server, send it one message, and show all that happens."`
	Cat   catCmd   `cmd:"" help:"Print queue files."`

	Version versionCmd `cmd:"" help:"Print the version of the program."`
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode ends the program with a status, after everything was said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

func main() {
	os.Exit(run(os.Args, terminal{os.Stdin, os.Stdout, os.Stderr}))
}

func run(argv []string, term terminal) int {
	if len(argv) > 1 {
		switch argv[1] {
		case "serve", "send", "demo", "cat", "version", "help", "--help":
			oneprocessor.End()
			return runCommand(argv[1:], term)
		}
	}
	if !fromMaster(argv) {
		fmt.Fprintln(term.err, "qmqpd: run by master(8), or with a command; see qmqpd --help")
	}
	return runChild(argv)
}

// fromMaster tells whether a command line may be one of master(8), which begins
// with short options, but not with that for help. To others the log is no answer:
// they may not have one.
func fromMaster(argv []string) bool {
	return len(argv) > 1 && len(argv[1]) > 1 && argv[1][0] == '-' && argv[1][1] != '-' && argv[1] != "-h"
}

// usageStatus is what a wrong command line ends with. It is EX_USAGE, which no
// other outcome of the commands uses.
const usageStatus = 64

func runCommand(args []string, term terminal) int {
	if args[0] == "help" {
		args = args[1:]
		if !slices.Contains(args, "--help") { // kong gives it each time that it is asked
			args = append([]string{"--help"}, args...)
		}
	}
	var cli commands
	var help bytes.Buffer // so that to fail to write it is no fault of the command line
	status := -1
	parser, err := kong.New(&cli,
		kong.Name("qmqpd"),
		kong.Description("A QMQP server: Postfix's qmqpd(8) in Go, alone or under master(8)."),
		kong.UsageOnError(),
		kong.WithHyphenPrefixedParameters(true),
		kong.Writers(&help, term.err),
		kong.Exit(func(code int) { status = code }),
		kong.Vars{"listen": defaultListen, "queue": defaultQueue},
	)
	if err != nil {
		fmt.Fprintln(term.err, "qmqpd:", err)
		return 1
	}
	ctx, err := parser.Parse(args)
	if _, err := help.WriteTo(term.out); err != nil {
		complain(term.err, err)
		return 1
	}
	if status >= 0 {
		return status // help was asked for and given
	}
	if err != nil {
		parser.Errorf("%s", err)
		return usageStatus
	}
	err = ctx.Run(term)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	complain(term.err, err)
	var wrong usageError
	if errors.As(err, &wrong) {
		return usageStatus
	}
	return 1
}

// usageError is something wrong with the command line that kong has not seen.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// complain prints an error, or each of several.
func complain(w io.Writer, err error) {
	var many *multierror.Error
	if !errors.As(err, &many) {
		many = &multierror.Error{Errors: []error{err}}
	}
	for _, err := range many.Errors {
		fmt.Fprintln(w, "qmqpd:", err)
	}
}
