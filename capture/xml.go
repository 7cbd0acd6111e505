package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".xml", Title: "one XML document",
		New: newXML, Sniff: sniffXML, Read: readXML,
	})
}

// nsXML is the namespace of the document and its elements.
const nsXML = "urn:xmppscope:capture:1"

const xmlEnd = "</xmppscope>\n"

// xmlWriter writes one document. Stanzas stand in it as text, not as markup, so
// that it is well-formed whatever they hold; what XML 1.0 cannot carry at all
// (most control characters, bytes that are not UTF-8) stands in base64, said by
// encoding="base64" on an element and by the name NAME-base64 on an attribute.
// What it can carry but no terminal should be given (session.Safe) stands as
// character references.
//
// In a file the end tag is written after each event and overwritten by the
// next, so that the document is whole at any time. Elsewhere it comes with
// Close, and readXML does without.
type xmlWriter struct {
	w      io.Writer
	tail   TailWriter // w, if it is one
	reveal bool
	buf    bytes.Buffer
}

func newXML(w io.Writer, o Options) (Writer, error) {
	x := &xmlWriter{w: w, reveal: o.Reveal}
	x.tail, _ = w.(TailWriter)
	x.buf.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xmppscope")
	x.attr("xmlns", nsXML)
	x.attr("version", strconv.Itoa(session.FormatVersion))
	x.attr("tool", o.Tool)
	if !o.Created.IsZero() {
		x.attr("created", o.Created.UTC().Format(time.RFC3339Nano))
	}
	x.attr("revealed", strconv.FormatBool(o.Reveal))
	x.buf.WriteString(">\n")
	return x, x.flush()
}

func (x *xmlWriter) Write(e session.Event) error {
	if !session.Numbered(e.Body) {
		return nil
	}
	e = session.Shown(&e, x.reveal)
	e = bounded(e)
	if err := x.event(&e); err != nil {
		return err
	}
	return x.flush()
}

// Close writes the end tag, where it does not stand there already.
func (x *xmlWriter) Close() error {
	if x.tail != nil {
		return nil
	}
	_, err := io.WriteString(x.w, xmlEnd)
	return err
}

func (x *xmlWriter) flush() error {
	defer x.buf.Reset()
	if x.tail != nil {
		return x.tail.WriteTail(x.buf.Bytes(), []byte(xmlEnd))
	}
	_, err := x.w.Write(x.buf.Bytes())
	return err
}

func (x *xmlWriter) event(e *session.Event) error {
	detail, err := json.Marshal(e.Body)
	if err != nil {
		return err
	}
	x.buf.WriteString("<event")
	x.number("session", int64(e.Session))
	x.number("seq", int64(e.Seq))
	x.attr("at", e.At.UTC().Format(time.RFC3339Nano))
	x.attr("leg", e.Leg.String())
	x.number("conn", int64(e.Conn))
	x.flag("beside", e.Beside)
	x.attr("dir", e.Dir.String())
	x.attr("kind", e.Kind())
	x.attr("origin", e.Origin)
	x.attr("name", e.Name)
	x.attr("ns", e.Space)
	x.number("size", e.Size)
	x.number("offset", e.Offset)
	x.number("answers", int64(e.Answers))
	x.number("rtt_ns", int64(e.RTT))
	x.flag("truncated", e.Truncated)
	x.flag("redacted", e.Redacted)
	x.flag("unexplained", !e.Done)
	x.buf.WriteString(">\n")
	if e.Summary != "" {
		x.text("summary", []byte(e.Summary))
	}
	if s := e.Step; s != nil {
		x.buf.WriteString("  <step")
		x.number("n", int64(s.N))
		x.attr("id", s.ID)
		x.attr("title", s.Title)
		x.attr("ref", s.Ref)
		x.number("since_ns", int64(s.Since))
		x.content("step", []byte(s.Text))
	}
	for i := range e.Notes {
		x.note(&e.Notes[i])
	}
	if e.Raw != nil {
		x.text("raw", e.Raw)
	}
	for _, s := range e.Secrets {
		x.buf.WriteString("  <secret")
		x.attr("kind", s.Kind)
		x.attr("mark", s.Mark)
		x.span(s.Span)
		x.content("secret", nil)
	}
	if !bytes.Equal(detail, []byte("{}")) {
		x.text("detail", detail)
	}
	x.buf.WriteString("</event>\n")
	return nil
}

func (x *xmlWriter) note(n *session.Note) {
	x.buf.WriteString("  <note")
	x.attr("rule", n.Rule)
	x.attr("severity", n.Severity.String())
	x.attr("name", n.Name)
	x.attr("value", n.Value)
	x.attr("class", n.Class.String())
	x.attr("holds", n.Holds.String())
	x.attr("secret", n.Secret)
	x.attr("mark", n.Mark)
	x.attr("ref", n.Ref)
	x.span(n.Span)
	x.content("note", []byte(n.Text))
}

// attr writes an attribute, none if the value is empty.
func (x *xmlWriter) attr(name, value string) {
	if value == "" {
		return
	}
	x.buf.WriteString(" " + name)
	if !fitsXML([]byte(value)) {
		x.buf.WriteString("-base64")
		value = base64.StdEncoding.EncodeToString([]byte(value))
	}
	x.buf.WriteString(`="`)
	x.escape([]byte(value))
	x.buf.WriteByte('"')
}

func (x *xmlWriter) number(name string, v int64) {
	if v != 0 {
		x.attr(name, strconv.FormatInt(v, 10))
	}
}

func (x *xmlWriter) flag(name string, v bool) {
	if v {
		x.attr(name, "true")
	}
}

func (x *xmlWriter) span(s session.Span) {
	if s.Len() > 0 {
		x.attr("start", strconv.Itoa(s.Start))
		x.attr("end", strconv.Itoa(s.End))
	}
}

// text writes an element that holds text and nothing else.
func (x *xmlWriter) text(name string, b []byte) {
	x.buf.WriteString("  <" + name)
	x.content(name, b)
}

// content ends a start tag, and writes the text and the end tag.
func (x *xmlWriter) content(name string, b []byte) {
	if fitsXML(b) {
		x.buf.WriteByte('>')
		x.escape(b)
	} else {
		x.buf.WriteString(` encoding="base64">`)
		x.buf.WriteString(base64.StdEncoding.EncodeToString(b))
	}
	x.buf.WriteString("</" + name + ">\n")
}

// escape writes a text that fits, markup and all that is not to be shown as
// references: C1 controls, DEL, bidi controls, line and paragraph separators.
func (x *xmlWriter) escape(b []byte) {
	written := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r >= 0x7f && session.Safe(string(b[i:i+n])) != string(b[i:i+n]) {
			xml.EscapeText(&x.buf, b[written:i]) // to a bytes.Buffer: cannot fail
			fmt.Fprintf(&x.buf, "&#x%x;", r)
			written = i + n
		}
		i += n
	}
	xml.EscapeText(&x.buf, b[written:])
}

// fitsXML says whether a text can stand in an XML 1.0 document (XML 1.0 §2.2).
func fitsXML(b []byte) bool {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1,
			r < 0x20 && r != '\t' && r != '\n' && r != '\r',
			r == 0xFFFE, r == 0xFFFF:
			return false
		}
		i += n
	}
	return true
}
