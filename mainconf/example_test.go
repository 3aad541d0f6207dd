package mainconf_test

import (
	"fmt"
	"slices"
	"strings"

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

// One value is replaced, and all else stays as it was: [Offset:TextEnd) is the
// entry without the comments that are about the next one.
func ExampleLine() {
	text := "# Who we are\nmyhostname = mail.example.com\nmynetworks =\n    127.0.0.0/8\n    [::1]/128\n\n# Who may send\nqmqpd_authorized_clients = $mynetworks\n"
	file, _ := mainconf.ParseMain("main.cf", []byte(text))
	if e, ok := file.Lookup("mynetworks"); ok && e.Line.InFile() {
		text = text[:e.Line.Offset] + "mynetworks = 127.0.0.0/8\n" + text[e.Line.TextEnd:]
	}
	fmt.Print(text)

	// Output:
	// # Who we are
	// myhostname = mail.example.com
	// mynetworks = 127.0.0.0/8
	//
	// # Who may send
	// qmqpd_authorized_clients = $mynetworks
}

// A file need not end with a newline: what is appended must not become a part
// of its last line. A preset has no place in the file.
func ExampleMain_append() {
	text := "a = 1\n# The end"
	file, _ := mainconf.ParseMain("main.cf", []byte(text), mainconf.Setting{Name: "config_directory", Value: "/etc/postfix"})
	if e, ok := file.Lookup("config_directory"); ok && !e.Line.InFile() {
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += "config_directory = /srv/postfix\n"
	}
	fmt.Print(text)

	// Output:
	// a = 1
	// # The end
	// config_directory = /srv/postfix
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

// Every fault with its place.
func ExampleErrors() {
	text := "smtp inet n - y - - smtpd\n628 inet n - maybe - all qmqpd\npickup\n"
	_, err := mainconf.ParseMaster("master.cf", []byte(text))
	for _, e := range mainconf.Errors(err) {
		fmt.Println(e.Located())
	}

	// Output:
	// master.cf:2: invalid chroot field "maybe" in "628 inet n - maybe - all qmqpd"
	// master.cf:2: invalid process_limit field "all" in "628 inet n - maybe - all qmqpd"
	// file master.cf: line 3: bad field count
}

// A field of a service is changed, and an option added; all other entries stay as they
// were. Words are the entry as written, so that they make it again.
func ExampleService() {
	text := "# The servers\nsmtp inet n - y - - smtpd\n  -o { mynetworks = 127.0.0.0/8, [::1] }\n# Others\nqmgr unix n - n 300 1 qmgr\n"
	file, _ := mainconf.ParseMaster("master.cf", []byte(text))
	for _, s := range slices.Backward(file.Lookup("smtp", "inet")) { // the last one first: offsets before it stay true
		words := slices.Clone(s.Words)
		words[mainconf.FieldChroot] = "n"
		words = slices.Insert(words, mainconf.NumFields, "-o", "syslog_name=postfix/in")
		text = text[:s.Line.Offset] + strings.Join(words, " ") + "\n" + text[s.Line.TextEnd:]
	}
	fmt.Print(text)
	file, err := mainconf.ParseMaster("master.cf", []byte(text))
	for _, o := range file.Services[0].Overrides {
		fmt.Printf("%s is %q\n", o.Name, o.Value)
	}
	fmt.Println(err)

	// Output:
	// # The servers
	// smtp inet n - n - - smtpd -o syslog_name=postfix/in -o { mynetworks = 127.0.0.0/8, [::1] }
	// # Others
	// qmgr unix n - n 300 1 qmgr
	// syslog_name is "postfix/in"
	// mynetworks is "127.0.0.0/8, [::1]"
	// <nil>
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
