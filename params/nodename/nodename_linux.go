// Package nodename asks the kernel for the name of the host.
package nodename

import "syscall"

// Get is gethostname(3): the name as it was set, up to 64 bytes, or "" if it was
// not. Where the name is empty or has 64 bytes, os.Hostname asks /proc, which may
// not be there: in a jail, say. The error is a syscall.Errno.
func Get() (string, error) {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return "", err
	}
	var text []byte
	for _, c := range name.Nodename {
		if c == 0 {
			break
		}
		text = append(text, byte(c))
	}
	return string(text), nil
}
