package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsRSM = "http://jabber.org/protocol/rsm"

func init() {
	add(decode.Rule{
		ID: "xep-0059", Title: "Result Set Management", Ref: "XEP-0059",
		Match: decode.Stanza().Holding(nsRSM).And(func(s *decode.Seen) bool { return paging(s.Root) != nil }),
		New:   decode.Stateless(func(s *decode.Seen) []session.Note { return explainPaging(s, paging(s.Root)) }),
	})
}

// paging finds the <set/> in a stanza's payload.
func paging(root *session.Element) *session.Element {
	for i := range root.Nodes {
		if c := root.Nodes[i].Element; c != nil {
			for k := range c.Nodes {
				if set := c.Nodes[k].Element; set != nil && set.Name.Space == nsRSM {
					return set
				}
			}
		}
	}
	return nil
}

func explainPaging(s *decode.Seen, set *session.Element) []session.Note {
	if !isRequest(s) {
		return pageGiven(set)
	}
	size := "any number of"
	if m := textOf(set, "max"); m != "" {
		size = "at most " + m
	}
	before, after := set.Child(nsRSM, "before"), set.Child(nsRSM, "after")
	switch {
	case size == "at most 0":
		return tell("XEP-0059", set.Span, "%s asks only how many results there are", sender(s))
	case before != nil && before.Text() == "":
		return tell("XEP-0059", set.Span, "%s asks for the last page, %s results", sender(s), size)
	case before != nil:
		return tell("XEP-0059", set.Span, "%s asks for the page before %q, %s results", sender(s), before.Text(), size)
	case after != nil:
		return tell("XEP-0059", set.Span, "%s asks for the page after %q, %s results", sender(s), after.Text(), size)
	case textOf(set, "index") != "":
		return tell("XEP-0059", set.Span, "%s asks for %s results from number %s on", sender(s), size, decode.Quote(textOf(set, "index")))
	}
	return tell("XEP-0059", set.Span, "%s asks for the first page, %s results", sender(s), size)
}

// pageGiven explains the answer; first and last are what the next request names.
func pageGiven(set *session.Element) []session.Note {
	text := "an empty page"
	if last := textOf(set, "last"); last != "" {
		text = "this page goes from " + decode.Quote(textOf(set, "first")) + " to " + decode.Quote(last) + "; before the former and after the latter there may be others"
	}
	if n := textOf(set, "count"); n != "" {
		text += "; there are " + clip(n) + " results in all"
	}
	return tell("XEP-0059", set.Span, "%s", text)
}
