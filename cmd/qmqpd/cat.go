package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

type catCmd struct {
	Files []string `arg:"" name:"file" help:"Queue files; - is standard input."`
}

// Run prints the files. Faults of all files are reported at the end.
func (c *catCmd) Run(term terminal) error {
	var errs *multierror.Error
	for _, name := range c.Files {
		if err := catFile(term, name); err != nil {
			errs = multierror.Append(errs, err)
		}
	}
	if errs == nil {
		return nil
	}
	for _, err := range errs.Errors {
		fmt.Fprintln(term.err, "qmqpd:", err)
	}
	return exitCode(1)
}

// catFile prints one file as postcat -do does.
func catFile(term terminal, name string) error {
	in := postcat.Input{Name: "stdin", Stream: term.in}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = postcat.Input{Name: name, At: f}
	}
	err := postcat.Print(term.out, in, postcat.Options{
		Decimal: true,
		Offsets: true,
		Verbose: true,
		Warn:    func(text string) { fmt.Fprintln(term.err, "qmqpd: warning:", text) },
	})
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}
