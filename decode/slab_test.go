package decode

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestTreesAreMadeInTheSameRoom: after the first few, trees cost nothing but the copy
// of their bytes, and features outlive the others.
func TestTreesAreMadeInTheSameRoom(t *testing.T) {
	const stanza = "<message to='bob@example.net' id='m1'><body>hello</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
	var trees Trees
	make := func() {
		if root, faults := trees.parse(stanza, nil, false); root.Attr("to") != "bob@example.net" || len(root.Nodes) != 2 || len(faults) > 0 {
			t.Fatal(root, faults)
		}
		trees.Reset()
	}
	make()
	if n := testing.AllocsPerRun(100, make); n > 0 {
		t.Errorf("a tree takes %v allocations", n)
	}
}

// TestOnlyFeaturesOutliveTheirEvent: a rule that keeps an element would see it empty.
func TestOnlyFeaturesOutliveTheirEvent(t *testing.T) {
	var kept []*session.Element
	keep := Rule{ID: "keep", New: Stateless(func(s *Seen) []session.Note {
		kept = append(kept, s.Root)
		return nil
	})}
	d := NewSession([]Rule{keep}, new(session.Book))
	for i, raw := range []string{hdr, "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>", "<message xmlns='jabber:client'/>"} {
		e := session.Event{Session: 1, Seq: uint64(i + 1), Dir: session.S2C, Leg: session.ServerLeg, Body: session.StreamElement{}, Raw: []byte(raw), Size: int64(len(raw))}
		if i == 0 {
			e.Body = session.StreamOpened{}
		}
		d.Explain(e)
	}
	if len(kept) != 3 || kept[2].Name.Local != "" {
		t.Errorf("trees that are over: %+v", kept)
	}
	if kept[1].Child(NSBind, "bind") == nil {
		t.Errorf("features %+v", kept[1])
	}
	if f := d.state.Features(); f == kept[1] || f.Child(NSBind, "bind") == nil {
		t.Errorf("after the login, features %+v", f)
	}
}

// TestDeclarationsAreBounded: each name is looked up among them, and each event of a
// stream begins with those of its header.
func TestDeclarationsAreBounded(t *testing.T) {
	var many strings.Builder
	for i := range 3 * maxScope {
		fmt.Fprintf(&many, " xmlns:p%d='urn:p'", i)
	}
	header := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'" + many.String() + ">"
	if n := len(ScopeOf([]byte(header))); n != maxScope {
		t.Errorf("a header puts %d declarations into force, want %d", n, maxScope)
	}
	root, faults := Parse([]byte("<p0:a"+many.String()+"/>"), nil)
	if root.Name.Space != "urn:p" || len(faults) == 0 || !strings.Contains(faults[0].Text, "more than 1000 namespaces") {
		t.Errorf("%+v %+v", root.Name, faults)
	}
}
