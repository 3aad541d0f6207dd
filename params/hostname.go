package params

import (
	"errors"

	"github.com/qmqpd/qmqpd/params/hosttext"
)

// CheckHostname returns an error unless name is valid as a host name. The
// text of the error is Postfix's warning. Source: Postfix 3.10
// valid_hostname.c.
func CheckHostname(name string) error {
	if problem := hosttext.Problem(name); problem != "" {
		return errors.New(problem)
	}
	return nil
}
