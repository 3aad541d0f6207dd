package params

// ChangeKind says how a parameter differs between two profiles.
type ChangeKind uint8

// The kinds of changes.
const (
	Came           ChangeKind = iota // the second profile has it, the first has not
	Went                             // the first profile has it, the second has not
	DefaultChanged                   // the defaults differ, and maybe kind and bounds
	BoundsChanged                    // kind or bounds differ, the defaults do not
)

var changeNames = [...]string{"came", "went", "default changed", "bounds changed"}

func (k ChangeKind) String() string {
	if int(k) < len(changeNames) {
		return changeNames[k]
	}
	return "unknown"
}

// Change is a built-in parameter that differs between two profiles.
type Change struct {
	Name string
	Kind ChangeKind
	// Before is the parameter of the first profile and After that of the
	// second, each with its default, not expanded. Before is zero for one that
	// Came, After for one that Went.
	Before, After Param
}

// Changes returns what differs from one profile to the other, sorted by name:
// what an upgrade brings about, or a change of distribution. Defaults are compared
// as texts: one whose text is the same is not reported, though a parameter that it
// refers to has changed. Nor is a computed default, which the host decides.
// Mail_version and mail_release_date are among the changes.
//
// What matters of this to a machine depends on its main.cf: a setting there
// hides a default that changed, and has no effect any more where the parameter
// went.
//
// The error is that of Profile.Validate for one of them.
func Changes(from, to Profile) ([]Change, error) {
	for _, p := range []Profile{from, to} {
		if err := p.Validate(); err != nil {
			return nil, err
		}
	}
	var changes []Change
	for i := range table {
		name := table[i].Name
		before, had := from.Lookup(name)
		after, has := to.Lookup(name)
		c := Change{Name: name, Before: before, After: after}
		switch {
		case !had && !has:
			continue
		case !had:
			c.Kind = Came
		case !has:
			c.Kind = Went
		case before.Default != after.Default:
			c.Kind = DefaultChanged
		case before.Kind != after.Kind || before.Min != after.Min || before.Max != after.Max:
			c.Kind = BoundsChanged
		default:
			continue
		}
		changes = append(changes, c)
	}
	return changes, nil
}
