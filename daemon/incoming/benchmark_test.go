package incoming

import (
	"context"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// BenchmarkStream stores messages of 4 kB, without a disk.
func BenchmarkStream(b *testing.B) {
	message := "Received: from a (a [192.0.2.1])\n\tby b (Postfix) with ESMTP id 123\n\tfor <c@example.org>; Sun, 22 Nov 2026 10:35:00 +0000 (UTC)\n" +
		"From: Joe Doe <joe@example.com>\nTo: ann@example.org, \"Bob B.\" <bob@example.net>\nSubject: a message\nMessage-ID: <x1@example.com>\n" +
		"Date: Sun, 22 Nov 2026 10:35:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\n" +
		strings.Repeat(strings.Repeat("text of the body ", 4)+"\n", 52)
	lines := strings.Split(strings.TrimSuffix(message, "\n"), "\n")
	var records [][]byte
	for _, l := range lines {
		records = append(records, []byte(l))
	}
	bench := newBench(b, stock(), spool.Options{})
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		s, err := bench.Open(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		s.WriteRecord(queuefmt.RecTime, []byte("1795343700 239654"))
		s.WriteRecord(queuefmt.RecSender, []byte("sender@example.com"))
		for _, a := range []string{"log_client_name=localhost", "log_client_address=127.0.0.1", "log_client_port=1", "log_message_origin=localhost[127.0.0.1]", "log_protocol_name=QMQP", "client_name=localhost", "client_address=127.0.0.1", "client_port=1", "client_address_type=2", "protocol_name=QMQP"} {
			s.WriteRecord(queuefmt.RecAttr, []byte(a))
		}
		s.WriteRecord(queuefmt.RecRecipient, []byte("user@example.org"))
		s.WriteRecord(queuefmt.RecMessage, nil)
		for _, r := range records {
			s.WriteRecord(queuefmt.RecNormal, r)
		}
		s.WriteRecord(queuefmt.RecExtracted, nil)
		s.WriteRecord(queuefmt.RecEnd, nil)
		if status, reason := s.Finish(context.Background()); status != 0 {
			b.Fatal(status, reason)
		}
		clear(bench.memory.files)
	}
}
