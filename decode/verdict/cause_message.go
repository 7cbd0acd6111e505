package verdict

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	propose("20 messages", wrongMessage)
	propose("21 answers", wrongAnswer)
}

// wrongMessage is about what is wrong in the very message that was refused: that outweighs
// what the condition usually means.
func wrongMessage(c *scene) (out []Cause) {
	r := c.Cause
	if c.silentEnd() && c.last.dir == session.C2S && c.last.name != "stream" && c.last.name != noXML {
		return c.unanswered()
	}
	if r == nil || r.By != "server" {
		return nil
	}
	switch r.Kind {
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		if !aboutMessage(r.Condition) || len(c.tries) == 0 {
			return nil
		}
		t := &c.tries[len(c.tries)-1]
		if m := c.Attempts[len(c.Attempts)-1].Mechanism; r.Condition == "invalid-mechanism" && len(t.offered) > 0 && !slices.Contains(t.offered, m) {
			return nil // whatever is in it
		}
		if t.after == "sasl-response" && c.asking.bare && c.gaveUp(t) {
			return []Cause{c.emptyResponse()}
		}
		return blame(c, t.faults)
	case "bind-error", "session-error":
		if r.Condition == "bad-request" || r.Condition == "not-acceptable" || r.Condition == "jid-malformed" || r.Condition == "" {
			return append(blame(c, c.asking.faults), c.wrongResource()...)
		}
	case "stream-error":
		return c.wrongInStream()
	}
	return nil
}

// mostResource is the length of a resource in bytes (RFC 7622 §3.4).
const mostResource = 1023

// wrongResource is about a resource that no server may bind.
func (c *scene) wrongResource() []Cause {
	cause := Cause{ID: "resource-forbidden", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Advice: "let the client ask for a short resource of plain characters, or for none"}
	switch forbidden := strings.IndexFunc(c.Asked, unicode.IsControl); {
	case len(c.Asked) > mostResource:
		cause.Text = fmt.Sprintf("the resource that the client asks for has %d bytes, and may have %d at most (RFC 7622 §3.4)", len(c.Asked), mostResource)
	case forbidden >= 0:
		cause.Text = fmt.Sprintf("the resource that the client asks for holds a control character (%+q), which is forbidden there (RFC 7622 §3.4)", []rune(c.Asked[forbidden:])[0])
	default:
		return nil
	}
	return []Cause{cause}
}

// aboutMessage says whether a condition of SASL may be about the message: others are about
// the account or the server.
func aboutMessage(condition string) bool {
	switch condition {
	case "account-disabled", "credentials-expired", "temporary-auth-failure", "encryption-required", "aborted", "mechanism-too-weak":
		return false
	}
	return true
}

// beside are faults that no server refuses a message for.
var beside = map[string]bool{"A01": true, "A02": true, "A04": true, "A12": true, "A16": true, "A20": true, "A07": true, "A05": true, "L01": true, "L02": true}

// blame makes causes of what is wrong with a message.
func blame(c *scene, faults []fault) (out []Cause) {
	for _, f := range faults {
		if !f.grave || beside[f.Rule] || f.computed() && c.intercepted() && decode.BindsChannel(c.Mechanism) {
			continue
		}
		cause := Cause{ID: "message-" + f.Rule, Guilty: Client, Text: f.Text, Advice: remedy(f, c), Evidence: []Evidence{f.Evidence}, Weight: Shown}
		if r := c.Cause; r != nil && (r.Condition == "not-authorized" || r.Condition == "malformed-request") {
			cause.Advice += "; the password is not in question as long as that is so"
		}
		out = append(out, cause)
	}
	return out
}

// remedies are what to do about faults, by the rule that found them.
var remedies = map[string]string{
	"A06":        "let the client send base64 without line breaks or blanks, with padding, and \"=\" for an empty message",
	"A13":        "let the client build the message as RFC 4616 says: two NUL bytes, user and password in UTF-8",
	"A15":        "let the client put the base64 of its own GS2 header into c=, followed by channel-binding data exactly if the header promises some (RFC 5802 §5.1)",
	"A21":        "let the client take digest-uri, nc and nonce from RFC 2831: digest-uri is \"xmpp/\" and the domain of the account, not a host and not another service",
	"A22":        "let the client build the message as RFC 7628 says: a GS2 header and key=value pairs, each ended by byte 01",
	"A25":        "look at the client's FAST: from on the stream, the user-agent's id, the token's count",
	"Q01":        "let the client give each iq an id of its own: it is required (RFC 6120 §8.1.3)",
	"sasl-scram": "look at the client's SCRAM: its messages must be as RFC 5802 §7 has them",
}

