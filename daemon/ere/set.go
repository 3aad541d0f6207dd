package ere

// A Set makes the patterns of one table. Those that share a [Work] or a [Screen]
// must be of one set. The zero value is ready; it is not safe for concurrent use.
type Set struct {
	filters int
}

// add numbers a filter, which may be nil.
func (s *Set) add(f *Filter) {
	if f != nil {
		f.number = s.filters
		s.filters++
	}
}
