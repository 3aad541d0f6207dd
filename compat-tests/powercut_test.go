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
	// directory that the disk shall be mounted at.
	place func(t *testing.T, main string) string
	// start returns the server's address, and the queue below that directory.
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

// fileSystem is one that a queue may be in.
type fileSystem struct {
	name  string
	size  int64
	make  []string
	mount string   // more mount options
	check []string // what an administrator runs after a crash
	main  string   // a line for main.cf
}

// fileSystems are those of most mail servers. In some of them directories of
// the queue are made on the way. Without a journal a block of a directory may
// reach the disk half changed, just when the power fails; then e2fsck(8) puts the
// files of that directory, older ones too, into lost+found.
var fileSystems = []fileSystem{
	{"ext4", 64 << 20, []string{"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"}, "", nil, "hash_queue_names = incoming"},
	{"ext4 without a journal", 64 << 20, []string{"mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=0"},
		"", []string{"e2fsck", "-fy"}, "hash_queue_names = incoming"},
	// What was unmounted here may still be mounted in the name space of another test.
	{"xfs", 300 << 20, []string{"mkfs.xfs", "-q", "-f"}, ",nouuid", nil, ""},
	{"btrfs", 128 << 20, []string{"mkfs.btrfs", "-q", "-f"}, "", nil, "hash_queue_names = incoming"},
}

// disk makes a disk with the file system on it.
func (s *fileSystem) disk(t *testing.T) *standin.Disk {
	t.Helper()
	if _, err := exec.LookPath(s.make[0]); err != nil {
		skipCuts(t, err)
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, s.size)); err != nil {
		t.Fatal(err)
	}
	command(t, append(s.make, image)...)
	disk, err := standin.NewDisk(t, image)
	if err != nil {
		skipCuts(t, err)
	}
	return disk
}

// skipCuts skips a test, and says so even where skipped tests are not listed.
func skipCuts(t *testing.T, err error) {
	t.Helper()
	fmt.Fprintf(os.Stderr, "SKIPPED, NO POWER CUT: %s: %v\n", t.Name(), err)
	t.SkipNow()
}

// cut finds what is left when the power fails after so many events.
//
// Each time it is another file. Where a mount name space of another test still
// has the last one mounted, mount(8) would take that for the same one.
func (s *fileSystem) cut(t *testing.T, disk *standin.Disk, at int, random *rand.Rand, accepted map[string]*cutMessage) cutFindings {
	t.Helper()
	image, err := os.CreateTemp(t.TempDir(), "image")
	if err != nil {
		t.Fatal(err)
	}
	image.Close()
	defer os.Remove(image.Name())
	if err := disk.Cut(at, random, image.Name()); err != nil {
		t.Fatal(err)
	}
	s.mend(t, image.Name())
	mount := t.TempDir()
	command(t, "mount", "-o", "loop"+s.mount, image.Name(), mount)
	defer unmount(t, mount)
	return findAfterCut(t, mount, s.check != nil, at, accepted)
}

func unmount(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		t.Errorf("unmount %s: %v", dir, err)
	}
}

// mend does what an administrator does after a crash.
func (s *fileSystem) mend(t *testing.T, image string) {
	t.Helper()
	if s.check == nil {
		return
	}
	out, err := exec.Command(s.check[0], append(s.check[1:], image)...).CombinedOutput()
	// Up to 2, its exit status says that it had something to mend.
	if status := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &status) || status.ExitCode() > 2) {
		t.Fatalf("%v: %v\n%s", s.check, err, out)
	}
}

// cuts says how often the power is cut, and on which sides.
func cuts() (int, []func() *cutSide) {
	if n, err := strconv.Atoi(os.Getenv("QMQPD_POWERCUTS")); err == nil {
		return n, []func() *cutSide{standAloneCut, stockCut}
	}
	return 3, []func() *cutSide{standAloneCut}
}

// TestPowerCut lets the stand-alone server work in real file systems on a disk
// whose cache is lost in a power cut. Whatever the moment, each message that
// was answered K by then must be there afterwards, complete.
//
// QMQPD_POWERCUTS says at how many moments; then the stock programs are cut
// off, too, and it is told how many messages they lose.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cuts, sides := cuts()
	for _, system := range fileSystems {
		for _, side := range sides {
			side := side()
			t.Run(system.name+", "+side.name, func(t *testing.T) {
				disk := system.disk(t)
				sent := sendToDisk(t, disk, system, side, 0)
				events := disk.Position()
				random := rand.New(rand.NewPCG(3, 4))
				var sum cutFindings
				for range cuts {
					at := random.IntN(events + 1)
					found := system.cut(t, disk, at, random, sent.accepted)
					if side.keeps && found.losses != nil {
						t.Errorf("cut after event %d of %d: %s", at, events, strings.Join(found.losses, "\n"))
					}
					sum.add(found)
				}
				if sum.due == 0 || sent.refused > 0 {
					t.Errorf("%d messages to lose, and %d refused", sum.due, sent.refused)
				}
				t.Logf("%d events, %d messages; after %d cuts %v", events, len(sent.accepted), cuts, sum)
			})
		}
	}
}

