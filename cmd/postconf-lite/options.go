package main

import (
	"errors"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/qmqpd/qmqpd/cmd/internal/getopt"
	"github.com/qmqpd/qmqpd/params/postconf"
)

// ownOption is the one option that stock does not have. It is recognised as
// the first argument only.
const ownOption = "--postfix"

// ownVariable stands for the option where that is not given.
const ownVariable = "POSTCONF_LITE_POSTFIX"

// commandLine is what kong reads: first this program's own option, which may
// come from the environment, then stock's options. Those of type letter and
// argument are given to the request in the order of the command line.
type commandLine struct {
	Postfix string `placeholder:"VERSION[/DISTRIBUTION]" help:"The Postfix to imitate. As the first argument only, or in POSTCONF_LITE_POSTFIX."`

	SASLServers     bool   `short:"a" type:"letter" help:"List the types of SASL server plug-ins."`
	SASLClients     bool   `short:"A" type:"letter" help:"List the types of SASL client plug-ins."`
	ExpandTemplates bool   `short:"b" type:"letter" help:"Show bounce templates, expanded."`
	ConfigDirectory string `short:"c" type:"argument" placeholder:"DIRECTORY" help:"The configuration directory."`
	Class           string `short:"C" type:"argument" placeholder:"CLASS,..." help:"The classes of parameters to list: builtin, service, user, all."`
	Defaults        bool   `short:"d" type:"letter" help:"Show defaults."`
	Edit            bool   `short:"e" type:"letter" help:"Edit (refused)."`
	Usage           bool   `short:"E" type:"letter" hidden:""`
	Fold            bool   `short:"f" type:"letter" help:"Fold long lines."`
	MasterFields    bool   `short:"F" type:"letter" help:"Show the fields of master.cf entries."`
	HideNames       bool   `short:"h" type:"letter" help:"Show values only."`
	HideValues      bool   `short:"H" type:"letter" help:"Show names only."`
	JSON            bool   `short:"j" type:"letter" help:"Show JSON objects, one a line."`
	Locks           bool   `short:"l" type:"letter" help:"List mailbox locking methods."`
	Maps            bool   `short:"m" type:"letter" help:"List table types."`
	Master          bool   `short:"M" type:"letter" help:"Show master.cf entries."`
	NonDefault      bool   `short:"n" type:"letter" help:"Show what main.cf sets."`
	Override        string `short:"o" type:"argument" placeholder:"NAME=VALUE" help:"Override a main.cf setting."`
	Main            bool   `short:"p" type:"letter" help:"Show main.cf parameters."`
	MasterParams    bool   `short:"P" type:"letter" help:"Show parameters of master.cf entries."`
	Quiet           bool   `short:"q" type:"letter" help:"Do not warn about unused or deprecated settings."`
	Templates       bool   `short:"t" type:"letter" help:"Show bounce templates."`
	TLS             string `short:"T" type:"argument" placeholder:"WHAT" help:"Tell about the TLS library: compile-version, run-version, public-key-algorithms."`
	Verbose         bool   `short:"v" type:"letter" help:"Be verbose."`
	Expand          bool   `short:"x" type:"letter" help:"Expand macros in values."`
	Exclude         bool   `short:"X" type:"letter" help:"Remove settings (refused)."`
	CommentOut      bool   `short:"#" type:"letter" help:"Comment out settings (refused)."`

	Names []string `arg:"" optional:"" type:"operands" help:"What to show."`
}

// splitOwn separates this program's own option from stock's arguments.
func splitOwn(args []string) (own, stock []string) {
	switch {
	case len(args) > 0 && strings.HasPrefix(args[0], ownOption+"="):
		return args[:1], args[1:]
	case len(args) > 0 && args[0] == ownOption:
		n := min(2, len(args))
		return args[:n], args[n:]
	}
	return nil, args
}

// parseOwn reads the own option and the environment.
func (c *commandLine) parseOwn(args []string) error {
	if len(args) == 1 && args[0] == ownOption {
		return errors.New("option " + ownOption + " needs a version, such as 3.10") // kong speaks of "EOL"
	}
	own := struct {
		Postfix string `env:"POSTCONF_LITE_POSTFIX"`
	}{}
	parser, err := kong.New(&own, kong.NoDefaultHelp())
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	c.Postfix = own.Postfix
	return nil
}

// parser gives what it parses to c and to the request.
func (c *commandLine) parser(request *postconf.Request, program postconf.Program) (*kong.Kong, error) {
	return kong.New(c, kong.NoDefaultHelp(), kong.WithHyphenPrefixedParameters(true),
		kong.NamedMapper("letter", letterMapper{request, program}),
		kong.NamedMapper("argument", argumentMapper{request, program}),
		kong.NamedMapper("operands", kong.MapperFunc(decodeOperands)))
}

// parse gives stock's options to the request.
func (c *commandLine) parse(words getopt.Result, request *postconf.Request, program postconf.Program) error {
	parser, err := c.parser(request, program)
	if err != nil {
		return err
	}
	if _, err = parser.Parse(words.Attached()); err != nil {
		return err
	}
	request.Operands(c.Names)
	return nil
}

// letterMapper decodes options without an argument, argumentMapper those with
// one. Kong calls them for each option in the order of the command line.
type (
	letterMapper struct {
		request *postconf.Request
		program postconf.Program
	}
	argumentMapper letterMapper
)

func (m letterMapper) Decode(ctx *kong.DecodeContext, _ reflect.Value) error {
	return m.request.Option(byte(ctx.Value.Flag.Short), "", m.program)
}

func (m argumentMapper) Decode(ctx *kong.DecodeContext, _ reflect.Value) error {
	return m.request.Option(byte(ctx.Value.Flag.Short), text(ctx.Scan.Pop()), m.program)
}

func decodeOperands(ctx *kong.DecodeContext, target reflect.Value) error {
	for !ctx.Scan.Peek().IsEOL() {
		target.Set(reflect.Append(target, reflect.ValueOf(text(ctx.Scan.Pop()))))
	}
	return nil
}

// text returns a word as it was on the command line. Kong's own mappers lose
// bytes that are not UTF-8.
func text(token kong.Token) string {
	s, _ := token.Value.(string)
	return s
}
