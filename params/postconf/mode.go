package postconf

import "strings"

// mode is a set of options.
type mode uint32

// The options in the order in which stock's complaints list them. It has a place for
// -C, too, but never says that it was given.
const (
	saslServers     mode = 1 << iota // -a
	saslClients                      // -A
	expandTemplates                  // -b
	showDefaults                     // -d
	editConf                         // -e
	foldLines                        // -f
	masterFields                     // -F
	hideName                         // -h
	hideValue                        // -H
	showJSON                         // -j
	showLocks                        // -l
	showMaps                         // -m
	masterEntries                    // -M
	showSet                          // -n
	override                         // -o
	mainParams                       // -p
	masterParams                     // -P
	dumpTemplates                    // -t
	showTLS                          // -T
	expandValues                     // -x
	editExclude                      // -X
	editComment                      // -#
	mergedParams                     // -PP
)

var modeNames = [...]string{
	"-a", "-A", "-b", "-d", "-e", "-f", "-F", "-h", "-H", "-j", "-l",
	"-m", "-M", "-n", "-o", "-p", "-P", "-t", "-T", "-x", "-X", "-#", "-PP",
}

// names lists the options in m.
func (m mode) names(separator string) string {
	var list []string
	for i, name := range modeNames {
		if m&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, separator)
}

const (
	anyEdit    = editConf | editExclude | editComment
	masterMode = masterEntries | masterFields | masterParams
	majorModes = saslServers | saslClients | expandTemplates | showLocks | showMaps |
		dumpTemplates | mainParams | masterMode | showTLS
)

// exclusive are sets of which a command line may use one option each. The
// first that is violated is reported. The one with -PP is new in Postfix 3.11.
var exclusive = [...]mode{
	majorModes,
	mergedParams | anyEdit,
	showDefaults | showSet | anyEdit,
	foldLines | anyEdit,
	expandValues | anyEdit,
	override | showDefaults | anyEdit,
	hideName | hideValue | anyEdit,
}

// companions says for an option which others may stand beside it.
var companions = [...]struct{ option, allowed mode }{
	{saslServers, 0},
	{saslClients, 0},
	{expandTemplates, 0},
	{showLocks, 0},
	{showMaps, 0},
	{showTLS, 0},
	{dumpTemplates, 0},
	{mainParams, anyEdit | foldLines | hideName | expandValues |
		showDefaults | showSet | override | hideValue | showJSON},
	{masterEntries, anyEdit | foldLines | override | expandValues | showJSON},
	{masterFields, editConf | foldLines | hideName | override | expandValues | hideValue | showJSON},
	{masterParams, editConf | editExclude | foldLines | hideName | override | expandValues |
		hideValue | showJSON | mergedParams},
	{mergedParams, foldLines | hideName | override | expandValues | hideValue | showJSON | masterParams},
	{showJSON, mainParams | masterMode | override | expandValues | showSet | showDefaults},
}

// check returns stock's complaint about options that do not go together.
// Before Postfix 3.11 the first kind of list was separated by blanks.
// Source: Postfix 3.11 postconf.c, pcf_check_exclusive_options and
// pcf_check_compat_options.
func (m mode) check(commas bool) error {
	separator := " "
	if commas {
		separator = ", "
	}
	for _, set := range exclusive {
		if set&mergedParams != 0 && m&mergedParams == 0 && !commas {
			continue
		}
		if both := m & set; both&(both-1) != 0 {
			return &Fatal{"specify one of " + both.names(separator)}
		}
	}
	for _, c := range companions {
		if excess := m &^ (c.option | c.allowed); m&c.option != 0 && excess != 0 {
			return &Fatal{"with option " + c.option.names(" ") + ", do not specify " + excess.names(" ")}
		}
	}
	return nil
}
