package export_test

import (
	"fmt"
	"os"

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
