package compat

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
)

// postconfProducts, if set to N, makes TestPostconfProducts run one of N cases of
// all of the product, 150,000: make postconf-products N=7.
const postconfProducts = "POSTCONF_PRODUCTS"

// productOptions are all options that stock reads, and one that it does not
// have. "-c" is there in each case.
var productOptions = [][]string{
	{"-a"}, {"-A"}, {"-b"}, {"-C", "user"}, {"-C", "service,builtin"}, {"-C", ""}, {"-d"}, {"-e"}, {"-f"}, {"-F"}, {"-h"}, {"-H"},
	{"-l"}, {"-m"}, {"-M"}, {"-n"}, {"-o", "two=over $three"}, {"-o", "myhostname=o.example"}, {"-o", "zonk"}, {"-p"}, {"-P"}, {"-q"},
	{"-t"}, {"-T", "public-key-algorithms"}, {"-T", ""}, {"-v"}, {"-x"}, {"-X"}, {"-#"}, {"-y"},
}

// productOperands are what may follow the options.
var productOperands = [][]string{
	{}, {"myhostname"}, {"mydestination", "nothing"}, {"one"}, {"unused", "klass"}, {"foo_recipient_limit"}, {"virtual_maps"}, {"process_name"},
	{"smtp"}, {"smtp/inet"}, {"smtp/inet", "smtp"}, {"foo/unix/command"}, {"smtp/inet/a"}, {"*"}, {"*/*"}, {"*/inet/*"}, {"*/*/type", "*/unix/b"},
	{""}, {"", ""}, {"/"}, {"//"}, {"smtp//inet/"}, {"smtp/inet/type/x"}, {"sm*"}, {"smtp/inet/c*"}, {"*/*/zonk"}, {"a=b"}, {"x", "a=b"}, {"="},
	{"smtp/inet/type=fifo"}, {"-n"}, {"--"}, {"--", "-n"}, {"-"}, {"mydestination", "-h"}, {"smtp", "--", "-x"}, {"\xc3\xa9"}, {"my hostname"},
}

// productLine is the case of two options, by their numbers, and operands.
func productLine(first, second int, operands []string) []string {
	line := slices.Clone(productOptions[first])
	if first != second {
		line = append(line, productOptions[second]...)
	}
	return append(line, operands...)
}

// TestPostconfProducts runs each option and each pair of options with all sorts of
// operands and configurations. Of the product of all four it takes each pair once,
// and each option with each third of the operands; the rest goes by turns.
func TestPostconfProducts(t *testing.T) {
	t.Parallel()
	postfix.Case(t)
	pair := newPostconfPair(t)
	blocks, err := readCases("testdata/postconf/products/configurations.cases")
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, b := range blocks {
		dirs = append(dirs, pair.configure(t, b.files))
	}

	var refused atomic.Int64
	lines := make(chan []string)
	var workers sync.WaitGroup
	for range postconfWorkers {
		workers.Go(func() {
			for line := range lines {
				diff, err := pair.compareOrRefuse(commandLine{argv0: "postconf", args: line}, &refused)
				if err != nil {
					t.Errorf("%q: %v", line, err)
				}
				if diff != "" {
					name := blocks[slices.Index(dirs, line[1])].name
					t.Errorf("%s: %q\n%.4000s", name, line[2:], diff)
				}
			}
		})
	}
	n := 0
	emit := func(dir string, line []string) {
		n++
		lines <- append([]string{"-c", dir}, line...)
	}
	step := int(numberFrom(t, postconfProducts, 0))
	turn := 0
	for i := range productOptions {
		for j := i; j < len(productOptions); j++ {
			emit(dirs[turn%len(dirs)], productLine(i, j, productOperands[turn%len(productOperands)]))
			turn++
			if i == j && step == 0 {
				for k := i % 3; k < len(productOperands); k += 3 {
					emit(dirs[(i+k)%len(dirs)], productLine(i, j, productOperands[k]))
				}
			}
		}
	}
	conflicts := map[[2]int]bool{}
	for k := 0; step > 0 && k < len(productOptions)*len(productOptions)*len(productOperands)*len(dirs); k += step {
		rest := k
		take := func(n int) int {
			digit := rest % n
			rest /= n
			return digit
		}
		dir, operands := dirs[take(len(dirs))], productOperands[take(len(productOperands))]
		i, j := take(len(productOptions)), take(len(productOptions))
		if i > j {
			continue
		}
		both := [2]int{i, j}
		if _, known := conflicts[both]; !known {
			conflicts[both] = pair.conflict(t, dir, i, j)
		}
		if !conflicts[both] {
			emit(dir, productLine(i, j, operands))
		}
	}
	close(lines)
	workers.Wait()
	t.Logf("%d cases, of which %d are refused because they edit", n, refused.Load())
}

// compareOrRefuse is compare, except that it does not run stock where it would edit
// the configuration, which ours refuses.
func (p *postconfPair) compareOrRefuse(c commandLine, refused *atomic.Int64) (string, error) {
	ours, err := p.run(ourPostconf, c)
	if err != nil {
		return "", err
	}
	if !strings.Contains(ours.stderr, editRefusal) {
		return p.compare(c)
	}
	refused.Add(1)
	if ours.code != 1 || ours.stdout != "" || strings.Count(ours.stderr, "\n") != 1 {
		return "not refused clearly: " + ours.stdout + ours.stderr, nil
	}
	return "", nil
}

// conflict reports whether two options do not go together. What follows them does
// not matter then.
func (p *postconfPair) conflict(t *testing.T, dir string, i, j int) bool {
	t.Helper()
	ours, err := p.run(ourPostconf, commandLine{argv0: "postconf", args: append([]string{"-c", dir}, productLine(i, j, nil)...)})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(ours.stderr, ": specify one of ") || strings.Contains(ours.stderr, ", do not specify ")
}
