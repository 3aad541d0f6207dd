package mainconf

import (
	"slices"
	"strings"
)

// Field numbers a field of a master.cf entry.
type Field int

// The fields in their order. FieldCommand names the program; what follows it
// are its arguments.
const (
	FieldService Field = iota
	FieldType
	FieldPrivate
	FieldUnprivileged
	FieldChroot
	FieldWakeup
	FieldProcessLimit
	FieldCommand
	NumFields = 8
)

var fieldNames = [NumFields]string{
	"service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command",
}

// String returns the field's name as postconf -F prints it.
func (f Field) String() string {
	if f < 0 || f >= NumFields {
		return "field " + itoa(int(f))
	}
	return fieldNames[f]
}

// ParseField returns the field with the given name.
func ParseField(name string) (Field, bool) {
	i := slices.Index(fieldNames[:], name)
	return Field(i), i >= 0
}

// Service is one entry of master.cf. One that comes from ParseMaster or
// ParseService has all fields; where a Service that was made otherwise has too
// few Words, the missing fields are "".
type Service struct {
	// Words are the fields and arguments as written; braces are kept.
	Words []string
	// Args are the program's arguments in the canonical form that postconf(1)
	// works with: each option by itself, the name=value of -o as the word after
	// it, and no braces around words.
	Args []string
	// Overrides are the -o name=value settings among Args, in order.
	Overrides []Override
	// Line is the logical line of the entry.
	Line Line
}

// Override is one -o name=value among a service's arguments.
type Override struct {
	Name, Value string
	Arg         int // index in Service.Args of the name=value word
	// Line is the number of the physical line on which the name=value stands, or
	// begins. It is 0 if the service stands in no file.
	Line int
}

// Field returns a field as written, or "" if there is no such field.
func (s *Service) Field(f Field) string {
	if f < 0 || f >= NumFields || int(f) >= len(s.Words) {
		return ""
	}
	return s.Words[f]
}

// Name returns the service name, field 1.
func (s *Service) Name() string { return s.Field(FieldService) }

// Type returns the service type, field 2: inet, unix, fifo, pass or
// unix-dgram.
func (s *Service) Type() string { return s.Field(FieldType) }

// Command returns the program as written, field 8.
func (s *Service) Command() string { return s.Field(FieldCommand) }

// NameSpace returns name/type. Entries that share it share their overrides in
// postconf(1).
func (s *Service) NameSpace() string { return s.Name() + "/" + s.Type() }

// ProcessName returns the value that $process_name has for the service's
// program: the last part of Command.
func (s *Service) ProcessName() string { return baseName(s.Command()) }

// Lookup returns the override in force for name: the last one.
func (s *Service) Lookup(name string) (Override, bool) {
	for i := len(s.Overrides) - 1; i >= 0; i-- {
		if s.Overrides[i].Name == name {
			return s.Overrides[i], true
		}
	}
	return Override{}, false
}

// IsOption reports whether a canonical argument is an option: it starts with
// '-' and is not "--". The first argument that is none ends the options.
func IsOption(arg string) bool {
	return arg != "" && arg[0] == '-' && arg != "--"
}

// OptionTakesValue reports whether a canonical option is followed by its
// value: only -o is. Stock also says so of a lone "-".
func OptionTakesValue(arg string) bool {
	return arg == "-" || strings.HasPrefix(arg, "-o")
}

// newService makes a service of the words of an entry, which begin on the given lines.
func newService(words []string, lines []int, warn func(string)) *Service {
	args, from := normalizeArgs(words[NumFields:], warn)
	s := &Service{Words: words, Args: args}
	for i := 0; i < len(s.Args) && IsOption(s.Args[i]); i++ {
		if !OptionTakesValue(s.Args[i]) || i+1 == len(s.Args) {
			continue
		}
		i++
		if s.Args[i-1] != "-o" {
			continue
		}
		if name, value, err := SplitNameValue(s.Args[i]); err == nil {
			s.Overrides = append(s.Overrides, Override{Name: name, Value: value, Arg: i, Line: lines[NumFields+from[i]]})
		}
	}
	// Whoever appends to them gets slices of their own: others may be doing so.
	s.Words, s.Args, s.Overrides = slices.Clip(s.Words), slices.Clip(s.Args), slices.Clip(s.Overrides)
	return s
}

// normalizeArgs brings a daemon's arguments into canonical form:
//
//   - a cluster is split before an 'o' that is not its first letter: -vo x
//     becomes -v -o x. Stock applies this to -oname=value as well, if a later
//     letter is an 'o': -ofoo=bar becomes -o f -o -o=bar;
//   - -oname=value becomes -o name=value;
//   - -o {name = value} becomes -o name=value, white space inside removed;
//   - {text} among the arguments behind the options becomes text.
//
// From has for each argument the index of the word that it comes from.
//
// Source: Postfix 3.10 postconf_master.c, pcf_normalize_daemon_args. The
// quirks are stock's; postconf(1) prints what they produce.
func normalizeArgs(words []string, warn func(string)) (args []string, from []int) {
	// rest is what is left of a split cluster, without its '-': each letter is
	// looked at and copied once, however often the cluster is split.
	pending, rest := words, ""
	args, from = make([]string, 0, len(words)), make([]int, 0, len(words))
	add := func(arg string) {
		args, from = append(args, arg), append(from, len(words)-len(pending)-1)
	}
	for rest != "" || len(pending) > 0 && IsOption(pending[0]) {
		letters := rest
		rest = ""
		if letters == "" {
			letters, pending = pending[0][1:], pending[1:]
		}
		if len(letters) > 1 {
			if i := strings.IndexByte(letters[1:], 'o'); i >= 0 {
				letters, rest = letters[:1+i], letters[1+i:]
			}
		}
		arg := "-" + letters
		if !OptionTakesValue(arg) {
			add(arg)
			continue
		}
		end := min(len(arg), len("-o"))
		option, value := arg[:end], arg[end:]
		add(option)
		switch {
		case value != "":
		case rest != "":
			value, rest = "-"+rest, ""
		case len(pending) > 0:
			value, pending = pending[0], pending[1:]
		default:
			continue
		}
		if strings.HasPrefix(value, "{") {
			value = stripBraces(value, warn)
			if option == "-o" {
				if n, v, err := SplitNameValue(value); err != nil {
					warn(err.Error() + ": \"" + value + "\"")
				} else {
					value = n + "=" + v
				}
			}
		}
		add(value)
	}
	for len(pending) > 0 {
		arg := pending[0]
		pending = pending[1:]
		if strings.HasPrefix(arg, "{") {
			arg = stripBraces(arg, warn)
		}
		add(arg)
	}
	return args, from
}

func stripBraces(text string, warn func(string)) string {
	payload, err := ExtractBraces(text)
	if err != nil {
		warn(err.Error())
	}
	return payload
}

// baseName is what follows the last slash of path. Source: Postfix 3.10
// basename.c, which unlike basename(3) gives nothing for "smtp/".
func baseName(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}
