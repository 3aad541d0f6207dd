package queuefmt

import (
	"math"
	"strings"
	"testing"
)

func TestQueueID(t *testing.T) {
	tests := []struct {
		id   string
		want QueueID
	}{
		// The first three were made by Postfix 3.10.2, see testdata.
		{"3F86FCC9DF", QueueID{Usec: 0x3F86F, Inode: 0xCC9DF}},
		{"4jXQSN3CQzz6JCy", QueueID{Long: true, Sec: 1795343700, Usec: 452763, Inode: 838133}},
		{"4jXQPq1zFqz6JCM", QueueID{Long: true, Sec: 1795343567, Usec: 279231, Inode: 838102}},
		{"000001", QueueID{Inode: 1}},
		{"F423FFFFFFFFFFFFFFFFF", QueueID{Usec: 999999, Inode: 1<<64 - 1}},
		{"0000000000z0", QueueID{Long: true}},
	}
	for _, tt := range tests {
		got, err := ParseQueueID(tt.id)
		if err != nil || got != tt.want {
			t.Errorf("ParseQueueID(%q) = %+v, %v; want %+v", tt.id, got, err, tt.want)
		}
		if s := tt.want.String(); s != tt.id {
			t.Errorf("%+v is %q, want %q", tt.want, s, tt.id)
		}
	}
	for _, bad := range []string{"", "12345", "1234G1", "12345.678", "4jXQSN3CQzz", "4jXQSN3CQzz6JCa", "example_org", "zzzzzzzzzzzzzzzzzzzz", "F423FFFFFFFFFFFFFFFFFF"} {
		if got, err := ParseQueueID(bad); err == nil {
			t.Errorf("ParseQueueID(%q) = %+v", bad, got)
		}
	}
	if ShortID(0x3F86F, 0xCC9DF) != "3F86FCC9DF" || LongID(1795343700, 452763, 838133) != "4jXQSN3CQzz6JCy" {
		t.Error("ShortID or LongID")
	}
}

func TestValidQueueID(t *testing.T) {
	long := string(make([]byte, 0, 256))
	for range 256 {
		long += "a"
	}
	for id, want := range map[string]bool{
		"3F86FCC9DF": true, "example_org": true, "": false, "12345.678": false, "a/b": false, "a-b": false,
		"\u00e4": false, long: false, long[:255]: true,
	} {
		if ValidQueueID(id) != want {
			t.Errorf("ValidQueueID(%q) = %v", id, !want)
		}
	}
}

