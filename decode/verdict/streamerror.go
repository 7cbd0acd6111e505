package verdict

import (
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func (j *judge) streamError(s *decode.Seen) []session.Note {
	e := s.Event
	name := condition(s.Root)
	text := errorText(s.Root)
	j.over = j.over || e.Dir == session.S2C
	if n := len(j.attempts); n > 0 && j.attempts[n-1].condition != "" && !j.done {
		j.ending = fmt.Sprintf("; then the %s ended the stream with %s%s", e.Dir.Sender(), name, quoted(text))
		return nil // the refusals before it are the reason; it is only their end
	}
	what := fmt.Sprintf("the %s ended the stream with %s", e.Dir.Sender(), name)
	if text != "" {
		what += fmt.Sprintf(", in its own words %q", text)
	}
	if why := j.disagreement(s, name); why != "" {
		what += ": " + why
	} else if text == "" {
		what += ": " + likely(worst(e))
	}
	next := advice[name]
	if j.asking.name == handshake && name == "not-authorized" {
		next = "compare the component's secret with the one in the server's settings"
	}
	if host := s.Root.Child(decode.NSStreamError, "see-other-host"); host != nil {
		what = fmt.Sprintf("the server sends the client to %q (see-other-host)", host.Text())
		next = fmt.Sprintf("the client will now go to %q", host.Text())
		if !s.State.Captured {
			next += fmt.Sprintf(", round xmppscope: start xmppscope with --upstream %s", host.Text())
		}
	}
	j.fail(e, what, next)
	if j.done {
		return []session.Note{note(session.Error, *j.cause)}
	}
	return nil
}

// handshake is the login of a component (XEP-0114 §3).
const handshake = "handshake"

// disagreement puts the two things side by side that a stream error is about,
// where they were seen; "" if nothing more is known than what the error says.
func (j *judge) disagreement(s *decode.Seen, condition string) string {
	if s.Event.Dir != session.S2C {
		return ""
	}
	switch condition {
	case "host-unknown", "host-gone":
		why := fmt.Sprintf("the client asked for %q, which is not served there", s.State.Domain())
		if h := s.State.Header[session.S2C]; h != nil && h.From != "" && !strings.EqualFold(h.From, s.State.Domain()) {
			why += fmt.Sprintf("; the server calls itself %q", h.From)
		}
		return why
	case "conflict":
		if !j.done {
			return ""
		}
		return fmt.Sprintf("another login has taken the place of %q: with the same resource, or with one session more than the server allows", s.State.JID)
	case "connection-timeout":
		return fmt.Sprintf("the client's last word was %s, %s before", j.asking.describe(), decode.Since(s.Event.At.Sub(j.asking.at)))
	case "unsupported-version", "invalid-namespace", "bad-namespace-prefix", "invalid-from", "improper-addressing":
		if h := s.State.Header[session.C2S]; h != nil && !j.done {
			return fmt.Sprintf("the client's stream header has version %q, namespace %q, from %q and to %q", h.Version, h.Content, h.From, h.To)
		}
	case "not-authorized":
		if !j.done && j.asking.name == handshake {
			return "the component's handshake shows that its secret is another one than the server's"
		}
		if !j.done && j.asking.name != "" {
			return fmt.Sprintf("the client sent %s before it had logged in", j.asking.describe())
		}
		return ""
	case "system-shutdown", "see-other-host", "reset", "resource-constraint", "internal-server-error", "undefined-condition":
		return "" // the client has no part in it
	}
	if j.asking.name == "stream" {
		return ""
	}
	return j.offence()
}

// offence is the last thing that the client said, and what is wrong with it.
func (j *judge) offence() string {
	if j.asking.name == "" {
		return ""
	}
	why := "the client had last sent " + j.asking.describe()
	switch {
	case j.opaque[session.C2S] != "":
		why += ", from where on nothing can be understood: " + j.opaque[session.C2S]
	case j.asking.fault != "":
		why += ": " + j.asking.fault
	}
	return why
}

// describe names something that was said: `<iq> with "jabber:iq:roster" (event
// 12, 99 bytes)`.
func (l last) describe() string {
	what := l.name
	if what != noXML {
		what = "<" + what + ">"
	}
	if l.space != "" {
		what += fmt.Sprintf(" with %q", l.space)
	}
	unit := "bytes"
	if l.size == 1 {
		unit = "byte"
	}
	return fmt.Sprintf("%s (event %d, %d %s)", what, l.seq, l.size, unit)
}

// condition is the defined condition of a stream or stanza error.
func condition(root *session.Element) string {
	if err := root.Child("", "error"); err != nil {
		root = err
	}
	for c := range root.Elements() {
		if c.Name.Local != "text" && (c.Name.Space == decode.NSStreamError || c.Name.Space == decode.NSStanzaError) {
			return c.Name.Local
		}
	}
	return "an error without a condition"
}

// advice is what to do next about a stream error, where there is something.
var advice = map[string]string{
	"bad-format":               "look at the last thing the client sent before the error",
	"bad-namespace-prefix":     "the stream's root must be stream:stream, and stanzas go without a prefix",
	"host-unknown":             "compare the domain of the account with those that the server is set up for; a typo, or a host name in place of the domain, is likely",
	"host-gone":                "ask whoever runs the server where the domain is served now",
	"conflict":                 "look for a second program with the same account and resource, or let the server choose the resource",
	"connection-timeout":       "see who fell silent, and for how long, in the events before",
	"internal-server-error":    "look into the server's log",
	"invalid-namespace":        "compare the namespaces in the two stream headers",
	"invalid-xml":              "look at the last thing the client sent before the error",
	"not-authorized":           "let the client log in first",
	"not-well-formed":          "look at the last thing the client sent before the error: an unescaped & or <, a control character and an undeclared prefix are the usual faults",
	"policy-violation":         "look into the server's log, and at its limits: sizes, rates, failed logins, TLS",
	"remote-connection-failed": "see why the server could not be reached, in the events before",
	"reset":                    "the server wants the stream to be opened anew, often because its certificate or the account has changed",
	"resource-constraint":      "the server is short of something: wait, or read its log",
	"restricted-xml":           "leave comments, processing instructions, DTDs and entities out of the stream",
	"system-shutdown":          "wait until the server is back",
	"undefined-condition":      "look into the server's log",
	"unsupported-encoding":     "the stream has to be in UTF-8",
	"unsupported-stanza-type":  "look at the last thing the client sent before the error: its name or namespace is not known at the first level",
	"unsupported-version":      "compare the version in the two stream headers",
	"xml-not-well-formed":      "look at the last thing the client sent before the error",
}
