package daemon

import (
	"strings"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/mainconf"
)

// overrideOptions are the words of receive_override_options and the cleanup
// flags that each takes away. Source: Postfix 3.10 input_transp.c.
var overrideOptions = map[string]uint32{
	"no_unknown_recipient_checks": 0,
	"no_address_mappings":         cleanup.FlagBCC | cleanup.FlagMap,
	"no_header_body_checks":       cleanup.FlagFilter,
	"no_milters":                  cleanup.FlagMilter,
}

// sourceClasses are the words of smtputf8_autodetect_classes; true for those
// that mean mail received by qmqpd. Source: Postfix 3.10 smtputf8.c.
var sourceClasses = map[string]bool{
	"sendmail": false,
	"smtpd":    false,
	"qmqpd":    true,
	"forward":  false,
	"bounce":   false,
	"notify":   false,
	"verify":   false,
	"all":      true,
}

// cleanupFlags returns the flags that go with each message under the given
// value of receive_override_options. An unknown word is an error with
// Postfix's text.
func cleanupFlags(overrides string) (uint32, error) {
	flags := uint32(cleanup.FlagsExternal)
	for _, word := range mainconf.SplitList(overrides) {
		off, ok := overrideOptions[word]
		if !ok {
			return 0, unknownWord("receive_override_options", word, overrides)
		}
		flags &^= off
	}
	return flags, nil
}

// autodetect tells whether smtputf8_autodetect_classes covers mail received by
// qmqpd. Postfix looks at the value with each message; an unknown word ends the
// process then. The warning, if not empty, is one that Postfix logs with each
// message.
func autodetect(classes string) (on bool, warning string, err error) {
	words := mainconf.SplitList(classes)
	if classes != "" && len(words) == 0 {
		return false, "smtputf8_autodetect_classes: bad input: " + classes, nil
	}
	for _, word := range words {
		covers, ok := sourceClasses[word]
		if !ok {
			return false, "", unknownWord("smtputf8_autodetect_classes", word, classes)
		}
		on = on || covers
	}
	return on, "", nil
}

// logWords tells of the words of a list up to the first unknown one, as Postfix
// does at verbose level 1. Source: Postfix 3.10 name_mask.c.
func logWords[V any](log *maillog.Logger, list string, known map[string]V) {
	for _, word := range mainconf.SplitList(list) {
		if _, ok := known[word]; !ok {
			return
		}
		log.Infof("name_mask: %s", word)
	}
}

// flagNames shows cleanup flags as Postfix does. Source: Postfix 3.10
// cleanup_strflags.c.
func flagNames(flags uint32) string {
	var names []string
	for _, f := range []struct {
		flag uint32
		name string
	}{
		{cleanup.FlagFilter, "enable_header_body_filter"},
		{cleanup.FlagBCC, "enable_automatic_bcc"},
		{cleanup.FlagMap, "enable_address_mapping"},
		{cleanup.FlagMilter, "enable_milters"},
	} {
		if flags&f.flag != 0 {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, " ")
}
