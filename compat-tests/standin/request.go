package standin

import (
	"fmt"
	"strings"
)

// Netstring returns b as a netstring.
func Netstring(b string) string { return fmt.Sprintf("%d:%s,", len(b), b) }

// Request returns a whole QMQP request. It takes linear time: some tables of rows
// have requests with 100,000 recipients, made whichever row is run.
func Request(message, sender string, recipients ...string) string {
	var body strings.Builder
	for _, part := range []string{message, sender} {
		body.WriteString(Netstring(part))
	}
	for _, recipient := range recipients {
		body.WriteString(Netstring(recipient))
	}
	return Netstring(body.String())
}
