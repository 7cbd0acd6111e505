package decode

import (
	"testing"

	"xmppscope/session"
)

// TestTreesAreMadeInTheSameRoom: after the first few, trees cost nothing but the copy
// of their bytes, and features outlive the others.
func TestTreesAreMadeInTheSameRoom(t *testing.T) {
	const stanza = "<message to='bob@example.net' id='m1'><body>hello</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
	var trees Trees
	make := func() {
		if root, faults := trees.parse(stanza, nil); root.Attr("to") != "bob@example.net" || len(root.Nodes) != 2 || len(faults) > 0 {
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
	if f := d.state.Features; f != kept[1] || f.Child(NSBind, "bind") == nil {
		t.Errorf("features %+v", f)
	}
}
