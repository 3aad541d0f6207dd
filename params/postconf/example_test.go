package postconf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/postconf"
)

// As "postconf -c DIR -x mydestination relayhost" of another Postfix does.
func ExampleProgram() {
	dir, err := os.MkdirTemp("", "config-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	main := "mydomain = example.com\nmyhostname = mail.$mydomain\nrelayhost = [$mydomain\n"
	for name, text := range map[string]string{"main.cf": main, "master.cf": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			fmt.Println(err)
		}
	}

	program := postconf.Program{
		Name:   "postconf",
		Stdout: os.Stdout,
		Stderr: os.Stdout,
		Host:   params.SystemHost(context.Background(), nil),
	}
	program.Profile, _ = params.ParseProfile("3.8")
	var request postconf.Request
	for _, option := range []struct {
		letter byte
		value  string
	}{{'c', dir}, {'x', ""}} {
		if err := request.Option(option.letter, option.value, program); err != nil {
			os.Exit(program.Fail(request, err))
		}
	}
	request.Operands([]string{"mydestination", "relayhost", "nonesuch"})
	fmt.Println("status", program.Run(request))

	// Output:
	// postconf: warning: nonesuch: unknown parameter
	// mydestination = mail.example.com, localhost.example.com, localhost
	// relayhost = [example.com
	// status 0
}
