package table

import "context"

// Kind says how a table finds a key.
type Kind int

const (
	// Fixed tables hold literal keys. Callers may also ask for parts of a
	// name, such as its parent domains.
	Fixed Kind = iota
	// Pattern tables match the whole key against patterns or a program, so
	// parts of a name are never asked.
	Pattern
)

// Table is one open lookup table. Its methods may be called from many
// goroutines at once, but not after Close.
type Table interface {
	// Type is the table's type as messages show it: "hash".
	Type() string
	// Name is the table's name as messages show it. For hash, btree and cdb
	// it has the file's suffix: "/etc/postfix/clients.db".
	Name() string
	// Kind says whether parts of a key may be asked.
	Kind() Kind
	// Lookup returns the value of key. A key that is absent is no error. An
	// error is an *Error; what Postfix logs about it has then been logged, but
	// the text of one of class Fatal, which is left to the caller.
	// Network tables give up when ctx ends.
	Lookup(ctx context.Context, key string) (value string, found bool, err error)
	// Close releases files and connections.
	Close() error
}

// watched is a table whose file is checked for changes before each client.
type watched interface {
	// changed reports that the file was modified, or is no longer linked.
	changed() (bool, error)
	// modifiedAt is when the file had been modified at the time it was opened, in
	// seconds since 1970. Zero stands for files that are not watched.
	modifiedAt() int64
}

// Flags are the wishes of the program that opens a table. The values are
// those of Postfix's DICT_FLAG_*, since proxymap(8) clients send them.
type Flags uint32

const (
	// DupWarn lets a texthash file repeat a key: the first one counts, and a
	// warning is logged. Otherwise the table is unavailable.
	DupWarn Flags = 1 << 0
	// DupIgnore is DupWarn without the warning.
	DupIgnore Flags = 1 << 1
	// Lock takes a shared lock around each lookup in a file that its writer
	// updates in place.
	Lock Flags = 1 << 6
	// DupReplace lets a texthash file repeat a key: the last one counts.
	DupReplace Flags = 1 << 7
	// NoRegsub refuses $number in the results of regexp and pcre rules.
	NoRegsub Flags = 1 << 11
	// NoProxy opens what a table of type proxy names without proxymap(8).
	NoProxy Flags = 1 << 12
	// NoUnauth refuses tables whose answers come from an unprotected source:
	// tcp, socketmap and memcache.
	NoUnauth Flags = 1 << 13
	// FoldFix folds the key to lower case for Fixed tables.
	FoldFix Flags = 1 << 14
	// FoldMul folds the key to lower case for Pattern tables.
	FoldMul Flags = 1 << 15
	// UTF8Request checks that keys and values are UTF-8, where Options.UTF8
	// is set, and folds keys by Unicode's rules.
	UTF8Request Flags = 1 << 19
)

// What proxymap(8) may say of a table.
const (
	flagTry0NULL    Flags = 1 << 2
	flagTry1NULL    Flags = 1 << 3
	flagFixed       Flags = 1 << 4
	flagPattern     Flags = 1 << 5
	flagMultiWriter Flags = 1 << 18
	flagUTF8Active  Flags = 1 << 20
	foldAny               = FoldFix | FoldMul
)

// flagNames are in the order in which Postfix prints them.
var flagNames = [...]struct {
	flag Flags
	name string
}{
	{DupWarn, "warn_dup"},
	{DupIgnore, "ignore_dup"},
	{flagTry0NULL, "try0null"},
	{flagTry1NULL, "try1null"},
	{flagFixed, "fixed"},
	{flagPattern, "pattern"},
	{Lock, "lock"},
	{DupReplace, "replace"},
	{NoRegsub, "no_regsub"},
	{NoProxy, "no_proxy"},
	{NoUnauth, "no_unauth"},
	{FoldFix, "fold_fix"},
	{FoldMul, "fold_mul"},
	{flagMultiWriter, "multi_writer"},
	{UTF8Request, "utf8_request"},
	{flagUTF8Active, "utf8_active"},
}

// String lists the flags as Postfix prints them in the name of a registered
// table: "lock|utf8_request". Source: Postfix 3.10 dict.c, dict_flags_str.
func (f Flags) String() string {
	text := ""
	for _, fn := range flagNames {
		if f&fn.flag == 0 {
			continue
		}
		if text != "" {
			text += "|"
		}
		text += fn.name
	}
	return text
}
