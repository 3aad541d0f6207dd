//go:build nopcre || !((linux && (386 || amd64 || arm || arm64 || riscv64)) || (darwin && (amd64 || arm64)))

package table

// newPCREEngine refuses: the library was not translated for this platform, or
// left out by the build tag nopcre.
func newPCREEngine() (ruleEngine, error) {
	return nil, &cannotOpen{"unsupported dictionary type: pcre; this program was built without PCRE2"}
}
