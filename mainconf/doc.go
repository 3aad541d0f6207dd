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
// go-multierror value in file order; [Errors] takes it apart. Stock programs stop at the
// first one; a caller who needs that uses [FirstError] and the warnings counted by
// Error.Warnings.
//
// # Editing
//
// A document is not changed, but it says where everything stands, so that a
// caller can put a new text together in which the rest is as it was. In the
// text that was parsed, each entry is [Offset:TextEnd) of its [Line]; what lies
// between those are comments, blank lines, and what is no entry.
//
//   - To replace an entry, put whole lines in place of [Offset:TextEnd): the
//     first begins with neither white space nor '#', each further one with white
//     space, and the last ends with a newline.
//   - To remove an entry, leave out the same bytes. What follows them cannot
//     become a part of the entry before: a line that continues an entry belongs
//     to its [Offset:TextEnd), whatever comments stand between.
//   - To insert, put whole lines at an Offset, where a logical line begins. Do
//     not insert at TextEnd or End of an entry that ends the file without a
//     newline.
//   - To append, write a newline first if the text is not empty and its last
//     byte is none: the last line, be it an entry or a comment, would swallow
//     what comes after it. Then write whole lines. An entry that is appended
//     is in force, since the last one wins; the one before it is warned about
//     if its value is another ([WarnOverride]), so it is better to replace that.
//   - An entry whose Line is not [Line.InFile] is a preset, and not in the text.
//     All of its offsets are 0: append an entry instead.
//
// Several edits are made from the last to the first, or the text is parsed
// again after each. That also tells whether the result is what was meant: white
// space around a value, and a newline in it, do not come back.
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
