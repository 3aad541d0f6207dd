package postfix_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestWriteProgram runs programs as soon as they are written, while others are being
// started, whose processes have copies of all open files for a moment.
func TestWriteProgram(t *testing.T) {
	var starters sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		starters.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := exec.Command("/bin/true").Run(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	program := filepath.Join(t.TempDir(), "program")
	for range 300 {
		err := postfix.WriteProgram(program, []byte("#!/bin/sh\n"))
		if err := errors.Join(err, exec.Command(program).Run(), os.Remove(program)); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	starters.Wait()
}
