package demo

import (
	"fmt"
	"strings"
)

// stanza answers a stanza of an authenticated client.
func (e *serverEnd) stanza(n *node) error {
	kind := n.XMLName.Local
	e.count.Add(1)
	switch {
	case kind == "iq":
		return e.iq(n)
	case e.phase < bound: // RFC 6120 §7.1
		return fatal("not-authorized")
	case kind == "message":
		return e.message(n)
	case kind == "presence":
		return e.presence(n)
	}
	return fatal("unsupported-stanza-type")
}

func (e *serverEnd) iq(n *node) error {
	switch n.attr("type") {
	case "result", "error":
		return nil
	case "get", "set":
		if n.attr("id") == "" || len(n.Nodes) != 1 {
			return e.refuse(n, "modify", "bad-request")
		}
	default:
		return e.refuse(n, "modify", "bad-request")
	}
	get := n.attr("type") == "get"
	to := n.attr("to")
	toUs := to == "" || to == e.server.scenario.Domain || to == e.user
	switch payload := n.Nodes[0]; {
	case !get && payload.is(nsBind, "bind"):
		return e.bind(n, &payload)
	case e.phase < bound:
		return fatal("not-authorized")
	case !get && payload.is(nsSession, "session") && e.server.scenario.Session:
		return e.result(n, "")
	case !toUs:
	case get && payload.is(nsPing, "ping"):
		return e.result(n, "")
	case get && payload.is(nsRoster, "query"):
		return e.result(n, fmt.Sprintf("<query xmlns='%s'><item jid='%s' name='Echo' subscription='both'/></query>",
			nsRoster, esc(e.server.scenario.Contact)))
	}
	return e.refuse(n, "cancel", "service-unavailable")
}

func (e *serverEnd) bind(n, request *node) error {
	if e.phase == bound {
		return e.refuse(n, "cancel", "not-allowed")
	}
	resource := ""
	if r := request.child(nsBind, "resource"); r != nil {
		resource = strings.TrimSpace(r.Text)
	}
	e.server.bind(e, resource)
	e.phase = bound
	return e.result(n, fmt.Sprintf("<bind xmlns='%s'><jid>%s</jid></bind>", nsBind, esc(e.jid)))
}

// message delivers to whoever is logged in here; the scenario's contact is a bot
// that says everything back.
func (e *serverEnd) message(n *node) error {
	if n.attr("type") == "error" {
		return nil
	}
	sc := &e.server.scenario
	to := n.attr("to")
	if to == "" {
		to = e.user
	}
	body := n.child(nsClient, "body")
	if bare, _, _ := strings.Cut(to, "/"); bare == sc.Contact {
		if body == nil {
			return nil
		}
		return e.tell("<message from='%s/bot' to='%s' type='chat' id='%s'><body>echo: %s</body></message>",
			esc(sc.Contact), esc(e.jid), hexID(4), esc(body.Text))
	}
	targets := e.server.sessions(to)
	if len(targets) == 0 {
		return e.refuse(n, "cancel", "service-unavailable")
	}
	text := ""
	if body != nil {
		text = fmt.Sprintf("<body>%s</body>", esc(body.Text))
	}
	for _, t := range targets {
		// One who has just left is not this session's trouble.
		t.tell("<message from='%s' to='%s' type='%s' id='%s'>%s</message>",
			esc(e.jid), esc(t.jid), esc(n.attr("type")), esc(n.attr("id")), text)
	}
	return nil
}

// presence comes back to the session that sent it, as RFC 6121 §4.2.2 has it for
// all of an account's, and is followed by the bot's.
func (e *serverEnd) presence(n *node) error {
	if n.attr("to") != "" || n.attr("type") != "" {
		return nil
	}
	if err := e.tell("<presence from='%s' to='%s'/>", esc(e.jid), esc(e.jid)); err != nil {
		return err
	}
	return e.tell("<presence from='%s/bot' to='%s'><status>I say everything back</status></presence>", esc(e.server.scenario.Contact), esc(e.jid))
}

func (e *serverEnd) result(n *node, payload string) error {
	to := ""
	if e.phase == bound {
		to = fmt.Sprintf(" to='%s'", esc(e.jid))
	}
	if payload == "" {
		return e.tell("<iq type='result' id='%s'%s/>", esc(n.attr("id")), to)
	}
	return e.tell("<iq type='result' id='%s'%s>%s</iq>", esc(n.attr("id")), to, payload)
}

// refuse answers a stanza with a stanza error (RFC 6120 §8.3).
func (e *serverEnd) refuse(n *node, kind, condition string) error {
	from := n.attr("to")
	if from == "" {
		from = e.server.scenario.Domain
	}
	return e.tell("<%[1]s type='error' id='%[2]s' from='%[3]s'><error type='%[4]s'><%[5]s xmlns='%[6]s'/></error></%[1]s>",
		n.XMLName.Local, esc(n.attr("id")), esc(from), kind, condition, nsStanzas)
}
