package postconf

// group are master.cf entries that share a name and a type, and so their
// settings. Stock looks at the settings of each entry. To find out anew what
// there is to say would take long: there may be thousands of entries with
// thousands of settings. Only what depends on an entry's program is.
type group struct {
	nameSpace string
	settings  settings
	// valid are the names that are set and used, whatever the program.
	valid    map[string]bool
	programs map[string]*program

	looked  int    // how often the settings were looked at
	steps   []step // what later entries do instead, once looked is 2
	flagged bool
	unused  []complaint // what there is to say of unused settings, once flagged
}

// program is what a group's entries with one program have of their own.
type program struct {
	// valid are further names that are used: tables may be named by
	// $process_name.
	valid map[string]bool
}

// step is a part of looking at a group's settings: warnings that are the same for
// each entry, and then a value, or "", in which each looks for tables anew.
type step struct {
	said   []string
	tables string
}

func (g *group) has(name string) bool {
	_, ok := g.settings[name]
	return ok
}

// uses reports whether an entry's setting of a name is one that is used.
func (s *scope) uses(name string) bool {
	return s.group.valid[name] || s.program.valid[name]
}

// use makes name one that is used.
func (r *run) use(s *scope, name string) {
	switch {
	case !r.byProgram:
		s.group.valid[name] = true
	case s.program.valid == nil:
		s.program.valid = make(map[string]bool)
		fallthrough
	default:
		s.program.valid[name] = true
	}
}

// gatherOverrides collects the services' -o settings.
func (r *run) gatherOverrides() {
	type key struct {
		nameSpace string
		entry     int // of a group of one, counted from 1
	}
	groups := make(map[key]*group)
	seen := make(map[string]bool)
	bySpace := make(map[string]settings)
	r.byName = make(map[string][]*scope)
	for i, s := range r.services {
		r.byName[s.nameSpace] = append(r.byName[s.nameSpace], s)
		set := bySpace[s.nameSpace]
		for _, o := range s.Overrides {
			if set == nil {
				set = settings{}
				bySpace[s.nameSpace] = set
			}
			set[o.Name] = o.Value
		}
		if set == nil {
			continue
		}
		s.settings = set
		k := key{nameSpace: s.nameSpace}
		// The first entry with settings can see those of read-only parameters,
		// which are then dropped; with -v, each entry is told about.
		if !seen[s.nameSpace] || r.request.verbose > 0 {
			k.entry = i + 1
			seen[s.nameSpace] = true
		}
		g := groups[k]
		if g == nil {
			g = &group{nameSpace: s.nameSpace, settings: set, valid: make(map[string]bool), programs: make(map[string]*program)}
			groups[k] = g
			r.groups = append(r.groups, g)
		}
		if g.programs[s.processName] == nil {
			g.programs[s.processName] = &program{}
		}
		s.group, s.program = g, g.programs[s.processName]
	}
}

// validateService is validate for a master.cf entry. What the second entry of a
// group gives to warn about, each later one gives, too, unless it is because of
// the program. The first may give more: the files of database clients are read
// then.
func (r *run) validateService(s *scope) error {
	g := s.group
	if g.looked < 2 {
		g.looked++
		g.steps = nil
		return r.validate(s.settings, s)
	}
	for _, step := range g.steps {
		for _, text := range step.said {
			r.warn(text)
		}
		r.byProgram = false
		if err := r.scanTables(step.tables, s); err != nil {
			return err
		}
	}
	return nil
}

// note begins to collect what a part of validate gives to warn about, for the
// later entries of a group. The function that it returns ends that part; tables is
// the value that is searched in it, if any.
func (r *run) note(local *scope, tables string) (end func()) {
	if local == nil {
		return func() {}
	}
	var said []string
	r.said, r.byProgram = &said, false
	braces := r.braceWarnings
	return func() {
		r.said = nil
		g := local.group
		if len(g.steps) == 0 {
			g.steps = []step{{}}
		}
		last := &g.steps[len(g.steps)-1]
		// The bytes of warnings about braces are to be counted each time.
		if r.byProgram || r.braceWarnings != braces {
			last.tables = tables
			g.steps = append(g.steps, step{})
			return
		}
		last.said = append(last.said, said...)
	}
}
