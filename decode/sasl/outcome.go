package sasl

import (
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// condition is what a SASL failure means and where to look (RFC 6120 §6.5).
type condition struct{ ref, meaning, cause string }

var conditions = map[string]condition{
	"aborted":                {"RFC 6120 §6.5.1", "the server confirms that the client gave up", "the client did not like the last challenge, or its user cancelled"},
	"account-disabled":       {"RFC 6120 §6.5.2", "the account exists, but is locked", "an administrator locked it, or it has not been confirmed yet"},
	"credentials-expired":    {"RFC 6120 §6.5.3", "the credentials were right once, but are too old", "the password or token has expired; a token of FAST is thrown away and the password used"},
	"encryption-required":    {"RFC 6120 §6.5.4", "the server takes this mechanism over TLS only", "the client did not do STARTTLS first"},
	"incorrect-encoding":     {"RFC 6120 §6.5.5", "the server could not read the base64", "line breaks, missing padding or another alphabet in the client's message"},
	"invalid-authzid":        {"RFC 6120 §6.5.6", "the client may not act as the identity that it asked for", "the authzid is a full JID, someone else, or in another domain"},
	"invalid-mechanism":      {"RFC 6120 §6.5.7", "the server does not do this mechanism", "the client chose one that is not on offer, or the offer changed when TLS began"},
	"malformed-request":      {"RFC 6120 §6.5.8", "the server could not read the SASL message, or it came at the wrong time", "the message is not what the mechanism asks for, or two logins at once"},
	"mechanism-too-weak":     {"RFC 6120 §6.5.9", "the server wants a stronger mechanism for this account", "PLAIN or an older SCRAM was chosen, or the server holds no password in this hash"},
	"not-authorized":         {"RFC 6120 §6.5.10", "the server refuses the login with the general condition", "a wrong user name or password is by far the most likely"},
	"temporary-auth-failure": {"RFC 6120 §6.5.11", "the server cannot check the credentials now", "its database or LDAP server is down, or there were too many tries: later it may work"},
}

// succeeded explains RFC 6120 §6.4.6.
func (x *exchange) succeeded(s *decode.Seen) []session.Note {
	n := decode.Say(session.Info, s.Root.Tag, "the server lets the client in; the client now opens a new stream on the same connection, and both forget the old one")
	n.Ref = "RFC 6120 §6.4.6"
	return append([]session.Note{n}, x.tookAnyway(s)...)
}

// failed explains the condition of a failure; SASL2 uses those of RFC 6120 too.
func (x *exchange) failed(s *decode.Seen) []session.Note {
	var notes []session.Note
	known := 0
	for c := range s.Root.Elements() {
		if c.Name.Local == "text" {
			n := decode.Field(session.FieldText, c.Text(), c.TextSpan()).Classed(session.Detail)
			n.Text, n.Ref = "the server's own words", "RFC 6120 §6.4.5"
			notes = append(notes, n)
			continue
		}
		if c.Name.Space != decode.NSSASL {
			notes = append(notes, decode.Say(session.Info, c.Span, "a detail of the server's own: %q in %q", c.Name.Local, c.Name.Space))
			continue
		}
		n, ok := x.conditionNote(s, c)
		if ok {
			known++
		}
		notes = append(notes, n)
	}
	switch {
	case known == 0:
		notes = append(notes, decode.Breach("A09", s.Root.Tag,
			"the server's failure has no condition that is defined; it counts as not-authorized"))
	case known > 1:
		notes = append(notes, decode.Breach("A09", s.Root.Tag,
			"the server's failure has %d conditions; it must have one", known))
	}
	notes = append(notes, x.fast.failed(s, x)...)
	x.decoder = nil
	return notes
}

func (x *exchange) conditionNote(s *decode.Seen, c *session.Element) (session.Note, bool) {
	n := decode.Field(session.FieldCondition, c.Name.Local, c.Span).Is(session.Word)
	n.Severity, n.Ref = session.Error, "RFC 6120 §6.5"
	known, ok := conditions[c.Name.Local]
	if !ok {
		n.Text = "a condition that is not defined; it counts as not-authorized"
		return n, false
	}
	if why := x.mechanism.Refused; c.Name.Local == "not-authorized" && why != "" {
		known.cause = why
	}
	refused := c.Name.Local == "not-authorized" || c.Name.Local == "malformed-request" // what servers answer to a wrong binding
	if refused && x.refusedType() {
		n.Severity, n.Ref = session.Warning, "RFC 5802 §6"
		n.Text = fmt.Sprintf("the server refused %q before any channel binding data was sent: it does not take this type of binding, or not with this version of TLS, or does not know the user; xmppscope has no part in it", x.name)
		return n, true
	}
	if refused && x.lostBinding(s) {
		secret := "password"
		if x.mechanism.FAST {
			secret = "token"
		}
		// Nobody computed anything wrong: it is xmppscope that stands in the way.
		n.Severity, n.Ref = session.Warning, "RFC 5802 §6"
		n.Text = fmt.Sprintf("the client bound this login to its own TLS connection, which ends at xmppscope: channel binding cannot survive a man in the middle, so %q fails here whatever the %s; the client should try the next mechanism", x.name, secret)
		return n, true
	}
	if why := x.mechanism.Malformed; c.Name.Local == "malformed-request" && why != "" {
		known.cause = why
	}
	if why := x.because(c.Name.Local); why != "" {
		known.cause = why
	}
	if c.Name.Local == "not-authorized" {
		known.meaning += inItsWords(s.Root)
	}
	n.Ref, n.Text = known.ref, known.meaning+": "+known.cause
	if c.Name.Local == "aborted" {
		n.Severity = session.Notice
	}
	return n, true
}

// inItsWords is the text of a failure, "" if it has none (RFC 6120 §6.4.5).
func inItsWords(failure *session.Element) string {
	text := failure.Child("", "text")
	if text == nil {
		return ""
	}
	said := strings.TrimSpace(text.Text())
	if said == "" {
		return ""
	}
	return fmt.Sprintf(" and the words %q", session.Clip(said, 160))
}

// because is what was seen to be the cause of a refusal; "" if nothing was.
func (x *exchange) because(condition string) string {
	_, token := x.decoder.(*hashedToken)
	refused := condition == "not-authorized"
	switch why := x.cause(); {
	case x.fault != "" && (refused || condition == "malformed-request" || condition == "incorrect-encoding"):
		return x.fault
	case refused || token && condition == "credentials-expired":
		return why
	}
	return ""
}

// refusedType says whether the server has turned down a SCRAM binding by its type
// alone: it answers client-first, in which no data is sent yet.
func (x *exchange) refusedType() bool {
	c, ok := x.decoder.(*scram)
	return ok && c.binding != "" && !c.finished && c.serverNonce == ""
}

// lostBinding says whether the attempt that failed was tied to the TLS
// connection between the client and xmppscope.
func (x *exchange) lostBinding(s *decode.Seen) bool {
	kind, _ := decode.BindingOf(x.name)
	if c, ok := x.decoder.(*scram); ok {
		if !c.finished {
			return false
		}
		kind = c.binding
	}
	if kind == session.BindingEndPoint && sameCertificate(s.State.TLS) {
		return false
	}
	return decode.BindsChannel(x.name) && between(s.State.TLS) && !s.State.Rebound
}

// abort explains <abort/> (RFC 6120 §6.4.4).
func (x *exchange) abort() []session.Note {
	x.aborted = true
	return []session.Note{decode.Say(session.Notice, session.Span{},
		"the client gives up this attempt: it did not like the server's last message, or its user cancelled; the server must answer with failure and aborted")}
}

// afterAbort is check A08.
func (x *exchange) afterAbort(s *decode.Seen) []session.Note {
	x.aborted = false
	if s.Root.Name.Local == "failure" && s.Root.Child(decode.NSSASL, "aborted") != nil {
		return nil
	}
	return []session.Note{decode.Breach("A08", s.Root.Tag,
		"the server does not answer the client's abort with failure and aborted")}
}
