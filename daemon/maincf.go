package daemon

import (
	"syscall"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params/directfile"
	"github.com/qmqpd/qmqpd/params/errno"
)

// hotPause is how long to wait before a file that is being edited is read
// again.
const hotPause = 300 * time.Millisecond

// readMain reads a main.cf file as a Postfix daemon does: a file that changed
// within the last second or so may be half written, and is read again until it
// has cooled. Warnings of each pass go to log; the first error ends the
// reading. Source: Postfix 3.10 dict_load_file_xt.
func readMain(path string, presets []mainconf.Setting, log *maillog.Logger) (*mainconf.Main, error) {
	before := time.Now().Unix()
	for {
		data, changed, err := readFile(path)
		if err != nil {
			return nil, err
		}
		doc, err := mainconf.ParseMain(path, data, presets...)
		first := mainconf.FirstError(err)
		for i, w := range doc.Warnings {
			if first != nil && i >= first.Warnings {
				break
			}
			log.Warningf("%s", w)
		}
		if first != nil {
			return nil, maillog.FatalError("%w", first)
		}
		after := time.Now().Unix()
		if changed < before-1 || changed > after {
			return doc, nil
		}
		time.Sleep(hotPause)
		before, presets = after, nil
	}
}

// readFile reads a configuration file and tells when it was modified, in
// seconds. Errors have Postfix's texts.
func readFile(path string) (data []byte, changed int64, err error) {
	f, err := directfile.Open(path)
	if err != nil {
		return nil, 0, maillog.FatalError("open %s: %s", path, errno.Text(err))
	}
	defer f.Close()
	if data, err = f.ReadAll(); err != nil {
		return nil, 0, maillog.FatalError("read %s: %s", path, errno.Text(err))
	}
	var info syscall.Stat_t
	if err := f.Stat(&info); err != nil {
		return nil, 0, maillog.FatalError("fstat %s: %s", path, errno.Text(err))
	}
	seconds, _ := info.Mtim.Unix()
	return data, seconds, nil
}
