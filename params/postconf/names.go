package postconf

import (
	"maps"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/params"
)

// class says how a parameter name came to be known.
type class uint8

const (
	builtin  class = 1 << iota // in the table of Postfix parameters
	service                    // made from the name of a master.cf service
	user                       // set by the user and referred to
	legacy                     // an old name that is still looked at
	raw                        // its value is not expanded
	readOnly                   // settings of it are ignored

	anyClass = builtin | service | user
)

// node is a known name.
type node struct {
	name  string
	class class
	// value is the default value as it is printed, unless it is computed.
	value    string
	computed bool
}

// names are the known parameter names. Source: Postfix 3.10
// postconf_node.c, PCF_PARAM_TABLE.
type names struct {
	profile params.Profile
	// added are the names that are not built in, and the built-in ones whose
	// class has changed.
	added map[string]*node
	// later are the names that came after those known from the start, in order.
	later []string
}

func newNames(p params.Profile) *names {
	return &names{profile: p, added: make(map[string]*node)}
}

// find returns the node of a known name.
func (t *names) find(name string) (node, bool) {
	if n, ok := t.added[name]; ok {
		return *n, true
	}
	if p, ok := t.profile.Lookup(name); ok {
		return t.builtin(p), true
	}
	if params.IsLegacy(name) {
		return node{name: name, class: legacy}, true
	}
	return node{}, false
}

func (t *names) builtin(p params.Param) node {
	n := node{name: p.Name, class: builtin, value: p.Default, computed: p.Computed()}
	if p.Kind == params.Raw {
		n.class |= raw
	}
	if t.profile.ReadOnly(p.Name) {
		n.class |= readOnly
	}
	return n
}

func (t *names) has(name string) bool {
	_, ok := t.find(name)
	return ok
}

// addUser makes a name known that was not, as one that the user defined.
func (t *names) addUser(name string) {
	t.later = append(t.later, name)
	t.added[name] = &node{name: name, class: user}
}

// addService makes name known as that of a service parameter with the given
// default. A built-in one keeps its default.
func (t *names) addService(name, value string) {
	n, ok := t.find(name)
	if !ok {
		t.later = append(t.later, name)
		n = node{name: name, value: value}
	}
	t.reclassify(n, service)
}

// relabel turns a legacy name that is set into one that is listed.
func (t *names) relabel(n node) { t.reclassify(n, user) }

func (t *names) reclassify(n node, c class) {
	n.class = n.class&^anyClass | c
	t.added[n.name] = &n
}

// sorted returns the known names of any of the given classes in the order of a
// listing.
func (t *names) sorted(classes class) []node {
	added := slices.Collect(maps.Values(t.added))
	if classes&legacy != 0 {
		for name := range params.Legacy() {
			if _, ok := t.added[name]; !ok {
				added = append(added, &node{name: name, class: legacy})
			}
		}
	}
	slices.SortFunc(added, func(a, b *node) int {
		return strings.Compare(a.name, b.name)
	})
	list := make([]node, 0, 1000)
	add := func(n node) {
		if n.class&classes != 0 {
			list = append(list, n)
		}
	}
	for p := range t.profile.Params {
		for len(added) > 0 && added[0].name < p.Name {
			add(*added[0])
			added = added[1:]
		}
		if len(added) > 0 && added[0].name == p.Name {
			continue // comes from there
		}
		add(t.builtin(p))
	}
	for _, n := range added {
		add(*n)
	}
	return list
}

// entered yields the known names in the order in which stock enters them into its
// table: one kind of parameter after the other. The order within a kind is that of
// the awk(1) of its build, and is not known. Source: Postfix 3.10
// postconf_builtin.c.
func (t *names) entered(yield func(name string)) {
	const (
		times = iota
		bools
		ints
		texts
		ofHost
		raws
		intReferences // numbers, and yes or no, may refer to other parameters
		boolReferences
		longs
		legacies
		ofProcess
		kinds
	)
	var lists [kinds][]string
	for p := range t.profile.Params {
		kind, refers := texts, strings.HasPrefix(p.Default, "$")
		switch {
		case p.Name == "myhostname" || p.Name == "mydomain" || p.Name == "mynetworks":
			kind = ofHost
		case p.Name == "process_name" || p.Name == "service_name" || p.Name == "process_id":
			kind = ofProcess
		case p.Kind == params.Time:
			kind = times
		case p.Kind == params.Bool && refers:
			kind = boolReferences
		case p.Kind == params.Bool:
			kind = bools
		case p.Kind == params.Int && refers:
			kind = intReferences
		case p.Kind == params.Int:
			kind = ints
		case p.Kind == params.Raw:
			kind = raws
		case p.Kind == params.Long:
			kind = longs
		}
		lists[kind] = append(lists[kind], p.Name)
	}
	lists[legacies] = slices.Collect(params.Legacy())
	for _, list := range lists {
		for _, name := range list {
			yield(name)
		}
	}
	for _, name := range t.later {
		yield(name)
	}
}
