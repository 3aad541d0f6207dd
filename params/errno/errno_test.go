package errno

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestText(t *testing.T) {
	_, missing := os.Open("/nonexistent/file")
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, "Success"},
		{"wrapped", missing, "No such file or directory"},
		{"zero", syscall.Errno(0), "Application error"},
		{"plain", syscall.EACCES, "Permission denied"},
		{"hyphen", syscall.EXDEV, "Invalid cross-device link"},
		{"no number", errors.New("something else"), "something else"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Text(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
