package daemon

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/params"
)

// settingError is what is wrong with the value of a parameter. Its text is
// Postfix's, which does not always say which parameter it is.
type settingError struct {
	name string
	err  error
}

func (e *settingError) Error() string { return e.err.Error() }
func (e *settingError) Unwrap() error { return e.err }

// aboutSetting returns err as one about the parameter.
func aboutSetting(name string, err error) error {
	if err == nil {
		return nil
	}
	return &settingError{name, err}
}

// unknownWord is the error of a list of words. It is about the parameter.
func unknownWord(name, word, value string) error {
	return aboutSetting(name, fmt.Errorf("unknown %s value \"%s\" in \"%s\"", name, word, value))
}

// placed has each settingError in err say which parameter it is about, and in
// which file and line that was set.
func placed(eff *params.Effective, err error) error {
	var errs *multierror.Error
	for _, err := range eachOf(err) {
		var about *settingError
		if errors.As(err, &about) {
			name, v := whereSet(eff, about.name)
			err = placedAt(name, v, err)
		}
		errs = multierror.Append(errs, err)
	}
	return errs.ErrorOrNil()
}

// placedAt puts the place of a setting in front of an error about it, and its name
// where the text lacks it.
func placedAt(name string, v params.Value, err error) error {
	return (&params.Error{Name: name, Value: v, Text: err.Error(), Err: err}).Located()
}

// whereSet returns the setting that gives a parameter its value. The default of
// virtual_alias_maps is $virtual_maps, its name in old files: what the administrator
// has written is to be found there.
func whereSet(eff *params.Effective, name string) (string, params.Value) {
	v, _ := eff.Value(name)
	if p, _ := eff.Profile().Lookup(name); v.Source == params.SourceDefault {
		if alias, ok := strings.CutPrefix(p.Default, "$"); ok && eff.IsSet(alias) {
			name = alias
			v, _ = eff.Value(name)
		}
	}
	return name, v
}

// eachOf returns the errors that err consists of.
func eachOf(err error) []error {
	var many *multierror.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		return many.Errors
	}
	return []error{err}
}
