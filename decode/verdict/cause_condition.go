package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	propose("95 conditions", usualMeaning)
	propose("50 facts", sideBySide)
	propose("18 binding before the login", boundTooEarly)
}

// usualMeaning is what an error means that nothing more is known of.
func usualMeaning(c *scene) []Cause {
	r := c.Cause
	if r == nil {
		return nil
	}
	cause := Cause{ID: r.Condition, Weight: Possible, Evidence: []Evidence{{Seq: r.Seq}}}
	switch r.Kind {
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		c.refusalMeans(&cause)
	case "stream-error":
		if host, ok := c.now.Event.Field("see-other-host"); ok && r.Condition == "see-other-host" {
			return []Cause{c.elsewhere(host)}
		}
		if r.Text == "" {
			cause.Text = likely(c.last.worst())
		}
		cause.Advice = advice[r.Condition]
		if r.By == "client" && blamesClient(r.Condition) {
			cause.Advice = "look into the client's log, and at what the server had sent last: " + c.answer.describe()
		}
	case "bind-error", "session-error":
		c.bindMeans(&cause)
	case "starttls-failure":
		cause.Advice = "look at the server's certificate and TLS settings: it offered STARTTLS, and then could not do it"
		if f := c.state.Features(); f != nil && f.Child(decode.NSTLS, "starttls") == nil {
			cause.Weight, cause.Guilty = Shown, Server
			cause.Text, cause.Advice = "it had not offered STARTTLS, and the other side asked for it all the same, as it may where TLS is a must", "turn TLS on in the server that was called (it may lack a certificate for this domain), or go to its port for TLS"
		}
	default:
		if r.Condition != "unreachable" {
			return nil
		}
		cause.Text = r.Text
		if b, ok := c.now.Event.Body.(session.TCPFailed); ok {
			cause.Text, cause.Advice = b.Reason, b.Hint
		}
		if c.target == "" {
			cause.Text = strings.TrimPrefix(strings.TrimPrefix(cause.Text, "the server could not be reached: "), "the server could not be reached")
		}
	}
	return []Cause{cause}
}

// elsewhere is about a server that sends its clients to another one.
func (c *scene) elsewhere(host string) Cause {
	out := Cause{ID: "see-other-host", Guilty: Nobody, Weight: Shown, What: fmt.Sprintf("the server sends the client to %q (see-other-host)", host), Advice: fmt.Sprintf("the client will now go to %q", host)}
	switch {
	case c.intercepted() && c.state.Follows:
		out.Advice += ", through xmppscope again"
	case c.intercepted():
		out.Advice += ", round xmppscope: start xmppscope with --keep, which leads it back, or with --upstream " + session.ShortLine(host)
	}
	return out
}

func (c *scene) refusalMeans(cause *Cause) {
	r := c.Cause
	var a session.Attempt
	var t try
	if n := len(c.Attempts); n > 0 {
		a = c.Attempts[n-1]
	}
	if n := len(c.tries); n > 0 {
		t = c.tries[n-1]
	}
	cause.Text, cause.Advice = t.why, refusalAdvice[r.Condition]
	switch {
	case r.Condition == "credentials-expired" && strings.HasPrefix(strings.ToUpper(a.Mechanism), "HT-"):
		cause.Text, cause.Advice = "the token of FAST (XEP-0484) has expired", "let the client throw the token away and log in by one of the other mechanisms that the server lists: it gets a new token then"
	case a.Kind == "iqauth-set":
		cause.Text = legacyWhy[r.Condition]
	case r.Condition == "invalid-mechanism" && len(t.offered) > 0 && !slices.Contains(t.offered, a.Mechanism):
		cause.Text, cause.Weight = fmt.Sprintf("the client chose %q, and the server offers %s", a.Mechanism, list(t.offered)), Shown
	case r.Condition == "invalid-authzid" && t.authzid != "":
		cause.Text, cause.Weight = fmt.Sprintf("the client wants to act as %s (authzid) with the login of %q, which the server does not allow", quote(t.authzid), c.User), Shown
	case a.Mechanism == "" && t.words != "":
		cause.Text = "the user, the password or the token is not what the server has; this login is of its own kind, so no more can be told"
	}
	if r.Condition == "not-authorized" {
		cause.Advice = c.checkPassword(a.Mechanism)
		if next := decode.MechanismOf(a.Mechanism).Retry; next != "" {
			cause.Advice = next
		}
	}
}

