package table

import (
	"errors"
	"strings"
	"sync"

	"github.com/qmqpd/qmqpd/params/errno"
)

// Set opens tables and keeps them, each under the name by which Postfix
// registers it. Opening the same specification with the same flags again
// returns the table that is already open.
type Set struct {
	opt Options

	mu     sync.Mutex
	tables map[string]Table
	names  []string // in the order of registration
	// shared are the connections to servers, by what the type calls each.
	shared map[string]*endpoint
	// servers is made for the first table that has a server.
	servers *servers
	depth   int // how many tables are being opened, each for the one before
}

// maxDepth bounds how deep tables stand in others: a memcache table can be its own
// backup, of which Postfix dies when its stack is full.
const maxDepth = 1000

// NewSet returns a set without tables.
func NewSet(opt Options) *Set {
	return &Set{opt: opt.withDefaults(), tables: map[string]Table{}, shared: map[string]*endpoint{}}
}

// Options returns the options of the set, with defaults filled in.
func (s *Set) Options() Options { return s.opt }

// Open returns the table for a specification "type:name". A table that cannot
// be opened is returned as one whose lookups fail, unless OpenErrorFatal is
// set. Otherwise an error is an *Error of class Fatal, and ends the start.
// Source: Postfix 3.10 dict_open.c, dict_open and dict_open3.
func (s *Set) Open(spec string, flags Flags) (Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.registered(RegisteredName(spec, flags), spec, flags)
}

// RegisteredName is what messages call a table that was opened for reading (0) with
// the given flags: "type:name(0,lock|utf8_request)". Source: Postfix 3.10 dict.c,
// dict_make_registered_name.
func RegisteredName(spec string, flags Flags) string { return spec + "(0," + flags.String() + ")" }

// member opens a table inside another one; Postfix registers it under its
// bare specification, whatever the flags. The caller holds s.mu.
func (s *Set) member(spec string, flags Flags) (Table, error) {
	return s.registered(spec, spec, flags)
}

func (s *Set) registered(name, spec string, flags Flags) (Table, error) {
	if t, ok := s.tables[name]; ok {
		return t, nil
	}
	t, err := s.open(spec, flags)
	if err != nil {
		return nil, err
	}
	s.register(name, t)
	return t, nil
}

func (s *Set) register(name string, t Table) {
	s.tables[name] = t
	s.names = append(s.names, name)
}

// Unavailable registers a table that fails every lookup for the given reason,
// and logs the reason once for each name. Match lists put it in the place of
// a file that they cannot read. With OpenErrorFatal the reason is an error of
// class Fatal instead.
func (s *Set) Unavailable(typ, name, reason string) (Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tables[typ+":"+name]; ok {
		return t, nil
	}
	t, err := s.unavailable(typ, name, reason)
	if err != nil {
		return nil, err
	}
	s.register(typ+":"+name, t)
	return t, nil
}

func (s *Set) unavailable(typ, name, reason string) (Table, error) {
	if s.opt.OpenErrorFatal {
		return nil, &Error{Class: Fatal, Type: typ, Name: name, Text: reason}
	}
	s.opt.Log.Errorf("%s", reason)
	return &unavailable{typ: typ, name: name, reason: reason, log: s.opt.Log}, nil
}

// splitSpec splits a specification. The error is of class Fatal.
func splitSpec(spec string) (typ, name string, err error) {
	typ, name, ok := strings.Cut(spec, ":")
	if !ok || typ == "" || name == "" {
		return "", "", fatalError("open dictionary: expecting \"type:name\" form instead of \""+spec+"\"", nil)
	}
	return typ, name, nil
}

func (s *Set) open(spec string, flags Flags) (Table, error) {
	typ, name, err := splitSpec(spec)
	if err != nil {
		return nil, err
	}
	open, ok := lookupType(typ)
	if !ok {
		fault := s.libraryFault(typ)
		if fault != "" {
			s.opt.Log.Warningf("unsupported dictionary type: %s", fault)
		}
		if fault != "" || !IsForeign(typ) && s.opt.Loaded == nil {
			return s.unavailable(typ, name, "unsupported dictionary type: "+typ)
		}
		open = openForeign
	}
	if s.depth >= maxDepth {
		return nil, fatalError("open dictionary: "+spec+": more than "+decimal(maxDepth)+" tables in each other", nil)
	}
	s.depth++
	defer func() { s.depth-- }()
	t, err := open(&opening{set: s, typ: typ, name: name, flags: flags})
	var broken *cannotOpen
	if errors.As(err, &broken) {
		t, err = s.unavailable(typ, name, broken.reason)
	}
	if err != nil {
		return nil, err
	}
	if log := s.trace(); log != nil {
		log.Infof("dict_open: %s", spec)
	}
	return wrap(t, flags, s.opt), nil
}

// Changed returns the registered name of a table whose file was modified or
// removed since it was opened, or "" when there is none. Postfix then logs
// "table NAME has changed -- restarting" and exits. An error, of class Fatal,
// means that a file could not be looked at. Source: Postfix 3.10 dict.c,
// dict_changed_name.
func (s *Set) Changed() (name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.names {
		w, ok := s.tables[name].(watched)
		if !ok {
			continue
		}
		if w.modifiedAt() < 0 {
			s.opt.Log.Warningf("dict_changed_name: table %s: negative time stamp", name)
		}
		changed, err := w.changed()
		if err != nil {
			return "", fatalError("dict_changed_name: fstat: "+errno.Text(err), err)
		}
		if changed {
			return name, nil
		}
	}
	return "", nil
}

// Close closes all tables, and the connections that they share.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.tables {
		errs = append(errs, t.Close())
	}
	for _, e := range s.shared {
		e.Close()
	}
	s.tables, s.names, s.shared = map[string]Table{}, nil, map[string]*endpoint{}
	return errors.Join(errs...)
}

// opening is what an opener of one type gets to see.
type opening struct {
	set       *Set
	typ, name string
	flags     Flags
}

func (o *opening) log() Logger { return o.set.opt.Log }

// foldKey folds a key of an in-memory table as its lookups will be folded.
func (o *opening) foldKey(key string) string {
	if o.flags&FoldFix == 0 {
		return key
	}
	return Fold(key, o.utf8())
}

// utf8 says whether keys and values must be UTF-8.
func (o *opening) utf8() bool { return o.set.opt.UTF8 && o.flags&UTF8Request != 0 }

// cannotOpen makes the table unavailable; reason is what Postfix logs.
type cannotOpen struct{ reason string }

func (e *cannotOpen) Error() string { return e.reason }
