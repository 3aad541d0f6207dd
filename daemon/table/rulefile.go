package table

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/qmqpd/qmqpd/params/errno"
)

// readRules returns the text of a rule table: the file of that name, or the
// rules in the name itself, "{{rule}, {rule}}", one line each. Source: Postfix
// 3.10 dict_stream.c.
func (o *opening) readRules() (string, error) {
	if !strings.HasPrefix(o.name, "{") {
		file, err := os.Open(o.name)
		if err != nil {
			return "", &cannotOpen{"open " + o.name + ": " + errno.Text(err)}
		}
		defer file.Close()
		text, err := readBounded(file, o.set.opt.MaxFileSize)
		// Postfix takes such a failure, of a directory for example, for the end of
		// the rules where they are patterns.
		if err != nil && (errors.Is(err, errTooLarge) || o.typ != "regexp" && o.typ != "pcre") {
			return "", fatalError(o.typ+" map "+o.name+": read error: "+errno.Text(err), err)
		}
		return text, nil
	}
	list, problem := unbrace(o.name, false)
	var lines strings.Builder
	for problem == "" {
		rule, rest, ok := NextToken(list)
		if !ok {
			return lines.String(), nil
		}
		if rule, problem = unbrace(rule, true); problem == "" {
			lines.WriteString(rule)
			lines.WriteByte('\n')
		}
		list = rest
	}
	return "", &cannotOpen{o.typ + " map: " + problem}
}

var errTooLarge = errors.New("file too large")

// readBounded reads an open file to its end, but not more than limit bytes.
func readBounded(file *os.File, limit int64) (string, error) {
	var text strings.Builder
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Size() <= limit {
		text.Grow(int(info.Size()))
	}
	n, err := io.Copy(&text, io.LimitReader(file, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("more than %d bytes: %w", limit, errTooLarge)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return text.String(), err
}
