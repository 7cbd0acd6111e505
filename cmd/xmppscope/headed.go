package main

import (
	"bytes"
	"io"
	"maps"
	"slices"

	"xmppscope/session"
)

// maxHeaded is how much text may wait for the verdicts that stand on top of it. More than
// that is printed as it comes, and has them at its end.
const maxHeaded = 1 << 20

// headed writes text that has the verdicts of its sessions on top, as far as it is not too
// long or too slow for that.
type headed struct {
	w        io.Writer
	held     bytes.Buffer
	reveal   bool
	flowing  bool // it was too long to be held
	sessions map[int]*checked
}

func newHeaded(w io.Writer, reveal bool) *headed {
	return &headed{w: w, reveal: reveal, sessions: map[int]*checked{}}
}

// learn takes notice of an event that is printed.
func (h *headed) learn(e *session.Event) {
	if e.Session == 0 {
		return
	}
	s := h.sessions[e.Session]
	if s == nil {
		s = new(checked)
		h.sessions[e.Session] = s
	}
	if slices.ContainsFunc(e.Notes, func(n session.Note) bool { return n.Rule == session.RuleVerdict }) && !h.reveal {
		blanked := session.Blank(*e)
		e = &blanked
	}
	s.Apply(e)
}

// Write implements io.Writer.
func (h *headed) Write(p []byte) (int, error) {
	if h.flowing {
		return h.w.Write(p)
	}
	h.held.Write(p)
	if h.held.Len() > maxHeaded {
		return len(p), h.flow()
	}
	return len(p), nil
}

// flow writes what was held, and from now on all as it comes.
func (h *headed) flow() error {
	h.flowing = true
	_, err := h.held.WriteTo(h.w)
	h.held = bytes.Buffer{}
	return err
}

// finish writes the verdicts, on top of what is still held.
func (h *headed) finish() error {
	any := false
	for _, id := range slices.Sorted(maps.Keys(h.sessions)) {
		s := h.sessions[id]
		if s.Verdict == "" {
			continue
		}
		any = true
		say(h.w, "session %d: %s", id, s.Verdict)
		if s.Advice != "" {
			say(h.w, "      → %s", s.Advice)
		}
	}
	if any && !h.flowing {
		if _, err := io.WriteString(h.w, "\n"); err != nil {
			return err
		}
	}
	return h.flow()
}
