package experiment

import (
	"fmt"
	"strings"

	"xmppscope/proxy"
	"xmppscope/session"
)

// bigStanza is the length of the message, in bytes.
const bigStanza = 200_000

func init() {
	add(Experiment{
		Name:  "big-stanza",
		Title: "a message of 200,000 bytes comes, and then a ping",
		Good:  "copes with it, and answers the ping",
		Ref:   "RFC 6120 §13.12, XEP-0199 §4.1",
		Needs: "the client has not used its session",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if !t.inUse(e) || !t.before() {
				return proxy.Decision{}
			}
			jid := t.jid(e)
			_, domain, _ := strings.Cut(jid, "@")
			domain, _, _ = strings.Cut(domain, "/")
			return proxy.Decision{Sends: []proxy.Sending{
				{Dir: session.S2C, Reason: "a large message", XML: fmt.Appendf(nil, "<message from='%s' to='%s' type='chat'><body>%s</body></message>",
					session.EscapeXML(domain), session.EscapeXML(jid), strings.Repeat("0123456789", bigStanza/10))},
				{Dir: session.S2C, Reason: "a ping", Answer: true, XML: fmt.Appendf(nil, "<iq type='get' id='%s' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
					question, session.EscapeXML(domain), session.EscapeXML(jid))},
			}}
		},
		Judge: func(o *Outcome) Result {
			switch s := o.hit(); {
			case s.Answered && o.Exited && o.Code != 0:
				return result(Bad, "it answered the ping behind it, and then broke down%s", o.end())
			case s.Answered:
				return result(Good, "it answered the ping behind it%s", o.end())
			case !s.Ended.IsZero() && o.Exited && s.ClosedStream:
				return result(Weak, "it went before it answered the ping behind it%s", o.end())
			case !s.Ended.IsZero():
				return result(Bad, "the connection ended after %s, and the ping was not answered%s", o.after(s.Ended), o.end())
			}
			return result(Weak, "it did not answer the ping behind it within %s", o.watched())
		},
	})
}
