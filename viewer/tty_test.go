package viewer

import (
	"io"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/google/go-cmp/cmp"
)

// chunks is a terminal that gives these bytes, each string at once.
type chunks struct {
	tcell.Tty
	left []string
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.left[0])
	c.left = c.left[1:]
	return n, nil
}

// TestNoKeyIsTakenForAString: an Esc with a key soon after it is told apart from what
// a terminal sends.
func TestNoKeyIsTakenForAString(t *testing.T) {
	const wait = "…"
	for _, c := range []struct{ sent, want []string }{
		{[]string{"j", "\x1b]", "j"}, []string{"j", "\x1b", wait, "]", "j"}},
		{[]string{"\x1b", "]p", "q"}, []string{"\x1b", wait, "]p", "q"}},
		{[]string{"\x1b]\x1b_x"}, []string{"\x1b", wait, "]\x1b", wait, "_x"}},
		{[]string{"\x1b[", "j"}, []string{"\x1b", wait, "[", "j"}},
		{[]string{"\x1b", "q", "]"}, []string{"\x1b", "q", "]"}},
		{[]string{"\x1b]11;rgb:0/0/0\a", "j"}, []string{"\x1b]11;rgb:0/0/0\a", "j"}},
		{[]string{"\x1b_G1\x1b\\", "\x1b[A", "\x1bO", "P"}, []string{"\x1b_G1\x1b\\", "\x1b[A", "\x1bO", "P"}},
	} {
		var got []string
		tty := &unstuckTty{Tty: &chunks{left: c.sent}, wait: func(time.Duration) { got = append(got, wait) }}
		for p := make([]byte, 64); ; {
			n, err := tty.Read(p)
			if err == io.EOF {
				break
			}
			got = append(got, string(p[:n]))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.sent, d)
		}
	}
}
