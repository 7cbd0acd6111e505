package proxy

import (
	"bytes"
	"strings"
	"testing"

	"xmppscope/session"
)

// FuzzDoor: whatever a client says first, and however it is cut, the door takes no more
// than was said, says the same, and goes on or ends.
func FuzzDoor(f *testing.F) {
	for _, first := range []string{
		"\x05\x02\x00\x02\x05\x01\x00\x03\x0cxmpp.example\x14\x66<a/>",
		"\x05\x01\x02\x01\x05alice\x02pw\x05\x01\x00\x04" + strings.Repeat("\x20", 16) + "\x14\x66",
		"CONNECT xmpp.example:5222 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01\x00\x05hello",
		"PROXY TCP6 2001:db8::1 2001:db8::2 4000 5222\r\n\x05\x01\x00",
		headerV2 + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x0f\xa0\x14\x66<a/>",
		headerV2 + "\x20\x00\x00\x00", "\x04\x01", "CONNECT", "\r\n\r\n", "PROXY UNKNOWN\r\n",
	} {
		f.Add([]byte(first), uint8(3))
	}
	f.Fuzz(func(t *testing.T, first []byte, size uint8) {
		if len(first) > 2*maxDoor {
			return
		}
		whole, cut := knocked(t, first, len(first)), knocked(t, first, int(size)+1)
		if whole != cut {
			t.Errorf("at once:\n%s\nin pieces of %d:\n%s", whole, size+1, cut)
		}
	})
}

// TestOneHeader: the header of the balancer counts. One that the client has sent behind it, or
// behind another door, would let it say that it is somebody else.
func TestOneHeader(t *testing.T) {
	for _, first := range []string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 4000 5222\r\n",
		"\x05\x01\x00\x05\x01\x00\x03\x0cxmpp.example\x14\x66",
	} {
		got := knocked(t, []byte(first+"PROXY TCP4 203.0.113.9 192.0.2.2 4000 5222\r\n<a/>"), 1<<10)
		if strings.Contains(got, "203.0.113.9") {
			t.Errorf("behind %q the client is told to be who it says:\n%s", first, got)
		}
	}
}

// knocked plays what a client says first, in pieces of a size, to a door whose servers are
// all there. It returns what is answered and told, up to the client's own first byte.
func knocked(t *testing.T, first []byte, size int) string {
	r := NewRelay(true, Limits{})
	r.headers = true
	var out strings.Builder
	var flowed []byte // what is forwarded, or was held and told as the client's own
	entered := -1
	var carry func([]Action)
	handle := func(in Input) { carry(bytesOf(r.Handle(in))) }
	carry = func(actions []Action) {
		for _, a := range actions {
			switch a := a.(type) {
			case Answer:
				out.WriteString("answer " + quote(a.Bytes) + "\n")
			case Record:
				if b, ok := a.Event.Body.(session.RelayDoor); ok {
					out.WriteString(b.Words() + "\n")
				}
			case Enter:
				entered = a.Took
			case Connect:
				handle(Connected{})
			case Quiesce:
				handle(Quiet{})
			case Forward:
				flowed = append(flowed, a.Bytes...)
			case Keep:
				flowed = append(flowed, a.Bytes...)
			case Secure:
				flowed = append(flowed, a.Early...)
			case Close:
				out.WriteString("closed\n")
			}
		}
	}
	for at := 0; at < len(first) && entered < 0 && r.Wants(session.C2S); at += size {
		handle(Data{session.C2S, first[at:min(at+size, len(first))]})
	}
	if entered > len(first) {
		t.Fatalf("the door took %d of %d bytes", entered, len(first))
	}
	if entered >= 0 && len(flowed) > 0 && !bytes.HasPrefix(first[entered:], flowed) {
		t.Fatalf("behind %d bytes of the door %q flows, of %q", entered, flowed, first)
	}
	return out.String()
}

// bytesOf are actions that hold, whatever is asked of the relay meanwhile.
func bytesOf(actions []Action) []Action { return append([]Action(nil), actions...) }
