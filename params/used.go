package params

// uses follows which settings of Master and Overrides have an effect. ReadCommon asks
// for many parameters that most programs have no use for: a setting that was asked for
// there counts only once the parameter is read, or named to Use, after that.
type uses struct {
	used map[string]bool // nil where nobody wants to know
	// common says that ReadCommon is at work; reading is which parameter it reads,
	// and asked what it has asked for in reading one: parameters and settings.
	common  bool
	reading string
	asked   map[string][]string
}

// value notes that the value of a setting or a parameter was asked for.
func (u *uses) value(name string) {
	switch {
	case u.used == nil:
	case u.common:
		u.asked[u.reading] = append(u.asked[u.reading], name)
	default:
		u.used[name] = true
		u.use(name)
	}
}

// read notes that a parameter is read from now on, and returns which one was before.
func (u *uses) read(name string) (outer string) {
	u.value(name)
	outer, u.reading = u.reading, name
	return outer
}

// use counts what ReadCommon has asked for in reading a parameter.
func (u *uses) use(name string) {
	asked, ok := u.asked[name]
	if !ok {
		return
	}
	delete(u.asked, name)
	for _, a := range asked {
		u.used[a] = true
		u.use(a)
	}
}

// Used reports whether a setting of Master or Overrides has been asked for, as a
// parameter or as $name in the value of another, other than by ReadCommon alone. It
// takes Process.FollowUse.
func (e *Effective) Used(name string) bool { return e.uses.used[name] }

// Use says that the caller makes use of what ReadCommon has read of these parameters,
// such as a field of Common that comes from them: then Used reports them, and the
// settings that their values refer to. To read a parameter says so by itself.
func (e *Effective) Use(names ...string) {
	for _, name := range names {
		e.uses.use(name)
	}
}
