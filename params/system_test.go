package params

import (
	"context"
	"errors"
	"testing"
)

// The look-up of a name ends with the context of the host; what has been looked up
// stays.
func TestResolveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	host := SystemHost(ctx, nil)
	if found, err := host.Resolve("localhost", true, true); err != nil || len(found) == 0 {
		t.Errorf("%v, %v", found, err)
	}
	cancel()
	if found, err := host.Resolve("localhost", true, true); err != nil || len(found) == 0 {
		t.Errorf("again: %v, %v", found, err)
	}
	if found, err := host.Resolve("localhost", true, false); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", found, err)
	}
}
