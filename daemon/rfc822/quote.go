package rfc822

import "bytes"

// UntilNUL returns b up to its first NUL: to Postfix addresses and headers are C
// strings.
func UntilNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// AppendQuoted appends addr, an address in internal form, to dst in external
// form: the local part is quoted unless it is a dot-string, the domain is
// copied. The local part reaches from after a source route ("@a,@b:") to the
// last "@". 8-bit bytes need no quotes. The address ends at the first NUL.
//
// Source: Postfix 3.10 quote_822_local.c, quote_822_local.
func AppendQuoted(dst, addr []byte) []byte {
	addr = UntilNUL(addr)
	end := len(addr)
	start := routeLen(addr)
	if i := bytes.LastIndexByte(addr[start:], '@'); i >= 0 {
		end = start + i
	}
	return appendQuoted(dst, addr, start, end)
}

// AppendQuotedLocal is AppendQuoted for a local part alone, in which "@" needs
// quotes.
func AppendQuotedLocal(dst, local []byte) []byte {
	local = UntilNUL(local)
	return appendQuoted(dst, local, routeLen(local), len(local))
}

// appendQuoted appends addr, whose local part is [start, end).
func appendQuoted(dst, addr []byte, start, end int) []byte {
	if isDotString(addr[start:end]) {
		return append(dst, addr...)
	}
	dst = append(dst, addr[:start]...)
	dst = append(dst, '"')
	for _, c := range addr[start:end] {
		if c == '"' || c == '\\' || c == '\r' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	dst = append(dst, '"')
	return append(dst, addr[end:]...)
}

// AppendUnquoted appends addr, an address in external form, to dst in internal
// form: quotes go, backslashes give way to the byte after them, and the text
// from the last unquoted "@" on is copied as it is. A source route is copied
// too. The address ends at the first NUL.
//
// Source: Postfix 3.10 quote_822_local.c, unquote_822_local.
func AppendUnquoted(dst, addr []byte) []byte {
	addr = UntilNUL(addr)
	start := routeLen(addr)
	dst = append(dst, addr[:start]...)
	addr = addr[start:]
	if bytes.IndexByte(addr, '"') < 0 && bytes.IndexByte(addr, '\\') < 0 {
		return append(dst, addr...)
	}
	quoted := false
	domainAt, domain := -1, addr[len(addr):]
	for i := 0; i < len(addr); i++ {
		switch addr[i] {
		case '"':
			quoted = !quoted
			continue
		case '@':
			if !quoted {
				domainAt, domain = len(dst), addr[i:]
			}
		case '\\':
			if i+1 == len(addr) {
				continue
			}
			i++
		}
		dst = append(dst, addr[i])
	}
	if domainAt >= 0 {
		dst = append(dst[:domainAt], domain...)
	}
	return dst
}

// routeLen returns the length of the source route that addr starts with: from
// "@" through the first ":".
func routeLen(addr []byte) int {
	if len(addr) > 0 && addr[0] == '@' {
		return bytes.IndexByte(addr, ':') + 1
	}
	return 0
}

// isDotString tells whether local is a sequence of atoms with single dots
// between them, 8-bit bytes allowed.
func isDotString(local []byte) bool {
	if len(local) == 0 || local[0] == '.' || local[len(local)-1] == '.' {
		return false
	}
	for i, c := range local {
		if class[c]&notDotString != 0 {
			return false
		}
		if c == '.' && local[i-1] == '.' {
			return false
		}
	}
	return true
}
