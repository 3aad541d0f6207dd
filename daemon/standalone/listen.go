package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/sockpath"
)

// Listen opens listeners for each address: HOST:PORT, where an empty host means
// all addresses and a name all that it stands for, as in master.cf, or unix:PATH.
// network says which of them count: tcp, tcp4 for those of IPv4, or tcp6.
// A socket that an earlier server left behind is replaced. All failures are
// reported together, and nothing is left open then.
func Listen(ctx context.Context, network string, addrs []string) ([]net.Listener, error) {
	return listen(ctx, network, addrs, net.DefaultResolver.LookupHost)
}

// CheckAddrs returns an error for each address that has not the form of one for
// Listen, which finds out the rest.
func CheckAddrs(addrs []string) error {
	var errs *multierror.Error
	for _, addr := range addrs {
		if err := checkAddr(addr); err != nil {
			errs = multierror.Append(errs, fmt.Errorf("listen on %s: %w", addr, err))
		}
	}
	return errs.ErrorOrNil()
}

func checkAddr(addr string) error {
	// For package net, an empty address is one that the kernel chooses.
	if path, unix := strings.CutPrefix(addr, "unix:"); path == "" {
		return errors.New("empty address")
	} else if unix {
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	return err
}

// listen is Listen. lookup gives the addresses of a host name.
func listen(ctx context.Context, network string, addrs []string, lookup func(context.Context, string) ([]string, error)) ([]net.Listener, error) {
	var listeners []net.Listener
	var errs *multierror.Error
	for _, addr := range addrs {
		ls, err := listenOn(ctx, network, addr, lookup)
		if err != nil {
			errs = multierror.Append(errs, fmt.Errorf("listen on %s: %w", addr, err))
		}
		listeners = append(listeners, ls...)
	}
	if err := errs.ErrorOrNil(); err != nil {
		closeAll(listeners)
		return nil, err
	}
	return listeners, nil
}

// listenOn is listen for one address, and says only what is wrong with it.
func listenOn(ctx context.Context, network, addr string, lookup func(context.Context, string) ([]string, error)) ([]net.Listener, error) {
	if err := checkAddr(addr); err != nil {
		return nil, err
	}
	if path, unix := strings.CutPrefix(addr, "unix:"); unix {
		return listenUnix(path)
	}
	return listenTCP(ctx, network, addr, lookup)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

var errNotOfNetwork = errors.New("inet_protocols lacks the protocol of this address")

// listenTCP listens on all addresses of the host. One that this machine cannot
// have, as ::1 where there is no IPv6, is left out if others are left, and so is one
// that is not of the network.
func listenTCP(ctx context.Context, network, addr string, lookup func(context.Context, string) ([]string, error)) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	hosts := []string{host}
	if host != "" {
		// An address stands for itself.
		if hosts, err = lookup(ctx, host); err != nil {
			return nil, err
		}
	}
	var listeners []net.Listener
	var missing error
	for i, host := range hosts {
		if slices.Contains(hosts[:i], host) {
			continue // as hosts(5) may have it
		}
		of := network
		if ip, err := netip.ParseAddr(host); err == nil {
			ip = ip.Unmap()
			v4 := ip.Is4()
			if v4 && network == "tcp6" || !v4 && network == "tcp4" {
				missing = errNotOfNetwork
				continue
			}
			if ip.IsUnspecified() {
				// Package net would make all addresses of both families of it.
				of = "tcp6"
				if v4 {
					of = "tcp4"
				}
			}
		}
		l, err := net.Listen(of, net.JoinHostPort(host, port))
		switch {
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
			missing = err
		case err != nil:
			closeAll(listeners)
			return nil, err
		default:
			listeners = append(listeners, l)
			// A port that the kernel has chosen is that of all.
			port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		}
	}
	if len(listeners) == 0 {
		return nil, missing
	}
	return listeners, nil
}

// listenUnix listens on a socket in the file system, whose path may be too long for
// an address.
func listenUnix(path string) ([]net.Listener, error) {
	if fi, err := os.Lstat(path); path[0] != abstract && err == nil && fi.Mode().Type() == os.ModeSocket {
		if err := removeAbandoned(path); err != nil {
			return nil, err
		}
	}
	var l *net.UnixListener
	err := shortened(path, func(addr *net.UnixAddr) (err error) {
		l, err = net.ListenUnix("unix", addr)
		return err
	})
	if err != nil {
		return nil, err
	}
	if path[0] == abstract {
		return []net.Listener{l}, nil
	}
	// It removes the name by which it was bound, which may be gone by then.
	l.SetUnlinkOnClose(false)
	return []net.Listener{&unixListener{UnixListener: l, path: path}}, nil
}

// abstract begins the name of a socket that is not in the file system.
const abstract = '@'

// shortened calls use with an address for the path. Errors are about the path.
func shortened(path string, use func(*net.UnixAddr) error) error {
	addr := &net.UnixAddr{Net: "unix", Name: path}
	if path[0] == abstract {
		return use(addr)
	}
	err := sockpath.Short(path, func(short string) error { return use(&net.UnixAddr{Net: "unix", Name: short}) })
	var op *net.OpError
	if errors.As(err, &op) {
		op.Addr = addr
	}
	return err
}

// unixListener is a listener that knows where its socket is in the file system.
type unixListener struct {
	*net.UnixListener
	path   string
	remove sync.Once
}

func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: l.path} }

// Close removes the socket, before others find that nobody listens there.
func (l *unixListener) Close() error {
	l.remove.Do(func() { _ = os.Remove(l.path) })
	return l.UnixListener.Close()
}

// removeAbandoned removes a socket that nobody listens on. Only a refused
// connection says so: a server whose queue of clients is full gives EAGAIN.
func removeAbandoned(path string) error {
	err := shortened(path, func(addr *net.UnixAddr) error {
		conn, err := net.DialUnix("unix", nil, addr)
		if err == nil {
			conn.Close()
		}
		return err
	})
	switch {
	case err == nil, errors.Is(err, syscall.EAGAIN):
		return errors.New("another server is listening there")
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return err
}
