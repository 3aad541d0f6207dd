package postconf

import (
	"errors"
	"io"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// Program is postconf as it was started: everything that it depends on besides
// the request and the files that it reads. The zero value is a program without a
// name, an environment and output, on a machine that it knows nothing of.
type Program struct {
	// Name is argv[0], which begins every message.
	Name string
	PID  int
	// Getenv returns the value of an environment variable, and whether it is
	// set: os.LookupEnv. Nil stands for an empty environment.
	Getenv func(name string) (string, bool)
	// Stdout and Stderr take the output. Nil drops it, and errors of writing are
	// ignored, as by stock.
	Stdout, Stderr io.Writer
	// Profile is the Postfix to imitate; its zero value is
	// params.DefaultProfile. Run refuses one that is not valid.
	Profile params.Profile
	// Host is the machine whose names and addresses the defaults depend on.
	Host params.Host
	// Build is what is installed of Profile on this machine; nil if nothing is.
	Build *Build
	// Exec replaces the process by a program, whose environment gets the
	// additions in env. It returns only an error. Nil runs nothing, which is an
	// error where it is needed: for the options -b and -t.
	Exec func(path string, args, env []string) error
}

// complete returns p with what nil stands for.
func (p Program) complete() Program {
	p.Profile = p.Profile.Normalized()
	if p.Getenv == nil {
		p.Getenv = func(string) (string, bool) { return "", false }
	}
	if p.Stdout == nil {
		p.Stdout = io.Discard
	}
	if p.Stderr == nil {
		p.Stderr = io.Discard
	}
	if p.Exec == nil {
		p.Exec = func(string, []string, []string) error { return errors.New("no programs are run here") }
	}
	return p
}

// run is the state of one answer.
type run struct {
	Program
	diagnostics
	request Request
	traits  traits
	out     *output

	configDir   string
	explicitDir bool // from -c or the environment
	mainPath    string
	masterPath  string

	main       settings // of main.cf
	names      *names
	master     *mainconf.Master // nil if it could not be opened
	services   []*scope
	byName     map[string][]*scope // the services by name space
	groups     []*group            // of those that have settings
	byProgram  bool                // the program's name was looked up for the present setting
	clients    map[string]bool     // database client files, already read
	defaults   params.Resolver
	deprecated bool // a deprecated setting was seen

	braceWarnings int // bytes of warnings about braces
}

// Usage returns the fatal error that tells which options there are.
func (p Program) Usage() error {
	text := usageHead
	if p.traits().json {
		text += " [-j (streaming JSON) ]"
	}
	return &Fatal{"usage: " + p.Name + text + usageTail}
}

// Fail prints an error of the command line the way stock prints a fatal one, and
// returns the exit status.
func (p Program) Fail(request Request, err error) int {
	p.begin(request).fatal(err.Error())
	return 1
}

// BadOption prints what getopt(3) says of an option that is not in OptionString,
// or lacks its argument, and then the usage, and returns the exit status. The
// request has the options before it, of which -v may tell something first.
func (p Program) BadOption(request Request, err error) int {
	d := p.begin(request)
	io.WriteString(d.w, d.tag+": "+err.Error()+"\n")
	d.fatal(p.Usage().Error())
	return 1
}

// begin tells what -v tells of the options themselves. It is for a run that ends
// with them.
func (p Program) begin(request Request) *diagnostics {
	d := &diagnostics{w: p.complete().Stderr, tag: p.Name}
	for _, note := range request.notes {
		d.info(note)
	}
	return d
}

// Run answers a request and returns the exit status.
func (p Program) Run(request Request) int {
	p = p.complete()
	r := &run{
		Program:     p,
		diagnostics: diagnostics{w: p.Stderr, tag: p.Name},
		request:     request,
		traits:      p.traits(),
		out:         newOutput(p.Stdout),
		names:       newNames(p.Profile),
	}
	var status exitStatus
	switch err := r.answer(); {
	case err == nil:
		r.out.flush()
		if r.traits.deprecationHint && r.deprecated {
			r.warn("See https://www.postfix.org/DEPRECATION_README.html for details")
		}
		return 0
	case errors.As(err, &status):
		r.out.flush()
		return int(status)
	default:
		// Like stock's, what is still in the buffer is lost.
		r.fatal(err.Error())
		return 1
	}
}

// exitStatus is an error that ends the run without a message.
type exitStatus int

func (s exitStatus) Error() string { return "exit status" }

func (r *run) answer() error {
	if err := r.Profile.Validate(); err != nil {
		return err
	}
	for _, note := range r.request.notes {
		r.info(note)
	}
	if err := r.request.complete(r.traits.json); err != nil {
		return err
	}
	r.locate()
	m := r.request.mode
	switch {
	case m&(expandTemplates|dumpTemplates) != 0:
		return r.templates()
	case m&showMaps != 0:
		return r.showMaps()
	case m&showLocks != 0:
		return r.showLocks()
	case m&masterMode != 0 && m&anyEdit == 0:
		return r.answerMaster()
	case m&(saslServers|saslClients) != 0:
		return r.showSASL()
	case m&showTLS != 0:
		return r.showTLS()
	case m&anyEdit != 0:
		return r.refuseEdit()
	}
	return r.answerMain()
}

func (r *run) answerMain() error {
	defaults := r.request.mode&showDefaults != 0
	if defaults {
		r.makeDefaults(nil, nil)
	} else if err := r.readMain(); err != nil {
		return err
	}
	if err := r.readMaster(false); err != nil {
		return err
	}
	r.registerServices()
	if !defaults {
		if err := r.registerUser(); err != nil {
			return err
		}
	}
	if err := r.showMain(); err != nil {
		return err
	}
	if !defaults && !r.request.quiet {
		r.flagMain()
		r.flagMaster()
	}
	return nil
}

func (r *run) answerMaster() error {
	if err := r.readMaster(true); err != nil {
		return err
	}
	if err := r.readMain(); err != nil {
		return err
	}
	r.registerServices()
	if err := r.registerUser(); err != nil {
		return err
	}
	var err error
	switch m := r.request.mode; {
	case m&masterFields != 0:
		err = r.showFields()
	case m&masterParams != 0:
		err = r.showOverrides()
	default:
		err = r.showEntries()
	}
	if err != nil {
		return err
	}
	if !r.request.quiet {
		r.flagMaster()
	}
	return nil
}

// refuseEdit says that there is no editing, naming the option.
func (r *run) refuseEdit() error {
	if len(r.request.operands) == 0 {
		return &Fatal{"missing service argument"}
	}
	return &Fatal{"option " + (r.request.mode & anyEdit).names(" ") + " is not implemented: this program does not edit main.cf or master.cf"}
}
