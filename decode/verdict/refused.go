package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// attempt notes that the client tries to authenticate.
func (j *judge) attempt(s *decode.Seen) {
	sasl1, sasl2 := s.State.Mechanisms()
	a := attempt{mechanism: s.State.Mechanism, offered: decode.Unique(sasl1), trips: j.trips}
	switch s.Event.Step.ID {
	case "sasl2-authenticate":
		a.offered = decode.Unique(sasl2)
	case "iqauth-set":
		a.mechanism, a.offered = "jabber:iq:auth (XEP-0078)", nil
	}
	flag, _ := s.Event.Field("gs2-flag")
	a.flag = strings.Clone(flag)
	if j.over {
		return // it was on its way when the error came
	}
	j.forgetOffers()
	j.attempts = append(j.attempts, a)
	j.cause, j.ending = nil, ""
}

// forgetOffers lets go of what was on offer at attempts that are over.
func (j *judge) forgetOffers() {
	for i := range j.attempts {
		j.attempts[i].offered = nil
	}
}

// refused notes that an attempt to authenticate has failed.
func (j *judge) refused(s *decode.Seen) {
	e := s.Event
	if len(j.attempts) == 0 {
		j.attempts = append(j.attempts, attempt{})
	}
	a := &j.attempts[len(j.attempts)-1]
	condition, _ := e.Field("condition")
	text, _ := e.Field("text")
	a.condition, a.text = strings.Clone(condition), strings.Clone(text)
	a.step, a.why = e.Step, likely(worst(e))
	j.cause = nil
}

// likely is the cause in an explanation of the form "what it means: the likely
// cause".
func likely(why string) string {
	if _, cause, ok := strings.Cut(why, ": "); ok {
		return cause
	}
	return why
}

// who is the account that the client logs in with, as a bare JID.
func (j *judge) who(s *decode.Seen) string {
	domain := s.State.Domain()
	if j.user == "" || strings.Contains(j.user, "@") || domain == "" {
		return j.user
	}
	return j.user + "@" + domain
}

// passwordKnown says whether the user has told the account's password, so that the
// messages were held against it.
func (j *judge) passwordKnown(s *decode.Seen) bool {
	if s.State.Passwords == nil {
		return false
	}
	_, ok := s.State.Passwords(j.user, s.State.Domain())
	return ok
}

// refusals sums up attempts of which the last was refused.
func (j *judge) refusals(s *decode.Seen) *cause {
	a := j.attempts[len(j.attempts)-1]
	var tried []string
	bound := 0
	for _, t := range j.attempts {
		tried = append(tried, t.mechanism)
		if decode.BindsChannel(t.mechanism) {
			bound++
		}
	}
	login := "the login"
	if who := j.who(s); who != "" {
		login = fmt.Sprintf("the login of %q", who)
	}
	why := a.why
	if a.isLegacy() {
		why = legacyWhy[a.condition]
	}
	if a.condition == "invalid-mechanism" && len(a.offered) > 0 && !slices.Contains(a.offered, a.mechanism) {
		why = fmt.Sprintf("the client chose %q, and the server offers %s", a.mechanism, strings.Join(a.offered, " "))
	}
	if a.downgraded() {
		why = fmt.Sprintf("the client claims that the server offers no channel binding (gs2 flag %q), and the server has offered %s, so it takes its offer for changed on the way (RFC 5802 §6)", a.flag, strings.Join(a.offered, " "))
	}
	c := &cause{step: a.step, what: fmt.Sprintf("the server refused %s with %s (%s): %s", login, cmp.Or(a.mechanism, "a mechanism of the client's own"), a.condition, why)}
	if len(tried) > 1 {
		list := strings.Join(tried, ", ")
		if bound > 0 && bound < len(tried) && !s.State.Captured {
			list += fmt.Sprintf("; %d of them bound to TLS, which cannot pass xmppscope", bound)
		}
		c.what = fmt.Sprintf("the server refused %s, in %d attempts (%s); the last one, %s: %s", login, len(tried), list, a.condition, why)
	}
	c.what += quoted(a.text) + j.ending
	switch {
	case a.downgraded():
		c.next = "if nothing on the way takes -PLUS out of the offer, it is the client's fault: it has to send \"n\" if it does not do channel binding"
	case bound == len(tried) && !s.State.Captured:
		c.next = "channel binding cannot pass a man in the middle: let the client use a mechanism without -PLUS, or debug against a server that offers none"
	case a.condition == "not-authorized" && decode.MechanismOf(a.mechanism).Retry != "":
		c.next = decode.MechanismOf(a.mechanism).Retry
	case a.condition == "not-authorized" && !j.passwordKnown(s):
		c.next = "check user and password; with --password-file JID=FILE xmppscope says which side has it wrong"
	default:
		c.next = refusalAdvice[a.condition]
	}
	return c
}

