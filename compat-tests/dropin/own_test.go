package dropin

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/judges"
	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// TestOwnConf runs both programs under each main.cf below a folder: as it is but for
// the queue directory, and with sessions allowed that it may refuse, for accounts
// that it may name and this system lacks.
func TestOwnConf(t *testing.T) {
	root := os.Getenv("QMQPD_COMPAT_CONF")
	if root == "" {
		t.Skip("no folder: make own-conf DIR=...")
	}
	const (
		here    = "\nqueue_directory = @QUEUE\nqmqpd_error_delay = 0\n"
		allowed = "qmqpd_authorized_clients = $mynetworks, [::1]\nmail_owner = postfix\nsetgid_group = postdrop\n"
	)
	pair := judges.NewPair(t, dropInSite)
	// Debian's own main.cf has myorigin from there.
	pair.WriteFile("/etc/mailname", "mailname.example.org\n")
	found := 0
	// One group: the rows run in parallel, and the pair lives until all are done.
	t.Run("conf", func(t *testing.T) {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !strings.HasPrefix(filepath.Base(path), "main.cf") {
				return err
			}
			main, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found++
			for name, more := range map[string]string{"as it is": "", "allowed": allowed} {
				row := judges.Row{
					Name:    path,
					Files:   map[string]string{"@CONF/main.cf": string(main) + here + more},
					Clients: []judges.Client{{Send: plain}, {Send: "x", From: "127.0.0.2"}, {Send: plain, From: "127.0.0.9"}},
					Lasts:   3 * time.Second,
				}
				t.Run(path+"/"+name, func(t *testing.T) {
					t.Parallel()
					postfix.Case(t)
					pair.Compare(t, row, nil)
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if found == 0 {
		t.Errorf("no main.cf below %s", root)
	}
}
