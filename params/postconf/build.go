package postconf

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/params/directfile"
	"github.com/qmqpd/qmqpd/params/dynamicmaps"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Build is an installed Postfix. It is asked, without being run, for what only
// a build can know: its programs and libraries contain the names of what they
// were built with.
type Build struct {
	// DaemonDir holds the daemons.
	DaemonDir string
	// LibraryDirs are where the shared libraries may be.
	LibraryDirs []string
}

// library reads a shared library; it is nil where there is none.
func (b *Build) library(name string) []byte {
	for _, dir := range b.LibraryDirs {
		if data, err := directfile.ReadFile(filepath.Join(dir, name)); err == nil {
			return data
		}
	}
	return nil
}

// tableFunctions are the functions that open a table of each type. They are
// visible in Postfix's shared libraries.
var tableFunctions = [...]struct{ table, function string }{
	{"btree", "dict_btree_open"}, {"cdb", "dict_cdb_open"}, {"cidr", "dict_cidr_open"},
	{"dbm", "dict_dbm_open"}, {"debug", "dict_debug_open"}, {"environ", "dict_env_open"},
	{"fail", "dict_fail_open"}, {"hash", "dict_hash_open"}, {"inline", "dict_inline_open"},
	{"internal", "dict_ht_open"}, {"ldap", "dict_ldap_open"}, {"lmdb", "dict_lmdb_open"},
	{"memcache", "dict_memcache_open"}, {"mongodb", "dict_mongodb_open"}, {"mysql", "dict_mysql_open"},
	{"nis", "dict_nis_open"}, {"nisplus", "dict_nisplus_open"}, {"pcre", "dict_pcre_open"},
	{"pgsql", "dict_pgsql_open"}, {"pipemap", "dict_pipe_open"}, {"proxy", "dict_proxy_open"},
	{"randmap", "dict_random_open"}, {"regexp", "dict_regexp_open"}, {"sdbm", "dict_sdbm_open"},
	{"socketmap", "dict_sockmap_open"}, {"sqlite", "dict_sqlite_open"}, {"static", "dict_static_open"},
	{"tcp", "dict_tcp_open"}, {"texthash", "dict_thash_open"}, {"unionmap", "dict_union_open"},
	{"unix", "dict_unix_open"},
}

// tables returns the table types that are linked into the build. The second
// result is false where the build does not tell: without shared libraries, the
// names of functions are not kept.
func (b *Build) tables() ([]string, bool) {
	var code []byte
	for _, name := range [...]string{"libpostfix-util.so", "libpostfix-global.so"} {
		data := b.library(name)
		if data == nil {
			return nil, false
		}
		code = append(code, data...)
	}
	var list []string
	for _, t := range tableFunctions {
		if bytes.Contains(code, []byte("\x00"+t.function+"\x00")) {
			list = append(list, t.table)
		}
	}
	return list, len(list) > 0
}

// profileTables are the table types of an upstream build with Berkeley DB,
// PCRE and NIS, and of Debian's package, whose other types are packages of
// their own.
func profileTables(p params.Profile) []string {
	list := []string{"btree", "cidr", "environ", "fail", "hash", "inline", "internal", "memcache", "nis",
		"pipemap", "proxy", "randmap", "regexp", "socketmap", "static", "tcp", "texthash", "unionmap", "unix"}
	if p.Distribution == params.Upstream {
		list = append(list, "pcre")
	}
	if p.Version >= 3_11_00 {
		list = append(list, "debug")
	}
	return list
}

