package hostname_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/qmqpd/qmqpd/params/hostname"
)

// The system's resolver, here with files of its own in the place of those in /etc.
func ExampleSystem() {
	dir, err := os.MkdirTemp("", "etc-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"nsswitch.conf": "hosts: files\n",
		"hosts":         "192.0.2.1 mail.example.com mail\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			fmt.Println(err)
		}
	}

	resolver := hostname.NewSystem(hostname.SystemOptions{Dir: dir})
	ctx := context.Background()
	fmt.Println(resolver.LookupAddrs(ctx, "mail", hostname.IPv4))
	fmt.Println(resolver.LookupName(ctx, netip.MustParseAddr("192.0.2.1")))
	_, err = resolver.LookupAddrs(ctx, "nonesuch.example.com", hostname.Any)
	fmt.Println(err == hostname.NoName, err)

	// Output:
	// [192.0.2.1] <nil>
	// mail.example.com <nil>
	// true Name or service not known
}
