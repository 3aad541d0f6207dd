package compat

// postconfDifference is an agreed difference between our postconf and stock's,
// shown by one command line.
type postconfDifference struct {
	main   string // main.cf
	line   string // as in the case files
	ours   string // what our messages contain, or else our output
	reason string
}

// knownPostconf are the agreed differences between our postconf and stock's.
// One that has vanished fails the test. Two more cannot be run: stock runs out
// of memory expanding a=$b$b, b=$c$c, ..., and it may hang on a database
// client's configuration file that is a FIFO.
var knownPostconf = []postconfDifference{
	{
		main: "relayhost = 1\n", line: "postconf -jn relayhost", ours: `{"relayhost": "1"}`,
		reason: "JSON output is there for all versions, and not from Postfix 3.11 on only",
	},
	{
		main: "", line: "postconf -e a=b", ours: "option -e is not implemented",
		reason: "this program does not edit",
	},
	{
		main: "", line: "postconf -X a", ours: "option -X is not implemented",
		reason: "this program does not edit",
	},
	{
		main: "", line: "postconf -M -# smtp/inet", ours: "option -# is not implemented",
		reason: "this program does not edit",
	},
	{
		main: "mydestination = ${{$mydestination} == {b} ? {c}}\n", line: "postconf mydestination", ours: nestingMessage,
		reason: "a macro that refers to itself in the operand of a relational expression overflows stock's stack",
	},
	{
		main: "compatibility_level = $mynetworks\n", line: "postconf mynetworks", ours: nestingMessage,
		reason: "a compatibility_level that refers to mynetworks, whose default depends on it, overflows stock's stack",
	},
	{
		main: "mydestination = $a\n", line: "postconf -vv mydestination", ours: "mydestination = $a",
		reason: "look-ups in stock's tables are not logged, because there are no such tables",
	},
}

// nestingMessage is in a warning of ours where stock may overflow its stack: in
// the operands of relational expressions it starts to count the nesting anew.
const nestingMessage = "unreasonable macro call nesting"

// editRefusal is in the message of ours where stock edits.
const editRefusal = " is not implemented: this program does not edit"
