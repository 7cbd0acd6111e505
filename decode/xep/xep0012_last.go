package xep

import (
	"math"
	"strconv"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0012", "Last Activity", lastActivity, "jabber:iq:last") }

func lastActivity(s *decode.Seen, q *session.Element) []session.Note {
	switch {
	case s.Root.Attr("type") == "get":
		return tell("XEP-0012", q.Span, "%s asks how long ago the other end was active: a client answers how long it has been idle, an account when it was last online, a server how long it has been up", sender(s))
	case !isAnswer(s) && s.Root.Name.Local == "iq":
		return nil
	}
	seconds, err := strconv.ParseInt(q.Attr("seconds"), 10, 64)
	if err != nil || seconds < 0 {
		return []session.Note{decode.Finding("xep-0012", "XEP-0012", session.Warning, attrSpan(q, "seconds"), "the time since the last activity is %q, which is no number of seconds", q.Attr("seconds"))}
	}
	return tell("XEP-0012", attrSpan(q, "seconds"), "last active %s ago%s", session.ShortTime(time.Duration(min(seconds, math.MaxInt64/int64(time.Second)))*time.Second), because(q.Text()))
}
