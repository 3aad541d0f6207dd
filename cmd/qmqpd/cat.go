package main

import (
	"github.com/qmqpd/qmqpd/cmd/internal/cat"
	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

type catCmd struct {
	Files  []rawText `arg:"" optional:"" name:"file" help:"Queue files; standard input if there are none, and for -."`
	JSON   bool      `name:"json" xor:"form" help:"Print one JSON object per file."`
	EML    bool      `name:"eml" xor:"form" help:"Print the message, or what is left of it."`
	Verify bool      `name:"verify" xor:"form" help:"Print only what is wrong with each file, and where."`
}

// Run prints the files like postcat -dov, or as the options say.
func (c *catCmd) Run(term terminal) error {
	opts := cat.Options{Records: postcat.Options{Decimal: true, Offsets: true, Verbose: true}}
	switch {
	case c.JSON:
		opts.Form = cat.JSON
	case c.EML:
		opts.Form = cat.EML
	case c.Verify:
		opts.Form = cat.Verdict
	}
	if status := cat.Run(texts(c.Files), opts, term.in, term.out, term.err); status != 0 {
		return exitCode(status)
	}
	return nil
}
