package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/qmqpd/qmqpd/cmd/internal/buildinfo"
	"github.com/qmqpd/qmqpd/params/postconf"
)

// asksAbout returns which question about the program itself the first argument is:
// "--help", "--version" or none. Under stock's name there are no such options.
func asksAbout(argv []string) string {
	if len(argv) > 1 && (argv[1] == "--help" || argv[1] == "--version") && filepath.Base(argv[0]) != "postconf" {
		return argv[1]
	}
	return ""
}

func printVersion(w io.Writer) error {
	_, err := fmt.Fprintln(w, buildinfo.Line("postconf-lite"))
	return err
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
