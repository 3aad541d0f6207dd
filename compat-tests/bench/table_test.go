package bench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

func TestMain(m *testing.M) { os.Exit(postfix.Main(m)) }

// rounds is how often each of the two programs has its turn.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("QMQPD_BENCH_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 5
}

// row is one line of the table.
type row struct {
	work, unit  string
	stock, ours []float64
	// fewer tells that a smaller number is the better one.
	goal string
}

// table collects rows in the order in which they were first seen.
type table struct{ rows []*row }

func (t *table) add(s *side, work, unit, goal string, value float64) {
	i := slices.IndexFunc(t.rows, func(r *row) bool { return r.work == work })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, &row{work: work, unit: unit, goal: goal})
	}
	if s.name == "stock" {
		t.rows[i].stock = append(t.rows[i].stock, value)
	} else {
		t.rows[i].ours = append(t.rows[i].ours, value)
	}
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| work | unit | stock | ours | ratio | goal |\n|---|---|---|---|---|---|\n")
	for _, r := range t.rows {
		stock, ours := median(r.stock), median(r.ours)
		ratio := "-"
		if stock != 0 {
			ratio = fmt.Sprintf("%.2f", ours/stock)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.work, r.unit, number(stock), number(ours), ratio, r.goal)
	}
	return b.String()
}

func number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

// TestTable measures and prints; it fails only if something cannot be
// measured.
func TestTable(t *testing.T) {
	if os.Getenv("QMQPD_BENCH") != "1" {
		t.Skip("a benchmark: run make bench")
	}
	var results table
	// First what the removal of many files would slow down: see journaled.
	direct(t, &results, false, "")
	system(t, &results)
	memory(t, &results)
	alone(t, &results)
	idle(t, &results)
	large(t, &results)
	direct(t, &results, true, "")
	if volume := journaled(t); volume != "" {
		direct(t, &results, false, volume)
		direct(t, &results, true, volume)
	}
	directLarge(t, &results)
	start(t, &results)
	printing(t, &results)
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	fmt.Printf("\n%s, %d processors, %s, commit %s, medians of %d rounds\n\n%s\n", time.Now().Format("2006-01-02"),
		runtime.NumCPU(), runtime.Version(), strings.TrimSpace(string(commit)), rounds(), results.String())
}

// both returns the two sides with the same settings.
func both(t *testing.T, count bool, limit int, main ...string) [2]*side {
	return [2]*side{newSide(t, false, count, limit, main...), newSide(t, true, count, limit, main...)}
}

// system measures the whole mail system: qmqpd, cleanup(8), qmgr(8), discard(8).
func system(t *testing.T, results *table) {
	sides, measured := both(t, false, 100), both(t, true, 100)
	prompt := both(t, false, 100, "in_flow_delay = 0")
	work := []struct {
		sessions, messages int
		goal               string
	}{{1, 1000, "≥ 1.0"}, {10, 1500, "≥ 1.15"}, {50, 1500, "≥ 1.15"}}
	all := slices.Concat(sides[:], measured[:], prompt[:])
	for range rounds() {
		for _, w := range work {
			for _, s := range sides {
				drain(t, all...)
				rate := s.source(w.sessions, w.messages)
				results.add(s, fmt.Sprintf("qmqp-source, 4 kB, %d sessions", w.sessions), "messages/s", w.goal, rate)
			}
		}
		for _, w := range work {
			for _, s := range measured {
				if s.cpu == nil {
					continue
				}
				drain(t, all...)
				before := s.cpu.used(t)
				s.source(w.sessions, w.messages)
				cpu := (s.cpu.used(t) - before).Seconds() * 1000 / float64(w.messages)
				results.add(s, fmt.Sprintf("processor time of qmqpd for 1,000 messages, %d sessions", w.sessions), "s", "≤ 0.5", cpu)
			}
		}
		for _, s := range sides {
			drain(t, all...)
			_, p99 := load(t, s.addr, 50, 1500, message(1))
			results.add(s, "reply time, 99 of 100, 50 sessions", "ms", "≤ 0.8", p99.Seconds()*1000)
		}
		// Without the second that cleanup(8) sleeps when qmgr(8) is behind.
		for _, s := range prompt {
			drain(t, all...)
			_, p99 := load(t, s.addr, 50, 1500, message(1))
			results.add(s, "reply time, 99 of 100, 50 sessions, in_flow_delay = 0", "ms", "≤ 0.8", p99.Seconds()*1000)
		}
	}
	drain(t, all...)
	for _, s := range all {
		s.Stop()
	}
}

// memory measures processes with open sessions.
func memory(t *testing.T, results *table) {
	sides := both(t, false, 120)
	for range rounds() {
		for _, n := range []int{50, 100} {
			for _, s := range sides {
				mark := len(s.Log.Lines())
				release := hold(t, s.addr, n)
				s.sessions(t, n, mark)
				pss, processes := s.memory(t)
				results.add(s, fmt.Sprintf("memory (sum of PSS) with %d open sessions", n), "MB", "≤ 0.15", float64(pss)/1e6)
				results.add(s, fmt.Sprintf("processes with %d open sessions", n), "", "", float64(processes))
				release()
				s.Reload() // the next round starts from none
			}
		}
	}
	for _, s := range sides {
		s.Stop()
	}
}

