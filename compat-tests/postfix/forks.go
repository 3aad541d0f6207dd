package postfix

import (
	"os"
	"syscall"
)

// Unforked has f run while no test starts a program, so that what f opens and closes is
// closed when it returns. A process that is being started has copies of all descriptors
// until it runs its program; meanwhile a port would not be free, and a program could
// not be run ("Text file busy").
func Unforked(f func() error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return f()
}

// WriteProgram writes a file that can be run at once.
func WriteProgram(name string, data []byte) error {
	return Unforked(func() error { return os.WriteFile(name, data, 0o755) })
}