func TestHashing(t *testing.T) {
	tests := []struct {
		name  string
		h     Hashing
		queue string
		id    string
		want  string
	}{
		{"unhashed", Hashing{}, "incoming", "40062CC9D3", "incoming/40062CC9D3"},
		{"other queue", Hashing{[]string{"deferred", "defer"}, 1}, "incoming", "40062CC9D3", "incoming/40062CC9D3"},
		{"depth 1", Hashing{[]string{"deferred", "defer"}, 1}, "defer", "40062CC9D3", "defer/4/40062CC9D3"},
		{"depth 2, short", Hashing{[]string{"incoming"}, 2}, "incoming", "40062CC9D3", "incoming/4/0/40062CC9D3"},
		{"depth 2, long", Hashing{[]string{"incoming"}, 2}, "incoming", "4jXQPq1zFqz6JCM", "incoming/4/4/4jXQPq1zFqz6JCM"},
		{"case", Hashing{[]string{"INCOMING"}, 1}, "incoming", "40062CC9D3", "incoming/4/40062CC9D3"},
		{"id too short", Hashing{[]string{"flush"}, 4}, "flush", "ab", "flush/a/b/_/_/ab"},
		{"long id, digits end", Hashing{[]string{"incoming"}, 7}, "incoming", "4jXQPq1zFqz6JCM", "incoming/4/4/2/B/F/_/_/4jXQPq1zFqz6JCM"},
		{"long id, no digits", Hashing{[]string{"incoming"}, 6}, "incoming", "4jXQPq1AFqz6JCM", "incoming/0/0/0/0/0/_/4jXQPq1AFqz6JCM"},
		{"depth 0", Hashing{[]string{"incoming"}, 0}, "incoming", "40062CC9D3", "incoming/40062CC9D3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.h.Path(tt.queue, tt.id); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestHashingTooDeep: a depth that makes no path of a file costs little, and the
// path is too long for any system.
func TestHashingTooDeep(t *testing.T) {
	for _, depth := range []int{4096, 4097, math.MaxInt} {
		h := Hashing{Queues: []string{"incoming"}, Depth: depth}
		if n := strings.Count(h.Dir("incoming", "40062CC9D3"), "/"); n != 4096 {
			t.Errorf("depth %d: %d levels", depth, n)
		}
	}
}

func TestSize(t *testing.T) {
	s := Size{DataSize: 348, DataOffset: 511, Recipients: 1, ContentLength: 348}
	const text = "            348             511               1               0             348               0"
	if got := string(s.AppendData(nil)); got != text || len(got) != SizeDataLen {
		t.Errorf("%q", got)
	}
	tests := []struct {
		data string
		want Size
		ok   bool
	}{
		{text, s, true},
		{"1 2 3", Size{DataSize: 1, DataOffset: 2, Recipients: 3}, true},
		{"1 2 3 4", Size{DataSize: 1, DataOffset: 2, Recipients: 3, QMgrFlags: 4}, true},
		{"-1 +2 3 x", Size{DataSize: -1, DataOffset: 2, Recipients: 3}, true},
		{"1 2", Size{}, false},
		{"", Size{}, false},
		{"1 2\x003", Size{}, false},
		{"99999999999999999999 2 3", Size{}, false},
	}
	for _, tt := range tests {
		got, err := ParseSize([]byte(tt.data))
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("ParseSize(%q) = %+v, %v", tt.data, got, err)
		}
	}
}

func TestParseAttribute(t *testing.T) {
	tests := []struct {
		data, name, value string
		err               error
	}{
		{data: "a=b", name: "a", value: "b"},
		{data: " a = b c ", name: "a", value: "b c"},
		{data: "a=", name: "a"},
		{data: "a==b", name: "a", value: "=b"},
		{data: "a=b\x00c", name: "a", value: "b"},
		{data: "\ta\v=\n", name: "a"},
		{data: "", err: ErrAttributeName},
		{data: " ", err: ErrAttributeName},
		{data: "=b", err: ErrAttributeName},
		{data: "a", err: ErrAttributeEqual},
		{data: "a b=c", err: ErrAttributeEqual},
		{data: "a\x00=c", err: ErrAttributeEqual},
	}
	for _, tt := range tests {
		name, value, err := ParseAttribute([]byte(tt.data))
		if string(name) != tt.name || string(value) != tt.value || err != tt.err {
			t.Errorf("%q: %q %q %v", tt.data, name, value, err)
		}
		data := []byte(tt.data)
		name, value, _ = ParseAttribute(data)
		_, _ = append(name, '!'), append(value, '!')
		if string(data) != tt.data {
			t.Errorf("%q: appending to the parts made it %q", tt.data, data)
		}
	}
	for data, want := range map[string]RecordType{
		"dsn_orig_rcpt=x": RecDSNOrcpt, "notify_flags=1": RecDSNNotify, "envelope_id=x": RecDSNEnvID,
		"ret_flags=1": RecDSNRet, "create_time=1": RecCreateTime, "encoding=8bit": RecAttr, "create_time": RecAttr,
	} {
		if got := (Record{Type: RecAttr, Data: []byte(data)}).EffectiveType(); got != want {
			t.Errorf("%s: %c", data, got)
		}
	}
}

func TestRecordLength(t *testing.T) {
	for n, want := range map[int]string{
		0: "N\x00", 95: "N\x5f", 127: "N\x7f", 128: "N\x80\x01", 2048: "N\x80\x10", 5000: "N\x88\x27",
		16384: "N\x80\x80\x01", 102400: "N\x80\xa0\x06",
	} {
		b := AppendRecord(nil, RecNormal, make([]byte, n))
		if string(b[:len(want)]) != want || len(b) != len(want)+n || RecordSize(n) != len(b) {
			t.Errorf("%d: % x", n, b[:len(want)])
		}
	}
	if RecNormal.String() != "regular_text" || RecordType('m').String() != "unknown_record_type" {
		t.Error("names")
	}
}

func TestParsePointer(t *testing.T) {
	for data, want := range map[string]int64{
		"              0": 0, "            123": 123, "": 0, "  ": 0, "\t7": 7, "12\x00x": 12,
		"9223372036854775807": 1<<63 - 1, "9223372036854775808": -1, "12a": -1, "-1": -1, "1 ": -1,
	} {
		got, ok := ParsePointer([]byte(data))
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d %v", data, got, ok)
		}
	}
	if got := string(PointerRecord(123).AppendTo(nil)); got != "p\x0f            123" || len(got) != PointerRecordLen {
		t.Errorf("%q", got)
	}
}
