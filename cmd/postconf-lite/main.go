// Command postconf-lite prints Postfix configuration the way postconf(1) does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/qmqpd/qmqpd/cmd/internal/getopt"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/postconf"
)

func main() { os.Exit(run(os.Args)) }

// run is the program; argv includes its name.
func run(argv []string) int {
	if question := asksAbout(argv); question != "" {
		answer := map[string]func(io.Writer) error{"--help": printHelp, "--version": printVersion}[question]
		if err := answer(os.Stdout); err != nil {
			os.Stderr.WriteString(argv[0] + ": " + err.Error() + "\n")
			return 1
		}
		return 0
	}
	own, args := splitOwn(argv[1:])
	program := postconf.Program{
		Name:   argv[0],
		PID:    os.Getpid(),
		Getenv: os.LookupEnv,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Host:   params.SystemHost(context.Background(), nil),
		Exec:   replaceProcess,
	}
	program.Profile, program.Build = postconf.Installed()

	var request postconf.Request
	line := commandLine{}
	if err := line.parseOwn(own); err != nil {
		return program.Fail(request, err)
	}
	// An empty environment variable is as good as none, an empty option is a mistake.
	if line.Postfix != "" || own != nil {
		profile, err := params.ParseProfile(line.Postfix)
		if err != nil {
			if own == nil { // nothing on the command line says where it comes from
				err = fmt.Errorf("%s: %w", ownVariable, err)
			}
			return program.Fail(request, err)
		}
		if profile != program.Profile {
			program.Profile, program.Build = profile, nil
		}
	}

	// Kong hands the options to the request one by one; it sees those that
	// getopt found before an error.
	words, bad := getopt.Parse(program.OptionString(), args)
	if err := line.parse(words, &request, program); err != nil {
		var fatal *postconf.Fatal
		if errors.As(err, &fatal) {
			err = fatal
		}
		return program.Fail(request, err)
	}
	if bad != nil {
		return program.BadOption(request, bad)
	}
	return program.Run(request)
}

// replaceProcess is execv(3) with additions to the environment.
func replaceProcess(path string, args, env []string) error {
	for _, old := range os.Environ() {
		name, _, _ := strings.Cut(old, "=")
		replaced := false
		for _, e := range env {
			replaced = replaced || strings.HasPrefix(e, name+"=")
		}
		if !replaced {
			env = append(env, old)
		}
	}
	return syscall.Exec(path, args, env)
}
