// Package rewrite holds the rules by which trivial-rewrite(8) completes and
// straightens addresses: source routes, UUCP paths and the percent hack, a
// missing domain, an incomplete domain, a dot at the end.
//
// It knows the local rewriting context only: QMQP clients never ask for
// another one.
package rewrite

import "github.com/qmqpd/qmqpd/daemon/rfc822"

// Rules are the parameters that govern the rewriting. The zero value strips
// source routes and trailing dots only.
type Rules struct {
	// Origin is appended to addresses without a domain. Parameter
	// myorigin.
	Origin string
	// Domain is appended to domains without a dot. Parameter mydomain.
	Domain string
	// AppendAtMyorigin, AppendDotMydomain, SwapBangpath and
	// AllowPercentHack are the parameters of these names.
	AppendAtMyorigin  bool
	AppendDotMydomain bool
	SwapBangpath      bool
	AllowPercentHack  bool
}

// Rewriter rewrites addresses. It keeps scratch memory between calls and is
// not for concurrent use.
type Rewriter struct {
	rules  Rules
	tokens rfc822.Tokens
	quoted []byte
	result []byte
}

// New returns a Rewriter for the rules.
func New(rules Rules) *Rewriter { return &Rewriter{rules: rules} }

// Append appends the rewritten form of addr to dst. Both are in external
// form. An empty address, which cannot be in external form, stays empty.
//
// Source: Postfix 3.10 rewrite.c, rewrite_proto.
func (r *Rewriter) Append(dst, addr []byte) []byte {
	if r.isSettled(addr) {
		return append(dst, addr...)
	}
	r.tokens.Reset()
	if r.tokens.Scan(addr, 0) == 0 {
		return dst
	}
	r.apply()
	return r.tokens.AppendAddress(dst)
}

// AppendInternal appends the rewritten form of addr to dst. Both are in
// internal form: an envelope address. addr ends at the first NUL.
//
// Source: Postfix 3.10 rewrite_clnt.c, rewrite_clnt_internal.
func (r *Rewriter) AppendInternal(dst, addr []byte) []byte {
	if r.isSettled(addr) {
		return append(dst, addr...)
	}
	r.quoted = rfc822.AppendQuoted(r.quoted[:0], addr)
	r.result = r.Append(r.result[:0], r.quoted)
	return rfc822.AppendUnquoted(dst, r.result)
}

// isSettled tells whether addr is of the common form that no rule changes:
// dot-strings on both sides of one "@", more than one label in the domain
// unless a single one is complete.
func (r *Rewriter) isSettled(addr []byte) bool {
	at, dot, prev := -1, -1, byte('.')
	for i, c := range addr {
		switch {
		case rfc822.IsAtomByte(c):
		case c == '.' && prev != '.' && prev != '@':
			dot = i
		case c == '@' && at < 0 && prev != '.':
			at = i
		default:
			return false
		}
		prev = c
	}
	return at > 0 && prev != '@' && prev != '.' && (dot > at || !r.rules.AppendDotMydomain)
}

// apply applies the rules to r.tokens, which holds at least one token.
//
// Source: Postfix 3.10 rewrite.c, rewrite_tree.
func (r *Rewriter) apply() {
	t := &r.tokens
	if len(t.List) == 1 {
		only := t.List[0]
		if only.Kind == rfc822.QuotedString && len(t.Text(only)) == 0 {
			return
		}
		if only.Kind == '@' {
			t.List[0] = rfc822.Token{Kind: rfc822.QuotedString}
			return
		}
	}
	if t.List[0].Kind == '@' {
		if colon := t.Find(0, ':'); colon >= 0 && colon+1 < len(t.List) {
			t.List = append(t.List[:0], t.List[colon+1:]...)
		}
	}
	if t.FindLast('@') < 0 {
		r.supplyDomain()
	}
	r.completeDomain()
	if n := len(t.List); n >= 2 && t.List[n-1].Kind == '.' &&
		t.List[n-2].Kind != '.' && t.List[n-2].Kind != '@' {
		t.List = t.List[:n-1]
	}
}

// supplyDomain gives an address without "@" a domain.
func (r *Rewriter) supplyDomain() {
	t := &r.tokens
	if r.rules.SwapBangpath {
		if bang := t.Find(0, '!'); bang >= 0 {
			swapped := make([]rfc822.Token, 0, len(t.List))
			swapped = append(swapped, t.List[bang+1:]...)
			swapped = append(swapped, rfc822.Token{Kind: '@'})
			t.List = append(swapped, t.List[:bang]...)
			// A quirk of the token tree: what is put into an empty
			// one counts as part of it (tok822_tree.c,
			// tok822_sub_prepend).
			t.Tight = bang == 0
			return
		}
	}
	if r.rules.AllowPercentHack {
		if percent := t.FindLast('%'); percent >= 0 {
			t.List[percent].Kind = '@'
			return
		}
	}
	if r.rules.AppendAtMyorigin && r.rules.Origin != "" {
		t.List = append(t.List, rfc822.Token{Kind: '@'})
		t.Scan([]byte(r.rules.Origin), 0)
	}
}

// completeDomain appends .mydomain to a domain without a dot. A domain literal
// and a missing domain stay as they are.
func (r *Rewriter) completeDomain() {
	t := &r.tokens
	if !r.rules.AppendDotMydomain || r.rules.Domain == "" {
		return
	}
	at := t.FindLast('@')
	if at < 0 || at+1 == len(t.List) ||
		t.Find(at, rfc822.DomainLiteral) >= 0 || t.Find(at, '.') >= 0 {
		return
	}
	t.List = append(t.List, rfc822.Token{Kind: '.'})
	t.Scan([]byte(r.rules.Domain), 0)
}