// alone measures qmqpd with a cleanup(8) that costs nothing.
func alone(t *testing.T, results *table) {
	sides := both(t, false, 100, "cleanup_service_name = fastcleanup", "message_size_limit = 0")
	for _, s := range sides {
		s.fastCleanup(t)
	}
	small, many, big := message(1), request(1000, 100_000), request(10_000_000, 1)
	for range rounds() {
		for _, s := range sides {
			rate, p99 := load(t, s.addr, 50, 4000, small)
			results.add(s, "a cleanup that answers at once, 50 sessions", "messages/s", "≥ 2.5", rate)
			results.add(s, "reply time, 99 of 100, 50 sessions, a cleanup that answers at once", "ms", "", p99.Seconds()*1000)
		}
		for _, s := range sides {
			rate, _ := load(t, s.addr, 1, 5, many)
			results.add(s, "a message with 100,000 recipients", "messages/s", "≥ 1.5", rate)
		}
		for _, s := range sides {
			rate, _ := load(t, s.addr, 1, 5, big)
			results.add(s, "a message of 10 MB", "messages/s", "≥ 1.5", rate)
		}
	}
	for _, s := range sides {
		s.Stop()
	}
}

// idle measures ours alone: stock would need a thousand processes. "Stock" is
// here ours without the idle connections.
func idle(t *testing.T, results *table) {
	s := newSide(t, true, false, 1200, "cleanup_service_name = fastcleanup")
	s.fastCleanup(t)
	quiet := &side{name: "stock"}
	const work = "10 busy clients, and 1,000 idle ones (stock: ours without those)"
	for range rounds() {
		rate, _ := load(t, s.addr, 10, 2000, message(1))
		results.add(quiet, work, "messages/s", "≥ 0.9", rate)
		mark := len(s.Log.Lines())
		release := hold(t, s.addr, 1000)
		s.sessions(t, 1000, mark)
		rate, _ = load(t, s.addr, 10, 2000, message(1))
		results.add(s, work, "messages/s", "≥ 0.9", rate)
		pss, _ := s.memory(t)
		results.add(s, "memory with 1,000 idle clients", "MB", "< 64", float64(pss)/1e6)
		release()
		s.Reload()
	}
	s.Stop()
}

// underway sends a request from so many clients at once, and returns the most
// memory that was held meanwhile.
func underway(t *testing.T, addr string, clients int, request []byte, held func() int64) (peak int64) {
	done := make(chan struct{})
	go func() {
		load(t, addr, clients, clients, request)
		close(done)
	}()
	for {
		select {
		case <-done:
			return peak
		case <-time.After(20 * time.Millisecond):
			peak = max(peak, held())
		}
	}
}

// large measures ours with a hundred large messages under way at once.
func large(t *testing.T, results *table) {
	s := newSide(t, true, false, 120, "cleanup_service_name = fastcleanup", "max_use = 100000")
	s.fastCleanup(t)
	big := request(10_000_000, 1)
	for range rounds() {
		peak := underway(t, s.addr, 100, big, func() int64 {
			pss, _ := s.memory(t)
			return pss
		})
		results.add(s, "memory with 100 messages of 10 MB under way", "MB", "< 128", float64(peak)/1e6)
	}
	s.Stop()
}

// start measures a process from its beginning to its end, with one client on
// standard input that is refused.
func start(t *testing.T, results *table) {
	for _, ours := range []bool{false, true} {
		pf := postfix.New(t, postfix.Options{})
		s := &side{Instance: pf, name: "stock"}
		if ours {
			s.name = "ours"
			pf.InstallOurs()
		}
		pf.AppendMain("qmqpd_error_delay = 0")
		for range 20 * rounds() {
			cmd := pf.Command(postfix.DaemonDir+"/qmqpd", "-S", "-u", "-c")
			at := time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			results.add(s, "start and end of a process", "ms", "≤ 1.5", time.Since(at).Seconds()*1000)
		}
	}
}

// printing measures postconf and postconf-lite from beginning to end, with the
// configuration of Debian's package.
func printing(t *testing.T, results *table) {
	pf := postfix.New(t, postfix.Options{Debian: true})
	const ours = "/usr/sbin/postconf-lite"
	pf.Install(postfix.Build(t, "postconf-lite"), ours)
	sides := []struct {
		*side
		program string
	}{{&side{name: "stock"}, "/usr/sbin/postconf"}, {&side{name: "ours"}, ours}}
	for range 10 * rounds() {
		for _, options := range []string{"-h myhostname", "-n", "-d"} {
			for _, s := range sides {
				cmd := pf.Command(s.program, strings.Fields(options)...)
				cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
				at := time.Now()
				if err := cmd.Run(); err != nil {
					t.Fatalf("%s %s: %v", s.program, options, err)
				}
				results.add(s.side, "postconf "+options, "ms", "≤ 1.0", time.Since(at).Seconds()*1000)
			}
		}
	}
}
