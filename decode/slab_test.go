package decode

import (
	"runtime"
	"testing"
	"weak"

	"xmppscope/session"
)

// TestAKeptTreeKeepsNoOther: a rule that keeps an element must not keep all that
// came after it.
func TestAKeptTreeKeepsNoOther(t *testing.T) {
	const stanza = "<message to='bob@example.net' id='m1'><body>hello</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
	f := new(forest)
	kept, _ := f.parse(stanza, nil)
	var gone weak.Pointer[session.Element]
	for i := range 10 * maxSlab {
		root, _ := f.parse(stanza, nil)
		if i == 5*maxSlab {
			gone = weak.Make(root)
		}
	}
	runtime.GC()
	if gone.Value() != nil {
		t.Error("a tree that nobody holds is kept by another one")
	}
	runtime.KeepAlive(kept)
}
