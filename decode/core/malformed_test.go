package core_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// malformed are inputs in the manner of the XML conformance suites: what must be
// refused (bad), what must not be (good), and what may be either way, all of it
// inside of a stream.
var malformed = []struct {
	kind, xml string
}{
	// Tags.
	{"bad", `<a`}, {"bad", `<a><b></a></b>`}, {"bad", `<a></b>`}, {"bad", `<a></ a>`}, {"bad", `< a/>`}, {"bad", `<a/ >`},
	{"bad", `<1a/>`}, {"bad", `<-a/>`}, {"bad", `<.a/>`}, {"bad", `</a>`}, {"bad", `<a></a b='c'>`}, {"bad", `<a><></a>`},
	{"good", `<a></a >`}, {"good", `<a  />`}, {"good", "<a\n\tb='c'\r\n/>"}, {"good", `<_a/>`}, {"good", `<é/>`}, {"good", `<a.b-c/>`},
	// Attributes.
	{"bad", `<a b/>`}, {"bad", `<a b=c/>`}, {"bad", `<a b='c"/>`}, {"bad", `<a b='c'd='e'/>`}, {"bad", `<a b='<'/>`},
	{"bad", `<a b='1' b='2'/>`}, {"bad", `<a b='&'/>`}, {"bad", `<a b='&#0;'/>`}, {"bad", `<a ='c'/>`}, {"bad", `<a b='c' & />`},
	{"good", `<a b='>'/>`}, {"good", `<a b="'"/>`}, {"good", `<a b = 'c'/>`}, {"good", `<a b=''/>`}, {"good", `<a b='&lt;&#10;'/>`},
	// Character data and references.
	{"bad", `<a>]]></a>`}, {"bad", `<a>&</a>`}, {"bad", `<a>&amp</a>`}, {"bad", `<a>&b;</a>`}, {"bad", `<a>&#;</a>`}, {"bad", `<a>&#x;</a>`},
	{"bad", `<a>&#xD800;</a>`}, {"bad", `<a>&#x110000;</a>`}, {"bad", `<a>&#99999999999999999999;</a>`}, {"bad", `<a>&#xFFFE;</a>`},
	{"bad", "<a>\x00</a>"}, {"bad", "<a>\x0b</a>"}, {"bad", "<a>\x1b[31m</a>"}, {"bad", "<a>\xef\xbf\xbf</a>"},
	{"good", `<a>]] ></a>`}, {"good", `<a>&#x10FFFF;&#9;</a>`}, {"good", "<a>\u0085\u2028 \U0001F600</a>"}, {"good", `<a>]]</a>`},
	// Encoding.
	{"bad", "<a>\xff</a>"}, {"bad", "<a>\xc0\xaf</a>"}, {"bad", "<a>\xed\xa0\x80</a>"}, {"bad", "<a>\xf5\x80\x80\x80</a>"}, {"bad", "<a>\xe2\x82</a>"},
	{"bad", "<a b='\x80'/>"}, {"bad", "\xfe\xff\x00<\x00a"},
	// CDATA, comments, instructions, declarations.
	{"good", `<a><![CDATA[]]></a>`}, {"good", `<a><![CDATA[<b>]]]></a>`}, {"bad", `<a><![CDATA[x</a>`}, {"bad", `<a><![cdata[]]></a>`}, {"bad", `<![CDATA[x]]>`},
	{"bad", `<a><!-- b --></a>`}, {"bad", `<!-- b -->`}, {"bad", `<a><!- b --></a>`}, {"bad", `<a><!-- b`}, {"bad", `<a><?b?></a>`}, {"bad", `<?b c?>`},
	{"bad", `<a><?xml version='1.0'?></a>`}, {"bad", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`}, {"bad", `<a><!ELEMENT b EMPTY></a>`},
	{"bad", `<a><!DOCTYPE b [<!ENTITY c "&d;&d;&d;"><!ENTITY d "&e;&e;&e;">]>&c;</a>`},
	// Namespaces.
	{"bad", `<b:a/>`}, {"bad", `<a b:c='d'/>`}, {"bad", `<a xmlns:b=''/>`}, {"bad", `<a xmlns:b='c' xmlns:d='c' b:e='' d:e=''/>`},
	{"good", `<a xmlns:b='c' b:e='' e=''/>`}, {"good", `<a xmlns=''><b xmlns='c'/></a>`}, {"good", `<a xml:lang='de'/>`},
	// Text where only elements may stand.
	{"bad", `hello`}, {"bad", `&lt;`}, {"bad", `>`}, {"bad", "\x00"}, {"bad", "\x16\x03\x01\x02\x00"}, {"good", " \t\r\n"},
	// Much of it.
	{"any", strings.Repeat(`<a>`, 100_000)}, {"any", `<` + strings.Repeat(`a`, 200_000) + `/>`}, {"any", `<a ` + strings.Repeat(`b='' `, 20_000) + `/>`},
	{"any", `<a b='` + strings.Repeat(`&amp;`, 50_000) + `'/>`}, {"any", `<a>` + strings.Repeat(`&x;`, 50_000) + `</a>`}, {"any", strings.Repeat(`<a/>`, 5_000)},
	{"any", `<a>` + strings.Repeat(`<b xmlns='c'/>`, 20_000) + `</a>`}, {"any", `<a>` + strings.Repeat(`]`, 100_000) + `</a>`},
	{"any", `<a ` + strings.Repeat(`xmlns:b='c' `, 5_000) + `/>`},
	{"any", `<` + strings.Repeat(`a`, 1_000_000) + `/>`}, {"any", `<a ` + strings.Repeat(`b`, 1_000_000) + `=''/>`}, {"any", `<a>&` + strings.Repeat(`b`, 1_000_000) + `;</a>`},
	{"any", `<a` + written(" b%d=''", 100_000) + `/>`}, {"any", `<a` + written(" xmlns:b%d='c'", 1000) + written(" b%d:d=''", 70_000) + `/>`},
	{"any", written(`<a xmlns:b%d='c'>`, 40_000)}, {"any", `<a>` + written(`<b%[1]d></b%[1]d>`, 50_000) + `</a>`},
}

// written writes something over and over, with a number in it.
func written(format string, count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

const opening = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='a.example' version='1.0'>`

// TestMalformed: whatever is sent, the decoder gives every byte back, in bounded
// time, says that something is wrong where it is, and says the same however the
// bytes were cut.
func TestMalformed(t *testing.T) {
	for _, m := range malformed {
		name := m.xml[:min(len(m.xml), 40)]
		whole, wrong := decodeAll(t, m.xml, 1<<20)
		if got := wrong; m.kind == "bad" && !got || m.kind == "good" && got {
			t.Errorf("%s input %q: said to be wrong: %v\n%v", m.kind, name, got, whole)
		}
		for _, size := range []int{1, 7} {
			if len(m.xml) > 20_000 && size == 1 {
				continue
			}
			if cut, _ := decodeAll(t, m.xml, size); cut != whole {
				t.Errorf("%q in chunks of %d:\n%s\nas a whole:\n%s", name, size, cut, whole)
			}
		}
	}
}

// decodeAll decodes input behind a stream header and says what was found in it.
func decodeAll(t *testing.T, input string, chunk int) (said string, wrong bool) {
	t.Helper()
	data := []byte(opening + input)
	var scan decode.Scanner
	var joined bytes.Buffer
	var b strings.Builder
	explain := decode.NewSession(xmpptest.Rules(), new(session.Book))
	seq := uint64(0)
	take := func(f decode.Frame) {
		if f.Problem != nil {
			wrong = true
			b.WriteString(f.Problem.Reason + "\n")
		}
		seq++
		e := f.Event(session.C2S)
		e.Session, e.Seq = 1, seq
		wrong = wrong || f.Kind == decode.Partial
		joined.Write(e.Raw)
		e = explain.Explain(e)
		for _, n := range e.Notes {
			if strings.HasPrefix(n.Rule, "X") {
				wrong = true
				b.WriteString(n.Rule + " " + n.Text + "\n")
			}
			if n.Span.End > len(e.Raw) || n.Span.Start > n.Span.End {
				t.Fatalf("%s points at %v of %d bytes", n.Rule, n.Span, len(e.Raw))
			}
			if strings.Contains(n.Text, "this rule failed") {
				t.Fatalf("%q: %s: %s", input[:min(len(input), 60)], n.Rule, n.Text)
			}
		}
	}
	for rest := data; len(rest) > 0; {
		part := rest[:min(len(rest), chunk)]
		rest = rest[len(part):]
		for len(part) > 0 {
			n, f, ok := scan.Next(part)
			if n == 0 {
				t.Fatalf("the scanner stands still at %q", part[:min(len(part), 40)])
			}
			part = part[n:]
			if ok {
				take(f)
			}
		}
	}
	if f, ok := scan.Finish(); ok {
		take(f)
	}
	if !bytes.Equal(joined.Bytes(), data) {
		t.Fatalf("%q came back as %q", data[:min(len(data), 200)], joined.Bytes()[:min(joined.Len(), 200)])
	}
	return b.String(), wrong
}
