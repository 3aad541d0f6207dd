package sockpath

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFits(t *testing.T) {
	if !Fits(strings.Repeat("x", 107)) || Fits(strings.Repeat("x", 108)) {
		t.Error("107 bytes fit into an address, 108 do not")
	}
}

// A socket is reached by its path, be that short or too long for an address.
func TestShort(t *testing.T) {
	for _, name := range []string{"d", strings.Repeat("d", 108)} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "s")
		var l net.Listener
		err := Short(path, func(short string) (err error) {
			l, err = net.Listen("unix", short)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
		err = Short(path, func(short string) error {
			conn, err := net.Dial("unix", short)
			if err == nil {
				conn.Close()
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	none := filepath.Join(t.TempDir(), strings.Repeat("d", 108), "s")
	err := Short(none, func(string) error { t.Error("a path for what is not there"); return nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
