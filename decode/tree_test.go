package decode

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"xmppscope/session"
)

// FuzzTree: whatever the bytes are, all spans lie in them and in each other; and what
// has no fault reads as encoding/xml reads it.
func FuzzTree(f *testing.F) {
	for _, c := range scanCases {
		f.Add([]byte(c.in))
	}
	for _, s := range []string{
		"<a b='1' c=\"&lt;&#x41;\">x<b/>y<![CDATA[<z>]]]]>&amp;</a>", "<p:a xmlns:p='u' p:b='\n'><p:c xmlns:p='v'/></p:a>", "<a\r\nb = 'c'\t>\r\n</a >",
		"<?xml version='1.0' encoding='utf-8'?><a/>", "\ufeff<a/>", "<a><!-- - --><?b c?></a>", "<a b='1' b='2'/>", "<a>&#xD800;&nope;&</a>", "<\u00e9 \u0300='1'/>", "<a><b><c></b></a>", "<?>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		root, faults := Parse(raw, nil)
		for _, fault := range faults {
			if s := fault.Span; s.Start < 0 || s.Len() < 0 || s.End > len(raw) {
				t.Errorf("%s %s points at %v of %d bytes", fault.Rule, fault.Text, s, len(raw))
			}
		}
		if root == nil {
			if len(faults) == 0 {
				t.Error("there is no element, and no fault")
			}
			return
		}
		checkSpans(t, root, session.Span{End: len(raw)})
		if len(faults) > 0 || bytes.ContainsFunc(raw, func(r rune) bool { return r >= 0x80 }) { // whose names are those of an older XML
			return
		}
		var ours strings.Builder
		flatten(&ours, root)
		if theirs := flattened(raw[:root.Span.End]); ours.String() != theirs {
			t.Errorf("read as\n%q\nby encoding/xml as\n%q", ours.String(), theirs)
		}
	})
}

func checkSpans(t *testing.T, e *session.Element, in session.Span) {
	within := func(what string, s, in session.Span) {
		if s.Start < in.Start || s.End > in.End || s.Len() < 0 {
			t.Fatalf("%s of <%s> at %v, in %v", what, e.Name.Qualified(), s, in)
		}
	}
	within("span", e.Span, in)
	within("tag", e.Tag, e.Span)
	for i := range e.Attrs {
		within("attribute", e.Attrs[i].Span, e.Tag)
		if e.Attrs[i].Quote.Len() > 0 {
			within("value", e.Attrs[i].Quote, e.Attrs[i].Span)
		}
	}
	at := e.Tag.End
	for i := range e.Nodes {
		n := &e.Nodes[i]
		within("node", n.Span, session.Span{Start: at, End: e.Span.End})
		if at = n.Span.End; n.Element != nil {
			checkSpans(t, n.Element, n.Span)
		}
	}
}

var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// flatten writes a tree in a form that can be compared.
func flatten(b *strings.Builder, e *session.Element) {
	b.WriteString("<" + e.Name.Space + "|" + e.Name.Local)
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name.Prefix != "xmlns" && (a.Name.Prefix != "" || a.Name.Local != "xmlns") {
			b.WriteString(" " + a.Name.Space + "|" + a.Name.Local + "=" + normalise(a.Value))
		}
	}
	b.WriteString(">")
	for i := range e.Nodes {
		if c := e.Nodes[i].Element; c != nil {
			flatten(b, c)
		} else {
			b.WriteString(newlines.Replace(e.Nodes[i].Text))
		}
	}
	b.WriteString("</>")
}

// flattened is the same of what encoding/xml reads.
func flattened(raw []byte) string {
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(raw))
	for depth := 0; ; {
		token, err := d.Token()
		switch token := token.(type) {
		case nil:
			if err != io.EOF {
				return err.Error()
			}
			return b.String()
		case xml.StartElement:
			depth++
			b.WriteString("<" + normalise(token.Name.Space) + "|" + token.Name.Local)
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					b.WriteString(" " + normalise(a.Name.Space) + "|" + a.Name.Local + "=" + normalise(a.Value))
				}
			}
			b.WriteString(">")
		case xml.EndElement:
			depth--
			b.WriteString("</>")
		case xml.CharData:
			if depth > 0 {
				b.WriteString(newlines.Replace(string(token)))
			}
		}
	}
}
