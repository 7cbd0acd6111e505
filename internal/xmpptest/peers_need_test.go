package xmpptest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// verdict is a test that only notes how it was ended.
type verdict struct {
	testing.TB
	how string
}

func (v *verdict) Helper() {}

func (v *verdict) Skipf(format string, args ...any) { v.end("skip", format, args) }

func (v *verdict) Fatalf(format string, args ...any) { v.end("fail", format, args) }

func (v *verdict) end(how, format string, args []any) {
	v.how = how + ": " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestNeed(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // so that nothing is installed
	for _, c := range []struct{ peers, name, want string }{
		{"", "tshark", "skip: tshark is not installed: apt-get install tshark"},
		{"required", "xmllint", "fail: xmllint is missing and XMPPSCOPE_PEERS=required: apt-get install libxml2-utils"},
		{"", "icq", "fail: xmpptest: no peer is called"},
	} {
		t.Setenv("XMPPSCOPE_PEERS", c.peers)
		v := &verdict{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			xmpptest.Need(v, c.name)
		}()
		<-done
		if !strings.HasPrefix(v.how, c.want) {
			t.Errorf("Need(%q) with XMPPSCOPE_PEERS=%q: %q, want %q", c.name, c.peers, v.how, c.want)
		}
	}
}
