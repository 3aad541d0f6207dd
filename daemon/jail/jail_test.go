package jail

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	group = "root:x:0:\n" +
		"postfix:x:4243:\n" +
		"mail:x:8:root,postfix\n" +
		"#sasl:x:9:postfix\n" +
		"opendkim:x:4300:postfixer,apostfix\n" +
		"mail2:x:8:postfix\n" +
		"sasl:x:45:postfix\n" +
		"broken:x:z:postfix\n" +
		"+nis:x:47:postfix\n" +
		"-nis:x:48:postfix\n" +
		"last:x:46:postfix"
)

// The test binary calls itself to enter a jail: that cannot be undone.
func TestMain(m *testing.M) {
	if root, ok := os.LookupEnv("JAIL_ROOT"); ok {
		report(root, os.Getenv("JAIL_USER"), os.Getenv("JAIL_DIR"))
		return
	}
	os.Exit(m.Run())
}

// report enters the jail and prints what the process has become, thread by
// thread.
func report(root, user, dir string) {
	// More threads, to see that all of them change.
	ready := make(chan bool)
	for range 4 {
		go func() {
			r, w, _ := os.Pipe()
			ready <- true
			fmt.Fprint(w, "x")
			b := make([]byte, 1)
			_, _ = r.Read(b)
			select {}
		}()
		<-ready
	}
	proc, err := os.OpenRoot("/proc/self/task")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := Config{Root: root, Group: filepath.Join(dir, "group")}
	if user != "" {
		c.User = &User{Name: user, UID: 4242, GID: 4243}
		if given := os.Getenv("JAIL_GROUPS"); given != "" {
			c.User.Groups = []uint32{77, 4243, 7, 77}
		}
	}
	err = Enter(c)
	if err != nil {
		fmt.Printf("error: %v", err)
		return
	}
	wd, _ := os.Getwd()
	names, _ := os.ReadDir("/")
	fmt.Printf("cwd %s, %d names\n", wd, len(names))
	d, _ := proc.Open(".")
	tasks, _ := d.Readdirnames(-1)
	var seen []string
	for _, task := range tasks {
		b, err := proc.ReadFile(task + "/status")
		if err != nil {
			continue // the thread has ended
		}
		var text string
		for line := range strings.Lines(string(b)) {
			for _, key := range []string{"Uid:", "Gid:", "Groups:"} {
				if strings.HasPrefix(line, key) {
					text += strings.Join(strings.Fields(line), " ") + "\n"
				}
			}
		}
		if !slices.Contains(seen, text) {
			seen = append(seen, text)
			fmt.Print(text)
		}
	}
}

func TestEnter(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "group"), []byte(group), 0o644); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const ids = "cwd /, 0 names\nUid: 4242 4242 4242 4242\nGid: 4243 4243 4243 4243\nGroups: "
	for _, tt := range []struct{ name, root, user, groups, want string }{
		{"jail and user", root, "postfix", "", ids + "8 9 45 46 47 48 4243\n"},
		{"jail and user with groups", root, "postfix", "given", ids + "7 77 4243\n"},
		{"jail alone", root, "", "", "cwd /, 0 names\nUid: 0 0 0 0\nGid: 0 0 0 0\nGroups:"},
		{"no root", root + "/x", "postfix", "", "error: chroot(" + root + "/x): No such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(self)
			cmd.Env = []string{"JAIL_ROOT=" + tt.root, "JAIL_USER=" + tt.user, "JAIL_DIR=" + dir, "JAIL_GROUPS=" + tt.groups}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if got := string(out); got != tt.want && (tt.name != "jail alone" || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSupplementaryGroups(t *testing.T) {
	dir := t.TempDir()
	g := filepath.Join(dir, "group")
	if err := os.WriteFile(g, []byte(group), 0o644); err != nil {
		t.Fatal(err)
	}
	groups, err := SupplementaryGroups(g, "postfix", 4243)
	if d := cmp.Diff([]int{4243, 8, 9, 45, 47, 48, 46}, groups); err != nil || d != "" {
		t.Error(err, d)
	}
	groups, err = SupplementaryGroups(filepath.Join(dir, "none"), "postfix", 4243)
	if d := cmp.Diff([]int{4243}, groups); err == nil || d != "" {
		t.Error(err, d)
	}
}
