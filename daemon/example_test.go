package daemon_test

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/qmqpd/qmqpd/daemon"
	"github.com/qmqpd/qmqpd/mainconf"
)

// A program with a server in it, which ends it when it has seen enough. Messages
// become files in the queue directory.
func ExampleServe() {
	queue, err := os.MkdirTemp("", "queue-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(queue)
	ctx, stop := context.WithCancel(context.Background())
	err = daemon.Serve(ctx, daemon.ServeOptions{
		Listen:    []string{"127.0.0.1:0"},
		Queue:     queue,
		Overrides: []mainconf.Setting{{Name: "queue_via", Value: "direct"}, {Name: "message_size_limit", Value: "1000000"}},
		Ready: func(addrs []net.Addr) {
			fmt.Println("clients can connect by", addrs[0].Network())
			stop()
		},
	})
	fmt.Println("ended:", err)

	// Output:
	// clients can connect by tcp
	// ended: <nil>
}
