package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/daemon/jail"
	"github.com/qmqpd/qmqpd/mainconf"
)

// importedZone returns the time zone of the programs that master(8) starts under
// the given value of import_environment: TZ and TZDIR are what the list sets them to,
// or else, if the list names them, what the environment has. An error is one with which
// master(8) would not start.
//
// Source: Postfix 3.10 mail_parm_split.c, clean_env.c.
func importedZone(list string, environ func(string) (string, bool)) (*time.Location, error) {
	zone, set, dir := "", false, ""
	for _, word := range mainconf.SplitBraced(list, mainconf.ListSeparators) {
		if word[0] == '{' {
			var err error
			if word, err = mainconf.ExtractBraces(word); err != nil {
				return nil, fmt.Errorf("import_environment: %w", err)
			}
		}
		name, value := word, ""
		var ok bool
		if strings.Contains(word, "=") {
			var err error
			if name, value, err = mainconf.SplitNameValue(word); err != nil {
				return nil, fmt.Errorf("import_environment: %w in: %s", err, word)
			}
			ok = true
		} else {
			value, ok = environ(name)
		}
		if !ok {
			continue
		}
		switch name {
		case "TZ":
			zone, set = value, true
		case "TZDIR":
			dir = value
		}
	}
	return jail.Location(zone, set, dir), nil
}
