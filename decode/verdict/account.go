package verdict

import (
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// account says what happened, as far as it was seen: the first half of a verdict, to which
// a cause adds why.
func (c *scene) account() string {
	switch r := c.Cause; r.Kind {
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		return c.refusal()
	case "stream-error":
		what := fmt.Sprintf("the %s ended the stream with %s", r.By, orNone(r.Condition))
		if r.Text != "" {
			what += ", in its own words " + quote(r.Text)
		}
		return what
	case "bind-error", "session-error":
		return c.unbound()
	case "starttls-failure":
		return "the server refused to start TLS"
	case "tls":
		return "TLS failed"
	case "dialback":
		return "a domain was not proved by dialback"
	}
	if c.Cause.Condition == "unreachable" {
		if c.target == "" || c.target == "the server" || strings.HasPrefix(c.Cause.Text, "the server") {
			return "the server could not be reached"
		}
		return fmt.Sprintf("the server %s could not be reached", c.target)
	}
	return c.ended().did
}

// refusal is about attempts to authenticate of which the last one was refused.
func (c *scene) refusal() string {
	login := "the login"
	if who := c.Who(); who != "" {
		login = fmt.Sprintf("the login of %q", who)
	}
	last := len(c.Attempts) - 1
	condition := orNone(c.Cause.Condition)
	if last == 0 {
		what := fmt.Sprintf("the server refused %s with %s (%s)", login, c.manner(last), condition)
		return what + quoted(c.Cause.Text)
	}
	var tried []string
	bound := 0
	for i := range c.Attempts {
		tried = append(tried, c.manner(i))
		if decode.BindsChannel(c.Attempts[i].Mechanism) {
			bound++
		}
	}
	list := strings.Join(tried, ", ")
	if bound > 0 && bound < len(tried) && c.intercepted() {
		list += fmt.Sprintf("; %d of them bound to TLS, which cannot pass xmppscope", bound)
	}
	return fmt.Sprintf("the server refused %s, in %d attempts (%s); the last one, %s%s", login, len(tried), list, condition, quoted(c.Cause.Text))
}

// manner is how an attempt was made: its mechanism, or what stood in place of one.
func (c *scene) manner(i int) string {
	switch a := c.Attempts[i]; {
	case a.Kind == "iqauth-set":
		return "jabber:iq:auth (XEP-0078)"
	case a.Mechanism != "":
		return a.Mechanism
	case i < len(c.tries) && c.tries[i].words != "":
		return c.tries[i].words
	}
	return "a mechanism of the client's own"
}

// intercepted says whether xmppscope ends TLS between the two sides.
func (c *scene) intercepted() bool {
	return !c.Captured && !c.state.Captured
}

// unbound is about a resource, or a session, that the server has refused.
func (c *scene) unbound() string {
	what := "the server refused to start a session"
	if c.Cause.Kind == "bind-error" {
		what = "the server refused to bind a resource"
		if c.Asked != "" {
			what = "the server refused to bind the resource " + quote(session.Clip(c.Asked, 60))
		}
	}
	if who := c.Who(); who != "" {
		what += fmt.Sprintf(" for %q", who)
	}
	return fmt.Sprintf("%s (%s)", what, orNone(c.Cause.Condition)) + quoted(c.Cause.Text)
}

// ending is what followed from the first error.
func (c *scene) ending() (out string) {
	for i := range c.Then {
		r := &c.Then[i]
		switch {
		case r.Kind == "stream-error":
			out += fmt.Sprintf("; then the %s ended the stream with %s%s", r.By, orNone(r.Condition), quoted(r.Text))
		case r.Kind == "tls":
			out += "; then TLS failed: " + r.Text
		}
	}
	return out
}

// describe names something that was said: `<iq> with "jabber:iq:roster" (event
// 12, 99 bytes)`.
func (l *last) describe() string {
	what := l.name
	if what != noXML {
		what = "<" + what + ">"
	}
	if l.space != "" {
		what += fmt.Sprintf(" with %q", l.space)
	}
	return fmt.Sprintf("%s (#%d, %s)", what, l.seq, session.Plural(int(l.size), "byte"))
}

// quote is what a peer chose, of a length that a sentence bears.
func quote(s string) string { return fmt.Sprintf("%q", session.Clip(s, 300)) }

// quoted is what a server says in its own words, as the end of a sentence.
func quoted(text string) string {
	if text == "" {
		return ""
	}
	return ", in its own words " + quote(text)
}

func orNone(condition string) string {
	if condition == "" {
		return "an error without a condition"
	}
	return condition
}
