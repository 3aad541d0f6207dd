package queuecompare

import "testing"

// TestCutID: a queue id is masked as well where a limit has cut it.
func TestCutID(t *testing.T) {
	const id = "3BC03A0F21"
	for in, want := range map[string]string{
		"\tid 3BC03A0":                   "\tid CUT TO 7",
		"\tby mx (Mail) with QMQP id 3":  "\tby mx (Mail) with QMQP id CUT TO 1",
		"\tby mx (Mail) with QMQP id ":   "\tby mx (Mail) with QMQP id ",
		"\tid 3BC03A1":                   "\tid 3BC03A1",
		"no Received header: id 3BC03A0": "no Received header: id 3BC03A0",
		"id ":                            "id ",
		"":                               "",
	} {
		if got := string(maskCutID([]byte(in), id)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for _, before := range []string{" with QMQP id ", " (Post \u00e9) with QMQP??id "} {
		line := MaskLine(id+": reject: mime-error x: Received: from a??by mx"+before+"3BC0 from a[1.2.3.4]; from=<> to=<b>", id)
		if want := "QUEUEID: reject: mime-error x: Received: from a??by mx" + before + "CUT from a[1.2.3.4]; from=<> to=<b>"; line != want {
			t.Errorf("%q, want %q", line, want)
		}
	}
}

// TestCutDate: a time is masked as well where a check has cut what is before it.
func TestCutDate(t *testing.T) {
	for in, want := range map[string]string{
		"x; Sun, 29 Nov 2026 21:15:07 +0000": "x; DATE +0000",
		"x; Sn, 29 Nv 2026 21:15:07 +0000":   "x; DATE +0000",
		"xn, 29 Nov 2026 21:15:07 +0000":     "xn, DATE +0000",
		"x 29 Nov 2026 21:15:07 +0000":       "x DATE +0000",
		"x 29 Nov 2026 21:15 +0000":          "x 29 Nov 2026 21:15 +0000",
	} {
		if got := MaskLine(in, ""); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
