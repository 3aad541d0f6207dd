package rfc822

// node is a token in the list that Parse works on: doubly linked, because
// addresses are cut out of it, comments move and commas are added.
type node struct {
	tok         Token
	prev, next  int32
	first, last int32 // members of an address
}

// The ends of the list are nodes of kind 0.
const (
	head = 0
	tail = 1
)

// Parse reads an address header's value: at most limit tokens of it (0: all),
// the rest is lost. Addresses are found from right to left; where two words
// stand side by side without an operator, two addresses are assumed and the
// comma between them is supplied. Comments move to the right of the address
// that they stand in. What is not understood stays where it is.
//
// Source: Postfix 3.10 tok822_parse.c, tok822_parse_limit.
func (l *AddressList) Parse(text []byte, limit int) {
	l.tokens.Reset()
	l.tokens.Scan(text, limit)
	l.chain()

	word, group := true, false // what may come next, to the left
	right := int32(tail)       // left end of what is dealt with
	for at := l.link[tail].prev; l.link[at].tok.Kind != 0; {
		switch kind := l.link[at].tok.Kind; {
		case kind == Comment:
			at, right = l.moveComment(at, right)
			continue
		case kind == ';':
			l.group(at, right, true)
			right = at
			word, group = true, true
		case kind == ':' && group:
			l.link[at].tok.Kind = groupStart
			l.group(at, right, false)
			for l.kindAt(at) != 0 && l.kindAt(at) != ',' {
				at = l.link[at].prev
			}
			right = at
			continue
		case kind == '>':
			l.group(at, right, true)
			right = at
			for l.kindAt(at) != 0 && l.kindAt(at) != '<' {
				if l.kindAt(at) == Comment {
					at, right = l.moveComment(at, right)
				} else {
					at = l.link[at].prev
				}
			}
			l.group(at, right, false)
			for !endsPhrase(l.kindAt(at)) {
				at = l.link[at].prev
			}
			right = at
			word = true
			continue
		case kind == Atom || kind == QuotedString || kind == DomainLiteral:
			if !word {
				l.group(at, right, true)
				right = l.link[at].next
			}
			word = false
		case kind == ',':
			l.group(at, right, false)
			right = at
			word = true
		default:
			word = true
		}
		at = l.link[at].prev
	}
	l.group(head, right, false)
	l.flatten()
}

func (l *AddressList) kindAt(at int32) Kind { return l.link[at].tok.Kind }

// endsPhrase tells whether the text before <address> ends, to the left, at a
// token of kind k.
func endsPhrase(k Kind) bool {
	return k == '>' || k == ';' || k == ',' || k == ':' || k == 0
}

// chain links the scanned tokens between head and tail.
func (l *AddressList) chain() {
	l.link = append(l.link[:0], node{prev: -1, next: tail}, node{prev: head, next: -1})
	for _, tok := range l.tokens.List {
		l.insertBefore(tail, node{tok: tok})
	}
}

// insertBefore adds n to the list before at.
func (l *AddressList) insertBefore(at int32, n node) {
	i := int32(len(l.link))
	n.prev, n.next = l.link[at].prev, at
	l.link = append(l.link, n)
	l.link[n.prev].next, l.link[at].prev = i, i
}

// moveComment moves the comment at before right. It returns the comment's old
// left neighbour and its new place.
func (l *AddressList) moveComment(at, right int32) (left, moved int32) {
	n := l.link[at]
	l.link[n.prev].next, l.link[n.next].prev = n.next, n.prev
	left = n.prev
	before := l.link[right].prev
	l.link[at].prev, l.link[at].next = before, right
	l.link[before].next, l.link[right].prev = at, at
	return left, at
}

// group makes the tokens strictly between left and right one address, with a
// comma to its left if comma is set. It does nothing if there are none.
func (l *AddressList) group(left, right int32, comma bool) {
	if left == right || l.link[left].next == right {
		return
	}
	first, last := l.link[left].next, l.link[right].prev
	l.link[left].next, l.link[right].prev = right, left
	l.insertBefore(right, node{tok: Token{Kind: addressKind}, first: first, last: last})
	if comma {
		l.insertBefore(l.link[left].next, node{tok: Token{Kind: ','}})
	}
}

// flatten turns the linked list into items and addresses. The members of the
// addresses get a token list of their own order.
func (l *AddressList) flatten() {
	l.items = l.items[:0]
	l.addresses = l.addresses[:0]
	list := l.tokens.List[:0] // chain has copied them
	for at := l.link[head].next; at != tail; at = l.link[at].next {
		n := l.link[at]
		it := item{tok: n.tok}
		if n.tok.Kind == addressKind {
			it.address = len(l.addresses)
			first := len(list)
			for m := n.first; ; m = l.link[m].next {
				list = append(list, l.link[m].tok)
				if m == n.last {
					break
				}
			}
			l.addresses = append(l.addresses, addressNode{first, len(list), false})
		}
		l.items = append(l.items, it)
	}
	l.tokens.List = list
}
