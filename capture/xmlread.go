package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"xmppscope/session"
)

func sniffXML(prefix []byte) bool {
	return bytes.Contains(prefix, []byte("<xmppscope ")) && bytes.Contains(prefix, []byte(nsXML))
}

// The document's elements as encoding/xml reads them. Attributes are taken as a
// list, because each may also come as NAME-base64.
type (
	xmlText struct {
		Attrs []xml.Attr `xml:",any,attr"`
		Text  string     `xml:",chardata"`
	}
	xmlEvent struct {
		Attrs   []xml.Attr `xml:",any,attr"`
		Summary xmlText    `xml:"summary"`
		Step    *xmlText   `xml:"step"`
		Notes   []xmlText  `xml:"note"`
		Raw     *xmlText   `xml:"raw"`
		Secrets []xmlText  `xml:"secret"`
		Detail  *xmlText   `xml:"detail"`
	}
)

// readXML emits each event when its end tag has been read. A document without
// its own end tag has been cut off, and is said to be, after its last event.
func readXML(r io.Reader, emit func(session.Event) error) error {
	budget := &budgetReader{r: r, left: maxRecord}
	dec := xml.NewDecoder(budget)
	root := false
	for {
		at := dec.InputOffset()
		budget.left = maxRecord
		token, err := dec.Token()
		if err != nil {
			return &Truncated{Ext: ".xml", Offset: at, Err: unclosed(err)}
		}
		if _, ok := token.(xml.EndElement); ok {
			return nil // only the root's own is met here
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !root {
			if err := checkXMLRoot(start); err != nil {
				return err
			}
			root = true
			continue
		}
		var x xmlEvent
		var e session.Event
		if err = dec.DecodeElement(&x, &start); err == nil {
			e, err = x.event()
		}
		if err != nil {
			return &Truncated{Ext: ".xml", Offset: at, Err: unclosed(err)}
		}
		if err := emit(e); err != nil {
			return err
		}
	}
}

// unclosed tells a document that was cut off from one that is damaged.
func unclosed(err error) error {
	if syntax := new(xml.SyntaxError); err == io.EOF || errors.As(err, &syntax) && syntax.Msg == "unexpected EOF" {
		return io.ErrUnexpectedEOF
	}
	return err
}

func checkXMLRoot(start xml.StartElement) error {
	if start.Name.Space != nsXML || start.Name.Local != "xmppscope" {
		return fmt.Errorf("capture: %w: the document is a %q of namespace %q", ErrUnknown, start.Name.Local, start.Name.Space)
	}
	a := attrs{list: start.Attr}
	h := session.Header{Format: session.FormatName, Version: int(a.number("version"))}
	return errors.Join(a.err, h.Check())
}

func (x *xmlEvent) event() (session.Event, error) {
	a := attrs{list: x.Attrs}
	e, err := x.body(&a)
	if err != nil {
		return e, err
	}
	e.Seq, e.Answers = uint64(a.number("seq")), uint64(a.number("answers"))
	e.Size, e.Offset = a.number("size"), a.number("offset")
	e.RTT = time.Duration(a.number("rtt_ns"))
	e.Conn, e.Beside = int32(a.number("conn")), a.text("beside") != ""
	e.Origin, e.Name, e.Space = a.text("origin"), a.text("name"), a.text("ns")
	e.Truncated, e.Redacted, e.Done = a.text("truncated") != "", a.text("redacted") != "", a.text("unexplained") == ""
	e.Summary = string(x.Summary.content(&a))
	if x.Raw != nil {
		e.Raw = x.Raw.content(&a)
	}
	if s := x.Step; s != nil {
		b := attrs{list: s.Attrs}
		e.Step = &session.Step{
			N: int(b.number("n")), ID: b.text("id"), Title: b.text("title"), Ref: b.text("ref"),
			Text: string(s.content(&b)), Since: time.Duration(b.number("since_ns")),
		}
		a.err = errors.Join(a.err, b.err)
	}
	for i := range x.Notes {
		b := attrs{list: x.Notes[i].Attrs}
		e.Notes = append(e.Notes, x.Notes[i].note(&b, len(e.Raw)))
		a.err = errors.Join(a.err, b.err)
	}
	for i := range x.Secrets {
		b := attrs{list: x.Secrets[i].Attrs}
		e.AddSecrets(session.Secret{Kind: b.text("kind"), Mark: b.text("mark"), Span: b.span(len(e.Raw))})
		a.err = errors.Join(a.err, b.err)
	}
	return e, a.err
}

// body makes the event with what session.DecodeJSON alone can make: its body.
func (x *xmlEvent) body(a *attrs) (session.Event, error) {
	line := map[string]any{
		"session": a.number("session"), "kind": a.text("kind"), "at": a.text("at"),
		"leg": a.text("leg"), "dir": a.text("dir"),
	}
	if x.Detail != nil {
		line["detail"] = json.RawMessage(x.Detail.content(a))
	}
	b, err := json.Marshal(line)
	if err := errors.Join(a.err, err); err != nil {
		return session.Event{}, err
	}
	return session.DecodeJSON(b)
}

func (t *xmlText) note(a *attrs, size int) session.Note {
	n := session.Note{
		Rule: a.text("rule"), Name: a.text("name"), Value: a.text("value"), Ref: a.text("ref"),
		Secret: a.text("secret"), Mark: a.text("mark"), Span: a.span(size), Text: string(t.content(a)),
	}
	a.keep(n.Severity.UnmarshalText([]byte(a.text("severity"))))
	a.keep(n.Class.UnmarshalText([]byte(a.text("class"))))
	a.keep(n.Holds.UnmarshalText([]byte(a.text("holds"))))
	return n
}

// content is the element's text as the writer was given it.
func (t *xmlText) content(a *attrs) []byte {
	own := attrs{list: t.Attrs}
	if own.text("encoding") != "base64" {
		return []byte(t.Text)
	}
	b, err := base64.StdEncoding.DecodeString(t.Text)
	a.keep(err)
	return b
}

// attrs looks attributes up and keeps the first error.
type attrs struct {
	list []xml.Attr
	err  error
}

func (a *attrs) keep(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *attrs) text(name string) string {
	for _, attr := range a.list {
		switch attr.Name.Local {
		case name:
			return attr.Value
		case name + "-base64":
			b, err := base64.StdEncoding.DecodeString(attr.Value)
			a.keep(err)
			return string(b)
		}
	}
	return ""
}

func (a *attrs) number(name string) int64 {
	s := a.text(name)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	a.keep(err)
	return v
}

func (a *attrs) span(size int) session.Span {
	clamp := func(v int64, low int) int { return max(low, int(min(v, int64(size)))) }
	start := clamp(a.number("start"), 0)
	return session.Span{Start: start, End: clamp(a.number("end"), start)}
}

// budgetReader fails when more is read than was allowed since left was set.
type budgetReader struct {
	r    io.Reader
	left int
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}
