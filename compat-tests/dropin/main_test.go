package dropin

import (
	"os"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

func TestMain(m *testing.M) { os.Exit(postfix.Main(m)) }
