package daemon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/params"
)

// refuse returns an error for each setting of cleanup(8) that we cannot honour
// when we write queue files ourselves. flags are the cleanup flags that
// messages would have: what cleanup(8) would ignore is not refused.
//
// Source: Postfix 3.10 cleanup_init.c for the list of parameters.
func refuse(clean *params.Effective, flags uint32) error {
	var errs *multierror.Error
	if value := clean.String("non_smtpd_milters"); value != "" && flags&cleanup.FlagMilter != 0 {
		errs = multierror.Append(errs, refused(clean, "non_smtpd_milters", value, ""))
	}
	// No pause is what we have. The default is known to be without effect; whoever
	// sets something else wants to be slowed down.
	if delay := clean.Duration("in_flow_delay"); delay > 0 && delay != defaultFlowDelay {
		errs = multierror.Append(errs, refused(clean, "in_flow_delay", clean.Expand("$in_flow_delay"), "only children of master(8) hear from qmgr(8)"))
	}
	foreign := func(name string) {
		value := clean.String(name)
		if typ := foreignTable(value); typ != "" {
			errs = multierror.Append(errs, refused(clean, name, value, "tables of type "+typ+" need Postfix"))
		}
	}
	mapped := false
	for _, p := range mapParameters {
		if flags&p.flag != 0 {
			foreign(p.name)
			mapped = mapped || p.flags == incoming.AddressTable && clean.String(p.name) != ""
		}
	}
	if mapped {
		foreign("mydestination") // it decides for which domains a local part is a key
	}
	if flags&cleanup.FlagMap != 0 && clean.String("masquerade_domains") != "" {
		foreign("masquerade_exceptions")
	}
	if clean.Bool("disable_mime_input_processing") && clean.Bool("force_mime_input_conversion") {
		errs = multierror.Append(errs, fmt.Errorf("do not specify both disable_mime_input_processing=yes and force_mime_input_conversion=yes"))
	}
	// Of the later Postfix that is installed, if one is: the message's content
	// is treated as 3.10 does.
	const nonEmpty = "non_empty_end_of_header_action"
	if _, ok := clean.Profile().Lookup(nonEmpty); ok {
		if value := clean.String(nonEmpty); !strings.EqualFold(value, "fix_quietly") {
			errs = multierror.Append(errs, refused(clean, nonEmpty, value, ""))
		}
	}
	// Words that cleanup(8) would stop at, sooner or later.
	switch value := clean.String("header_from_format"); strings.ToLower(value) {
	case "standard", "obsolete":
	default:
		errs = multierror.Append(errs, aboutSetting("header_from_format", fmt.Errorf("invalid setting: \"header_from_format = %s\"", value)))
	}
	switch value := clean.String("info_log_address_format"); strings.ToLower(value) {
	case "external", "internal":
	default:
		errs = multierror.Append(errs, aboutSetting("info_log_address_format", fmt.Errorf("invalid parameter setting \"info_log_address_format = %s\"", value)))
	}
	return errs.ErrorOrNil()
}

// defaultFlowDelay is what in_flow_delay is where nobody sets it.
const defaultFlowDelay = time.Second

// foreignTable returns the first type in a list of lookup tables that only
// Postfix has, or "". Lists inside lists are looked at, too.
func foreignTable(list string) string {
	for {
		token, rest, ok := table.NextToken(list)
		if !ok {
			return ""
		}
		list = rest
		typ, name, _ := strings.Cut(strings.TrimLeft(token, "!"), ":") // lists of domains have exceptions
		if table.IsForeign(typ) {
			return typ
		}
		switch typ {
		case "pipemap", "unionmap", "randmap":
			if inner, ok := strings.CutPrefix(name, "{"); ok {
				if typ := foreignTable(strings.TrimSuffix(inner, "}")); typ != "" {
					return typ
				}
			}
		}
	}
}

// refuseProgram returns an error if a master.cf service runs another program
// than the one whose work we do.
func refuseProgram(files configFiles, service, program, parameter string) error {
	for _, s := range files.master.Lookup(service, "unix") {
		if command := s.Command(); command != program {
			return &RefusedError{
				Name: parameter, Value: service,
				Why:    "master.cf runs " + command + " there, not " + program,
				Origin: files.master.File + ":" + strconv.Itoa(s.Line.First),
			}
		}
	}
	return nil
}

// RefusedError is a setting that we cannot honour when we write queue files
// ourselves.
type RefusedError struct {
	Name, Value string
	// Why adds a reason, unless it is empty.
	Why string
	// Origin is the file and line where it is set, or where master.cf gives it a
	// meaning that we cannot honour, or empty.
	Origin string
}

func refused(clean *params.Effective, name, value, why string) *RefusedError {
	name, v := whereSet(clean, name)
	e := &RefusedError{Name: name, Value: value, Why: why}
	if v.Line > 0 {
		e.Origin = v.Origin()
	}
	return e
}

func (e *RefusedError) Error() string {
	origin, why := "", ""
	if e.Origin != "" {
		origin = e.Origin + ": "
	}
	if e.Why != "" {
		why = " (" + e.Why + ")"
	}
	return fmt.Sprintf("%sstand-alone mode cannot honor %s = %s%s; set queue_via = cleanup to leave it to cleanup(8)", origin, e.Name, e.Value, why)
}
