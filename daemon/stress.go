package daemon

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/qmqpd/qmqpd/daemon/master"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// stressAware tells whether the process looks after stress mode, and whether it was
// started in that. Master gives the parameter only to services that remote clients
// reach; it sees by itself what becomes of processes that have one session each.
func (r *run) stressAware() (aware, on bool) {
	aware, on = r.args.StressAware()
	return aware && r.limits.sessions != 1, on
}

// stress returns the stress mode of the service, or nil if it has none.
func (r *run) stress() *master.Stress {
	aware, on := r.stressAware()
	if !aware {
		return nil
	}
	return &master.Stress{On: on, Set: r.setStress, Service: r.args.Service, Name: r.name}
}

// setStress has the server's sessions from now on go by the settings with stress on or
// off. It returns what master.Serve shall obey, or nil where everything stays as it is.
func (r *run) setStress(on bool) *master.Bounds {
	config, ok := r.stressConfig(on)
	if !ok {
		return nil
	}
	opener, err := newCleanup(config, "", dialBy(r.poller), r.gate)
	if err != nil {
		r.log.Warningf("stress mode: %s", err)
		return nil
	}
	policy := config.Policy(opener, r.storage)
	if _, started := r.stressAware(); on != started {
		policy.lists = r.other
	}
	r.server.SetPolicy(policy)
	return config.bounds()
}

// bounds are the parameters that master.Serve obeys and that can depend on stress.
func (c *Config) bounds() *master.Bounds {
	return &master.Bounds{MaxUse: c.MaxUse, UseEach: !c.MaxUseSet, MaxIdle: c.MaxIdle, DaemonTimeout: c.Watchdog}
}

// stressConfig reads the parameters again with stress on or off, for sessions
// from now on. Settings that no longer work leave everything as it is.
func (r *run) stressConfig(on bool) (*Config, bool) {
	settings := r.settings
	// The accounts' files are not in the jail, and have been checked.
	settings.Host.Accounts = nil
	settings.Info = nil // that was told at the start
	value := ""
	if on {
		value = "yes"
	}
	settings.Overrides = append(slices.Clone(settings.Overrides), mainconf.Setting{Name: "stress", Value: value})
	eff := params.New(settings)
	_, _ = eff.ReadCommon() // its errors are eff's
	config := LoadConfig(eff)
	if err := eff.Err(); err != nil {
		r.log.Warningf("stress mode: %s", err)
		return nil, false
	}
	return config, true
}

// otherLists opens the access lists for the other mode than the one that the
// process starts in, if they are others: in the jail their tables are out of
// reach. The parameters are read for that only where stress is mentioned at all.
func (r *run) otherLists(ctx context.Context) *lists {
	aware, on := r.stressAware()
	if !aware || !r.mentionsStress() {
		return nil
	}
	config, ok := r.stressConfig(!on)
	if !ok || config.sameLists(r.config) {
		return nil
	}
	opened, err := openLists(ctx, config, r.tables)
	if err != nil {
		r.log.Warningf("stress mode: %s", err)
		return nil
	}
	return &opened
}

// sameLists tells whether the access lists are the same in two configurations.
func (c *Config) sameLists(other *Config) bool {
	return c.Clients == other.Clients && c.DebugPeers == other.DebugPeers && c.ParentDomains == other.ParentDomains
}

// mentionsStress tells whether a setting may depend on stress.
func (r *run) mentionsStress() bool {
	if bytes.Contains(r.settings.Main.Bytes(), []byte("stress")) {
		return true
	}
	for _, o := range r.settings.Overrides {
		if strings.Contains(o.Value, "stress") {
			return true
		}
	}
	return false
}
