package compat

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// speedLines are the command lines whose time counts.
var speedLines = [][]string{{"-h", "myhostname"}, {"-n"}, {"-d"}}

func newSpeedPair(t testing.TB) (*postconfPair, []string) {
	pair := newPostconfPair(t)
	dir := pair.configure(t, map[string]string{
		"main.cf":   pair.root.ReadFile("/etc/postfix/main.cf"),
		"master.cf": pair.root.ReadFile("/etc/postfix/master.cf"),
	})
	return pair, []string{"-c", dir}
}

// once returns the time from fork to the end of one run.
func (p *postconfPair) once(t testing.TB, program string, args []string) time.Duration {
	t.Helper()
	cmd := p.root.Command(program, args...)
	cmd.Args[0] = "postconf"
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	start := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

// TestPostconfSpeed compares the time of the whole process, side by side: the
// median of ours must not be above stock's.
func TestPostconfSpeed(t *testing.T) {
	pair, base := newSpeedPair(t)
	postfix.Case(t)
	const runs = 41
	for _, line := range speedLines {
		var stock, ours [runs]time.Duration
		args := append(slices.Clone(base), line...)
		for i := range runs {
			stock[i] = pair.once(t, stockPostconf, args)
			ours[i] = pair.once(t, ourPostconf, args)
		}
		slices.Sort(stock[:])
		slices.Sort(ours[:])
		ratio := float64(ours[runs/2]) / float64(stock[runs/2])
		t.Logf("%-14s stock %v, ours %v, ratio %.2f", strings.Join(line, " "), stock[runs/2], ours[runs/2], ratio)
		if ratio > 1 {
			t.Errorf("%q takes longer than stock: %v, stock %v", line, ours[runs/2], stock[runs/2])
		}
	}
}

func BenchmarkPostconf(b *testing.B) {
	pair, base := newSpeedPair(b)
	for _, line := range speedLines {
		args := append(slices.Clone(base), line...)
		for name, program := range map[string]string{"stock": stockPostconf, "ours": ourPostconf} {
			b.Run(strings.Join(line, " ")+"/"+name, func(b *testing.B) {
				for range b.N {
					pair.once(b, program, args)
				}
			})
		}
	}
}
