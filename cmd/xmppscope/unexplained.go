package main

import (
	"errors"
	"io/fs"
	"regexp"
	"time"

	"xmppscope/capture/passive"
	"xmppscope/decode"
	"xmppscope/session"
)

// leftover is what a run has left beside a recording, because it did not come to its end.
// It is explained as if the run had gone on.
type leftover struct {
	pages    *session.Unexplained // nil: nothing is left
	sessions map[int]*resumed
}

// resumed is a session of which something is left.
type resumed struct {
	reached session.Reached
	by      *decode.Session
	cutter  *decode.Cutter
	out     []session.Seen // of the cutter, not taken yet
	seq     uint64         // of the recording's last event
	last    time.Time      // when the newest of its events was
	live    bool           // what comes out from now on is new
	packed  bool           // its bytes are not what the recording has of them: HTTP, or compressed
}

// rotated is a name as --save-rotate gives them.
var rotated = regexp.MustCompile(`-[0-9]{5}(\.[a-z]+)$`)

// leftBeside looks for what is left beside the file.
func (f *input) leftBeside() (*leftover, error) {
	l := new(leftover)
	if f.path == "-" {
		return l, nil
	}
	path := f.path + session.UnexplainedExt
	pages, err := session.ReadUnexplained(path)
	if errors.Is(err, fs.ErrNotExist) {
		path = rotated.ReplaceAllString(f.path, "$1") + session.UnexplainedExt
		pages, err = session.ReadUnexplained(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	l.pages, l.sessions = pages, map[int]*resumed{}
	for _, id := range pages.Sessions() {
		r := &resumed{by: f.explainer()}
		r.cut()
		l.sessions[id] = r
	}
	f.tell("%s: the run did not come to its end: what it had not explained is read from %s", f.name, path)
	return l, nil
}

// cut has what is said be cut from the beginning. What the recording holds is not told again.
func (r *resumed) cut() {
	r.cutter = decode.NewCutter(func(e session.Seen) {
		if r.live && e.Seq > r.seq {
			r.out = append(r.out, e)
		}
	})
}

// note takes an event of the recording: what is left goes on from there.
func (l *leftover) note(e session.Event) {
	r := l.sessions[e.Session]
	if r == nil || !session.Numbered(e.Body) {
		return
	}
	r.seq = e.Seq
	r.reached.Note(&e)
	r.by.Explain(e.Seen) // what the rules know of the session
	if e.At.After(r.last) {
		r.last = e.At
	}
	switch e.Body.(type) {
	case session.HTTPRequest, session.HTTPResponse, session.HTTPBody, session.WebSocketFrame, session.BOSHBody:
		r.packed = true
	}
	switch {
	case r.packed:
	case !session.IsPlaintext(e.Body):
		r.cutter.Take(e.Seen)
	case e.Truncated: // whole elements are cut off so, and leave nothing open
		r.cutter.Skip(e.Dir, e.Size)
	default:
		r.cutter.Take(session.Seen{Dir: e.Dir, Conn: e.Conn, Body: session.StreamBytes{}, Raw: e.Raw})
		r.cutter.Skip(e.Dir, e.Size-int64(len(e.Raw))) // placeholders have another length
	}
	r.packed = r.packed || r.cutter.IsCompressed(session.C2S) || r.cutter.IsCompressed(session.S2C)
}

// tell emits the events of what is left.
func (l *leftover) tell(emit passive.Emit) error {
	if l.pages == nil {
		return nil
	}
	for _, id := range l.pages.Sessions() {
		r := l.sessions[id]
		r.live = true
		var failed error
		told := func() {
			for _, e := range r.out {
				if e.Session = id; failed == nil {
					failed = emit(r.by.Explain(e), nil)
				}
			}
			r.out = r.out[:0]
		}
		take := func(e session.Seen) {
			r.cutter.Take(e)
			told()
		}
		switch {
		case !r.packed:
			r.cutter.From(r.seq)
			l.pages.Each(id, r.reached, take)
		case l.pages.Whole(id):
			r.cut()
			l.pages.Each(id, session.Reached{}, take)
		default:
			r.cut()
			r.cutter.From(r.seq)
			l.pages.Missing(id, r.last, "it is HTTP, or compressed, and cannot be read without what came before it, which was saved and is not kept as it came", take)
		}
		r.cutter.End()
		told()
		if failed != nil {
			return failed
		}
	}
	return nil
}
