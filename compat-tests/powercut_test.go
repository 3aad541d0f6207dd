package compat

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
	"github.com/qmqpd/qmqpd/queuefmt"
	"github.com/qmqpd/qmqpd/queuefmt/export"
)

// cutSide is a server whose queue is on a disk that will lose its power.
type cutSide struct {
	name string
	// place makes the server ready, with a line for main.cf, and returns the
	// folder that the disk shall be mounted at.
	place func(t *testing.T, main string) string
	// start returns the server's address, and the queue below the folder.
	start func(t *testing.T) (addr, queue string)
	stop  func(t *testing.T)
	// keeps says that no answer K may be broken.
	keeps bool
}

// cutMessage is a message that was answered K.
type cutMessage struct {
	subject string
	// known is the disk's position when the client had the answer; gone, when
	// somebody began to remove the file again, or -1.
	known, gone int
}

// TestPowerCut lets the stand-alone server work in real file systems on a disk
// whose cache is lost in a power cut. Whatever the moment, each message that
// was answered K by then must be there afterwards, complete.
//
// QMQPD_POWERCUTS says at how many moments; then the stock programs are cut
// off, too, and it is told how many messages they lose.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cuts, sides := 3, []func() *cutSide{standAloneCut}
	if n, err := strconv.Atoi(os.Getenv("QMQPD_POWERCUTS")); err == nil {
		cuts, sides = n, append(sides, stockCut)
	}
	for _, system := range []struct {
		name  string
		size  int64
		make  []string
		check []string // what an administrator runs after a crash
		main  string   // a line for main.cf
	}{
		{"ext4", 64 << 20, []string{"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"}, nil, ""},
		{"ext4 without a journal", 64 << 20, []string{"mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=0"},
			[]string{"e2fsck", "-fy"}, "hash_queue_names = incoming"}, // folders are made on the way
		{"xfs", 300 << 20, []string{"mkfs.xfs", "-q", "-f"}, nil, ""},
		{"btrfs", 128 << 20, []string{"mkfs.btrfs", "-q", "-f"}, nil, "hash_queue_names = incoming"},
	} {
		for _, side := range sides {
			side := side()
			t.Run(system.name+", "+side.name, func(t *testing.T) {
				if _, err := exec.LookPath(system.make[0]); err != nil {
					t.Skipf("SKIPPED: no power cuts here: %v", err)
				}
				folder := side.place(t, system.main)
				image := filepath.Join(t.TempDir(), "image")
				if err := os.WriteFile(image, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(image, system.size); err != nil {
					t.Fatal(err)
				}
				command(t, append(system.make, image)...)
				disk := standin.NewDisk(t, image)
				accepted := sendToDisk(t, disk, side, folder)
				events := disk.Position()
				random := rand.New(rand.NewPCG(3, 4))
				var sum cutFindings
				for range cuts {
					at := random.IntN(events + 1)
					if err := disk.Cut(at, random, image); err != nil {
						t.Fatal(err)
					}
					if system.check != nil {
						// Up to 2, its exit status says that it had something to mend.
						out, err := exec.Command(system.check[0], append(system.check[1:], image)...).CombinedOutput()
						if status := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &status) || status.ExitCode() > 2) {
							t.Fatalf("cut after event %d: %v: %v\n%s", at, system.check, err, out)
						}
					}
					found := checkAfterCut(t, image, at, accepted)
					for _, loss := range found.losses {
						if side.keeps {
							t.Errorf("cut after event %d of %d: %s", at, events, loss)
						}
					}
					sum.due += found.due
					sum.losses = append(sum.losses, found.losses...)
					sum.halves += found.halves
				}
				if sum.due == 0 {
					t.Error("no cut had anything to lose")
				}
				t.Logf("%d events, %d messages; after %d cuts %d messages answered K were due, %d of them lost; %d incomplete files look complete",
					events, len(accepted), cuts, sum.due, len(sum.losses), sum.halves)
			})
		}
	}
}

// standAloneCut is our stand-alone server.
func standAloneCut() *cutSide {
	var a *alone
	return &cutSide{
		name: "stand-alone",
		place: func(t *testing.T, main string) string {
			a = prepareAlone(t)
			a.AppendMain(main)
			return a.Path("/srv")
		},
		start: func(t *testing.T) (string, string) {
			a.serve(t)
			return a.addr, "spool"
		},
		stop: func(t *testing.T) {
			if err := a.cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-a.done
		},
		keeps: true,
	}
}

// stockCut is the stock qmqpd(8) and cleanup(8).
func stockCut() *cutSide {
	var pf *postfix.Instance
	return &cutSide{
		name: "stock",
		place: func(t *testing.T, main string) string {
			pf = postfix.New(t, postfix.Options{})
			pf.AppendMain(main)
			return pf.Path(postfix.QueueDir)
		},
		start: func(t *testing.T) (string, string) {
			addr := "127.0.0.1:" + strconv.Itoa(postfix.FreePort(t))
			pf.AppendMain("qmqpd_authorized_clients = 127.0.0.0/8", "in_flow_delay = 0")
			pf.WriteMaster(addr + " inet n - y - - qmqpd\ncleanup unix n - y - 0 cleanup\nrewrite unix - - y - - trivial-rewrite\n")
			pf.Start()
			return addr, "."
		},
		stop: func(*testing.T) { pf.Stop() },
	}
}

