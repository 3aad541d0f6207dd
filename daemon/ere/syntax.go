package ere

// The parser for POSIX regular expressions, extended and basic, with the
// extensions of the GNU C library (\w \W \s \S \b \B \< \> \` \' and back
// references in extended expressions) and its error messages. It follows the
// behaviour of glibc 2.41, RE_SYNTAX_POSIX_EXTENDED and RE_SYNTAX_POSIX_BASIC,
// in the C locale: one byte is one character.

// message is one of the C library's.
type message string

func (e message) Error() string { return string(e) }

const (
	errPattern   message = "Invalid regular expression"
	errCollate   message = "Invalid collation character"
	errClass     message = "Invalid character class name"
	errEscape    message = "Trailing backslash"
	errReference message = "Invalid back reference"
	errBracket   message = "Unmatched [, [^, [:, [., or [="
	errParen     message = "Unmatched ( or \\("
	errBrace     message = "Unmatched \\{"
	errCount     message = "Invalid content of \\{\\}"
	errRange     message = "Invalid range end"
	errRepeat    message = "Invalid preceding regular expression"
	errSize      message = "Regular expression too big"
)

const (
	maxRepeat  = 0x7fff
	maxNesting = 1000 // of groups; the C library's limit is its stack
)

// node is a node of the syntax tree. A nil node matches nothing at all,
// that is the empty string.
type node struct {
	op    nodeOp
	left  *node
	right *node
	set   byteSet   // nodeSet
	check condition // nodeAssert
	group int       // nodeGroup, nodeBackRef: from 0
	spare bool      // nodeGroup: repeated, and this time may be left out
}

type nodeOp uint8

const (
	nodeSet nodeOp = iota
	nodeConcat
	nodeAlt // right may be nil: optional
	nodeStar
	nodeGroup
	nodeAssert
	nodeBackRef
)

// condition is a condition on a position.
type condition uint8

const (
	assertLineFirst condition = iota
	assertLineLast
	assertBufferFirst
	assertBufferLast
	assertWordFirst
	assertWordLast
	assertWordEdge
	assertNotWordEdge
	assertElse // something that automata need not know: see perlParser
)

type parser struct {
	text    string // upper-cased, if case does not matter
	cased   string // as written
	pos     int
	options Options
	token   token
	groups  int
	nesting int
	nodes   int
	// complete has a bit for each of the first nine groups that is closed.
	complete uint
	backRefs bool
}

func (p *parser) extended() bool { return p.options&Extended != 0 }

// parse returns the tree of the whole pattern.
func (p *parser) parse() (*node, error) {
	p.next(true)
	return p.alternatives()
}

// negated is the complement of a set, without the newline in newline mode.
func (p *parser) negated(set byteSet) byteSet {
	set = set.not()
	if p.options&Newline != 0 {
		set.remove('\n')
	}
	return set
}

func (p *parser) branchEnds() bool {
	k := p.token.kind
	return k == tokAlt || k == tokEnd || p.nesting > 0 && k == tokClose
}

func (p *parser) alternatives() (*node, error) {
	before := p.complete
	tree, err := p.branch()
	for err == nil && p.token.kind == tokAlt {
		p.next(true)
		var other *node
		if !p.branchEnds() {
			// A branch may not refer to groups of the ones before it.
			sofar := p.complete
			p.complete = before
			if other, err = p.branch(); err != nil {
				return nil, err
			}
			p.complete |= sofar
		}
		if tree == nil {
			// The C library tries an empty branch last of the two.
			tree, other = other, nil
		}
		tree, err = p.node(&node{op: nodeAlt, left: tree, right: other})
	}
	return tree, err
}

func (p *parser) branch() (*node, error) {
	tree, err := p.expression()
	for err == nil && !p.branchEnds() {
		var more *node
		if more, err = p.expression(); err == nil {
			tree, err = p.concat(tree, more)
		}
	}
	return tree, err
}

// node counts the nodes, which repetition multiplies.
func (p *parser) node(n *node) (*node, error) {
	if p.nodes++; p.nodes > maxProgram {
		return nil, errSize
	}
	return n, nil
}

func (p *parser) concat(a, b *node) (*node, error) {
	switch {
	case a == nil:
		return b, nil
	case b == nil:
		return a, nil
	}
	return p.node(&node{op: nodeConcat, left: a, right: b})
}

func (p *parser) expression() (*node, error) {
	var tree *node
	var err error
	switch t := p.token; t.kind {
	case tokAlt, tokEnd:
		return nil, nil
	case tokBackslash:
		return nil, errEscape
	case tokOpen:
		tree, err = p.subexpression()
	case tokBracket:
		var set byteSet
		if set, err = p.bracket(); err == nil {
			tree, err = p.node(&node{set: set})
		}
	case tokBackRef:
		if p.complete&(1<<t.c) == 0 {
			return nil, errReference
		}
		p.backRefs = true
		tree, err = p.node(&node{op: nodeBackRef, group: int(t.c)})
	case tokAnchor:
		// No repetition can follow.
		tree, err = p.node(&node{op: nodeAssert, check: t.anchor})
		p.next(false)
		return tree, err
	case tokAny:
		tree, err = p.node(&node{set: p.anySet()})
	case tokSet:
		tree, err = p.node(&node{set: t.set})
	case tokStar, tokPlus, tokQuestion, tokOpenCount:
		if p.extended() || t.kind == tokOpenCount {
			return nil, errRepeat
		}
		tree, err = p.literal(t)
	case tokClose:
		if !p.extended() {
			return nil, errParen
		}
		tree, err = p.literal(t)
	default:
		tree, err = p.literal(t)
	}
	if err != nil {
		return nil, err
	}
	p.next(false)
	return p.repeated(tree)
}

