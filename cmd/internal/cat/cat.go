// Package cat is "qmqpd cat": it shows queue files as records, as JSON, as a
// message, or checks them.
package cat

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/qmqpd/qmqpd/queuefmt"
	"github.com/qmqpd/qmqpd/queuefmt/export"
	"github.com/qmqpd/qmqpd/queuefmt/postcat"
)

// Form is what is shown of each file.
type Form int

// The forms.
const (
	Records Form = iota // its records, as postcat(1) prints them
	JSON                // one JSON object per file and line
	EML                 // the message content; of a damaged file, what is left of it
	Verdict             // only what is wrong with it
)

// Options say what is shown.
type Options struct {
	Form Form
	// Records are the options of postcat(1) for the form Records, but for Warn.
	// "qmqpd cat" without options prints like "postcat -dov".
	Records postcat.Options
}

// Run shows the files, or standard input when there are none, which like
// postcat it calls "stdin". Unlike postcat, it takes "-" for standard input,
// too, goes on with the next file after a damaged one, and names the byte
// offset of the fault. It returns the exit status: 0 when every file was whole,
// else 1; where records are printed, a file that ends between two of them passes, as
// it does with postcat.
func Run(files []string, opts Options, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{opts: opts, stdout: stdout, stderr: stderr}
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, name := range files {
		if name == "-" {
			c.fail("stdin", c.show("stdin", stdin))
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			c.fail("", err)
			continue
		}
		c.fail(name, c.show(name, f))
		f.Close()
	}
	return c.status
}

type command struct {
	opts           Options
	stdout, stderr io.Writer
	status         int
}

// fail reports an error, if there is one.
func (c *command) fail(name string, err error) {
	if err == nil {
		return
	}
	c.status = 1
	if name != "" {
		name += ": "
	}
	fmt.Fprintf(c.stderr, "qmqpd cat: error: %s%v\n", name, err)
}

func (c *command) warn(text string) { fmt.Fprintf(c.stderr, "qmqpd cat: warning: %s\n", text) }

func (c *command) show(name string, r io.Reader) error {
	var at io.ReaderAt
	if f, ok := r.(*os.File); ok {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			at = f
		}
	}
	if c.opts.Form == Records {
		opts := c.opts.Records
		opts.Warn = c.warn
		return postcat.Print(c.stdout, postcat.Input{Name: name, At: at, Stream: r}, opts)
	}
	if at == nil {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		at = bytes.NewReader(b)
	}
	verify := queuefmt.VerifyOptions{Maildrop: inMaildrop(r)}
	switch c.opts.Form {
	case JSON:
		return export.JSONOptions{Verify: verify}.WriteJSON(c.stdout, name, at)
	case EML:
		return c.eml(name, at, verify)
	}
	return c.verify(name, at, verify)
}

// inMaildrop says whether a file stands in a folder maildrop, or in one below it, where
// hash_queue_names has it: what is written there for pickup(8) is no file for qmgr(8).
func inMaildrop(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	path, err := filepath.Abs(f.Name())
	if err != nil {
		return false
	}
	return slices.Contains(strings.Split(filepath.ToSlash(filepath.Dir(path)), "/"), "maildrop")
}

// verify prints the verdict.
func (c *command) verify(name string, at io.ReaderAt, opts queuefmt.VerifyOptions) error {
	report, err := opts.Verify(at)
	for _, f := range report.Tolerated {
		if _, err := fmt.Fprintf(c.stdout, "%s: warning: %v\n", name, f); err != nil {
			return err
		}
	}
	if report.MoreTolerated > 0 {
		if _, err := fmt.Fprintf(c.stdout, "%s: warning: %d more that are tolerated\n", name, report.MoreTolerated); err != nil {
			return err
		}
	}
	if err == nil {
		_, err := fmt.Fprintf(c.stdout, "%s: ok\n", name)
		return err
	}
	return err
}

// maxRecovered is how large a damaged file may be to be searched, in bytes: it is all
// in memory then, and a hole in a file makes it as large as anybody likes.
const maxRecovered = 512 << 20

// eml writes the message, or what can be recovered of it.
func (c *command) eml(name string, at io.ReaderAt, opts queuefmt.VerifyOptions) error {
	_, fault := opts.Verify(at)
	if fault == nil {
		return export.WriteEML(c.stdout, at, "\n")
	}
	if n, _ := at.ReadAt(make([]byte, 1), maxRecovered); n > 0 {
		return fmt.Errorf("%w (and more than %d bytes are not searched for what is left of a message)", fault, maxRecovered)
	}
	b, err := io.ReadAll(io.NewSectionReader(at, 0, maxRecovered))
	if err != nil {
		return err
	}
	found := queuefmt.Recover(b, time.Now()) // when it came is not in the output
	for _, gap := range found.Lost {
		c.warn(fmt.Sprintf("%s: bytes %d to %d lost: %s", name, gap.From, gap.To-1, gap.Reason))
	}
	for _, t := range found.Missing {
		c.warn(fmt.Sprintf("%s: no %s record found", name, t))
	}
	if err := export.WriteEML(c.stdout, bytes.NewReader(found.File.Bytes()), "\n"); err != nil {
		return err
	}
	return fault
}
