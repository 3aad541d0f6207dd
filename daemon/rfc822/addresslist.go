package rfc822

// AddressList is the parsed value of an address header: addresses, and all
// that stands around them. The zero value is ready. It keeps its memory
// between uses; it is not for concurrent use.
type AddressList struct {
	tokens    Tokens
	items     []item
	addresses []addressNode
	link      []node // during Parse
}

// item is a token of the header outside of addresses, or one address.
type item struct {
	tok     Token // of kind addressKind for an address
	address int   // index in addresses
}

// addressNode is an address as the range [first, end) of tokens.List.
type addressNode struct {
	first, end int
	spaced     bool // the tokens come from Set, not from the header
}

// Len returns the number of addresses.
func (l *AddressList) Len() int { return len(l.addresses) }

// AppendAddress appends address i to dst in external form, token by token.
func (l *AddressList) AppendAddress(dst []byte, i int) []byte {
	a := l.addresses[i]
	return l.tokens.appendTokens(dst, l.tokens.List[a.first:a.end], a.spaced)
}

// Set replaces address i by the tokens of external.
func (l *AddressList) Set(i int, external []byte) {
	first := len(l.tokens.List)
	n := l.tokens.Scan(external, 0)
	l.addresses[i] = addressNode{first, first + n, true}
}

// maxOtherText is the number of bytes that an element of an address list may
// have besides its address before Append reduces it to <address>. The limit
// protects Sendmail systems (CERT advisory CA-2003-07).
const maxOtherText = 250

// Append appends the whole list to dst, a LF after each comma. An element with
// too much text beside its address is reduced to <address>; stripped, if not
// nil, is called with the text that it had.
//
// Source: Postfix 3.10 tok822_parse.c, tok822_externalize with
// TOK822_STR_HEAD.
func (l *AddressList) Append(dst []byte, stripped func(element []byte)) []byte {
	const none, emptyRoute = -1, -2
	start, address, addressLen := len(dst), none, 0
	enforce := func() {
		if address == none || len(dst)-addressLen <= start+maxOtherText {
			return
		}
		if stripped != nil {
			stripped(dst[start:])
		}
		dst = append(dst[:start], '<')
		if address != emptyRoute {
			dst = l.appendQuotedAddress(dst, address)
		}
		dst = append(dst, '>')
	}
	for i, it := range l.items {
		switch it.tok.Kind {
		case ',':
			enforce()
			dst = append(dst, ",\n"...)
			start, address, addressLen = len(dst), none, 0
			continue
		case addressKind:
			before := len(dst)
			dst = l.appendQuotedAddress(dst, it.address)
			address, addressLen = it.address, len(dst)-before
		case '<':
			if i+1 < len(l.items) && l.items[i+1].tok.Kind == '>' {
				address, addressLen = emptyRoute, 0
			}
			dst = append(dst, '<')
		default:
			dst = l.tokens.appendToken(dst, it.tok)
		}
		if i+1 < len(l.items) && spaceBetween(it.tok.Kind, l.items[i+1].tok.Kind) {
			dst = append(dst, ' ')
		}
	}
	enforce()
	return dst
}

func (l *AddressList) appendQuotedAddress(dst []byte, i int) []byte {
	a := l.addresses[i]
	return l.tokens.appendAddress(dst, l.tokens.List[a.first:a.end], a.spaced)
}

// Size returns the number of bytes of memory that the list keeps.
func (l *AddressList) Size() int {
	return cap(l.tokens.text) + 12*cap(l.tokens.List) + 24*(cap(l.items)+cap(l.addresses)) + 32*cap(l.link)
}
