package capture

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// isExplanation tells our comments from those of others.
var isExplanation = regexp.MustCompile(`^xmppscope session [0-9]+ event `)

// comments are those that a packet of a session had in the file that it was read
// from. The sessions of several files are numbered anew when these become one.
func comments(r session.Remarks, id int) []string {
	out := slices.Clone(r.Comments)
	for i := range out {
		if r.Explained {
			out[i] = isExplanation.ReplaceAllString(out[i], fmt.Sprintf("xmppscope session %d event ", id))
		}
	}
	return out
}

// explain is what a packet comment says about the event that the packet carried:
// its step, what happens there, its notes. Secrets are never in it.
func explain(e session.Event) string {
	e = session.Blank(e)
	var lines []string
	head := fmt.Sprintf("xmppscope session %d event %d", e.Session, e.Seq)
	if s := e.Step; s != nil {
		head += fmt.Sprintf(", step %d %s: %s", s.N, s.ID, s.Title)
	} else {
		head += ": " + e.Kind()
	}
	lines = append(lines, session.SafeLine(head))
	if e.Summary != "" {
		lines = append(lines, session.SafeLine(e.Summary))
	}
	if s := e.Step; s != nil && s.Text != "" {
		lines = append(lines, session.SafeLine(withRef(s.Text, s.Ref)))
	}
	for i := range e.Notes {
		lines = append(lines, noteLine(&e.Notes[i]))
	}
	return cutText(strings.Join(lines, "\n"), maxComment)
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
