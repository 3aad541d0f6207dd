// Package compat holds the tests that compare this project with a real
// Postfix. See compat-tests/postfix for where that comes from.
package compat

import (
	"os"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

func TestMain(m *testing.M) { os.Exit(postfix.Main(m)) }
