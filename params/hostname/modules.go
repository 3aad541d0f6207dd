package hostname

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/qmqpd/qmqpd/params/directfile"
)

// modules tells which name services the C library could load. It loads one when it is
// first needed, and remembers how that went: in a jail there need not be the library
// any more, or what it needs itself.
type modules struct {
	dirs []string

	mu    sync.Mutex
	known map[string]bool
}

// libraryDirs are where libraries are.
func libraryDirs() []string {
	dirs := []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	triplet, ok := map[string]string{
		"386": "i386-linux-gnu", "amd64": "x86_64-linux-gnu", "arm": "arm-linux-gnueabihf", "arm64": "aarch64-linux-gnu",
		"ppc64le": "powerpc64le-linux-gnu", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
	}[runtime.GOARCH]
	if ok {
		dirs = append(dirs, "/lib/"+triplet, "/usr/lib/"+triplet)
	}
	return dirs
}

// loaded reports whether a service is there.
func (m *modules) loaded(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	ok, known := m.known[name]
	if !known {
		ok = m.library(name) != nil
		if m.known == nil {
			m.known = make(map[string]bool)
		}
		m.known[name] = ok
	}
	return ok
}

// neededLibrary is what the libraries of systemd need beside the C library, and what
// Debian does not copy into the jail with them.
const neededLibrary = "libcap.so.2"

// library returns the content of the library of a service that can be loaded; else nil.
func (m *modules) library(name string) []byte {
	b := m.read("libnss_" + name + ".so.2")
	if bytes.Contains(b, []byte(neededLibrary+"\x00")) && m.read(neededLibrary) == nil {
		return nil
	}
	return b
}

func (m *modules) read(file string) []byte {
	for _, dir := range m.dirs {
		if b, err := directfile.ReadFile(dir + "/" + file); err == nil {
			return b
		}
	}
	return nil
}

// Unsupported returns the services of the hosts line that the C library would ask, that
// could say something now, and that System cannot ask: clients whose names only they
// know have none. It says so for who does not enter a jail any more.
func (s *System) Unsupported() []string {
	var names []string
	for _, service := range s.order.services {
		switch name := service.name; name {
		case "files", "dns", "myhostname":
		default:
			// Not every library has something to say about hosts.
			if lib := s.modules.library(name); bytes.Contains(lib, []byte("_nss_"+name+"_gethostby")) && s.answers(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// answers reports whether a service can say more than that it is unavailable, or other
// things than the services that System has.
func (s *System) answers(name string) bool {
	switch {
	case name == "resolve":
		// Its server answers as a name server as well.
		if _, err := os.Stat(s.run + "/systemd/resolve/io.systemd.Resolve"); err != nil {
			return false
		}
		for _, server := range s.config.get().servers {
			if strings.HasPrefix(server, "127.0.0.53:") || strings.HasPrefix(server, "127.0.0.54:") {
				return false
			}
		}
	case name == "mymachines":
		machines, err := directfile.ReadNames(s.run + "/systemd/machines")
		return err == nil && len(machines) > 0
	case strings.HasPrefix(name, "mdns"):
		_, err := os.Stat(s.run + "/avahi-daemon/socket")
		return err == nil
	}
	return true
}
