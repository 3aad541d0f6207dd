package main

import (
	"errors"
	"os"

	"github.com/qmqpd/qmqpd/cmd/internal/getopt"
	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/daemon/master"
)

// runChild is the program that master(8) starts. Options are read by
// getopt(3)'s rules and take effect in the order of the command line; kong has
// no part in it, since all that it would say is said in Postfix's words.
func runChild(argv []string) int {
	if len(argv) == 0 {
		argv = []string{"qmqpd"}
	}
	line, err := getopt.Parse(master.OptionString, argv[1:])
	options := make([]daemon.Option, len(line.Options))
	for i, o := range line.Options {
		options[i] = daemon.Option{Letter: o.Letter, Value: o.Value}
	}
	child := daemon.Child{
		Argv0:    argv[0],
		Options:  options,
		Operands: line.Operands,
		Environ:  os.Environ(),
	}
	var invalid *getopt.Error
	if errors.As(err, &invalid) {
		child.InvalidOption = invalid.Letter
	}
	return daemon.Run(child)
}
