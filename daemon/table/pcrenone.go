//go:build !((linux && (386 || amd64 || arm || arm64 || riscv64)) || (darwin && (amd64 || arm64)))

package table

import "runtime"

// newPCREEngine refuses: the library was not translated for this platform.
func newPCREEngine() (ruleEngine, error) {
	return nil, &cannotOpen{"unsupported dictionary type: pcre; there is no PCRE2 for " + runtime.GOOS + "/" + runtime.GOARCH}
}
