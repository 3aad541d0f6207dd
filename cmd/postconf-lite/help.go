package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/qmqpd/qmqpd/params/postconf"
)

// wantsHelp tells whether the first argument asks for help. Under stock's name there is
// no such option.
func wantsHelp(argv []string) bool {
	return len(argv) > 1 && argv[1] == "--help" && filepath.Base(argv[0]) != "postconf"
}

// printHelp prints the options. Kong's own help would give them the long names by which
// kong knows them, and which nobody can use.
func printHelp(w io.Writer) error {
	parser, err := new(commandLine).parser(nil, postconf.Program{}) // it parses nothing
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("Usage: postconf-lite [" + ownOption + " VERSION[/DISTRIBUTION]] [option...] [name...]\n\n" +
		"Print Postfix configuration as postconf(1) does. See postconf-lite(1).\n\n")
	for _, f := range parser.Model.Flags {
		if f.Hidden {
			continue
		}
		option := ownOption
		if f.Short != 0 {
			option = "-" + string(f.Short)
		}
		if f.PlaceHolder != "" {
			option += " " + f.PlaceHolder
		}
		fmt.Fprintf(&text, "  %-35s  %s\n", option, f.Help)
	}
	_, err = io.WriteString(w, text.String())
	return err
}
