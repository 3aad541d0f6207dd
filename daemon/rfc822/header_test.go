package rfc822

import "testing"

func TestHeaderNameLen(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"To: x", 2}, {"To:", 2}, {"To \t: x", 2}, {"(a)--:", 5}, {"", 0}, {":", 0}, {" To: x", 0}, {"To", 0}, {"To ", 0}, {"To x: y", 0},
		{"T\x01: x", 0}, {"T\x7f: x", 0}, {"T\xe4: x", 0}, {"T\x00: x", 0}, {"To \x00: x", 0}, {"\t: x", 0},
	} {
		if got := HeaderNameLen([]byte(tt.in)); got != tt.want {
			t.Errorf("HeaderNameLen(%q) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestHeaderTable(t *testing.T) {
	table := NewHeaderTable([]string{"BCC", "x-drop", "Content-Type", "x["})
	for _, tt := range []struct {
		in    string
		name  string // "" for an unknown header
		flags HeaderFlags
	}{
		{"to: x", "To", RecipientHeader},
		{"MESSAGE-ID:", "Message-Id", 0},
		{"Bcc : x", "Bcc", RecipientHeader | DropHeader},
		{"X-Drop: x", "x-drop", DropHeader},
		{"content-type: x", "Content-Type", MIMEStructHeader | DropHeader},
		{"Resent-Sender: x", "Resent-Sender", SenderHeader | ResentHeader},
		{"X-Other: x", "", 0},
		{"x-other-header-that-is-longer-than-any-name-that-is-known-here-and-more: x", "", 0},
		{"no colon", "", 0},
		{"to \t: x", "To", RecipientHeader},
		{"X[: x", "x[", DropHeader},
		{"x{: x", "", 0},
	} {
		h := table.Find([]byte(tt.in))
		switch {
		case h == nil && tt.name != "":
			t.Errorf("%q is unknown", tt.in)
		case h != nil && (h.Name != tt.name || h.Flags != tt.flags):
			t.Errorf("%q is %+v, want %s %b", tt.in, *h, tt.name, tt.flags)
		}
	}
	to := table.Find([]byte("To:"))
	for text, want := range map[string]string{"To: x": " x", "TO:": "", "to : x": ": x", "to": ""} {
		if got := string(to.Value([]byte(text))); got != want {
			t.Errorf("value of %q: %q, want %q", text, got, want)
		}
	}
	if other := NewHeaderTable(nil).Find([]byte("Bcc:")); other.Flags != RecipientHeader {
		t.Errorf("tables share flags: %b", other.Flags)
	}
}
