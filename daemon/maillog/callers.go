package maillog

import (
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Callers says in one line where a panic comes from: the functions that were
// under way, innermost first, each with its file and line. It is for the deferred
// function that recovers.
func Callers() string {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			if b.Len() > 0 {
				b.WriteString(" < ")
			}
			b.WriteString(path.Base(f.Function) + " (" + path.Base(f.File) + ":" + strconv.Itoa(f.Line) + ")")
		}
		if !more {
			return b.String()
		}
	}
}