func remedy(f fault, c *scene) string {
	if r := remedies[f.Rule]; r != "" {
		return r
	}
	return fmt.Sprintf("mend what the client sends there (#%d)", f.Seq)
}

// gaveUp says whether an empty response was sent where a message was due.
func (c *scene) gaveUp(t *try) bool {
	a := c.Attempts[len(c.Attempts)-1]
	return strings.HasPrefix(strings.ToUpper(a.Mechanism), "SCRAM-") && t.replies == 1
}

func (c *scene) emptyResponse() Cause {
	return Cause{
		ID: "empty-response", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   "the client answers the server's challenge with an empty response, in place of its final message: it gave up on what the server sent, perhaps because of an attribute in there that it does not know (an optional attribute such as d= or h= has to be passed over)",
		Advice: fmt.Sprintf("look at the challenge before #%d and at the client's SCRAM: RFC 5802 §5.1 has unknown attributes ignored; the password is not in question", c.asking.seq),
	}
}

// unanswered is about a message that got no answer, and in which something is wrong.
func (c *scene) unanswered() []Cause {
	found := blame(c, c.last.faults)
	for i := range found {
		found[i].What = "the client sent " + c.last.describe() + ", and no answer came"
	}
	return found
}

// wrongInStream is about a stream that the server ended because of what it was sent.
func (c *scene) wrongInStream() (out []Cause) {
	r := c.Cause
	if c.restarts(r) {
		return []Cause{{ID: "server-not-restarted", Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
			Text:   "the client opened a new stream, as it must, with an XML declaration, which may stand at its beginning; the server goes on parsing the old document: it did not begin anew after TLS or the login",
			Advice: "the fault is the server's: its parser has to be reset at each restart (RFC 6120 §4.3.3); until then the client may leave the XML declaration out"}}
	}
	if f := c.wrongHeader(); f != nil {
		return []Cause{{ID: "header-" + f.Rule, Guilty: Client, Weight: Shown, Evidence: []Evidence{f.Evidence}, Text: f.Text, Advice: "mend the client's stream header: " + c.disagreement("invalid-namespace")}}
	}
	if !blamesClient(r.Condition) || c.asking.name == "stream" && r.Condition != "not-well-formed" && r.Condition != "bad-format" && r.Condition != "xml-not-well-formed" {
		return nil
	}
	if begun := c.spoke[session.C2S] || strings.HasPrefix(string(c.seldom().raw[session.C2S]), "<"); c.seldom().opaque[session.C2S] != "" && begun && !c.zipped {
		return []Cause{{ID: "client-xml-broken", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
			Text: c.offence(), Advice: fmt.Sprintf("mend the client's XML at #%d", c.asking.seq)}}
	}
	for _, f := range c.asking.faults {
		if f.grave && !beside[f.Rule] && f.Rule != "core-relay" {
			return []Cause{{ID: "message-" + f.Rule, Guilty: Client, Weight: Shown, Evidence: []Evidence{f.Evidence},
				Text: "the client had last sent " + c.asking.describe() + ": " + f.Text, Advice: remedy(f, c)}}
		}
	}
	if f := c.broke; f.Rule != "" && (strings.Contains(r.Condition, "xml") || r.Condition == "bad-format") || f.Rule != "" && strings.HasPrefix(r.Condition, "not-well") {
		return []Cause{{ID: "message-" + f.Rule, Guilty: Client, Weight: Likely, Evidence: []Evidence{f.Evidence},
			Text: fmt.Sprintf("shortly before (#%d), %s", f.Seq, f.Text), Advice: remedy(f, c)}}
	}
	return nil
}