func (p *parser) literal(t token) (*node, error) {
	var set byteSet
	set.add(t.c)
	return p.node(&node{set: set})
}

// anySet is what a dot matches.
func (p *parser) anySet() byteSet {
	var nothing byteSet
	set := p.negated(nothing)
	set.remove(0)
	return set
}

func (p *parser) subexpression() (*node, error) {
	number := p.groups
	p.groups++
	if p.nesting++; p.nesting > maxNesting {
		return nil, errSize
	}
	p.next(true)
	var tree *node
	if p.token.kind != tokClose {
		var err error
		if tree, err = p.alternatives(); err != nil {
			return nil, err
		}
		if p.token.kind != tokClose {
			return nil, errParen
		}
	}
	p.nesting--
	if number < 9 {
		p.complete |= 1 << number
	}
	return p.node(&node{op: nodeGroup, left: tree, group: number})
}

// repeated reads the repetitions after an expression.
func (p *parser) repeated(tree *node) (*node, error) {
	for {
		low, high := 0, -1
		switch p.token.kind {
		case tokStar:
		case tokPlus:
			low = 1
		case tokQuestion:
			high = 1
		case tokOpenCount:
			var err error
			if low, high, err = p.counts(); err != nil {
				return nil, err
			}
		default:
			return tree, nil
		}
		p.next(false)
		var err error
		if tree, err = p.times(tree, low, high); err != nil {
			return nil, err
		}
		if !p.extended() && (p.token.kind == tokStar || p.token.kind == tokOpenCount) {
			return nil, errRepeat
		}
	}
}

// counts reads {n}, {n,}, {n,m} or {,m}; high is -1 for no limit.
func (p *parser) counts() (low, high int, err error) {
	const absent, bad = -1, -2
	low = p.number()
	if low == absent {
		if p.token.kind == tokCloseCount {
			return 0, 0, errCount
		}
		low = 0
	}
	if low != bad {
		if high = low; p.token.kind != tokCloseCount {
			high = p.number()
		}
	}
	if low == bad || high == bad {
		if p.token.kind == tokEnd {
			return 0, 0, errBrace
		}
		return 0, 0, errCount
	}
	if high != absent && low > high || p.token.kind != tokCloseCount {
		return 0, 0, errCount
	}
	if max(low, high) > maxRepeat {
		return 0, 0, errSize
	}
	return low, high, nil
}

// number reads up to a comma or closing brace: -1 for nothing, -2 for what is
// no number.
func (p *parser) number() int {
	n := -1
	for {
		p.next(false)
		c := p.token.c
		switch {
		case p.token.kind == tokEnd:
			return -2
		case p.token.kind == tokCloseCount || p.token.kind == tokChar && c == ',':
			return n
		case p.token.kind != tokChar || !isDigit(c) || n == -2:
			n = -2
		case n == -1:
			n = int(c - '0')
		default:
			n = min(maxRepeat+1, n*10+int(c-'0'))
		}
	}
}

// times builds a tree for low to high repetitions.
func (p *parser) times(elem *node, low, high int) (*node, error) {
	if elem == nil {
		return nil, nil
	}
	var tree *node
	var err error
	copies := 0
	one := func() (*node, error) {
		if copies++; copies == 1 {
			return elem, nil
		}
		return p.duplicate(elem)
	}
	add := func(to *node, spare bool) (*node, error) {
		more, err := one()
		if err != nil {
			return nil, err
		}
		more.spare = spare
		return p.concat(to, more)
	}
	for range low {
		if tree, err = add(tree, false); err != nil {
			return nil, err
		}
	}
	if high < 0 {
		more, err := add(nil, true)
		if err != nil {
			return nil, err
		}
		if more, err = p.node(&node{op: nodeStar, left: more}); err != nil {
			return nil, err
		}
		return p.concat(tree, more)
	}
	// x{0,3} is ((x?x)?x)?; the C library takes the innermost alone for spare.
	var optional *node
	for range high - low {
		if optional, err = add(optional, optional == nil); err != nil {
			return nil, err
		}
		if optional, err = p.node(&node{op: nodeAlt, left: optional}); err != nil {
			return nil, err
		}
	}
	return p.concat(tree, optional)
}

func (p *parser) duplicate(n *node) (*node, error) {
	if n == nil {
		return nil, nil
	}
	same := *n
	var err error
	if same.left, err = p.duplicate(n.left); err != nil {
		return nil, err
	}
	if same.right, err = p.duplicate(n.right); err != nil {
		return nil, err
	}
	return p.node(&same)
}
