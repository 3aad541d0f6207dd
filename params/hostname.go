package params

import "strconv"

const (
	maxHostname = 255
	maxLabel    = 63
)

// CheckHostname returns an error unless name is valid as a host name. The
// text of the error is Postfix's warning. Source: Postfix 3.10
// valid_hostname.c.
func CheckHostname(name string) error {
	if name == "" {
		return hostnameError("empty hostname")
	}
	shown := name
	if len(shown) > 100 {
		shown = shown[:100]
	}
	label, numeric := 0, true
	for i := 0; i < len(name); i++ {
		c := name[i]
		last := i+1 == len(name)
		switch {
		case c-'0' < 10, c|0x20-'a' < 26, c == '_':
			if label++; label > maxLabel {
				return hostnameError("hostname label too long: " + shown)
			}
			if c-'0' >= 10 {
				numeric = false
			}
		case c == '.':
			if label == 0 || last {
				return hostnameError("misplaced delimiter: " + shown)
			}
			label = 0
		case c == '-':
			numeric = false
			if label++; label == 1 || last || name[i+1] == '.' {
				return hostnameError("misplaced hyphen: " + shown)
			}
		default:
			return hostnameError("invalid character " + strconv.Itoa(int(c)) + "(decimal): " + shown)
		}
	}
	if numeric {
		return hostnameError("numeric hostname: " + shown)
	}
	if len(name) > maxHostname {
		return hostnameError("bad length " + strconv.Itoa(len(name)) + " for " + shown + "...")
	}
	return nil
}

type hostnameError string

func (e hostnameError) Error() string { return "valid_hostname: " + string(e) }