// wrongHeader is what is wrong with the client's stream header, where the server complains
// of that; nil if nothing is.
func (c *scene) wrongHeader() *fault {
	condition := c.Cause.Condition
	if c.asking.name != "stream" || !blamesClient(condition) && condition != "host-unknown" && condition != "unsupported-version" {
		return nil
	}
	for i, f := range c.asking.faults {
		if condition == "unsupported-version" && f.Rule == "S14" {
			return &c.asking.faults[i]
		}
		if f.grave && (strings.HasPrefix(f.Rule, "S0") || strings.HasPrefix(f.Rule, "X")) {
			return &c.asking.faults[i]
		}
	}
	return nil
}

// blamesClient says whether a stream error may be about what the client has sent.
func blamesClient(condition string) bool {
	switch condition {
	case "bad-format", "not-well-formed", "xml-not-well-formed", "invalid-xml", "unsupported-stanza-type", "restricted-xml", "bad-namespace-prefix",
		"unsupported-encoding", "invalid-namespace", "invalid-from", "improper-addressing", "policy-violation", "undefined-condition", "not-authorized":
		return true
	}
	return false
}

// restarts says whether the server calls a legal XML declaration wrong.
func (c *scene) restarts(r *session.Refusal) bool {
	text := strings.ToLower(r.Text)
	about := strings.Contains(text, "declaration") || strings.Contains(text, "reserved") && strings.Contains(text, "xml") || strings.Contains(text, "processing instruction")
	h := c.state.Header[session.C2S]
	return c.asking.name == "stream" && h != nil && h.Count > 1 && len(c.asking.faults) == 0 && (about || strings.Contains(r.Condition, "well-formed") && !c.replied)
}

// wrongAnswer is about a client that ends the stream, or gives up, over what the server
// has sent.
func wrongAnswer(c *scene) []Cause {
	r := c.Cause
	if r == nil {
		return nil
	}
	gaveUp := r.Condition == "aborted"
	if !gaveUp && (r.Kind != "stream-error" || r.By != "client") && !(c.silentEnd() && c.last.dir == session.S2C && c.ended().client) {
		return nil
	}
	mend := "look into the server: the client is right to stop there"
	if c.seldom().opaque[session.S2C] != "" && c.spoke[session.S2C] {
		return []Cause{{ID: "server-xml-broken", Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: c.answer.seq}},
			Text: fmt.Sprintf("what the server sent is broken (%s), so the client is right to end it", c.seldom().opaque[session.S2C]), Advice: "mend the XML that the server sends; the client has no part in it"}}
	}
	if h := c.state.Header[session.S2C]; r.Condition == "unsupported-version" && h != nil && h.Version == "" {
		return []Cause{{ID: "server-without-version", Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: c.answer.seq}},
			Text:   "the server that answers has no version on its stream header, so it is one of before XMPP 1.0: it sends no features, and does neither TLS nor SASL; the one that called insists on version 1.0",
			Advice: "let the answering server send version=\"1.0\" and features, or let the calling one accept a server without (dialback alone)"}}
	}
	if gaveUp {
		for _, t := range c.tries {
			for _, f := range t.served {
				if f.grave {
					return []Cause{{ID: "server-" + f.Rule, Guilty: Server, Text: "the client gave up over the server's message: " + f.Text, Advice: mend, Evidence: []Evidence{f.Evidence}, Weight: Shown}}
				}
			}
		}
		return nil
	}
	for _, f := range c.answer.faults {
		if f.grave && !expected(f) {
			return []Cause{{ID: "server-" + f.Rule, Guilty: Server, Text: "the server had last sent " + c.answer.describe() + ": " + f.Text, Advice: mend, Evidence: []Evidence{f.Evidence}, Weight: Likely}}
		}
	}
	return nil
}

// expected says whether clients put up with a fault of the server.
func expected(f fault) bool {
	switch f.Rule {
	case "S16", "S17", "S18", "S19", "A01", "A04", "T02":
		return true
	}
	return strings.HasPrefix(f.Rule, "core-stream-error")
}

// offence is the last thing that the client said, and what is wrong with it.
func (c *scene) offence() string {
	if c.asking.name == "" {
		return ""
	}
	why := "the client had last sent " + c.asking.describe()
	switch {
	case c.seldom().opaque[session.C2S] != "":
		why += ", from where on nothing can be understood: " + c.seldom().opaque[session.C2S]
	case c.asking.worst() != "":
		why += ": " + c.asking.worst()
	}
	return why
}
