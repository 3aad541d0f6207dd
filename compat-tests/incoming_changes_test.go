package compat

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestIncomingTableChanges sends messages before and after the file of a table is
// written anew, replaced, removed, and there again.
func TestIncomingTableChanges(t *testing.T) {
	t.Parallel()
	uses := map[string]settings{
		"canonical":  {"canonical_maps": "TABLE"},
		"two":        {"canonical_maps": "TABLE", "virtual_alias_maps": "TABLE"},
		"checks":     {"header_checks": "pipemap:{TABLE, static:{REPLACE X: y}}"},
		"exceptions": {"masquerade_domains": "example.com", "masquerade_exceptions": "TABLE"},
		// qmqpd(8) would begin anew, too.
		"destination": {"cleanup:mydestination": "TABLE", "canonical_maps": "static:x@y"},
		"bcc":         {"sender_bcc_maps": "TABLE"},
	}
	// postmap(1) writes into the file of the first, and puts another in the place of
	// that of the second.
	for typ, suffix := range map[string]string{"hash": ".db", "cdb": ".cdb"} {
		t.Run(typ, func(t *testing.T) {
			variants := make(map[string]settings)
			for use, set := range uses {
				variants[use] = make(settings)
				for k, v := range set {
					variants[use][k] = strings.ReplaceAll(v, "TABLE", typ+":DIR/table")
				}
			}
			d := newDuel(t, commonMain, variants)
			_, source, _ := strings.Cut(d.variants["canonical"]["canonical_maps"], ":")
			ours, theirs := source+suffix, d.rival.pf.Path(source+suffix)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(os.MkdirAll(filepath.Dir(theirs), 0o755))
			changed := time.Now().Add(-time.Hour)
			for _, text := range []string{"s@x a@x\nX-A b\n", "s@x b@x\nu c\n", "y c@x\nu d\n", "", "s@x c@x\n"} {
				if text == "" {
					must(os.Remove(ours))
					must(os.Remove(theirs))
				} else {
					d.rival.pf.WriteFile(source, text, 0o644)
					d.rival.pf.MustRun("/usr/sbin/postmap", typ+":"+source)
					data, err := os.ReadFile(theirs)
					must(err)
					if typ == "cdb" {
						must(os.WriteFile(ours+".new", data, 0o644))
						must(os.Rename(ours+".new", ours))
					} else {
						must(os.WriteFile(ours, data, 0o644))
					}
					changed = changed.Add(time.Minute)
					must(os.Chtimes(ours, changed, changed))
					must(os.Chtimes(theirs, changed, changed))
				}
				for use := range uses {
					for range 2 {
						t.Run(use, func(t *testing.T) {
							d.compare(t, use, "127.0.0.1", submission{"X-A: b\nFrom: u@a.example.com\n\nb\n", "s@x", []string{"s@x", "u@a.example.com"}})
						})
					}
				}
			}
		})
	}
}
