package accountfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func (u User) String() string {
	return fmt.Sprintf("%s|%s|%d|%d|%s|%s|%s", u.Name, u.Password, u.UID, u.GID, u.Info, u.Dir, u.Shell)
}

func (g Group) String() string {
	return fmt.Sprintf("%s|%s|%d|%s", g.Name, g.Password, g.GID, strings.Join(slices.Collect(g.Members()), "+"))
}

func all[T fmt.Stringer](entries func(func(T) bool)) string {
	var list []string
	for entry := range entries {
		list = append(list, entry.String())
	}
	return strings.Join(list, "; ")
}

func TestUsers(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"a:x:1:2:info:/dir:/sh\nb::3:4:::\n", "a|x|1|2|info|/dir|/sh; b||3|4|||"},
		{"a:x:1:2:i:/:/sh:more:x\n", "a|x|1|2|i|/|/sh:more:x"},
		{"a:x:1:2:::\r\n", "a|x|1|2|||\r"},
		{"a:x:1:2:i:/\nb:x:1:2:i\nc:x:1:2:\nd:x:1:2\n", "a|x|1|2|i|/|; b|x|1|2|i||; c|x|1|2|||; d|x|1|2|||"},
		{"a:x:1:\nb:x:1\nc:x:\nd:x\ne:\nf\n", ""},
		{"\n \n\t\n#a:x:1:1\n \t\v\f\r#b:x:1:1\n \t\v\f\rc:x:1:1\nd :x:1:1\n", "c|x|1|1|||; d |x|1|1|||"},
		{"\xa0a:x:1:1\n", "\xa0a|x|1|1|||"},
		{":x:7:7:::\n", "|x|7|7|||"},
		{"+:x:1:1\n+a:x:1:1\n-a:x:1:1\n+\n+::::::\n  +b:x:1:1\n", ""},
		{"a:x: \t\v\f\r+2:-0\n", "a|x|2|0|||"},
		{"a:x:00012:1\n", "a|x|12|1|||"},
		{"a:x:4294967295:4294967294\n", "a|x|4294967295|4294967294|||"},
		{"a:x:4294967296:1\nb:x:1:4294967296\nc:x:18446744073709551616:1\nd:x:184467440737095516150:1\n", ""},
		{"a:x:-1:1\nb:x:-18446744073709551616:1\nc:x:-18446744073709551614:1\nd:x:-18446744073709551615:7\n", "c|x|2|1|||; d|x|1|7|||"},
		{"a:x::1\nb:x:1: \nc:x:1: :i\nd:x:1x:1\ne:x:1 :1\nf:x:+ 1:1\ng:x:--1:1\nh:x:0x1:1\ni:x:1:1\r\n", ""},
		{"a:x:3:1\x00:i\nb\x00:x:1:1\n\x00c:x:1:1\nd:x:1:1:i\x00\n", "a|x|3|1|||; d|x|1|1|i||"},
		{"a:x:1:1:i", "a|x|1|1|i||"},
		// What the C library makes of blanks before an entry without a newline.
		{" a:x:1:2", "a|x|1|22|||"},
		{"  a:x:1:20", "a|x|1|2020|||"},
		{" a:x:1:2\x00\n", "a|x|1|22|||"},
		{"  a:x:1:1:\n", "a|x|1|1|||"},
		{"a:x:1:1:" + strings.Repeat("i", 5000) + "\nb:x:1:1\n", "a|x|1|1|" + strings.Repeat("i", 5000) + "||; b|x|1|1|||"},
	} {
		if got := all(Users(tt.text)); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"a:x:1:\nb::2:c,d\n", "a|x|1|; b||2|c+d"},
		{"a:x:1\nb::1\nc:x:\nd:x\ne\n", "a|x|1|; b||1|"},
		{"a:x:1: b c,, d ,\te, ,\v\ff,\n", "a|x|1|b c+d +e+f"},
		{"a:x:1:,\nb:x:1: \n", "a|x|1|; b|x|1|"},
		{"a:x:1:b:c,d:e\n", "a|x|1|b:c+d:e"},
		{"a:x:1:b\r\n", "a|x|1|b\r"},
		{"#a:x:1:b\n #b:x:1:b\n c:x:1:b\n:x:2:\n", "c|x|1|b; |x|2|"},
		{"+a:x:1:b\n-a:x:1:b\n+:::\n +b:x::\n", ""},
		{"a:x: +5:\nb:x:-5:\nc:x:4294967296:\nd:x:7x:\ne:x:8 :\nf:x::b\n", "a|x|5|"},
		{" a:x:4", "a|x|44|"},
	} {
		if got := all(Groups(tt.text)); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestGroupsOf(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []uint32
	}{
		{"", nil},
		{"a:x:1:p\nb:x:2:q,p\nc:x:3:pp,p \nd:x:1:\tp,p\np:x:4:\n", []uint32{1, 2, 1}},
		{"#a:x:1:p\n #b:x:2:p\n  c:x:3:p\n:x:4:p\n", []uint32{1, 2, 3, 4}},
		{"+a:x:1:p\n-b:x:2:p\n+c:x::p\n-:::p\n+d:x:y:p\n +e:x::p\n#f:x::p\ng:x::p\n+h:x: :p\n", []uint32{1, 2, 0, 0}},
		{"a:x:-1:p\nb:x:4294967296:p\nc:x: 5:p\n", []uint32{5}},
		{"a:x:1:p\r\nb:x:2:p:q\nc:x:3:p\x00q\n\x00d:x:4:p\ne:x:5:q:x,p\n", []uint32{3, 5}},
		{"  a:x:1:q,p", []uint32{1}},
	} {
		if got := slices.Collect(GroupsOf(tt.text, "p")); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %d, want %d", tt.text, got, tt.want)
		}
	}
}

func BenchmarkUsers(b *testing.B) {
	text := strings.Repeat("someone:x:1000:1000:Some One,,,:/home/someone:/bin/bash\n", 30)
	b.ReportAllocs()
	for b.Loop() {
		for u := range Users(text) {
			if u.Name == "nobody" {
				b.Fatal("found")
			}
		}
	}
}
