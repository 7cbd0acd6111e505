package verdict

import (
	"fmt"

	"xmppscope/session"
)

func init() {
	propose("16 dialback", notProved)
	propose("16 dialback without an answer", notAsked)
}

// notAsked is about a claim of a domain that no answer comes to: before it answers, the
// server that was called asks the one that DNS has for the domain (XEP-0220 §2.1.1).
func notAsked(c *scene) []Cause {
	if !c.silentEnd() || c.last.dir != session.C2S || c.asking.ns != nsDialbackStanza || c.asking.name != "result" || c.seldom().claimed == "" {
		return nil
	}
	return []Cause{{ID: "dialback-unanswered", Guilty: Network, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   fmt.Sprintf("before it answers a claim of dialback, the server that was called asks the server that DNS names for %s whether the key is right: it does not reach that one, or gets no answer there", quote(c.seldom().claimed)),
		Advice: fmt.Sprintf("look at the SRV records of %s (_xmpp-server), and whether its port 5269 can be reached from the server that was called; that server's log says what it tried", quote(c.seldom().claimed))}}
}

// nsDialbackStanza is that of dialback itself, not of its feature.
const nsDialbackStanza = "jabber:server:dialback"

// notProved is about a domain that was not proved by dialback (XEP-0220 §2.1).
func notProved(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.Kind != "dialback" || c.now.Root == nil {
		return nil
	}
	from, to := c.now.Root.Attr("from"), c.now.Root.Attr("to")
	cause := Cause{ID: "dialback-" + r.Condition, Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: r.Seq}},
		What:   fmt.Sprintf("%q could not prove its domain to %q by dialback", to, from),
		Advice: fmt.Sprintf("the server that %q has in DNS does not know the key: another server may claim the domain, or its cluster does not share the secret", to)}
	if r.Condition == "error" {
		cause.What = fmt.Sprintf("%q could not check by dialback who %q is", from, to)
		cause.Advice = fmt.Sprintf("look at the condition, and whether %q reaches the server of %q", from, to)
	}
	return []Cause{cause}
}

// proved sums up what a server was told of the domain that it claims, or of a key that it
// asked about. Each answer replaces the one before.
func (c *scene) proved() []session.Note {
	root := c.now.Root
	if root == nil {
		return nil
	}
	from, to := root.Attr("from"), root.Attr("to")
	if root.Name.Local == "verify" {
		return []session.Note{verdictNote(session.Info, place{}, fmt.Sprintf("the server of %q says that the key it was asked about is %s", from, root.Attr("type")), "")}
	}
	severity := session.Info
	if c.state.InClear() {
		severity = session.Warning
	}
	return []session.Note{verdictNote(severity, place{}, fmt.Sprintf("%q has proved its domain to %q by dialback%s", to, from, c.cost()), "")}
}
