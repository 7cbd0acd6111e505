package capture

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"xmppscope/session"
)

// isExplanation tells our comments from those of others; those of before named an event
// without "#".
var isExplanation = regexp.MustCompile(`^xmppscope session [0-9]+ (event |#)`)

// comments are those that a packet of a session had in the file that it was read
// from. The sessions of several files are numbered anew when these become one.
func comments(r session.Remarks, id int) []string {
	out := slices.Clone(r.Comments)
	for i := range out {
		if r.Explained {
			out[i] = isExplanation.ReplaceAllString(out[i], fmt.Sprintf("xmppscope session %d #", id))
		}
	}
	return out
}

// explain is what a packet comment says about the event that the packet carried:
// its step, what happens there, its notes. Secrets are never in it.
func explain(e session.Event) string { return string(appendExplanation(nil, e)) }

func appendExplanation(b []byte, e session.Event) []byte {
	e = session.Blank(e)
	from := len(b)
	b = strconv.AppendInt(append(b, "xmppscope session "...), int64(e.Session), 10)
	b = strconv.AppendUint(append(b, " #"...), e.Seq, 10)
	s := e.Step
	if s != nil {
		b = strconv.AppendInt(append(b, ", step "...), int64(s.N), 10)
		b = session.AppendSafeLine(append(b, ' '), s.ID)
		b = session.AppendSafeLine(append(b, ": "...), s.Title)
	} else {
		b = append(append(b, ": "...), e.Kind()...)
	}
	if e.Summary != "" {
		b = session.AppendSafeLine(append(b, '\n'), e.Summary)
	}
	if s != nil && s.Text != "" {
		b = session.AppendSafeLine(append(b, '\n'), withRef(s.Text, s.Ref))
	}
	for i := range e.Notes {
		b = appendNoteLine(append(b, '\n'), &e.Notes[i])
	}
	if len(b)-from > maxComment {
		b = append(b[:from], cutText(string(b[from:]), maxComment)...)
	}
	return b
}

// cutText shortens UTF-8 text to at most so many bytes.
func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const mark = "…"
	limit -= len(mark)
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + mark
}
