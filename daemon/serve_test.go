package daemon

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestServesNobody: options with which no client would ever be served are
// errors.
func TestServesNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := Serve(ctx, ServeOptions{Queue: t.TempDir(), MaxSessions: -3})
	for _, want := range []string{"no address to listen on", "bad number of sessions: -3"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
}
