package postconf

import (
	"bytes"
	"testing"
)

// TestDiagnosticText: what of a text is fit to be shown.
func TestDiagnosticText(t *testing.T) {
	const text = " ~\x00\x1f\x7f\xc3\xa9\xe2\x82\xac\xff\xc3"
	for keepUTF8, want := range map[bool]string{
		false: "\xfft: warning:  ~??????????\n",
		true:  "\xfft: warning:  ~???\xc3\xa9\xe2\x82\xac??\n",
	} {
		var b bytes.Buffer
		d := diagnostics{w: &b, tag: "\xfft", keepUTF8: keepUTF8}
		d.warn(text)
		if b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
}
