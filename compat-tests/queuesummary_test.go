package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/queuefmt/export"
)

// TestExportTwice: of what a file says twice, for a Milter or a check has had the
// second word, WriteJSON names what the real qmgr(8) goes by.
func TestExportTwice(t *testing.T) {
	t.Parallel()
	pf := postfix.New(t, postfix.Options{Main: postfix.DefaultMain + "default_transport = error:no\nalias_maps = inline:{{ s = /var/tmp/bounces }}\n"})
	incoming := pf.Path(postfix.QueueDir + "/incoming")
	owner := ownerOf(t, incoming)
	put := func(edit func(f *brokenFile)) (id string, summary map[string]any) {
		t.Helper()
		f := newBrokenFile()
		edit(f)
		b := f.bytes()
		var out bytes.Buffer
		if err := errors.Join(export.WriteJSON(&out, "x", bytes.NewReader(b)), json.Unmarshal(out.Bytes(), &summary)); err != nil {
			t.Fatal(err)
		}
		return putQueueFile(t, incoming, owner, 0o700, b), summary
	}
	filterID, filter := put(func(f *brokenFile) {
		f.insert('S', 'L', "discard:first filter")
		f.insert('E', 'L', "discard:second filter")
	})
	redirectID, redirect := put(func(f *brokenFile) {
		f.insert('S', '>', "first@example.net")
		f.insert('E', '>', "second@example.net")
	})
	dsnID, dsn := put(func(f *brokenFile) {
		f.data('S', "s@mx.example.org")
		f.insert('S', 'A', "envelope_id=first")
		f.insert('S', 'A', "ret_flags=1")
		f.insert('O', 'S', "second@mx.example.org")
		f.insert('E', 'A', "envelope_id=second")
		f.insert('E', 'A', "ret_flags=2")
	})
	pf.Start()
	for what, tt := range map[string]struct {
		start, want string
		value       any
	}{
		"content_filter": {filterID + ": to=<r@example.org>", "(VALUE)", strings.TrimPrefix(filter["content_filter"].(string), "discard:")},
		"redirect_to":    {redirectID + ": to=", "to=<VALUE>", redirect["redirect_to"]},
		"sender":         {dsnID + ": from=", "from=<VALUE>", dsn["sender"]},
	} {
		line := pf.Log.Wait(t, 0, tt.start).Text
		if want := strings.ReplaceAll(tt.want, "VALUE", tt.value.(string)); !strings.Contains(line, want) {
			t.Errorf("%s is %q: %s", what, tt.value, line)
		}
	}
	line := pf.Log.Wait(t, 0, dsnID+": sender non-delivery notification: ").Text
	pf.Log.Wait(t, 0, line[strings.LastIndexByte(line, ' ')+1:]+": removed")
	bounce := pf.ReadFile("/var/tmp/bounces")
	if id := dsn["dsn_envelope_id"]; !strings.Contains(bounce, fmt.Sprintf("\nOriginal-Envelope-Id: %s\n", id)) {
		t.Errorf("envelope id %q:\n%s", id, bounce)
	}
	// 1 asks for the whole message, 2 for its header.
	if whole := strings.Contains(bounce, "\nContent-Description: Undelivered Message\n"); dsn["dsn_ret"] != map[bool]float64{true: 1, false: 2}[whole] {
		t.Errorf("dsn_ret %v, and whole: %v\n%s", dsn["dsn_ret"], whole, bounce)
	}
}
