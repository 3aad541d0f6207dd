package daemon

import (
	"fmt"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/params"
)

// refusal is a parameter of cleanup(8) that stand-alone mode cannot honour when
// it is set to anything.
type refusal struct {
	name string
	// flag is the cleanup flag without which cleanup(8) would ignore the
	// parameter too.
	flag uint32
}

// refusals are what cleanup(8) would do and stand-alone mode does not. Source:
// Postfix 3.10 cleanup_init.c for the list of parameters.
var refusals = []refusal{
	{"canonical_maps", cleanup.FlagMap},
	{"sender_canonical_maps", cleanup.FlagMap},
	{"recipient_canonical_maps", cleanup.FlagMap},
	{"virtual_alias_maps", cleanup.FlagMap},
	{"masquerade_domains", cleanup.FlagMap},
	{"always_bcc", cleanup.FlagBCC},
	{"sender_bcc_maps", cleanup.FlagBCC},
	{"recipient_bcc_maps", cleanup.FlagBCC},
	{"header_checks", cleanup.FlagFilter},
	{"mime_header_checks", cleanup.FlagFilter},
	{"nested_header_checks", cleanup.FlagFilter},
	{"body_checks", cleanup.FlagFilter},
	{"non_smtpd_milters", cleanup.FlagMilter},
}

// refuse returns an error for each setting of cleanup(8) that stand-alone mode
// cannot honour. flags are the cleanup flags that messages would have.
func refuse(eff *params.Effective, flags uint32) error {
	var errs *multierror.Error
	for _, r := range refusals {
		if flags&r.flag == 0 {
			continue
		}
		if value := eff.String(r.name); value != "" {
			errs = multierror.Append(errs, &RefusedError{Name: r.name, Value: value})
		}
	}
	return errs.ErrorOrNil()
}

// RefusedError is a setting that stand-alone mode cannot honour.
type RefusedError struct {
	Name, Value string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("stand-alone mode cannot honor %s = %s; set queue_via = cleanup to leave it to cleanup(8)", e.Name, e.Value)
}
