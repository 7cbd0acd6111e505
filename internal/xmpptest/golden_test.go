package xmpptest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

func (v *verdict) Errorf(format string, args ...any) { v.end("error", format, args) }

// TestGoldenCanFail: what differs is an error, a file that is not there ends the
// test.
func TestGoldenCanFail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "golden.txt")
	for _, c := range []struct{ holds, got, want string }{
		{"", "a\n", "fail: "},
		{"a\n", "a\n", ""},
		{"a\n", "b\n", "error: " + file + " (-want +got"},
	} {
		if c.holds != "" {
			if err := os.WriteFile(file, []byte(c.holds), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		how := ended(func(v *verdict) { xmpptest.Golden(v, file, c.got) })
		if !strings.HasPrefix(how, c.want) || (how == "") != (c.want == "") {
			t.Errorf("%q against %q: %q, want %q", c.got, c.holds, how, c.want)
		}
	}
}
