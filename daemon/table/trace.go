package table

import "context"

// traceKey finds the logger of WithTrace.
type traceKey struct{}

// WithTrace returns a context whose lookups tell log what Postfix logs of them at
// verbose level 1.
func WithTrace(ctx context.Context, log Logger) context.Context {
	return context.WithValue(ctx, traceKey{}, log)
}

// tracer returns the logger of WithTrace, or nil.
func tracer(ctx context.Context) Logger {
	log, _ := ctx.Value(traceKey{}).(Logger)
	return log
}

// trace returns what tells of the opening of a table: the set's logger at verbose
// level 1, else nil.
func (o *opening) trace() Logger { return o.set.trace() }

// context returns one for the lookups of an opening.
func (o *opening) context() context.Context {
	ctx := o.set.opt.Context
	if log := o.trace(); log != nil {
		return WithTrace(ctx, log)
	}
	return ctx
}

func (s *Set) trace() Logger {
	if v, ok := s.opt.Log.(Verbose); ok && v.Verbose() > 0 {
		return s.opt.Log
	}
	return nil
}
