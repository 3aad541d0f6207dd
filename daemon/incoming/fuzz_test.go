package incoming

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// FuzzStream checks that any message makes a sound file, or none, and that the
// work is in proportion to the message.
func FuzzStream(f *testing.F) {
	for _, m := range []string{
		"", "\n", "body", "To: a, b (c\n d), <e>\n\n\xff\x00", "Subject: x\n y\x00\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX : y\n\n--b--\n",
		"Content-Type: message/rfc822\n\nContent-Transfer-Encoding: 8bit\n\n\u00e4", strings.Repeat("x", 5000), "A: " + strings.Repeat("b\n ", 500),
		"Resent-To: g: a;\nMessage-Id: <<a>>\nBcc: x\n\n",
	} {
		f.Add([]byte(m), []byte("joe"), uint8(0))
		f.Add([]byte(m), []byte("@a:b c@d"), uint8(255))
	}
	f.Fuzz(func(t *testing.T, message, address []byte, switches uint8) {
		cfg := stock()
		cfg.ForceConversion = switches&1 != 0
		cfg.AutoUTF8 = switches&2 != 0
		cfg.Strict8BitMIME = switches&4 != 0
		cfg.StrictEncodingDomain = switches&4 != 0
		cfg.DisableMIME = switches&8 != 0
		cfg.Rewrite.AppendDotMydomain = switches&16 != 0
		if switches&32 != 0 {
			cfg.HeaderSizeLimit, cfg.LineLengthLimit, cfg.HeaderTokenLimit = 100, 50, 20
		}
		cfg.Maps.MasqueradeDomains, cfg.Maps.MasqueradeClasses = []string{"!x.d", "d"}, 15
		b := newBench(t, cfg, spool.Options{})
		s := b.open(t)
		write(t, s, "T 1795343700 1")
		s.WriteRecord(queuefmt.RecSender, address)
		s.WriteRecord(queuefmt.RecRecipient, address)
		write(t, s, "M", received)
		for rest := message; len(rest) > 0; {
			n := bytes.IndexByte(rest, '\n')
			switch {
			case n >= 0 && n <= 200:
				s.WriteRecord(queuefmt.RecNormal, rest[:n])
				rest = rest[n+1:]
			default:
				n = min(len(rest), 200)
				s.WriteRecord(queuefmt.RecContinued, rest[:n])
				rest = rest[n:]
			}
		}
		write(t, s, "X", "E")
		status, _ := s.Finish(context.Background())
		if status&^(mailstream.StatusHops|mailstream.StatusContent) != 0 {
			t.Errorf("status %v, log %s", status, b.log)
		}
		if files := b.files(t); (status == 0) != (len(files) == 1) {
			t.Errorf("status %v, %d files", status, len(files))
		}
		for _, file := range b.memory.files {
			if len(file.data) > 30*(len(message)+len(address))+2000 {
				t.Errorf("%d bytes became %d", len(message)+len(address), len(file.data))
			}
		}
	})
}