// downgraded says whether the server must take the login for one whose offer was
// changed by someone in between: the client does channel binding, and has seen no
// mechanism for it among those that there were.
func (a *attempt) downgraded() bool {
	return a.flag == "y" && slices.ContainsFunc(a.offered, decode.IsPlus)
}

// isLegacy says whether it was tried the way of XEP-0078, which has no SASL.
func (a *attempt) isLegacy() bool { return strings.HasPrefix(a.mechanism, "jabber:iq:auth") }

// legacyWhy is what the errors of XEP-0078 §3.1 mean.
var legacyWhy = map[string]string{
	"not-authorized": "a wrong user name or password is by far the most likely",
	"conflict":       "another session of this account has the resource",
	"not-acceptable": "the client left a field out that the server wants",
}

// quoted is what a server says in its own words, as the end of a sentence.
func quoted(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("; in the server's words: %q", text)
}

// refusalAdvice is what to do next about a condition of SASL (RFC 6120 §6.5).
var refusalAdvice = map[string]string{
	"aborted":                "the client gave up by itself: its log will say what it did not like",
	"account-disabled":       "let whoever runs the server unlock the account",
	"credentials-expired":    "get a new password or token",
	"encryption-required":    "let the client do STARTTLS before it logs in, or use TLS from the first byte",
	"incorrect-encoding":     "look at the client's base64: no line breaks, with padding, and \"=\" for an empty message",
	"invalid-authzid":        "leave the authzid out, or use the account's own bare JID",
	"invalid-mechanism":      "let the client choose among the mechanisms that the server lists",
	"malformed-request":      "look at the client's message just before",
	"mechanism-too-weak":     "let the client use a stronger mechanism, or set the password anew so that the server holds it in this form",
	"not-authorized":         "check user and password",
	"temporary-auth-failure": "try again later, and look into the server's log",
}

// unbound notes that the server has refused the resource, or the session.
func (j *judge) unbound(s *decode.Seen) {
	e := s.Event
	name := condition(s.Root)
	what := "the server refused to start a session"
	if e.Step.ID == "bind-error" {
		what = "the server refused to bind a resource"
		if j.resource != "" {
			what = fmt.Sprintf("the server refused to bind the resource %q", j.resource)
		}
	}
	if who := j.who(s); who != "" {
		what += fmt.Sprintf(" for %q", who)
	}
	why, next := worst(e), "look at the server's log and at the rules for this account"
	switch {
	case !s.State.Authenticated:
		why, next = "the client is not logged in", "the client has to authenticate before it binds (RFC 6120 §7.1)"
	case name == "conflict":
		why, next = "another session of this account has it, and the server keeps the older one", "end the other session, or let the client ask for another resource, or for none"
	case name == "resource-constraint":
		why, next = "the account has as many sessions as the server allows", "end other sessions of this account"
	case name == "not-allowed" || name == "forbidden":
		why = "the account may log in, but not have a session here: a rule of the server"
	case name == "bad-request" || name == "not-acceptable" || name == "jid-malformed":
		why, next = "the server cannot use this resource", "let the client ask for another resource, or for none"
	}
	j.fail(e, fmt.Sprintf("%s (%s): %s%s", what, name, why, quoted(errorText(s.Root))), next)
}

// nsRegister is that of in-band registration (XEP-0077).
const nsRegister = "jabber:iq:register"

// errand notes the failure of what a client may come for other than a login: to
// register an account.
func (j *judge) errand(s *decode.Seen) []session.Note {
	if q := s.Request; j.done || q == nil || q.Payload.Space != nsRegister || s.Event.Dir != session.S2C {
		return nil
	}
	if s.Root.Attr("type") != "error" {
		j.cause = nil
		return nil
	}
	j.fail(s.Event, fmt.Sprintf("the server refused to register an account (%s)%s", condition(s.Root), quoted(errorText(s.Root))),
		"registration is closed, or not for this address: ask whoever runs the server for an account")
	return nil
}

// errorText is the text of a stanza or stream error.
func errorText(root *session.Element) string {
	if err := root.Child("", "error"); err != nil {
		root = err
	}
	for c := range root.Elements() {
		if c.Name.Local == "text" && (c.Name.Space == decode.NSStreamError || c.Name.Space == decode.NSStanzaError) {
			return c.Text()
		}
	}
	return ""
}
