package capture

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

func TestTextLine(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(0)
	for i, want := range []string{
		0: "14:00:01.124691  1#1       tcp:opened (client leg)",
		1: "14:00:01.125925  1#2       tcp:opened (server leg)",
		2: "14:00:01.128395  1#3  C>S  step 1 stream-open-2  a summary of stream",
	} {
		if got := string(appendTextLine(nil, &numbered(b.events)[i])); got != want {
			t.Errorf("line %d is\n%q, want\n%q", i, got, want)
		}
	}
}

func TestTextIsSafe(t *testing.T) {
	b := newBuilder(t, 1)
	b.nasty()
	pretty := func(raw []byte) iter.Seq[session.Line] {
		return slices.Values([]session.Line{{{Text: string(raw)}}})
	}
	for _, o := range []Options{{}, {Pretty: pretty}} {
		file := string(record(t, ".txt", o, b.events))
		for _, bad := range []string{"\x1b", "\x00", "\u202e", "\a", "\xff", "\r"} {
			if strings.Contains(file, bad) {
				t.Errorf("the text holds %q", bad)
			}
		}
		if !strings.Contains(file, "␛[2J") {
			t.Error("the escape is not shown")
		}
	}
}

func TestTextSaysWhatIsCut(t *testing.T) {
	e := session.Event{Seen: session.Seen{Session: 1, Body: session.StreamElement{}, Size: 100, Truncated: true}, Said: session.Said{Done: true}}
	if got := Text(e, nil); !strings.Contains(got, "cut: 0 of 100 bytes") {
		t.Errorf("text is %q", got)
	}
}

func TestExplainIsBounded(t *testing.T) {
	e := session.Event{Seen: session.Seen{Session: 1, Body: session.StreamElement{}}, Said: session.Said{Done: true, Summary: strings.Repeat("ü", maxComment)}}
	got := explain(e)
	if len(got) > maxComment || !strings.HasSuffix(got, "ü…") {
		t.Errorf("comment has %d bytes and ends with %q", len(got), got[len(got)-8:])
	}
}

// TestHugeEvent: one event larger than a record may be is cut, said to be, and
// can be read back.
func TestHugeEvent(t *testing.T) {
	e := session.Event{
		Seen: session.Seen{Session: 1, Seq: 1, At: start, Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamElement{}, Name: "message",
			Raw: []byte(strings.Repeat("\x01", maxRaw+1)), Size: maxRaw + 1}, Said: session.Said{Done: true},
	}
	for _, f := range those(readable) {
		ext := f.Ext
		got, err := replay(record(t, ext, Options{}, []session.Event{e}))
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %d events, %v", ext, len(got), err)
		}
		if g := got[0]; len(g.Raw) != maxRaw || !g.Truncated || g.Size != maxRaw+1 {
			t.Errorf("%s: %d bytes, truncated %v, size %d", ext, len(g.Raw), g.Truncated, g.Size)
		}
	}
}
