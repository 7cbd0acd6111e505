package proxy

import (
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// TestDisarmedInTheMiddle: when the last breakpoint goes while a part of an element is held
// back, its bytes pass in order, whatever it is, and the next element is decided about again.
func TestDisarmedInTheMiddle(t *testing.T) {
	const starttls, proceed = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	for at := 1; at < len(starttls); at++ {
		g := &switchable{on: true, gate: byName{}}
		r := newClearRelay([]Gate{g})
		r.phase = relaying
		r.give(Data{session.C2S, []byte(gateHeader + starttls[:at])})
		g.on = false // nobody tells the relay
		r.give(Data{session.C2S, []byte(starttls[at:])})
		if got := r.out[session.C2S].String(); got != gateHeader+starttls {
			t.Fatalf("disarmed at %d, <starttls/> went on as %s", at, got)
		}
	}
	for at := 1; at < len(proceed); at++ {
		g := &switchable{on: true, gate: byName{}}
		r := newClearRelay([]Gate{g})
		r.phase = relaying
		r.give(Data{session.S2C, []byte(gateHeader)})
		r.give(Data{session.C2S, []byte(gateHeader + starttls)})
		r.give(Data{session.S2C, []byte(proceed[:at])})
		g.on = false
		r.give(Data{session.S2C, []byte(proceed[at:])})
		if got := r.out[session.S2C].String(); got != gateHeader+proceed {
			t.Fatalf("disarmed at %d, <proceed/> went on as %s", at, got)
		}
	}
}

// TestArmedAgain: an element that passed when a gate went is over when it is, and what comes
// behind it is decided about, and may be spoken before.
func TestArmedAgain(t *testing.T) {
	for name, first := range map[string]string{"small": "<a>", "large": "<a>" + strings.Repeat("x", maxGated)} {
		g := &switchable{on: true, gate: byName{"b": {Drop: true}}}
		r := newClearRelay([]Gate{g})
		r.phase = relaying
		r.give(Data{session.C2S, []byte(gateHeader)})
		r.give(Data{session.C2S, []byte(first)})
		g.on = false
		r.give(Armed{})
		r.give(Data{session.C2S, []byte("</a>")})
		r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<i/>")}})
		if got := r.out[session.C2S].String(); !strings.HasSuffix(got, "</a><i/>") {
			t.Errorf("%s: what was put in is not said: %s", name, got[len(gateHeader):min(len(got), len(gateHeader)+40)])
		}
		g.on = true
		r.give(Armed{})
		r.give(Data{session.C2S, []byte("<b/><c/>")})
		if got := r.out[session.C2S].String(); !strings.HasSuffix(got, "</a><i/><c/>") {
			t.Errorf("%s: armed again, what follows went on as …%s", name, got[max(0, len(got)-40):])
		}
	}
}

// TestBlindIsToldOnce: where nothing can be done, somebody who wants to is told so once, and
// the session stays free.
func TestBlindIsToldOnce(t *testing.T) {
	const request = "POST /http-bind HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n<a/>"
	for name, begin := range map[string]func(*gatedRelay){
		"HTTP": func(r *gatedRelay) { r.give(Data{session.C2S, []byte(request)}) },
		"compressed": func(r *gatedRelay) {
			r.give(Data{session.S2C, []byte(gateHeader)})
			r.give(Data{session.C2S, []byte(gateHeader + "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>")})
			r.give(Data{session.S2C, []byte("<compressed xmlns='http://jabber.org/protocol/compress'/>")})
		},
	} {
		g := &switchable{gate: byName{}}
		r := newClearRelay([]Gate{g})
		r.phase = relaying
		begin(r)
		if !r.Free() {
			t.Errorf("%s: it is not free", name)
			continue
		}
		for _, dir := range both {
			r.give(Left{dir})
		}
		g.on = true
		r.give(Armed{})
		for range 100 {
			r.give(Data{session.C2S, []byte("bytes")})
		}
		if len(r.bent) != 1 || !r.Free() || r.unlooked() {
			t.Errorf("%s: told %d times, free %v, still waited for %v", name, len(r.bent), r.Free(), r.unlooked())
		}
	}
}

// TestNothingBehindStarttls: behind <starttls/> the server awaits TLS, and nothing of ours.
func TestNothingBehindStarttls(t *testing.T) {
	const starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	r := newClearRelay([]Gate{&gateFunc{consider: func(*decode.Piece) Decision { return Decision{} }}})
	r.phase = relaying
	r.give(Data{session.S2C, []byte(gateHeader)})
	r.give(Data{session.C2S, []byte(gateHeader + starttls)})
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<message/>")}})
	if got := r.out[session.C2S].String(); !strings.HasSuffix(got, starttls) {
		t.Errorf("the server gets %s", got[len(gateHeader):])
	}
	r.give(Data{session.S2C, []byte("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")})
	if got := r.out[session.C2S].String(); !strings.HasSuffix(got, starttls+"<message/>") {
		t.Errorf("behind the refusal the server gets %s", got[len(gateHeader):])
	}
}

// TestNothingBeforeTheNewHeader: behind <success/> both sides await a stream header, and
// nothing of ours comes before it (RFC 6120 §6.4.6).
func TestNothingBeforeTheNewHeader(t *testing.T) {
	r := newClearRelay([]Gate{&gateFunc{consider: func(*decode.Piece) Decision { return Decision{} }}})
	r.phase = relaying
	for _, dir := range both {
		r.give(Data{dir, []byte(gateHeader)})
	}
	r.give(Data{session.S2C, []byte("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")})
	for _, dir := range both {
		r.give(Injected{Sending{Dir: dir, XML: []byte("<i/>")}})
		if got := r.out[dir].String(); strings.Contains(got, "<i/>") {
			t.Errorf("%s has %s", dir, got)
		}
	}
	for _, dir := range both {
		r.give(Data{dir, []byte(gateHeader)})
		if got := r.out[dir].String(); !strings.HasSuffix(got, gateHeader+"<i/>") {
			t.Errorf("behind the header %s has %s", dir, got)
		}
	}
}

// TestWhatIsSaidIsBounded: a peer that sends thousands of elements at once does not fill the
// memory with what is to be said for each.
func TestWhatIsSaidIsBounded(t *testing.T) {
	for name, d := range map[string]Decision{
		"copies": {Copies: maxCopies},
		"sends":  {Sends: []Sending{{Dir: session.C2S, XML: []byte("<i>" + strings.Repeat("x", MaxSending-7) + "</i>")}}},
	} {
		r := NewRelay(true, Limits{})
		r.Handle(Armed{[]Gate{&gateFunc{consider: func(p *decode.Piece) Decision {
			if p.Kind != decode.Element {
				return Decision{}
			}
			return d
		}}}})
		r.phase = relaying
		r.Handle(Data{session.C2S, []byte(gateHeader)})
		size, told := 0, 0
		for _, a := range r.Handle(Data{session.C2S, []byte(strings.Repeat("<a/>", 2000))}) {
			switch a := a.(type) {
			case Send:
				size += len(a.Bytes) + ownCost
			case Record:
				if b, ok := a.Event.Body.(session.RelayBent); ok && strings.Contains(b.Reason, "too much for what has come") {
					told++
				}
			}
		}
		if size == 0 || size > maxOwn || told != 1 && name == "copies" {
			t.Errorf("%s: %d MB, told %d times", name, size>>20, told)
		}
	}
}
