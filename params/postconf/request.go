package postconf

import (
	"strings"

	"github.com/qmqpd/qmqpd/mainconf"
)

// OptionString returns what getopt(3) is given for the options of the Postfix
// version, and -j, which Postfix has from 3.11 on.
func (p Program) OptionString() string {
	if !p.traits().quiet {
		return "aAbc:C:deEfFhHjlmMno:pPtT:vxX#"
	}
	return "aAbc:C:deEfFhHjlmMno:pPqtT:vxX#"
}

// Request is what a command line asks for. The zero value lists all
// parameters.
type Request struct {
	mode      mode
	classes   class
	classList bool // -C was given; without it, classes is not set
	notes     []string
	overrides []string
	tlsMode   string
	twice     bool // -P was given twice
	quiet     bool
	verbose   int
	configDir string
	hasDir    bool // -c was given
	operands  []string
}

// letters are the options that do no more than to set a mode.
var letters = map[byte]mode{
	'a': saslServers, 'A': saslClients, 'd': showDefaults, 'e': editConf, 'f': foldLines,
	'F': masterFields, '#': editComment, 'h': hideName, 'H': hideValue, 'j': showJSON,
	'l': showLocks, 'm': showMaps, 'M': masterEntries, 'n': showSet, 'p': mainParams,
	'x': expandValues, 'X': editExclude,
}

// Option adds an option. Options must be added in command-line order: the
// error, a *Fatal, is for the one at which stock stops. An option that postconf
// does not have gives the usage message.
func (r *Request) Option(letter byte, value string, program Program) error {
	switch letter {
	case 'b', 't':
		if r.mode&(expandTemplates|dumpTemplates) != 0 {
			return &Fatal{"specify one of -b and -t"}
		}
		r.mode |= dumpTemplates
		if letter == 'b' {
			r.mode ^= dumpTemplates | expandTemplates
		}
	case 'c':
		r.configDir, r.hasDir = value, true
	case 'C':
		return r.parseClasses(value)
	case 'o':
		r.mode |= override
		r.overrides = append(r.overrides, value)
	case 'P':
		r.twice = r.mode&masterParams != 0
		r.mode |= masterParams
	case 'q':
		r.quiet = true
	case 'T':
		if r.mode&showTLS != 0 {
			return &Fatal{"At most one -T <mode> option may be specified"}
		}
		r.mode |= showTLS
		r.tlsMode = value
	case 'v':
		r.verbose++
	default:
		m, ok := letters[letter]
		if !ok {
			return program.Usage()
		}
		r.mode |= m
	}
	return nil
}

// parseClasses reads the value of -C.
func (r *Request) parseClasses(list string) error {
	var classes class
	for _, name := range mainconf.SplitList(list) {
		switch strings.ToLower(name) {
		case "builtin":
			classes |= builtin
		case "service":
			classes |= service
		case "user":
			classes |= user
		case "all":
			classes |= anyClass
		default:
			return &Fatal{"unknown -C option value \"" + name + "\" in \"" + list + "\""}
		}
		if r.verbose > 0 {
			r.notes = append(r.notes, "name_mask: "+name)
		}
	}
	r.classes, r.classList = classes, true
	return nil
}

// Operands sets what follows the options.
func (r *Request) Operands(operands []string) { r.operands = operands }

// ConfigDir returns the value of -c, and whether there was one.
func (r *Request) ConfigDir() (string, bool) { return r.configDir, r.hasDir }

// complete makes all options explicit and checks that they go together.
func (r *Request) complete(json bool) error {
	if r.twice && json {
		r.mode |= mergedParams
	}
	if r.mode&majorModes == 0 {
		r.mode |= mainParams
	}
	if r.mode&(mainParams|masterMode) != 0 && len(r.operands) > 0 && strings.Contains(r.operands[0], "=") {
		r.mode |= editConf
	}
	if err := r.mode.check(json); err != nil {
		return err
	}
	if r.mode&editConf != 0 && len(r.operands) == 0 {
		return &Fatal{"-e requires name=value argument"}
	}
	if r.mode&(expandTemplates|dumpTemplates) != 0 && len(r.operands) > 1 {
		return &Fatal{"options -b and -t require at most one template file"}
	}
	return nil
}

const usageHead = " [-a (server SASL types)]" +
	" [-A (client SASL types)]" +
	" [-b (bounce templates)]" +
	" [-c config_dir]" +
	" [-c param_class]" +
	" [-d (parameter defaults)]" +
	" [-e (edit configuration)]" +
	" [-f (fold lines)]" +
	" [-F (master.cf fields)]" +
	" [-h (no names)]" +
	" [-H (no values)]"

const usageTail = " [-l (lock types)]" +
	" [-m (map types)]" +
	" [-M (master.cf)]" +
	" [-n (non-default parameters)]" +
	" [-o name=value (override parameter value)]" +
	" [-p (main.cf, default)]" +
	" [-P (master.cf parameters)]" +
	" [-t (bounce templates)]" +
	" [-T compile-version|run-version|public-key-algorithms]" +
	" [-v (verbose)]" +
	" [-x (expand parameter values)]" +
	" [-X (exclude)]" +
	" [-# (comment-out)]" +
	" [name...]"
