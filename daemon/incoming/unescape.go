package incoming

// Unescape resolves the escapes of message_reject_characters and
// message_strip_characters: \a \b \f \n \r \t \v, \nnn with one to three octal
// digits, and a backslash before any other character. A backslash at the end
// is dropped.
//
// Source: Postfix 3.10 unescape.c.
func Unescape(text string) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' {
			out = append(out, c)
			continue
		}
		if i++; i == len(text) {
			break
		}
		switch c = text[i]; c {
		case 'a':
			c = '\a'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'v':
			c = '\v'
		case '0', '1', '2', '3', '4', '5', '6', '7':
			c -= '0'
			for n := 0; n < 2 && i+1 < len(text) && '0' <= text[i+1] && text[i+1] <= '7'; n++ {
				i++
				c = c<<3 | (text[i] - '0')
			}
		}
		out = append(out, c)
	}
	return out
}
