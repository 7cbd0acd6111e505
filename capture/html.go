package capture

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the template and the style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"xmppscope/session"
)

func init() {
	add(Format{Ext: ".html", Title: "a report for a browser", New: newHTML})
}

//go:embed report/page.tmpl
var pageText string

//go:embed report/style.css
var pageStyle string

// page is parsed when the first report is drawn: most runs draw none.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"class": pieceClass}).Parse(pageText))
})

// pageHead is all of the document that stands before what was recorded. Nothing
// may be fetched or run, whatever a stanza says: the one style sheet is named by
// its hash.
func pageHead() string {
	sum := sha256.Sum256([]byte(pageStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta name=\"referrer\" content=\"no-referrer\">\n" +
		"<title>xmppscope report</title>\n<style>" + pageStyle + "</style>\n</head>\n<body>\n<main>\n"
}

const pageEnd = "</main>\n</body>\n</html>\n"

// A browser takes so many bytes of a document before its reader has to wait. Up to
// the first bound every event is shown whole; then the steps of the ladder and what
// brings a new finding are, and all else is a line; then all is; then nothing more
// is. Options.Full lifts them.
const (
	maxWhole = 4 << 20
	maxSteps = 12 << 20
	maxLines = 32 << 20
	maxTops  = 8 << 20 // of ladders and facts; later sessions have their verdict alone
	someLine = 200     // lines that are written together
)

// Bounds of what is drawn anew each time.
const (
	maxListed = 200      // sessions in the list of verdicts
	maxLive   = 16       // sessions in progress with their whole top
	maxTail   = 64 << 10 // a longer tail is not written with each event, but with each Flush
)

// htmlWriter writes one document that needs nothing but itself. What happens is
// written as it happens. What stands on top, verdicts and ladders, is not known
// before the end: while recording it is the tail of the file, which the style
// sheet shows first, and which the next event is written over. At the end, where
// the file can be written anew (Rewriter), all is put in the order in which it is
// read, each session by itself.
type htmlWriter struct {
	w        io.Writer
	tail     TailWriter // w, if it is one
	o        Options
	buf      bytes.Buffer
	at       int64 // bytes of the document so far, without the tail
	tops     int64 // bytes of the drawn tops
	live     map[int]*htmlSession
	all      map[int]*htmlSession // those that have ended as well
	showTail []byte               // as it was drawn last
	changed  bool
}

// htmlSession is a session of the document, and where it stands in it.
type htmlSession struct {
	id      int
	report  *report // nil when it has ended
	line    verdictLine
	top     run   // its drawn top, once it has ended
	events  []run // its events
	started time.Time
	lines   []string // of the events at hand, not yet written
	short   int      // events that became a line
	left    int      // events that are not there at all
	first   uint64   // the first event that would be linked to and is not shown whole, 0 for none
}

// run is a stretch of the document.
type run struct{ at, size int64 }

// verdictLine is a session in the list on top.
type verdictLine struct {
	ID                     int
	Class, Verdict, Advice string
}

func newHTML(w io.Writer, o Options) (Writer, error) {
	h := &htmlWriter{w: w, o: o, live: map[int]*htmlSession{}, all: map[int]*htmlSession{}}
	h.tail, _ = w.(TailWriter)
	h.buf.WriteString(pageHead())
	if err := h.header(); err != nil {
		return nil, err
	}
	return h, h.out()
}

// header says whose document it is.
func (h *htmlWriter) header() error {
	fmt.Fprintf(&h.buf, "<header class=\"first\"><h1>xmppscope report</h1><p>%s</p></header>\n",
		template.HTMLEscapeString(session.SafeLine(h.o.heading())))
	return nil
}

func (h *htmlWriter) Write(e session.Event) error {
	if !session.Numbered(e.Body) {
		return nil
	}
	e = session.Shown(&e, h.o.Reveal)
	s := h.session(&e)
	if s.report != nil {
		s.report.apply(&e)
		if s.report.Captured && e.Dir == session.NoDir {
			e.Leg = session.NoLeg // there is one wire
		}
	}
	if err := h.event(s, &e); err != nil {
		return err
	}
	if s.report != nil && s.report.over() {
		if err := h.end(s); err != nil {
			return err
		}
	}
	h.changed = true
	return h.out()
}

// event shows an event as large as there is room.
func (h *htmlWriter) event(s *htmlSession, e *session.Event) error {
	news := s.report != nil && (e.Step != nil || s.report.news)
	switch at := h.at + int64(h.buf.Len()); {
	case h.o.Full, at < maxWhole, news && at < maxSteps:
		if err := h.rest(s); err != nil {
			return err
		}
		return h.part(s, "event", h.o.eventView(e))
	case at < maxLines:
		s.short++
		s.lines = append(s.lines, lineView(e))
	default:
		s.left++
	}
	if news && s.first == 0 {
		s.first = e.Seq
	}
	if len(s.lines) < someLine {
		return nil
	}
	return h.rest(s)
}

// rest writes the lines that wait.
func (h *htmlWriter) rest(s *htmlSession) error {
	if len(s.lines) == 0 {
		return nil
	}
	defer func() { s.lines = s.lines[:0] }()
	return h.part(s, "lines", s.lines)
}

// part draws what belongs to a session.
func (h *htmlWriter) part(s *htmlSession, name string, data any) error {
	at := h.buf.Len()
	if err := h.draw(name, data); err != nil {
		return err
	}
	s.events = grow(s.events, run{h.at + int64(at), int64(h.buf.Len() - at)})
	return nil
}

// grow adds a stretch, to the last one if they touch.
func grow(runs []run, r run) []run {
	if n := len(runs); n > 0 && runs[n-1].at+runs[n-1].size == r.at {
		runs[n-1].size += r.size
		return runs
	}
	return append(runs, r)
}

func (h *htmlWriter) session(e *session.Event) *htmlSession {
	if s := h.all[e.Session]; s != nil {
		return s
	}
	s := &htmlSession{id: e.Session, report: new(report), started: e.At}
	s.report.ID = e.Session
	h.live[e.Session], h.all[e.Session] = s, s
	return s
}

// end draws the top of a session whose connections are gone.
func (h *htmlWriter) end(s *htmlSession) error {
	if err := h.rest(s); err != nil {
		return err
	}
	at := h.buf.Len()
	if err := h.draw("session", h.view(s)); err != nil {
		return err
	}
	s.top = run{h.at + int64(at), int64(h.buf.Len() - at)}
	h.tops += s.top.size
	s.line, s.report = lineOf(s.report), nil
	delete(h.live, s.id)
	h.showTail = nil // which has it among those in progress
	return nil
}

// view is the top of a session; its verdict alone where there is no room for more.
func (h *htmlWriter) view(s *htmlSession) sessionView {
	v := h.o.sessionView(s.report, s.first)
	v.Short, v.Left = s.short, s.left
	v.Brief = !h.o.Full && h.tops >= maxTops
	return v
}

// draw appends a part of the document. Whatever was on the wire, nothing in it
// steers the screen of its reader.
func (h *htmlWriter) draw(name string, data any) error {
	var part bytes.Buffer
	if err := page().ExecuteTemplate(&part, name, data); err != nil {
		return fmt.Errorf("capture: report: %w", err)
	}
	h.buf.WriteString(session.Safe(part.String()))
	return nil
}

// out hands what was drawn to the system.
func (h *htmlWriter) out() error {
	defer h.buf.Reset()
	h.at += int64(h.buf.Len())
	if h.tail == nil {
		_, err := h.w.Write(h.buf.Bytes())
		return err
	}
	tail := h.showTail
	if len(tail) == 0 || len(tail) > maxTail {
		tail = []byte(pageEnd)
	}
	return h.tail.WriteTail(h.buf.Bytes(), tail)
}

// Flush draws what stands on top anew.
func (h *htmlWriter) Flush() error {
	if h.tail == nil || !h.changed {
		return nil
	}
	h.changed = false
	for _, s := range h.inOrder() {
		if err := h.rest(s); err != nil {
			return err
		}
	}
	if err := h.out(); err != nil {
		return err
	}
	if err := h.above(); err != nil {
		return err
	}
	if s := int(h.o.Refresh.Seconds()); s > 0 { // gone when the file is whole
		fmt.Fprintf(&h.buf, "<meta http-equiv=\"refresh\" content=\"%d\">\n", s)
	}
	h.buf.WriteString(pageEnd)
	h.showTail = bytes.Clone(h.buf.Bytes())
	h.buf.Reset()
	return h.tail.WriteTail(nil, h.showTail)
}

// above draws the list of verdicts and the sessions in progress.
func (h *htmlWriter) above() error {
	if err := h.draw("index", h.index()); err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(h.live))
	for _, id := range ids[max(0, len(ids)-maxLive):] {
		if err := h.draw("session", h.view(h.live[id])); err != nil {
			return err
		}
	}
	return nil
}

type indexView struct {
	Sessions []verdictLine
	More     int
	None     bool
}

func (h *htmlWriter) index() indexView {
	v := indexView{None: len(h.all) == 0}
	if len(h.all) == 1 { // its own top says it
		return v
	}
	for _, s := range h.inOrder() {
		if len(v.Sessions) == maxListed {
			break
		}
		line := s.line
		if s.report != nil {
			line = lineOf(s.report)
		}
		v.Sessions = append(v.Sessions, line)
	}
	v.More = len(h.all) - len(v.Sessions)
	return v
}

func (h *htmlWriter) inOrder() []*htmlSession {
	return slices.SortedFunc(maps.Values(h.all), func(a, b *htmlSession) int { return a.id - b.id })
}

// Close writes the end, or the whole document in the order in which it is read.
func (h *htmlWriter) Close() error {
	for _, s := range h.inOrder() {
		if s.report != nil {
			if err := h.end(s); err != nil {
				return err
			}
		}
	}
	if err := h.out(); err != nil {
		return err
	}
	if err := h.draw("index", h.index()); err != nil {
		return err
	}
	h.buf.WriteString(pageEnd)
	var err error
	if h.tail != nil {
		err = h.tail.WriteTail(nil, h.buf.Bytes())
	} else {
		_, err = h.w.Write(h.buf.Bytes())
	}
	h.buf.Reset()
	if r, ok := h.w.(Rewriter); ok && err == nil {
		err = r.Rewrite(h.rewrite)
	}
	return err
}

// rewrite copies the document, each session's parts together.
func (h *htmlWriter) rewrite(old io.ReaderAt, w io.Writer) error {
	h.buf.WriteString(pageHead())
	if err := h.header(); err != nil {
		return err
	}
	if err := h.draw("index", h.index()); err != nil {
		return err
	}
	if _, err := h.buf.WriteTo(w); err != nil {
		return err
	}
	for _, s := range h.inOrder() {
		if _, err := fmt.Fprintf(w, "<div class=\"one\">\n"); err != nil {
			return err
		}
		for _, r := range append([]run{s.top}, s.events...) {
			if _, err := io.Copy(w, io.NewSectionReader(old, r.at, r.size)); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, "</div>\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, pageEnd)
	return err
}
