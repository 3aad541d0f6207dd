package standin

import "fmt"

// Netstring returns b as a netstring.
func Netstring(b string) string { return fmt.Sprintf("%d:%s,", len(b), b) }

// Request returns a whole QMQP request.
func Request(message, sender string, recipients ...string) string {
	body := Netstring(message) + Netstring(sender)
	for _, recipient := range recipients {
		body += Netstring(recipient)
	}
	return Netstring(body)
}
