//go:build !nopcre && ((linux && (386 || amd64 || arm || arm64 || riscv64)) || (darwin && (amd64 || arm64)))

package table

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"

	"go.elara.ws/pcre/lib"
	"modernc.org/libc"

	"github.com/qmqpd/qmqpd/daemon/ere"
)

// pcreHeapLimit bounds the memory of one match, in KiB. The library's own
// limit on matching steps, ten million, bounds its time; it is Postfix's.
const pcreHeapLimit = 128 << 10

// pcreIdle is how many sets of working memory a table keeps.
const pcreIdle = 4

// pcreEngine drives PCRE2, translated from C to Go. Its memory is not Go's:
// a subject is copied there, since the library keeps plain addresses, and a
// Go stack may move.
type pcreEngine struct {
	pcreSyntax
	tls    *libc.TLS // for compiling
	codes  []uintptr
	groups int // the highest number of groups of all patterns
	quick  ere.Set

	mu   sync.Mutex
	idle []*pcreWork
}

// pcreWork is what one match needs at a time.
type pcreWork struct {
	tls      *libc.TLS
	context  uintptr // match context with limits
	data     uintptr // match data, with room for the groups of all patterns
	subject  uintptr
	capacity int
	engine   *pcreEngine
	key      string
	filters  ere.Work
	ready    bool  // there was memory for all of it
	failed   error // a match panicked: leave the memory alone
}

func newPCREEngine() (*pcreEngine, error) { return &pcreEngine{tls: libc.NewTLS()}, nil }

func (e *pcreEngine) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.idle {
		w.free()
	}
	for _, code := range e.codes {
		lib.Xpcre2_code_free_8(e.tls, code)
	}
	e.tls.Close()
	e.idle, e.codes = nil, nil
	return nil
}

func (e *pcreEngine) compile(pattern string, options uint32) (compiled matcher, problem string) {
	defer func() {
		if p := recover(); p != nil {
			compiled, problem = nil, fmt.Sprintf("error in regex: %v", p)
		}
	}()
	text := libc.Xmalloc(e.tls, lib.Tsize_t(len(pattern)+1))
	if text == 0 {
		return nil, "out of memory"
	}
	defer libc.Xfree(e.tls, text)
	copyToC(text, pattern)
	// The error's number and offset.
	result := libc.Xmalloc(e.tls, 16)
	if result == 0 {
		return nil, "out of memory"
	}
	defer libc.Xfree(e.tls, result)
	code := lib.Xpcre2_compile_8(e.tls, text, lib.Tsize_t(len(pattern)), options, result, result+8, 0)
	if code == 0 {
		number := binary.NativeEndian.Uint32(libc.GoBytes(result, 4))
		return nil, fmt.Sprintf("error in regex at offset %d: %s", cSize(result+8), pcreErrorText(e.tls, int32(number)))
	}
	e.codes = append(e.codes, code)
	groups := 0
	count := libc.Xmalloc(e.tls, 8)
	if count == 0 {
		return nil, "out of memory"
	}
	defer libc.Xfree(e.tls, count)
	if lib.Xpcre2_pattern_info_8(e.tls, code, lib.DPCRE2_INFO_CAPTURECOUNT, count) == 0 {
		groups = int(binary.NativeEndian.Uint32(libc.GoBytes(count, 4)))
	}
	e.groups = max(e.groups, groups)
	return &pcreMatcher{code: code, count: groups, quick: e.quick.PerlFilter(pattern, ere.PerlOptions(options))}, ""
}

// copyToC copies text and a NUL.
func copyToC(to uintptr, text string) {
	memory := libc.GoBytes(to, len(text)+1)
	memory[copy(memory, text)] = 0
}

// cSize reads a size_t.
func cSize(at uintptr) uint64 {
	memory := libc.GoBytes(at, cSizeLen)
	if cSizeLen == 8 {
		return binary.NativeEndian.Uint64(memory)
	}
	return uint64(binary.NativeEndian.Uint32(memory))
}

const cSizeLen = strconv.IntSize / 8

