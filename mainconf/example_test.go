package mainconf_test

import (
	"fmt"

	"github.com/qmqpd/qmqpd/mainconf"
)

// The last of several entries is in force; where it stands is known, and what
// Postfix would warn about.
func ExampleParseMain() {
	text := "# Who we are\nmyhostname = mail.example.com\nmydestination =\n    $myhostname\n\n    localhost\nmyhostname = mx.example.com\n"
	file, err := mainconf.ParseMain("main.cf", []byte(text))
	if err != nil {
		fmt.Println(err)
	}
	for e := range file.Effective {
		fmt.Printf("lines %d to %d: %s is %q\n", e.Line.First, e.Line.Last, e.Name, e.Value)
	}
	for _, w := range file.Warnings {
		fmt.Println(w)
	}
	fmt.Println(string(file.Bytes()) == text)

	// Output:
	// lines 3 to 6: mydestination is "$myhostname    localhost"
	// lines 7 to 7: myhostname is "mx.example.com"
	// main.cf, line 7: overriding earlier entry: myhostname=mail.example.com
	// true
}

// A document holds all that is good; each fault says where it is.
func ExampleError_Located() {
	text := "smtp inet n - y - - smtpd\n  -o syslog_name=postfix/in\n628 inet n - maybe - - qmqpd\n"
	file, err := mainconf.ParseMaster("master.cf", []byte(text))
	for _, s := range file.Services {
		o, _ := s.Lookup("syslog_name")
		fmt.Println(s.NameSpace(), s.Field(mainconf.FieldProcessLimit), s.Command(), o.Value)
	}
	fmt.Println(mainconf.FirstError(err).Located())

	// Output:
	// smtp/inet - smtpd postfix/in
	// master.cf:3: invalid chroot field "maybe" in "628 inet n - maybe - - qmqpd"
}

// An Expander asks for the values that it needs.
func ExampleExpander() {
	values := map[string]string{"mydomain": "example.com", "myhostname": "mail.$mydomain", "stress": ""}
	x := mainconf.Expander{Lookup: func(name string) (string, bool, error) {
		value, ok := values[name]
		return value, ok, nil
	}}
	fmt.Println(x.Expand("$myhostname waits ${stress?{10}:{300}}s"))
	fmt.Println(x.Expand("${myhostname"))

	// Output:
	// mail.example.com waits 300s <nil>
	//  macro processing error
}
