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

// ended says how a test ends, "" if it is not ended by anything.
func ended(test func(*verdict)) string {
	v := &verdict{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(v)
	}()
	<-done
	return v.how
}

func TestNeed(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // so that nothing is installed
	for _, c := range []struct{ peers, name, want string }{
		{"", "tshark", "skip: tshark is missing: apt-get install tshark"},
		{"required", "xmllint", "fail: xmllint is missing, and XMPPSCOPE_PEERS=required: apt-get install libxml2-utils"},
		{"required", "gajim", "skip: gajim is missing: apt-get install gajim"},
		{"all", "gajim", "fail: gajim is missing, and XMPPSCOPE_PEERS=all: apt-get install gajim"},
		{"", "namespaces", "skip: namespaces is not to be had here: this system forbids"},
		{"", "icq", "fail: xmpptest: no peer is called"},
	} {
		t.Setenv("XMPPSCOPE_PEERS", c.peers)
		how := ended(func(v *verdict) { xmpptest.Need(v, c.name) })
		if !strings.HasPrefix(how, c.want) {
			t.Errorf("Need(%q) with XMPPSCOPE_PEERS=%q: %q, want %q", c.name, c.peers, how, c.want)
		}
	}
}