func pcreErrorText(tls *libc.TLS, number int32) string {
	const size = 256
	buffer := libc.Xmalloc(tls, size)
	if buffer == 0 {
		return "out of memory"
	}
	defer libc.Xfree(tls, buffer)
	n := lib.Xpcre2_get_error_message_8(tls, number, buffer, size)
	if n <= 0 {
		return fmt.Sprintf("unexpected pcre2 error code %d", number)
	}
	return string(libc.GoBytes(buffer, int(n)))
}

func (e *pcreEngine) begin(key string) session {
	w := e.take()
	w.ready = w.context != 0 && w.data != 0 && w.load(key)
	w.key = key
	w.filters.Begin(key)
	return w
}

func (e *pcreEngine) take() *pcreWork {
	e.mu.Lock()
	if n := len(e.idle); n > 0 {
		w := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		return w
	}
	e.mu.Unlock()
	w := &pcreWork{tls: libc.NewTLS(), engine: e}
	if w.context = lib.Xpcre2_match_context_create_8(w.tls, 0); w.context != 0 {
		lib.Xpcre2_set_heap_limit_8(w.tls, w.context, pcreHeapLimit)
	}
	w.data = lib.Xpcre2_match_data_create_8(w.tls, lib.Tuint32_t(e.groups+1), 0)
	return w
}

func (w *pcreWork) end() error {
	if w.failed != nil {
		return w.failed
	}
	w.key = ""
	w.filters.End()
	e := w.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.ready && len(e.idle) < pcreIdle && e.codes != nil {
		e.idle = append(e.idle, w)
		return nil
	}
	w.free()
	return nil
}

func (w *pcreWork) free() {
	libc.Xfree(w.tls, w.subject)
	lib.Xpcre2_match_data_free_8(w.tls, w.data)
	lib.Xpcre2_match_context_free_8(w.tls, w.context)
	w.tls.Close()
}

func (w *pcreWork) work() *ere.Work { return &w.filters }

// load copies the key into the library's memory.
func (w *pcreWork) load(key string) bool {
	if len(key) >= w.capacity {
		libc.Xfree(w.tls, w.subject)
		w.capacity = max(256, 2*len(key))
		if w.subject = libc.Xmalloc(w.tls, lib.Tsize_t(w.capacity)); w.subject == 0 {
			w.capacity = 0
			return false
		}
	}
	copyToC(w.subject, key)
	return true
}

type pcreMatcher struct {
	code  uintptr
	count int
	quick *ere.Filter // or nil
}

func (m *pcreMatcher) groups() int { return m.count }

func (m *pcreMatcher) filter() *ere.Filter { return m.quick }

func (m *pcreMatcher) match(_ context.Context, s session, spans []int) (matched bool, problem string) {
	w := s.(*pcreWork)
	if w.failed != nil {
		return false, ""
	}
	// The library panics in places where C code would have aborted.
	defer func() {
		if p := recover(); p != nil {
			w.failed = fmt.Errorf("pcre2: %v", p)
			matched, problem = false, w.failed.Error()
		}
	}()
	if !w.ready {
		return false, "out of memory"
	}
	if m.quick != nil {
		if matched, certain := m.quick.Try(&w.filters); certain && (!matched || len(spans) == 0) {
			return matched, ""
		}
	}
	n := lib.Xpcre2_match_8(w.tls, m.code, w.subject, lib.Tsize_t(len(w.key)), 0, 0, w.data, w.context)
	switch {
	case n == lib.DPCRE2_ERROR_NOMATCH:
		return false, ""
	case n <= 0:
		return false, pcreErrorText(w.tls, n)
	case len(spans) == 0:
		return true, ""
	}
	ends := lib.Xpcre2_get_ovector_pointer_8(w.tls, w.data)
	for i := 0; i+1 < len(spans); i += 2 {
		start, end := cSize(ends+uintptr(i)*cSizeLen), cSize(ends+uintptr(i+1)*cSizeLen)
		spans[i], spans[i+1] = int(start), int(end)
		if start > end || end > uint64(len(w.key)) {
			// Unset, or set in an odd order by \K.
			spans[i], spans[i+1] = -1, -1
		}
	}
	return true, ""
}
