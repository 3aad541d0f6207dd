package master

import (
	"cmp"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/params/errno"
)

// passTimeout bounds the waits for a passed descriptor and for its attributes.
const passTimeout = 100 * time.Second

// receivePassed takes the client connection that was passed over link, and closes
// link. The attributes that follow it are read and ignored. A failure that has no
// error number of its own gets stale. Source: Postfix 3.10 pass_accept.c,
// pass_accept_attr.
func receivePassed(link int, log *maillog.Logger, timeout time.Duration, stale error) (int, error) {
	defer unix.Close(link)
	warn := func(what string, err error) error {
		if errors.Is(err, errStale) {
			err = stale
		}
		return passWarning(log, what, err)
	}
	if err := awaitReadable(link, timeout); err != nil {
		return -1, warn("timeout receiving file descriptor", err)
	}
	fd, err := receiveDescriptor(link)
	if err != nil {
		return -1, warn("cannot receive file descriptor", err)
	}
	if err = awaitReadable(link, timeout); err == nil {
		err = skipAttributes(link, timeout, log)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, warn("cannot receive connection attributes", err)
	}
	return fd, nil
}

// passWarning says what has become of a client, and returns err.
func passWarning(log *maillog.Logger, what string, err error) error {
	log.Warningf("pass_accept_attr: %s: %s", what, errno.Text(err))
	return err
}

func awaitReadable(fd int, timeout time.Duration) error {
	ready, err := pollOne(fd, unix.POLLIN, timeout)
	if err == nil && !ready {
		err = unix.ETIMEDOUT
	}
	return err
}

// receiveDescriptor reads one byte of data with one descriptor.
func receiveDescriptor(link int) (int, error) {
	data, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	var n int
	err := ignoringEINTR(func() (err error) {
		_, n, _, _, err = unix.Recvmsg(link, data, control, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return -1, err
	}
	var fds []int
	for _, m := range messages {
		if more, err := unix.ParseUnixRights(&m); err == nil {
			fds = append(fds, more...)
		}
	}
	if len(fds) == 1 {
		return fds[0], nil
	}
	// On 64-bit machines the control buffer has room for two.
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
	return -1, errStale
}

// errStale is for conditions that have no error number of their own. The
// original prints whichever was there before: see (*child).stale.
var errStale = errors.New("no error number")

// stale is the error number that the original has before it accepts. The start leaves
// ENOENT, and so does the process's first look-up of a client's name. Each later
// session clears the number when it asks for the client's address, and nothing
// that goes well sets it again.
func (c *child) stale() error {
	if c.served.Load() < 2 {
		return unix.ENOENT
	}
	return unix.Errno(0)
}

// maxAttributes is how many attributes a list may have (ATTR_HASH_LIMIT).
const maxAttributes = 1024

// skipAttributes reads an attribute list: names and values, each ended by NUL,
// and an empty name at the end. A name "{" opens a group of attributes without having a
// value, "}" closes it. Source: Postfix 3.10 recv_pass_attr.c,
// attr_scan0.c.
func skipAttributes(link int, timeout time.Duration, log *maillog.Logger) error {
	r := &byteReader{fd: link, end: time.Now().Add(timeout)}
	const (
		first = iota
		group
		rest
	)
	wanted := [...]string{
		first: "(any attribute name or list terminator)",
		group: "(any attribute name or '}')",
		rest:  "(list terminator)",
	}
	state := first
	for n := 0; n <= maxAttributes; n++ {
		name, err := r.field(log, "input attribute name", wanted[state])
		if err != nil {
			return err
		}
		switch {
		case name == "":
			return nil
		case state == first && name == "{":
			state = group
			continue
		case state == group && name == "}":
			state = rest
			continue
		}
		if _, err := r.field(log, "input attribute value", ""); err != nil {
			return err
		}
	}
	return unix.EMSGSIZE
}

// byteReader reads single bytes, so that nothing of what might follow a list is
// taken, up to a point in time.
type byteReader struct {
	fd   int
	end  time.Time
	read int // bytes so far
}

// field reads up to NUL. Of a long field it returns only the beginning: none
// has a meaning here. At verbose level 1 it tells what it wants, unless that is
// empty or there is no input at all, and what it read.
func (r *byteReader) field(log *maillog.Logger, what, wanted string) (string, error) {
	start, limit := r.read, 16
	verbose := log.Verbose() > 0
	if verbose {
		limit = 4096 // more than goes into a line
	}
	tell := func() {
		if verbose && wanted != "" && r.read > 0 {
			log.Infof("unknown_stream: wanted attribute: %s", wanted)
			wanted = ""
		}
	}
	var kept []byte
	for {
		tell()
		c, err := r.next()
		if err != nil {
			switch {
			case r.read > start:
				log.Warningf("unexpected end-of-input from unknown_stream while reading %s", what)
			case errors.Is(err, unix.ETIMEDOUT):
				log.Warningf("timeout on unknown_stream while reading %s", what)
			case r.read > 0:
				log.Warningf("premature end-of-input on unknown_stream while reading %s", what)
			}
			return "", err
		}
		tell()
		if c == 0 {
			if verbose {
				log.Infof("%s: %s", what, cmp.Or(string(kept), "(end)"))
			}
			return string(kept), nil
		}
		if len(kept) < limit {
			kept = append(kept, c)
		}
	}
}

// next returns errStale at the end of input.
func (r *byteReader) next() (byte, error) {
	if err := awaitReadable(r.fd, max(0, time.Until(r.end))); err != nil {
		return 0, err
	}
	b := make([]byte, 1)
	var n int
	err := ignoringEINTR(func() (err error) {
		n, err = unix.Read(r.fd, b)
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, errStale
	}
	r.read++
	return b[0], nil
}
