package xep

import (
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0202", "Entity Time", entityTime, "urn:xmpp:time") }

func entityTime(s *decode.Seen, el *session.Element) []session.Note {
	if s.Root.Attr("type") == "get" {
		return tell("XEP-0202", el.Span, "%s asks what time it is at the other end", sender(s))
	}
	utc, tzo := el.Child("", "utc"), textOf(el, "tzo")
	if utc == nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, utc.Text())
	if err != nil {
		return []session.Note{decode.Finding("xep-0202", "XEP-0082", session.Warning, utc.Span, "the time %q is not in the form of XEP-0082", utc.Text())}
	}
	return tell("XEP-0202", el.Tag, "at the other end it is %s UTC, its clocks show %s%s", at.UTC().Format(time.DateTime), decode.Quote(tzo), skew(at, s.Event.At))
}

// skew says how far another clock is from ours, where that matters.
func skew(there, here time.Time) string {
	d := there.Sub(here).Round(time.Second)
	if d.Abs() < 10*time.Second || d.Abs() > 24*time.Hour {
		return ""
	}
	if d < 0 {
		return ", which is " + (-d).String() + " behind the clock here"
	}
	return ", which is " + d.String() + " ahead of the clock here"
}
