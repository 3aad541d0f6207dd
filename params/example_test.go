package params_test

import (
	"fmt"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
)

// The effective value of a parameter, its type, its default, where it was
// set, and what it expands to.
func ExampleResolver() {
	text := "myhostname = mail.example.com\nqmqpd_error_delay = ${stress?{0}:{5}}\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	config := params.Resolver{Main: file}
	info, _ := config.Describe("qmqpd_error_delay")
	fmt.Println(info.Value.Text, info.Kind, info.Default, info.Value.Origin(), info.Expanded)

	// Output:
	// ${stress?{0}:{5}} time 1s main.cf:2 5
}

// A daemon reads typed values; errors have Postfix's texts.
func ExampleEffective() {
	text := "qmqpd_timeout = ${default_minutes}m\ndefault_minutes = 5\nmax_use = many\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	config := params.New(params.Process{
		Main:      file,
		Overrides: []mainconf.Setting{{Name: "max_idle", Value: "2m"}},
		Name:      "qmqpd",
	})
	fmt.Println(config.Duration("qmqpd_timeout"), config.Duration("max_idle"), config.Int("max_use"))
	fmt.Println(config.Err())

	// Output:
	// 5m0s 2m0s 0
	// bad numerical configuration: max_use = many
}
