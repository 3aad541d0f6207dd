// Package mainconf reads Postfix's main.cf and master.cf as lossless documents
// and expands $name in their values.
//
// # Files
//
// Both files consist of logical lines. A physical line that is empty, blank or
// starts (after white space) with '#' is a comment wherever it stands; it does
// not end a continued line. A physical line that starts with white space
// continues the logical line before it; the newline vanishes, the white space
// stays. Every byte is legal; white space is the six bytes of C's isspace().
//
// [ParseMain] splits logical lines into name = value. [ParseMaster] splits
// them into eight fields and arguments. Both keep the source text: Bytes
// returns exactly the input. Duplicate entries are kept, and the last one wins.
//
// What Postfix warns about while reading is returned as [Warning] values;
// what it refuses is returned as [*Error] values, all of them, collected in one
// go-multierror value in file order. Stock programs stop at the first one; a
// caller who needs that uses [FirstError] and the warnings counted by
// Error.Warnings.
//
// # Macro expansion
//
// An [Expander] implements $name, $(name), ${name}, ${name?text},
// ${name:text}, ${name?{text}:{text}}, ${{a} == {b} ? {text} : {text}} and the
// compatibility-level operators such as "<level". The work done by one
// expansion is bounded, see [DefaultMaxWork].
//
// # What this package does not do
//
// It does not know which parameters exist, what kinds they have or what their
// defaults are: that is package params. It opens no files.
//
// Sources: Postfix 3.10 readlline.c, split_nameval.c, extpar.c, mac_parse.c,
// mac_expand.c, compat_level.c, dict.c (dict_load_fp) and postconf_master.c.
package mainconf
