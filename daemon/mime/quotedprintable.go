package mime

import "github.com/qmqpd/qmqpd/queuefmt"

// quotedPrintable passes a record on as quoted-printable text. Lines are
// broken when they reach 73 bytes; a record that a line end follows ends the
// last of them.
//
// Source: Postfix 3.10 mime_state.c, mime_state_downgrade.
func (p *Parser) quotedPrintable(t queuefmt.RecordType, data []byte) {
	for _, c := range data {
		if len(p.buffer) > 72 {
			p.buffer = append(p.buffer, '=')
			p.outBuffer()
		}
		if c < ' ' && c != '\t' || c == '=' || c > 126 {
			p.buffer = appendHex(p.buffer, c)
		} else {
			p.buffer = append(p.buffer, c)
		}
	}
	if t != queuefmt.RecNormal {
		return
	}
	if n := len(p.buffer); n > 0 && (p.buffer[n-1] == ' ' || p.buffer[n-1] == '\t') {
		p.buffer = appendHex(p.buffer[:n-1], p.buffer[n-1])
	}
	p.outBuffer()
}

func (p *Parser) outBuffer() {
	p.out(queuefmt.RecNormal, p.buffer)
	p.buffer = p.buffer[:0]
}

func appendHex(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '=', digits[c>>4], digits[c&15])
}
