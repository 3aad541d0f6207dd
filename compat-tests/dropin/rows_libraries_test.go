package dropin

import "github.com/qmqpd/qmqpd/compat-tests/judges"

// loaded is a row about the files of meta_directory that name the libraries of
// lookup tables: name -> text.
func loaded(name string, files map[string]string, want []string, main ...string) judges.Row {
	row := judges.Row{Name: name, Main: append([]string{"meta_directory = @CONF"}, main...), Files: map[string]string{}, Want: want}
	for file, text := range files {
		row.Files["@CONF/"+file] = text
	}
	return row
}

// serving gives the row clients.
func serving(row judges.Row) judges.Row {
	row.Clients = ok
	return row
}

// withCommands gives the row programs to run first.
func withCommands(row judges.Row, commands ...string) judges.Row {
	row.Commands = commands
	return row
}

// libraryRows are what dynamicmaps.cf can bring about: it is read by every
// process, whether or not it names a table.
var libraryRows = []judges.Row{
	loaded("dynamicmaps.cf of two words", map[string]string{"dynamicmaps.cf": "#\n\nlmdb x.so\n"},
		[]string{`/dynamicmaps.cf, line 3: Expected "dict-type .so-name dict-function [mkmap-function]"`}),
	loaded("dynamicmaps.cf of five words", map[string]string{"dynamicmaps.cf": "a b c d e"}, []string{"/dynamicmaps.cf, line 1: Expected"}),
	loaded("dynamicmaps.cf with a bad type", map[string]string{"dynamicmaps.cf": "lmdb x.so f\n_a b c\n"}, []string{`/dynamicmaps.cf, line 2: unsupported syntax "_a"`}),
	loaded("dynamicmaps.cf.d with a broken file", map[string]string{"dynamicmaps.cf.d/x": "x\n"}, []string{"/dynamicmaps.cf.d/x, line 1: Expected"}),
	serving(loaded("dynamicmaps.cf with a type twice", map[string]string{"dynamicmaps.cf": "a b c\na d e\n", "dynamicmaps.cf.d/a": "a f g\n"},
		[]string{`/dynamicmaps.cf: ignoring duplicate entry for "a"`, `/dynamicmaps.cf.d/a: ignoring duplicate entry for "a"`, "KOk"})),
	serving(withCommands(loaded("dynamicmaps.cf that others may write", map[string]string{"dynamicmaps.cf": "x\n"},
		[]string{"file is owned or writable by non-root users -- skipping this file", "KOk"}), "/usr/bin/chmod 664 @CONF/dynamicmaps.cf")),
	serving(withCommands(loaded("dynamicmaps.cf of another owner", map[string]string{"dynamicmaps.cf": "x\n"},
		[]string{"file is owned or writable by non-root users -- skipping this file", "KOk"}), "/usr/bin/chown postfix @CONF/dynamicmaps.cf")),
	serving(loaded("dynamicmaps.cf that is a directory", map[string]string{"dynamicmaps.cf/x": "x\n"}, []string{"KOk"})),
	withCommands(loaded("dynamicmaps.cf that is a loop", nil, []string{"/dynamicmaps.cf: file open failed: Too many levels of symbolic links"}),
		"/usr/bin/ln -s dynamicmaps.cf @CONF/dynamicmaps.cf"),
	serving(loaded("dynamicmaps.cf.d that is a file", map[string]string{"dynamicmaps.cf.d": "x\n"}, []string{"/dynamicmaps.cf.d: directory open failed: Permission denied", "KOk"})),
	withCommands(loaded("dynamicmaps.cf.d that is a program", map[string]string{"dynamicmaps.cf.d": "x\n"}, []string{"fatal: scan_dir_push: open directory "}),
		"/usr/bin/chmod 755 @CONF/dynamicmaps.cf.d"),
	serving(loaded("a table type of no library", map[string]string{"dynamicmaps.cf": "a b c\n"},
		[]string{"unsupported dictionary type: nosuch. Is the postfix-nosuch package installed?"}, "qmqpd_authorized_clients = nosuch:x, 127.0.0.1")),
	serving(loaded("a table type and no dynamicmaps.cf", nil,
		[]string{"error: unsupported dictionary type: nosuch"}, "qmqpd_authorized_clients = nosuch:x, 127.0.0.1")),
	serving(loaded("a table type of a library that is missing", map[string]string{"dynamicmaps.cf": "mysql no.so f\n"},
		[]string{"unsupported dictionary type: mysql (/usr/lib/postfix/no.so: No such file or directory)"}, "qmqpd_authorized_clients = mysql:x, 127.0.0.1")),
	serving(loaded("a table type of a library that others may write", map[string]string{"dynamicmaps.cf": "mysql /tmp f\n"},
		[]string{"unsupported dictionary type: mysql (/tmp: file is owned or writable by non-root users)"}, "qmqpd_authorized_clients = mysql:x, 127.0.0.1")),
	serving(loaded("a table type whose package is missing", map[string]string{"dynamicmaps.cf": ""},
		[]string{"unsupported dictionary type: mysql. Is the postfix-mysql package installed?"}, "qmqpd_authorized_clients = mysql:x, 127.0.0.1")),
	serving(loaded("a table type whose package is missing, in mydestination", map[string]string{"dynamicmaps.cf": ""},
		[]string{"unsupported dictionary type: mysql. Is the postfix-mysql package installed?", "error: unsupported dictionary type: mysql", "KOk"}, "mydestination = localhost, mysql:x")),
	loaded("a table type whose package is missing, in mydestination, fatal", map[string]string{"dynamicmaps.cf": ""},
		[]string{"fatal: unsupported dictionary type: mysql"}, "mydestination = localhost, mysql:x", "daemon_table_open_error_is_fatal = yes"),
	serving(loaded("a table type of a library that is missing, in mydestination", map[string]string{"dynamicmaps.cf": "mysql no.so f\n"},
		[]string{"unsupported dictionary type: mysql (/usr/lib/postfix/no.so: No such file or directory)", "KOk"}, "mydestination = ldap:y, mysql:x")),
}
