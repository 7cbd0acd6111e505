package xep

import (
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

var nsMAM = []string{"urn:xmpp:mam:2", "urn:xmpp:mam:1", "urn:xmpp:mam:0", "urn:xmpp:mam:tmp"}

func init() {
	add(decode.Rule{
		ID: "xep-0313", Title: "Message Archive Management", Ref: "XEP-0313",
		Match: decode.Payload(nsMAM...),
		New:   func() decode.Explainer { return &archive{} },
	})
}

// maxPages bounds how many queries are counted at a time.
const maxPages = 1000

// archive counts the messages of the pages that are under way, by query id.
type archive struct{ page map[string]*int }

// Explain implements decode.Explainer.
func (a *archive) Explain(s *decode.Seen) []session.Note { return each(a.one, nsMAM...)(s) }

func (a *archive) one(s *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "query":
		return a.query(s, el)
	case "result":
		return a.result(s, el)
	case "fin":
		return a.fin(el)
	case "prefs":
		return archivePrefs(s, el)
	case "metadata":
		if s.Root.Attr("type") == "get" {
			return tell("XEP-0313", el.Span, "%s asks which messages are the archive's first and last", sender(s))
		}
		return tell("XEP-0313", el.Tag, "the archive's first and last message")
	}
	return nil
}

func (a *archive) query(s *decode.Seen, q *session.Element) []session.Note {
	of := whose(s)
	switch s.Root.Attr("type") {
	case "get":
		return tell("XEP-0313", q.Span, "%s asks by what %s archive can be searched", sender(s), of)
	case "result":
		return tell("XEP-0313", q.Tag, "the fields by which the archive can be searched")
	}
	if len(a.page) < maxPages {
		if a.page == nil {
			a.page = map[string]*int{}
		}
		a.page[strings.Clone(q.Attr("queryid"))] = new(int)
	}
	return tell("XEP-0313 §4", q.Tag, "%s asks %s archive for messages%s; they come one by one, then the answer to this request", sender(s), of, archiveFilter(q))
}

// filterWords says what the fields of the form limit.
var filterWords = map[string]string{
	"with": "with %s", "start": "since %s", "end": "until %s",
	"before-id": "before %s", "after-id": "after %s", "ids": "with the id %s",
}

func archiveFilter(q *session.Element) string {
	x := q.Child(nsForm, "x")
	if x == nil {
		return ""
	}
	var out []string
	for f := range x.Elements() {
		word := filterWords[f.Attr("var")]
		if v := f.Child(nsForm, "value"); v != nil && word != "" {
			out = append(out, strings.Replace(word, "%s", decode.Quote(v.Text()), 1))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " " + strings.Join(out, ", ")
}

func (a *archive) result(s *decode.Seen, el *session.Element) []session.Note {
	id := el.Attr("queryid")
	text := "a message from the archive"
	if n, ok := a.page[id]; ok {
		*n++
		text = "message " + strconv.Itoa(*n) + " of the page that was asked for"
	}
	if f := el.Child("", "forwarded"); f != nil {
		text += parties(f.Child("", "message"))
		if d := f.Child(nsDelay, "delay"); d != nil {
			text += ", of " + decode.Quote(d.Attr("stamp"))
		}
	}
	n := field("XEP-0313", "archive-id", el.Attr("id"), attrSpan(el, "id"), text).Is(session.ID)
	return []session.Note{n}
}

func (a *archive) fin(el *session.Element) []session.Note {
	text := "the page is complete"
	if len(a.page) == 1 {
		for _, n := range a.page {
			text += ", with " + session.Plural(*n, "message")
		}
	}
	clear(a.page)
	if isTrue(el.Attr("complete")) {
		text += "; there is nothing more in this direction"
	} else {
		text += "; there may be more, the next page begins where this one ends"
	}
	if el.Attr("stable") == "false" {
		text += "; the archive may still change its order"
	}
	return tell("XEP-0313", el.Tag, "%s", text)
}

func archivePrefs(s *decode.Seen, el *session.Element) []session.Note {
	words := map[string]string{"always": "every message is", "never": "no message is", "roster": "messages of contacts are"}
	what := words[el.Attr("default")]
	switch {
	case s.Root.Attr("type") == "get":
		return tell("XEP-0441", el.Span, "the client asks which messages are archived")
	case what == "":
		return nil
	}
	return tell("XEP-0441", attrSpan(el, "default"), "%s archived; the addresses that are listed are exceptions", what)
}