// sendToDisk has clients send, and another program remove files, as qmgr(8)
// does. It returns the messages by queue id.
func sendToDisk(t *testing.T, disk *standin.Disk, side *cutSide, folder string) map[string]*cutMessage {
	t.Helper()
	before := t.TempDir()
	command(t, "cp", "-a", folder+"/.", before)
	command(t, "mount", "-o", "loop", disk.Path, folder)
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	command(t, "cp", "-a", before+"/.", folder)
	addr, queue := side.start(t)
	syscall.Sync()
	disk.Record()
	var (
		mu       sync.Mutex
		accepted = map[string]*cutMessage{}
		clients  sync.WaitGroup
		removed  = make(chan string, 100_000)
		end      = time.Now().Add(2 * time.Second)
	)
	for n := range 30 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(5, uint64(n)))
			if n >= 10 {
				time.Sleep(time.Until(end) / 2) // ten clients first, then all of them
			}
			for k := 0; time.Now().Before(end); k++ {
				subject := fmt.Sprintf("client %d message %d", n, k)
				id, err := sendLarge(addr, subject, random.IntN(3)*random.IntN(10_000))
				if err != nil {
					t.Errorf("client %d: %v", n, err)
					return
				}
				mu.Lock()
				accepted[id] = &cutMessage{subject: subject, known: disk.Position(), gone: -1}
				mu.Unlock()
				if random.IntN(3) == 0 {
					removed <- id
				}
			}
		})
	}
	var remover sync.WaitGroup
	remover.Go(func() {
		for id := range removed {
			mu.Lock()
			accepted[id].gone = disk.Position()
			mu.Unlock()
			file := filepath.Join(folder, queue, "incoming", id)
			err := os.Remove(file)
			if errors.Is(err, fs.ErrNotExist) { // hash_queue_names
				files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*", id))
				if len(files) == 1 {
					err = os.Remove(files[0])
				}
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	clients.Wait()
	close(removed)
	remover.Wait()
	side.stop(t)
	command(t, "umount", folder)
	return accepted
}

// sendLarge sends one message of so many lines and returns its queue id.
func sendLarge(addr, subject string, lines int) (string, error) {
	c, err := standin.DialTCP("", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	text := "Subject: " + subject + "\n\n" + strings.Repeat("more\n", lines) + "end of " + subject + "\n"
	if err := c.Send([]byte(standin.Request(text, "from@a.example", "to@b.example"))); err != nil {
		return "", err
	}
	reply, err := c.ReadAll(patience)
	if err != nil {
		return "", err
	}
	_, id, ok := strings.Cut(strings.TrimSuffix(string(reply), ","), ":KOk: queued as ")
	if !ok {
		return "", fmt.Errorf("reply %q", reply)
	}
	return id, nil
}

// cutFindings is what a cut has left.
type cutFindings struct {
	due    int      // messages that must be there
	losses []string // those of them that are not, or are damaged
	halves int      // files that are marked as complete, are not, and are nobody's
}

// wholeMessage is what sendLarge sends, after header fields of the server.
var wholeMessage = regexp.MustCompile(`(?s)\nSubject: (client \d+ message \d+)\n.*\n\n(more\n)*end of client \d+ message \d+\n$`)

// checkAfterCut mounts what a cut after so many events has left.
func checkAfterCut(t *testing.T, image string, at int, accepted map[string]*cutMessage) cutFindings {
	t.Helper()
	mount := t.TempDir()
	command(t, "mount", "-o", "loop", image, mount)
	defer command(t, "umount", mount)
	var found cutFindings
	kept := map[string]bool{}
	err := filepath.WalkDir(mount, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(path, "/incoming/") {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Mode()&0o100 == 0 {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := queuefmt.Verify(bytes.NewReader(data)); err != nil {
			found.halves++
			kept[d.Name()] = false
			return nil
		}
		var eml bytes.Buffer
		if err := export.WriteEML(&eml, bytes.NewReader(data), "\n"); err != nil {
			return err
		}
		text := eml.String()
		kept[d.Name()] = true
		if m := accepted[d.Name()]; m != nil && !strings.Contains(text, "\nend of "+m.subject+"\n") {
			kept[d.Name()] = false
		}
		if !wholeMessage.MatchString(text) {
			found.losses = append(found.losses, fmt.Sprintf("%s is complete in form, and says %.500q", d.Name(), text))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for id, m := range accepted {
		if m.known > at || m.gone >= 0 && m.gone < at {
			continue
		}
		found.due++
		switch whole, there := kept[id]; {
		case !there:
			found.losses = append(found.losses, fmt.Sprintf("%s was answered K before event %d, and is gone", id, m.known))
		case !whole:
			found.losses = append(found.losses, fmt.Sprintf("%s was answered K before event %d, and is damaged", id, m.known))
		}
	}
	return found
}

// command runs a program that must succeed.
func command(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
