package table

import (
	"errors"
	"os"
	"time"
	"unicode/utf8"

	"github.com/qmqpd/qmqpd/params/errno"
)

// openTexthash reads the text that postmap(1) would make a hash file of into
// memory: a key, up to the first blank that is not quoted, and a value. Quotes
// and backslashes stay in the key. A file that changed less than two seconds
// ago may be half written, so it is read again until it has come to rest.
// Source: Postfix 3.10 dict_thash.c.
func openTexthash(o *opening) (Table, error) {
	for before := time.Now().Unix(); ; {
		t, mtime, err := readTexthash(o)
		if err != nil {
			return nil, err
		}
		after := time.Now().Unix()
		if mtime < before-1 || mtime > after {
			return t, nil
		}
		time.Sleep(texthashCooling)
		before = after
	}
}

const texthashCooling = 300 * time.Millisecond

// readTexthash reads the file once. It also returns when that was modified, in seconds.
func readTexthash(o *opening) (t *memoryTable, mtime int64, err error) {
	file, err := os.Open(o.name)
	if err != nil {
		return nil, 0, &cannotOpen{"open database " + o.name + ": " + errno.Text(err)}
	}
	defer file.Close()
	t = newMemory(o)
	text, err := readBounded(file, o.set.opt.MaxFileSize)
	if err != nil {
		return nil, 0, fatalError("read "+o.name+": "+errno.Text(err), err)
	}
	if err := t.addTexthash(o, text); err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fatalError("fstat "+o.name+": "+errno.Text(err), err)
	}
	return t, info.ModTime().Unix(), nil
}

// addTexthash adds the entries that text has.
func (t *memoryTable) addTexthash(o *opening, text string) error {
	lines := NewLineReader(text, o.name, o.log())
	for {
		line, number, ok := lines.Next()
		if !ok {
			return nil
		}
		key, value, err := parseTexthashLine(line, o.utf8())
		if err != nil {
			o.log().Warningf("%s, line %d: %v -- ignoring this line", o.name, number, err)
			continue
		}
		if key[len(key)-1] == ':' {
			o.log().Warningf("%s, line %d: record is in \"key: value\" format; is this an alias file?", o.name, number)
		}
		folded := o.foldKey(key)
		if _, double := t.entries[folded]; !double || o.flags&DupReplace != 0 {
			t.entries[folded] = value
			continue
		}
		switch {
		case o.flags&DupIgnore != 0:
		case o.flags&DupWarn != 0:
			o.log().Warningf("%s, line %d: duplicate entry: \"%s\"", o.name, number, key)
		default:
			return &cannotOpen{o.name + ", line " + decimal(number) + `: duplicate entry: "` + key + `"`}
		}
	}
}

func parseTexthashLine(line string, mustUTF8 bool) (key, value string, err error) {
	if mustUTF8 && !utf8.ValidString(line) {
		return "", "", errors.New(`non-UTF-8 input "` + line + `"`)
	}
	end, quoted := skipQuoted(line, isSpace)
	if quoted {
		return "", "", errors.New(`unbalanced '"' in '` + line + `'`)
	}
	if key, value = line[:end], trimLeft(trimRight(line[end:])); key == "" || value == "" {
		return "", "", errors.New("expected format: key whitespace value")
	}
	return key, value, nil
}
