package queuefmt_test

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
)

// A queue file is written record by record; the size record, which comes first, is
// made at the end.
func Example() {
	f := &queuefmt.File{}
	write := func(t queuefmt.RecordType, data string) {
		if err := f.WriteRecord(t, []byte(data)); err != nil {
			panic(err)
		}
	}
	write(queuefmt.RecTime, "1795343700 239654")
	write(queuefmt.RecSender, "sender@example.com")
	write(queuefmt.RecRecipient, "user@example.org")
	write(queuefmt.RecMessage, "")
	write(queuefmt.RecNormal, "Subject: hello")
	write(queuefmt.RecNormal, "")
	write(queuefmt.RecNormal, "the body")
	write(queuefmt.RecExtracted, "")
	write(queuefmt.RecEnd, "")
	if err := f.SetSize(); err != nil {
		panic(err)
	}

	file := f.Bytes()
	report, err := queuefmt.VerifyBytes(file)
	fmt.Println(report.Sender, report.Recipients, err)

	// Damage it, and see what is wrong and what is left.
	file[report.Size.DataOffset] = 'Z'
	_, err = queuefmt.VerifyBytes(file)
	fmt.Println(err)
	found := queuefmt.Recover(file, time.Time{})
	for _, gap := range found.Lost {
		fmt.Printf("lost: %d to %d\n", gap.From, gap.To)
	}
	w := queuefmt.NewWalker(bytes.NewReader(found.File.Bytes()))
	for {
		rec, err := w.Next()
		if err != nil {
			break
		}
		if rec.Type != queuefmt.RecSize {
			fmt.Printf("%v: %q\n", rec.Type, rec.Data)
		}
	}
	// Output:
	// sender@example.com 1 <nil>
	// offset 156: unexpected record type 'Z' in the content group
	// lost: 156 to 172
	// message_arrival_time: "1795343700 239654"
	// sender: "sender@example.com"
	// recipient: "user@example.org"
	// message_content: ""
	// regular_text: ""
	// regular_text: "the body"
	// extracted_info: ""
	// message_end: ""
}

// A qmgr(8) whose verp_delimiter_filter is another judges another way.
func ExampleVerifyOptions() {
	var envelope, rest []byte
	for _, r := range []queuefmt.Record{
		{Type: queuefmt.RecTime, Data: []byte("1795343700")},
		{Type: queuefmt.RecSender, Data: []byte("list@example.com")},
		{Type: queuefmt.RecVERP, Data: []byte("#=")},
		{Type: queuefmt.RecRecipient, Data: []byte("user@example.org")},
		{Type: queuefmt.RecMessage},
	} {
		envelope = r.AppendTo(envelope)
	}
	rest = queuefmt.AppendRecord(rest, queuefmt.RecNormal, []byte("Subject: hello"))
	size := queuefmt.Size{DataSize: int64(len(rest)), Recipients: 1, ContentLength: int64(len(rest))}
	rest = queuefmt.AppendRecord(rest, queuefmt.RecExtracted, nil)
	rest = queuefmt.AppendRecord(rest, queuefmt.RecEnd, nil)
	size.DataOffset = int64(len(size.Record().AppendTo(nil)) + len(envelope))
	file := bytes.NewReader(slices.Concat(size.Record().AppendTo(nil), envelope, rest))

	report, err := queuefmt.Verify(file)
	fmt.Println(report.Tolerated, err)
	report, err = queuefmt.VerifyOptions{VERPDelimiterFilter: "-=+#"}.Verify(file)
	fmt.Println(report.Tolerated, err)
	// Output:
	// [offset 127: ignoring bad VERP request: "#="] <nil>
	// [] <nil>
}

func ExampleParseQueueID() {
	id, err := queuefmt.ParseQueueID("4jXQSN3CQzz6JCy")
	fmt.Println(time.Unix(id.Sec, int64(id.Usec)*1000).UTC(), id.Inode, err)
	// Output: 2026-11-22 10:35:00.452763 +0000 UTC 838133 <nil>
}
