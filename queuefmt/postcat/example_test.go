package postcat_test

import (
	"fmt"
	"os"

	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

// As "postcat -hdo" does.
func ExamplePrint() {
	file, err := os.Open("../testdata/01-one-recipient.queue")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	in := postcat.Input{Name: "incoming/F1", At: file}
	if err := postcat.Print(os.Stdout, in, postcat.Options{Decimal: true, Offsets: true, Header: true}); err != nil {
		fmt.Println(err)
	}

	// Output:
	//       511  78 Received: from localhost (localhost [127.0.0.1])
	//       561  78 	by mx.example.org (Postfix) with QMQP id 3F86FCC9DF
	//       615  78 	for <user@local.example.org>; Sun, 22 Nov 2026 10:35:00 +0000 (UTC)
	//       685  78 From: Alice <alice@example.com>
	//       718  78 To: user@local.example.org
	//       746  78 Subject: test
	//       761  78 Date: Sun, 22 Nov 2026 10:00:00 +0000
	//       800  78 Message-ID: <id1@example.com>
}
