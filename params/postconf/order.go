package postconf

import (
	"cmp"
	"slices"

	"github.com/qmqpd/qmqpd/mainconf"
)

// order returns the names in set in the order in which this package looks at
// them: sorted. Stock takes the random order of a hash table; but if the
// environment has NORANDOMIZE, as in tests of Postfix, it is that of a table
// whose hash has no seed, and then it is this one. Entered yields the names as
// they were put into the table; more than once does not matter.
func (r *run) order(set settings, entered func(yield func(name string))) []string {
	if _, plain := r.Getenv("NORANDOMIZE"); !plain {
		return set.sorted()
	}
	table := newHashTable(smallTable)
	entered(table.enter)
	var list []string
	for _, name := range table.list() {
		if _, ok := set[name]; ok {
			list = append(list, name)
		}
	}
	return list
}

// orderOf is order for the settings of main.cf, where local is nil, or for those
// of a master.cf service.
func (r *run) orderOf(set settings, local *scope) []string {
	return r.order(set, func(yield func(name string)) {
		if local == nil {
			for _, e := range r.defaults.Main.Entries {
				yield(e.Name)
			}
			for _, o := range r.defaults.Overrides {
				yield(o.Name)
			}
			return
		}
		for _, s := range r.byName[local.nameSpace] {
			for _, o := range s.Overrides {
				yield(o.Name)
			}
		}
	})
}

// orderOfClient is order for the settings of a database client's file.
func (r *run) orderOfClient(set settings, doc *mainconf.Main) []string {
	return r.order(set, func(yield func(name string)) {
		for _, e := range doc.Entries {
			yield(e.Name)
		}
	})
}

// orderOfNames puts known names into the order in which stock's table of all of
// them lists them, if that is not random.
func (r *run) orderOfNames(list []node) {
	if _, plain := r.Getenv("NORANDOMIZE"); !plain {
		return
	}
	table := newHashTable(1001)
	r.names.entered(table.enter)
	place := make(map[string]int, table.used)
	for i, name := range table.list() {
		place[name] = i
	}
	slices.SortFunc(list, func(a, b node) int { return cmp.Compare(place[a.name], place[b.name]) })
}

// hashTable knows in which order stock's hash table lists its keys. Source:
// Postfix 3.10 htable.c.
type hashTable struct {
	buckets [][]string // the last to come stands last; stock lists it first
	used    int
	known   map[string]bool
}

// smallTable is the size of a table for settings.
const smallTable = 13

func newHashTable(size int) *hashTable {
	return &hashTable{buckets: make([][]string, size), known: make(map[string]bool)}
}

func (t *hashTable) enter(name string) {
	if t.known[name] {
		return
	}
	t.known[name] = true
	if t.used == len(t.buckets) {
		old := t.list()
		t.buckets = make([][]string, grown(len(t.buckets)))
		for _, name := range old {
			t.link(name)
		}
	}
	t.link(name)
	t.used++
}

// grown is the size of a table that was full.
func grown(size int) int { return 2*size | 1 }

func (t *hashTable) link(name string) {
	i := hash(name) % uint64(len(t.buckets))
	t.buckets[i] = append(t.buckets[i], name)
}

func (t *hashTable) list() []string {
	list := make([]string, 0, t.used)
	for _, bucket := range t.buckets {
		for i := len(bucket) - 1; i >= 0; i-- {
			list = append(list, bucket[i])
		}
	}
	return list
}

// hash is FNV-1a, except that one is added to each byte. Source: Postfix 3.10
// hash_fnv.c.
func hash(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := 0; i < len(s); i++ {
		h = (h ^ (uint64(s[i]) + 1)) * 0x100000001b3
	}
	return h
}