// checkPassword is what to do where a password was refused.
func (c *scene) checkPassword(mechanism string) string {
	if c.passwordKnown() || decode.MechanismOf(mechanism).Retry != "" {
		return "check user and password"
	}
	return "check user and password; with --password-file JID=FILE xmppscope says which side has it wrong"
}

// passwordKnown says whether the user has told the account's password, so that the
// messages were held against it.
func (c *scene) passwordKnown() bool {
	if c.state.Passwords == nil {
		return false
	}
	_, ok := c.state.Passwords(c.User, c.state.Domain())
	return ok
}

// legacyWhy is what the errors of XEP-0078 §3.1 mean.
var legacyWhy = map[string]string{
	"not-authorized": "a wrong user name or password is by far the most likely",
	"conflict":       "another session of this account has the resource",
	"not-acceptable": "the client left a field out that the server wants",
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
	"temporary-auth-failure": "try again later, and look into the server's log",
}

func (c *scene) bindMeans(cause *Cause) {
	cause.Text, cause.Advice = c.last.worst(), "look at the server's log and at the rules for this account"
	switch c.Cause.Condition {
	case "conflict":
		cause.Text, cause.Advice = "another session of this account has it, and the server keeps the older one", "end the other session, or let the client ask for another resource, or for none"
	case "resource-constraint":
		cause.Text, cause.Advice = "the account has as many sessions as the server allows", "end other sessions of this account"
	case "not-allowed", "forbidden":
		cause.Text = "the account may log in, but not have a session here: a rule of the server"
	case "bad-request", "not-acceptable", "jid-malformed":
		cause.Text, cause.Advice = "the server cannot use this resource", "let the client ask for another resource, or for none"
	}
}

// boundTooEarly is about a client that asks for a resource before it has logged in.
func boundTooEarly(c *scene) []Cause {
	r := c.Cause
	if early := c.stanzaBeforeBind(); early != nil {
		return early
	}
	if r != nil && r.By == "server" && !c.In.IsZero() && c.asking.space == decode.NSBind && time.Unix(0, c.asking.at).After(c.In) && c.JID != "" {
		return []Cause{{ID: "bound-twice", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
			Text:   fmt.Sprintf("the client asks for a second resource on a stream that has one already (%s), as one stream is one session (RFC 6120 §7.1)", quote(c.JID)),
			Advice: "let the client bind once for each stream, and open another connection for another session"}}
	}
	if r == nil || r.Kind != "bind-error" && r.Kind != "session-error" || !c.Admitted.IsZero() {
		return nil
	}
	return []Cause{{ID: "bound-too-early", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text: "the client is not logged in", Advice: "the client has to authenticate before it binds (RFC 6120 §7.1)"}}
}

// stanzaBeforeBind is about a client that is logged in, and sends a stanza where it has to
// bind a resource.
func (c *scene) stanzaBeforeBind() []Cause {
	stanza := session.IsStanza(c.asking.name)
	if !c.silentEnd() || c.Admitted.IsZero() || c.Servers || !stanza || c.asking.space == decode.NSBind || c.asking.step != nil {
		return nil
	}
	answer := "the server does not answer that"
	if c.last.dir == session.S2C {
		answer = "the server answers with " + c.answer.describe()
	}
	return []Cause{{ID: "stanza-before-bind", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		What:   fmt.Sprintf("the client sent %s after its login, before it had bound a resource, which has to come first (RFC 6120 §7.1): %s", c.asking.describe(), answer),
		Advice: "let the client bind a resource before it sends anything else"}}
}

