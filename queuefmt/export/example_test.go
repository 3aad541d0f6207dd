package export_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"github.com/qmqpd/qmqpd/queuefmt"
	"github.com/qmqpd/qmqpd/queuefmt/export"
)

func ExampleWriteEML() {
	file, err := os.Open("../testdata/01-one-recipient.queue")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	if err := export.WriteEML(os.Stdout, file, "\n"); err != nil {
		fmt.Println(err)
	}

	// Output:
	// Received: from localhost (localhost [127.0.0.1])
	// 	by mx.example.org (Postfix) with QMQP id 3F86FCC9DF
	// 	for <user@local.example.org>; Sun, 22 Nov 2026 10:35:00 +0000 (UTC)
	// From: Alice <alice@example.com>
	// To: user@local.example.org
	// Subject: test
	// Date: Sun, 22 Nov 2026 10:00:00 +0000
	// Message-ID: <id1@example.com>
	//
	// body line 1
	// body line 2
}

// text is a TEXT.
type text []byte

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
		return nil
	}
	var bytes struct{ Base64 string }
	if err := json.Unmarshal(b, &bytes); err != nil {
		return err
	}
	var err error
	*t, err = base64.StdEncoding.DecodeString(bytes.Base64)
	return err
}

// A queue file as JSON, and a queue file of that again. The records are in the order
// of the file's readers, so that pointers and padding can be left out.
func ExampleWriteJSON() {
	file, err := os.Open("../testdata/11-milter-placeholders.queue")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	var out bytes.Buffer
	if err := export.WriteJSON(&out, "F1", file); err != nil {
		fmt.Println(err)
	}

	var in struct {
		Sender     text
		Recipients []struct {
			Address text
			Status  string
		}
		Records []struct{ Type, Data text }
	}
	if err := json.Unmarshal(out.Bytes(), &in); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("from %s to %s (%s)\n", in.Sender, in.Recipients[0].Address, in.Recipients[0].Status)

	var again queuefmt.File
	for _, rec := range in.Records {
		switch t := queuefmt.RecordType(rec.Type[0]); t {
		case queuefmt.RecPointer, queuefmt.RecPadding:
		default:
			if err := again.WriteRecord(t, rec.Data); err != nil {
				fmt.Println(err)
			}
		}
	}
	if err := again.SetSize(); err != nil {
		fmt.Println(err)
	}
	report, err := queuefmt.VerifyBytes(again.Bytes())
	fmt.Println(report.Sender, report.Recipients, err)

	// Output:
	// from a@b.c to user@local.example.org (pending)
	// a@b.c 1 <nil>
}
