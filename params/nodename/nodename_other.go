//go:build !linux

package nodename

import "os"

// Get is os.Hostname.
func Get() (string, error) { return os.Hostname() }