// sideBySide puts the two things beside each other that an error is about, where they were
// seen.
func sideBySide(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.Kind != "stream-error" || r.By != "server" {
		return nil
	}
	if r.Condition == "conflict" && !c.In.IsZero() && r.Text != "" && !replaces.MatchString(strings.ToLower(r.Text)) {
		return []Cause{{ID: "ended-with-words", Guilty: Nobody, Weight: Likely, Evidence: []Evidence{{Seq: r.Seq}},
			Text:   "a session that is replaced by another one gets words on that; these are somebody's own, as whoever runs a server gives them where they end a session by hand",
			Advice: "ask whoever runs the server; if they have not done it, look for a second program with the same account and resource"}}
	}
	cause := Cause{ID: "seen-" + r.Condition, Weight: Possible, Advice: advice[r.Condition], Text: c.disagreement(r.Condition), Evidence: []Evidence{{Seq: c.asking.seq}}}
	if cause.Text == "" {
		return nil
	}
	switch {
	case r.Condition == "host-unknown", r.Condition == "host-gone":
		cause.Weight = Likely
	case r.Condition == "conflict" && c.declared("component"):
		cause.Weight, cause.Guilty, cause.Advice = Shown, Client, "look for a second program that serves this component, or an old connection of it that the server has not given up yet"
	case r.Condition == "not-authorized" && !c.Admitted.IsZero() && c.In.IsZero():
		cause.Weight, cause.Guilty, cause.Advice = Shown, Client, "let the client bind a resource next, and authenticate once"
	case c.asking.name == handshake && r.Condition == "not-authorized":
		cause.Weight, cause.Guilty, cause.Advice = Shown, Account, "compare the component's secret with the one in the server's settings"
	}
	return []Cause{cause}
}

// handshake is the login of a component (XEP-0114 §3).
const handshake = "handshake"

// disagreement is "" if nothing more is known than what the error says.
func (c *scene) disagreement(condition string) string {
	in := !c.In.IsZero()
	switch condition {
	case "invalid-from":
		if in && c.seldom().foreign != "" {
			return c.seldom().foreign
		}
		if h := c.state.Header[session.C2S]; h != nil && !in {
			return fmt.Sprintf("the client's stream header has from %q and to %q", h.From, h.To)
		}
	case "host-unknown", "host-gone":
		why := fmt.Sprintf("the client asked for %q, which is not served there", c.state.Domain())
		if h := c.state.Header[session.S2C]; h != nil && h.From != "" && !strings.EqualFold(h.From, c.state.Domain()) {
			why += fmt.Sprintf("; the server calls itself %q", h.From)
		}
		return why
	case "conflict":
		if c.declared("component") {
			return fmt.Sprintf("another connection serves the component %q already", c.state.Domain())
		}
		if !in {
			return ""
		}
		return fmt.Sprintf("another login has taken the place of %q: with the same resource, or with one session more than the server allows", c.state.JID)
	case "connection-timeout":
		return fmt.Sprintf("the client's last word was %s, %s before", c.asking.describe(), session.ShortTime(c.asking.ago(c.now.Event)))
	case "unsupported-version", "invalid-namespace", "bad-namespace-prefix", "improper-addressing":
		if h := c.state.Header[session.C2S]; h != nil && !in {
			return fmt.Sprintf("the client's stream header has version %q, namespace %q, from %q and to %q", h.Version, h.Content, h.From, h.To)
		}
	case "not-authorized":
		if !in && c.asking.name == handshake {
			return "the component's handshake shows that its secret is another one than the server's"
		}
		if !in && !c.Admitted.IsZero() && c.asking.name != "" {
			return fmt.Sprintf("the client sent %s after its authentication, where it has to bind a resource (RFC 6120 §7.1)", c.asking.describe())
		}
		if !in && c.asking.name != "" && c.asking.name != "stream" {
			return fmt.Sprintf("the client sent %s before it had logged in", c.asking.describe())
		}
		return ""
	case "system-shutdown", "see-other-host", "reset", "resource-constraint", "internal-server-error", "undefined-condition":
		return "" // the client has no part in it
	}
	if c.asking.name == "stream" {
		return ""
	}
	return c.offence()
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