// showMaps is -m. Like every daemon, stock reads and checks the parameters
// that all Postfix programs have first.
func (r *run) showMaps() error {
	e, err := r.readCommon()
	if err != nil {
		return err
	}
	list, ok := []string(nil), false
	if r.Build != nil {
		list, ok = r.Build.tables()
	}
	if !ok {
		list = profileTables(r.Profile)
	}
	// Only a build with shared libraries loads more of them.
	if ok || r.Profile.Distribution == params.Debian {
		more, err := r.dynamicTables(e.String("meta_directory"))
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	slices.Sort(list)
	for _, name := range slices.Compact(list) {
		r.out.text(name + "\n")
	}
	return nil
}

// dynamicTables reads the types of the tables that are loaded from libraries.
func (r *run) dynamicTables(metaDirectory string) ([]string, error) {
	tables, err := dynamicmaps.Read(metaDirectory, "", r.warn)
	if err != nil {
		return nil, &Fatal{err.Error()}
	}
	return slices.Collect(maps.Keys(tables)), nil
}

// readCommon reads main.cf as the daemons do. Source: Postfix 3.10
// mail_conf.c, mail_conf_read.
func (r *run) readCommon() (*params.Effective, error) {
	if err := r.locateCommon(); err != nil {
		return nil, err
	}
	r.main = settings{}
	doc, err := r.parseMain(mainconf.Setting{Name: "config_directory", Value: r.configDir})
	if err != nil {
		return nil, err
	}
	var e *params.Effective
	told := 0 // of the warnings
	tell := func(warnings []string) {
		for ; told < len(warnings); told++ {
			r.warn(warnings[told])
		}
	}
	e = params.New(params.Process{
		Profile:   r.Profile,
		ConfigDir: r.configDir,
		Main:      doc,
		PID:       r.PID,
		Info: func(text string) {
			if e.Err() == nil && r.request.verbose > 0 {
				// What has been warned about precedes it; smtputf8_enable has
				// been read.
				r.keepUTF8 = e.Bool("smtputf8_enable")
				tell(e.Warnings())
				r.verbosely(text)
			}
		},
		Host: r.Host,
	})
	common, err := e.ReadCommon()
	// From here on, as in all Postfix programs that have read smtputf8_enable.
	r.keepUTF8 = common.SMTPUTF8
	warnings := e.Warnings()
	if failed := asParamsError(err); failed != nil {
		warnings = warnings[:failed.Warnings]
	}
	tell(warnings)
	if err != nil {
		return nil, asFatal(err)
	}
	return e, nil
}

// templates is -b and -t: the bounce daemon prints its templates.
func (r *run) templates() error {
	e, err := r.readCommon()
	if err != nil {
		return err
	}
	args := []string{"bounce", "-SVndump_templates"}
	if r.request.mode&expandTemplates != 0 {
		args[1] = "-SVnexpand_templates"
	}
	for _, file := range r.request.operands {
		args = append(args, "-o", "bounce_template_file="+file)
	}
	args = append(args, "-o", "queue_directory=.")
	// The bounce daemon's tag until it has read its parameters.
	env := []string{"MAIL_LOGTAG=" + e.String("syslog_name")}
	if dir, ok := r.request.ConfigDir(); ok {
		env = append(env, "MAIL_CONFIG="+dir)
	}
	path := e.String("daemon_directory") + "/bounce"
	return &Fatal{"execv " + path + ": " + errno.Text(r.Exec(path, args, env))}
}

// showSASL is -a and -A: the types of SASL plug-ins.
func (r *run) showSASL() error {
	server := r.request.mode&saslServers != 0
	program, side := "/smtp", "client"
	if server {
		program, side = "/smtpd", "server"
	}
	var code []byte
	if r.Build != nil {
		code, _ = directfile.ReadFile(r.Build.DaemonDir + program)
	}
	for _, typ := range [...]string{"cyrus", "dovecot"} {
		var has bool
		switch {
		case code != nil:
			has = bytes.Contains(code, []byte("xsasl_"+typ+"_"+side))
		case r.Profile.Distribution == params.Debian:
			has = server || typ == "cyrus"
		}
		if has {
			r.out.text(typ + "\n")
		}
	}
	return nil
}

// showTLS is -T: what is known about the TLS library.
func (r *run) showTLS() error {
	switch r.request.tlsMode {
	case "compile-version":
		if r.Build == nil {
			break
		}
		code := r.Build.library("libpostfix-tls.so")
		if code == nil {
			code, _ = directfile.ReadFile(r.Build.DaemonDir + "/smtpd")
		}
		if v := openSSLVersion(code); v != "" {
			r.out.text(v + "\n")
			return nil
		}
	case "run-version":
		if r.Build == nil {
			break
		}
		for _, pattern := range [...]string{"/usr/lib/*-linux-*/", "/usr/lib64/", "/usr/lib/", "/lib64/", "/lib/"} {
			paths, _ := filepath.Glob(pattern + "libcrypto.so.[0-9]*")
			for _, path := range paths {
				code, _ := directfile.ReadFile(path)
				if v := openSSLVersion(code); v != "" {
					r.out.text(v + "\n")
					return nil
				}
			}
		}
	case "public-key-algorithms":
		r.out.text("dsa\necdsa\nrsa\n")
		return nil
	default:
		r.warn("unknown 'postconf -T' mode: " + r.request.tlsMode)
		return exitStatus(1)
	}
	return &Fatal{"-T " + r.request.tlsMode + ": only an installed Postfix of version " +
		r.Profile.Version.String() + " with TLS can tell, and there is none"}
}

// openSSLVersion finds the text of OpenSSL's version in the text of a program or
// library.
func openSSLVersion(code []byte) string {
	const name = "OpenSSL "
	for {
		i := bytes.Index(code, []byte("\x00"+name))
		if i < 0 {
			return ""
		}
		code = code[i+1:]
		text, _, ok := bytes.Cut(code[:min(len(code), 100)], []byte{0})
		// "OpenSSL 3.5.6 7 Apr 2026": a number, and a date with a year.
		if ok && len(text) > len(name)+8 && text[len(name)]-'0' < 10 && text[len(text)-1]-'0' < 10 {
			return string(text)
		}
	}
}

// showLocks is -l: the mailbox locking methods of Linux.
func (r *run) showLocks() error {
	r.out.text("flock\nfcntl\ndotlock\n")
	return nil
}
