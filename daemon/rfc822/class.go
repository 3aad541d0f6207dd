package rfc822

// The character classes of the tokenizer and of the quoting rules.
const (
	space        = 1 << iota // separates tokens: blank, tab, CR, LF
	operator                 // a token of its own
	notDotString             // forces quotes around a local part
	notAtom                  // turns an atom into a quoted string
)

// class is indexed by a byte of the text.
var class = [256]uint8{
	0: notDotString | notAtom, 1: notDotString | notAtom, 2: notDotString | notAtom, 3: notDotString | notAtom,
	4: notDotString | notAtom, 5: notDotString | notAtom, 6: notDotString | notAtom, 7: notDotString | notAtom,
	8: notDotString | notAtom, '\t': space | notDotString | notAtom, '\n': space | notDotString | notAtom, 11: notDotString | notAtom,
	12: notDotString | notAtom, '\r': space | notDotString | notAtom, 14: notDotString | notAtom, 15: notDotString | notAtom,
	16: notDotString | notAtom, 17: notDotString | notAtom, 18: notDotString | notAtom, 19: notDotString | notAtom,
	20: notDotString | notAtom, 21: notDotString | notAtom, 22: notDotString | notAtom, 23: notDotString | notAtom,
	24: notDotString | notAtom, 25: notDotString | notAtom, 26: notDotString | notAtom, 27: notDotString | notAtom,
	28: notDotString | notAtom, 29: notDotString | notAtom, 30: notDotString | notAtom, 31: notDotString | notAtom,
	127: notDotString | notAtom,

	' ':  space | notDotString | notAtom,
	'(':  operator | notDotString | notAtom,
	')':  operator | notDotString | notAtom,
	'<':  operator | notDotString | notAtom,
	'>':  operator | notDotString | notAtom,
	'@':  operator | notDotString | notAtom,
	',':  operator | notDotString | notAtom,
	';':  operator | notDotString | notAtom,
	':':  operator | notDotString | notAtom,
	'\\': operator | notDotString | notAtom,
	'"':  operator | notDotString | notAtom,
	'[':  operator | notDotString | notAtom,
	']':  operator | notDotString | notAtom,
	'.':  operator | notAtom,
	'|':  operator | notAtom,
	'%':  operator | notAtom,
	'!':  operator | notAtom,
}

// IsAtomByte tells whether c stands for itself wherever it is in an address:
// it is neither white space nor a control byte, needs no quotes and is no
// operator. 8-bit bytes qualify, "." does not.
func IsAtomByte(c byte) bool { return class[c] == 0 }
