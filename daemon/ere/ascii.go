package ere

// isSpace is C's isspace for ASCII.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isAlpha(c byte) bool { return isLower(c) || isUpper(c) }
func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }
func isWord(c byte) bool  { return isAlnum(c) || c == '_' }
func isGraph(c byte) bool { return '!' <= c && c <= '~' }

func upperASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if isLower(s[i]) {
			upper := []byte(s)
			for ; i < len(upper); i++ {
				if isLower(upper[i]) {
					upper[i] -= 'a' - 'A'
				}
			}
			return string(upper)
		}
	}
	return s
}
