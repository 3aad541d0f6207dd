// Package dynamicmaps reads dynamicmaps.cf, in which a Postfix of shared
// libraries finds the types of lookup tables that it loads when they are used.
package dynamicmaps

import (
	"bytes"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params/directfile"
	"github.com/qmqpd/qmqpd/params/errno"
)

// Name is the name of the file, in meta_directory. Further files are in the
// directory Name + ".d" there.
const Name = "dynamicmaps.cf"

// Tables are the table types and the path of each one's library. They are nil
// where there is no file that could be used.
type Tables map[string]string

// Read reads metaDirectory/dynamicmaps.cf and its directory. Libraries without
// an absolute path are in libraryDirectory, which is shlib_directory. A missing
// file is an empty one. warn takes the warnings, without "warning: ". The error is
// what Postfix programs end with; its text begins with the file and the line.
// Source: Postfix 3.10 dynamicmaps.c, dymap_init.
func Read(metaDirectory, libraryDirectory string, warn func(text string)) (Tables, error) {
	var tables Tables
	path := metaDirectory + "/" + Name
	if err := tables.read(path, libraryDirectory, warn); err != nil {
		return nil, err
	}
	path += ".d"
	const readAndSearch = 4 | 1
	if err := syscall.Access(path, readAndSearch); err != nil {
		if err != syscall.ENOENT {
			warn(path + ": directory open failed: " + errno.Text(err))
		}
		return tables, nil
	}
	// The order is the directory's, as in Postfix: of two entries for one
	// type the first one counts.
	names, err := directfile.ReadNames(path)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, errors.New("scan_dir_push: open directory " + path + ": " + errno.Text(err))
	}
	for _, name := range names {
		if err := tables.read(path+"/"+name, libraryDirectory, warn); err != nil {
			return nil, err
		}
	}
	if err != nil {
		warn(path + ": directory read error: " + errno.Text(err))
	}
	return tables, nil
}

// read adds the entries of one file.
func (t *Tables) read(path, libraryDirectory string, warn func(text string)) error {
	f, err := directfile.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return errors.New(path + ": file open failed: " + errno.Text(err))
	}
	defer f.Close()
	var st syscall.Stat_t
	if err := f.Stat(&st); err != nil {
		return errors.New(path + ": fstat failed; " + errno.Text(err))
	}
	if st.Uid != 0 || st.Mode&0o022 != 0 {
		warn(path + ": file is owned or writable by non-root users -- skipping this file")
		return nil
	}
	if *t == nil {
		*t = Tables{}
	}
	// What cannot be read, a directory for one, is the end of the file.
	data, _ := f.ReadAll()
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line, _, _ = bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte{0})
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		where := path + ", line " + strconv.Itoa(number) + ": "
		words := mainconf.Split(string(line), " \t")
		if len(words) != 3 && len(words) != 4 {
			return errors.New(where + `Expected "dict-type .so-name dict-function [mkmap-function]"`)
		}
		name, library := words[0], words[1]
		if c := name[0]; c-'0' >= 10 && c|0x20-'a' >= 26 {
			return errors.New(where + `unsupported syntax "` + name + `"`)
		}
		if _, ok := (*t)[name]; ok {
			warn(path + `: ignoring duplicate entry for "` + name + `"`)
			continue
		}
		if !strings.HasPrefix(library, "/") {
			library = libraryDirectory + "/" + library
		}
		(*t)[name] = library
	}
	return nil
}
