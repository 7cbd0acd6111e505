package api

import (
	"testing"
	"time"
)

// Hurry makes clients have so little time, for the test.
func Hurry(t *testing.T, d time.Duration) {
	was := slowest
	slowest = d
	t.Cleanup(func() { slowest = was })
}