// TestDiskErrors lets one of a hundred writes to the disk fail. Then the power
// fails. Each message that was answered K must be there, complete.
//
// The kernel tells of a lost block once, and with some of them it tells
// whoever asks first. Without a journal a lost block may also hold what was
// durable before, and e2fsck(8) may mistake one inode for another afterwards. So
// there are no subdirectories then to lose with all of their files, and only "make
// powercut" does it.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	turns, sides := cuts()
	for _, system := range fileSystems {
		for _, side := range sides {
			side := side()
			t.Run(system.name+", "+side.name, func(t *testing.T) {
				if system.check != nil && turns < 10 {
					t.Skip("what e2fsck makes of it varies: make powercut")
				}
				accepted, refused := 0, 0
				var sum cutFindings
				for turn := range max(1, turns/10) {
					disk := system.disk(t)
					if system.check != nil {
						system.main = ""
					}
					sent := sendToDisk(t, disk, system, side, 100)
					found := system.cut(t, disk, sent.end, rand.New(rand.NewPCG(6, uint64(turn))), sent.accepted)
					if side.keeps && found.losses != nil {
						t.Errorf("turn %d: %s", turn, strings.Join(found.losses, "\n"))
					}
					accepted, refused = accepted+len(sent.accepted), refused+sent.refused
					sum.add(found)
				}
				t.Logf("%d messages and %d refusals; %v", accepted, refused, sum)
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

// sentToDisk is what became of messages.
type sentToDisk struct {
	accepted map[string]*cutMessage // by queue id
	refused  int
	end      int // the disk's position when the last client had its answer
}

// sendToDisk has clients send, and another program remove files, as qmgr(8)
// does. With failures, one of so many writes to the disk fails, the server may
// refuse messages, and nothing is removed.
func sendToDisk(t *testing.T, disk *standin.Disk, system fileSystem, side *cutSide, failures int) *sentToDisk {
	t.Helper()
	dir := side.place(t, system.main)
	before := t.TempDir()
	command(t, "cp", "-a", dir+"/.", before)
	if out, err := exec.Command("mount", "-o", "loop"+system.mount, disk.Path, dir).CombinedOutput(); err != nil {
		skipCuts(t, fmt.Errorf("mount -o loop: %w: %s", err, out))
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	command(t, "cp", "-a", before+"/.", dir)
	addr, queue := side.start(t)
	syscall.Sync()
	disk.Record()
	disk.FailWrites(failures, rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano()))))
	var (
		mu      sync.Mutex
		sent    = sentToDisk{accepted: map[string]*cutMessage{}}
		clients sync.WaitGroup
		removed = make(chan string, 100_000)
		end     = time.Now().Add(2 * time.Second)
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
				mu.Lock()
				switch {
				case err == nil:
					sent.accepted[id] = &cutMessage{subject: subject, known: disk.Position(), gone: -1}
				case failures > 0:
					sent.refused++
				default:
					t.Errorf("client %d: %v", n, err)
				}
				mu.Unlock()
				if err != nil {
					time.Sleep(50 * time.Millisecond) // a client would wait longer
				} else if failures == 0 && random.IntN(3) == 0 {
					removed <- id
				}
			}
		})
	}
	var remover sync.WaitGroup
	remover.Go(func() {
		for id := range removed {
			mu.Lock()
			sent.accepted[id].gone = disk.Position()
			mu.Unlock()
			file := filepath.Join(dir, queue, "incoming", id)
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
	sent.end = disk.Position()
	disk.FailWrites(0, nil)
	side.stop(t)
	unmount(t, dir)
	return &sent
}

// sendLarge sends one message of so many lines and returns its queue id.
func sendLarge(addr, subject string, lines int) (string, error) {
	text := "Subject: " + subject + "\n\n" + strings.Repeat("more\n", lines) + "end of " + subject + "\n"
	return queueMessage(addr, standin.Request(text, "from@a.example", "to@b.example"))
}

// cutFindings is what a cut has left.
type cutFindings struct {
	due    int      // messages that must be there
	losses []string // those of them that are not, or are damaged
	astray int      // those that the administrator's program found and put elsewhere
	halves int      // files that are marked as complete, are not, and are nobody's
}

func (f *cutFindings) add(more cutFindings) {
	f.due += more.due
	f.losses = append(f.losses, more.losses...)
	f.halves += more.halves
	f.astray += more.astray
}

func (f cutFindings) String() string {
	return fmt.Sprintf("%d messages answered K were due, %d of them lost, %d in lost+found; %d incomplete files look complete",
		f.due, len(f.losses), f.astray, f.halves)
}

// wholeMessage is what sendLarge sends, after header fields of the server.
var wholeMessage = regexp.MustCompile(`(?s)\nSubject: (client \d+ message \d+)\n.*\n\n(more\n)*end of client \d+ message \d+\n$`)

// findAfterCut looks at what a cut after so many events has left below a mount point.
func findAfterCut(t *testing.T, mount string, mended bool, at int, accepted map[string]*cutMessage) cutFindings {
	t.Helper()
	var found cutFindings
	kept := map[string]bool{}  // by queue id: whether it is whole
	stray := map[string]bool{} // whole ones in lost+found, by subject
	err := filepath.WalkDir(mount, func(path string, d fs.DirEntry, err error) error {
		astray := strings.Contains(path, "/lost+found/")
		if err != nil || !d.Type().IsRegular() || !astray && !strings.Contains(path, "/incoming/") {
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
		if subject := wholeMessage.FindStringSubmatch(text); astray && subject != nil {
			stray[subject[1]] = true
			return nil
		}
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
		if mended && stray[m.subject] {
			found.astray++
			continue
		}
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
