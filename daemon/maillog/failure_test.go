package maillog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestFailure(t *testing.T) {
	l := New(fixed)
	var b bytes.Buffer
	l.AddPlain(&b, "t")
	err := FatalError("chdir(%q): %w", "/x", fs.ErrNotExist)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("cause lost")
	}
	l.Log(err)
	l.Log(fmt.Errorf("while starting: %w", PanicError("watchdog_create: timeout %d is too small", 1)))
	l.Last(errors.New("other"))
	l.WithVerbose(1).Infof("too late")
	const want = "t: fatal: chdir(\"/x\"): file does not exist\n" +
		"t: panic: watchdog_create: timeout 1 is too small\n" + "t: fatal: other\n"
	if b.String() != want {
		t.Errorf("got %q", b.String())
	}
}
