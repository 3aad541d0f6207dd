package qmqp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendRequest(t *testing.T) {
	got := AppendRequest(nil, []byte("a: b\n\nx\n"), "s@x", []string{"r@x", ""})
	if d := cmp.Diff(request("a: b\n\nx\n", "s@x", "r@x", ""), string(got)); d != "" {
		t.Error(d)
	}
}

func TestReadReply(t *testing.T) {
	tests := []struct {
		name, in string
		want     Reply
		err      string
	}{
		{"success", ns("KOk: queued as Q"), Reply{'K', "Ok: queued as Q"}, ""},
		{"no text", "1:Z,", Reply{'Z', ""}, ""},
		{"empty", "0:,", Reply{}, "reply: empty"},
		{"unknown", "1:X,", Reply{}, "reply: unknown code 'X'"},
		{"nothing", "", Reply{}, "reply: lost connection"},
		{"too long", "999999:K", Reply{}, "reply: netstring length exceeds storage limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadReply(strings.NewReader(tt.in))
			text := ""
			if err != nil {
				text = err.Error()
			}
			if got != tt.want || text != tt.err {
				t.Errorf("got %v, %q", got, text)
			}
		})
	}
}
