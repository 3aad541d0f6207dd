package main

import (
	"fmt"

	"github.com/qmqpd/qmqpd/cmd/internal/buildinfo"
)

type versionCmd struct{}

// Run prints what the Go toolchain has put into the program.
func (versionCmd) Run(term terminal) error {
	_, err := fmt.Fprintln(term.out, buildinfo.Line("qmqpd"))
	return err
}
