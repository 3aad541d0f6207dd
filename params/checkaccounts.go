package params

// checkAccounts looks up the users and the group that Postfix runs with, and
// refuses shared and privileged ones. As in stock, each check assumes the ones
// before.
func (e *Effective) checkAccounts(c *Common) {
	check := accountChecks{e, e.p.Host.Accounts}
	var ok [3]bool
	c.Default, ok[0] = check.user("default_privs")
	c.Owner, ok[1] = check.user("mail_owner")
	if ok[1] {
		check.shared(c.Owner)
	}
	c.SetGID, ok[2] = check.group()
	if ok == [3]bool{true, true, true} {
		e.checkOverlap(c)
	}
}

// CheckOwners looks up mail_owner and setgid_group, and checks them as ReadCommon does
// with Host.Accounts, for a program that needs these accounts only sometimes. They are
// nil if there are none, which is an error unless the name is the default and the
// command line has nothing to do with it: no Postfix has to be installed. Without an
// owner the group is not looked at. Accounts must not be nil; that is an error.
func (e *Effective) CheckOwners(accounts Accounts) (*User, *Group) {
	if accounts == nil {
		e.fail("mail_owner", "mail_owner: "+errUnknownHost.Error(), errUnknownHost)
		return nil, nil
	}
	check := accountChecks{e, accounts}
	_, ok, err := accounts.User(e.String("mail_owner"))
	if !ok && err == nil && e.isDefault("mail_owner") {
		return nil, nil
	}
	owner, ok := check.user("mail_owner")
	if !ok {
		return nil, nil
	}
	check.shared(owner)
	_, ok, err = accounts.Group(e.String("setgid_group"))
	if !ok && err == nil && e.isDefault("setgid_group") {
		return &owner, nil
	}
	group, ok := check.group()
	if !ok {
		return &owner, nil
	}
	return &owner, &group
}

// isDefault reports whether a parameter of kind String has its default value, be it
// that main.cf says so.
func (e *Effective) isDefault(name string) bool {
	p, _ := e.p.Profile.Lookup(name)
	v, _ := e.Value(name)
	return e.String(name) == p.Default && v.Source <= SourceMain
}

// accountChecks are the checks of single accounts.
type accountChecks struct {
	*Effective
	accounts Accounts
}

func (e accountChecks) user(name string) (User, bool) {
	complain := func(text string, err error) (User, bool) {
		e.fail(name, e.inMain()+"parameter "+name+": "+text, err)
		return User{}, false
	}
	wanted := e.String(name)
	u, ok, err := e.accounts.User(wanted)
	switch {
	case !ok:
		return complain("unknown user name value: "+wanted, err)
	case u.UID == 0:
		return complain("user "+wanted+" has privileged user ID", nil)
	case u.GID == 0:
		return complain("user "+wanted+" has privileged group ID", nil)
	}
	return u, true
}

// shared refuses a mail_owner whose user id another account has.
func (e accountChecks) shared(owner User) {
	const name = "mail_owner"
	wanted := e.String(name)
	other, ok, _ := e.accounts.UserByID(owner.UID)
	if !ok || other.Name == wanted {
		return
	}
	text := "user " + wanted + " has the same user ID " + utoa(owner.UID) + " as user " + other.Name
	if e.p.Profile.Version < 3_09_00 {
		text = "user " + wanted + " has same user ID as " + other.Name
	}
	e.fail(name, e.inMain()+"parameter "+name+": "+text, nil)
}

func (e accountChecks) group() (Group, bool) {
	const name = "setgid_group"
	wanted := e.String(name)
	g, ok, err := e.accounts.Group(wanted)
	switch {
	case !ok:
		e.fail(name, e.inMain()+"parameter "+name+": unknown group name: "+wanted, err)
		return Group{}, false
	case g.GID == 0:
		e.fail(name, e.inMain()+"parameter "+name+": group "+wanted+" has privileged group ID", nil)
		return Group{}, false
	}
	other, ok, _ := e.accounts.GroupByID(g.GID)
	if ok && other.Name != wanted {
		text := "group " + wanted + " has the same group ID " + utoa(g.GID) + " as group " + other.Name
		if e.p.Profile.Version < 3_09_00 {
			text = "group " + wanted + " has same group ID as " + other.Name
		}
		e.fail(name, e.inMain()+"parameter "+name+": "+text, nil)
	}
	return g, true
}

func (e *Effective) checkOverlap(c *Common) {
	privs, owner, group := e.String("default_privs"), e.String("mail_owner"), e.String("setgid_group")
	var text string
	switch {
	case privs == owner:
		text = "parameters default_privs and mail_owner specify the same user " + privs
	case c.Default.UID == c.Owner.UID:
		text = "parameters default_privs and mail_owner: users " + privs + " and " + owner +
			" have the same user ID: " + utoa(c.Owner.UID)
	case c.Default.GID == c.Owner.GID:
		text = "parameters default_privs and mail_owner: users " + privs + " and " + owner +
			" have the same group ID: " + utoa(c.Owner.GID)
	case c.Default.GID == c.SetGID.GID:
		text = "parameters default_privs and setgid_group: user " + privs + " and group " + group +
			" have the same group ID: " + utoa(c.SetGID.GID)
	case c.Owner.GID == c.SetGID.GID:
		text = "parameters mail_owner and setgid_group: user " + owner + " and group " + group +
			" have the same group ID: " + utoa(c.SetGID.GID)
	default:
		return
	}
	e.fail("default_privs", e.inMain()+text, nil)
}
