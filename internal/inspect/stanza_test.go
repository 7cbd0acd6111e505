package inspect

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"xmppscope/decode"
	"xmppscope/session"
)

var scope = decode.ScopeOf([]byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"))

// TestStanzasAreUnwrapped: archives, carbons and what was forwarded tell of what is in them.
func TestStanzasAreUnwrapped(t *testing.T) {
	const forwarded = "<forwarded xmlns='urn:xmpp:forward:0'><message from='a@b.example/x' to='me@b.example'><body>hi</body></message></forwarded>"
	for raw, want := range map[string][4]string{ // peer, wrapped, what, type
		"<message from='room@muc.example/nick' type='groupchat'><body>hello</body></message>":                                                                                                             {"room@muc.example/nick", "", `"hello"`, "groupchat"},
		"<message from='me@b.example'><result xmlns='urn:xmpp:mam:2' id='1'>" + forwarded + "</result></message>":                                                                                         {"a@b.example/x", "archive", `"hi"`, ""},
		"<message from='me@b.example'><received xmlns='urn:xmpp:carbons:2'>" + forwarded + "</received></message>":                                                                                        {"a@b.example/x", "carbon", `"hi"`, ""},
		"<message from='me@b.example'><sent xmlns='urn:xmpp:carbons:2'>" + forwarded + "</sent></message>":                                                                                                {"me@b.example", "carbon sent", `"hi"`, ""},
		"<message from='c@b.example'>" + forwarded + "</message>":                                                                                                                                         {"a@b.example/x", "forwarded", `"hi"`, ""},
		"<message from='m@b.example'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message from='n@b.example'>" + forwarded + "</message></forwarded></received></message>": {"a@b.example/x", "carbon", `"hi"`, ""},
		"<iq from='b.example' type='result'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>":                                                                                                  {"b.example", "", "query disco#info", "result"},
		"<iq from='b.example' type='get'><ping xmlns='urn:xmpp:ping'/></iq>":                                                                                                                              {"b.example", "", "ping", "get"},
		"<iq from='b.example' type='result'/>": {"b.example", "", "done", "result"},
		"<iq from='b.example' type='error'><query xmlns='u'/><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>": {"b.example", "", "item-not-found", "error"},
		"<presence from='a@b.example/x'/>":                                                {"a@b.example/x", "", "available", ""},
		"<presence from='a@b.example/x'><show>dnd</show><status>busy</status></presence>": {"a@b.example/x", "", `"busy"`, ""},
	} {
		el, _ := decode.Parse([]byte(raw), scope)
		e := session.Event{Seen: session.Seen{Seq: 1, Body: session.StreamElement{}, Dir: session.S2C, Name: el.Name.Local, Raw: []byte(raw)}, Said: session.Said{Done: true}}
		s := NewStanza(&e, el)
		if got := [4]string{s.Peer, s.Wrapped, s.What, s.Type}; got != want {
			t.Errorf("%s:\n%q, want %q", raw, got, want)
		}
	}
	e := session.Event{Seen: session.Seen{Seq: 1, Body: session.StreamElement{}, Dir: session.C2S, Name: "iq", Raw: []byte("<iq to='b.example' type='get' id='7'><broken")}, Said: session.Said{Done: true, Summary: "asks"}}
	if s := NewStanza(&e, nil); s.Peer != "b.example" || s.ID != "7" || s.What != "asks" || !s.Waits {
		t.Errorf("without a tree: %+v", s)
	}
}

// TestPairs: requests and answers find each other, and what stays without an answer stands out.
func TestPairs(t *testing.T) {
	m := NewModel()
	add := func(seq uint64, after int, raw string, answers uint64) *session.Event {
		e := session.Event{
			Seen: session.Seen{Session: 1, Seq: seq, At: began.Add(seconds(after)), Body: session.StreamElement{}, Name: "iq", Raw: []byte(raw)},
			Said: session.Said{Done: true, Answers: answers, RTT: seconds(1)},
		}
		m.Add(int(seq-1), &e, true)
		return &e
	}
	first := add(1, 0, "<iq type='get' id='1'/>", 0)
	second := add(2, 0, "<iq type='set' id='2'/>", 0)
	answer := add(3, 1, "<iq type='result' id='1'/>", 1)
	c := m.Sessions[0]
	if n, took := c.Partner(first); n != 3 || took != seconds(1) {
		t.Errorf("the answer to #1 is #%d after %v", n, took)
	}
	if n, _ := c.Partner(answer); n != 1 {
		t.Errorf("#3 answers #%d", n)
	}
	if c.Unanswered(second) || c.Unanswered(first) || c.Unanswered(answer) {
		t.Error("a request stands out at once")
	}
	add(4, 20, "<iq type='result' id='x'/>", 0)
	if !c.Unanswered(second) || c.Unanswered(first) {
		t.Error("a request without an answer does not stand out")
	}
	add(5, 20, "<iq type='result' id='2'/>", 2)
	if n, _ := c.Partner(second); n != 5 {
		t.Errorf("the late answer to #2 is #%d", n)
	}
}

// TestColumns: the slowest are those without an answer; equal rows stay in the order of time.
func TestColumns(t *testing.T) {
	a := Stanza{Seq: 1, Peer: "a", Kind: "iq", Type: "get", Size: 3, Partner: 9, RTT: seconds(2), Waits: true}
	b := Stanza{Seq: 2, Peer: "b", Kind: "message", Type: "chat", Size: 1}
	waits := Stanza{Seq: 3, Waits: true}
	compare := func(by Column, a, b *Stanza) int {
		keys := SortKeys{By: by}
		return keys.Of(a).Compare(keys.Of(b))
	}
	for by := range ColumnCount {
		if compare(by, &a, &a) != 0 || compare(by, &a, &b)+compare(by, &b, &a) != 0 || compare(by, &a, &b) == 0 || ColumnNames[by] == "" {
			t.Errorf("column %d is not in order", by)
		}
	}
	if compare(BySize, &a, &b) < 0 || compare(ByRTT, &b, &a) > 0 || compare(ByRTT, &a, &waits) > 0 || compare(ByPeer, &a, &b) > 0 {
		t.Error("wrong order")
	}
}

// TestSortKeysAreSmall: a text that comes again is held once, and nothing of the stanza with it.
func TestSortKeysAreSmall(t *testing.T) {
	keys := SortKeys{By: ByPeer}
	whole := "somebody@example.net and all that came with it"
	first := keys.Of(&Stanza{Peer: whole[:20]})
	again := keys.Of(&Stanza{Peer: strings.Clone("somebody@example.net")})
	if unsafe.StringData(first.text) == unsafe.StringData(whole) || unsafe.StringData(first.text) != unsafe.StringData(again.text) {
		t.Error("the text is held with what it stands in, or twice")
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
