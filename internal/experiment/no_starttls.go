package experiment

import (
	"bytes"
	"fmt"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "no-starttls",
		Title: "somebody on the way takes STARTTLS out of the features, and offers PLAIN in the clear",
		Good:  "goes no further: nothing of its login is sent without TLS",
		Ref:   "RFC 7590 §3.1",
		Needs: "the client has begun with TLS, or the server offers no STARTTLS, as in WebSocket",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			switch {
			case is(e, "features-1") && !inTLS(e) && bytes.Contains(e.Raw, []byte(decode.NSTLS)):
				return proxy.Decision{
					XML:    fmt.Appendf(nil, "<stream:features><mechanisms xmlns='%s'><mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>", decode.NSSASL),
					Reason: "STARTTLS is taken out of the features",
				}
			case e.Dir == session.C2S && is(e, "starttls") && !t.before():
				return inPlace("STARTTLS was not offered", "<failure xmlns='%s'/></stream:stream>", decode.NSTLS)
			case (asksBySASL(e) || e.Dir == session.C2S && is(e, "iqauth-set")) && !t.before(): // no password reaches the server in the clear
				return inPlace("the login is not passed on in the clear", "%s", refusal(e, "temporary-auth-failure"))
			}
			return proxy.Decision{}
		},
		Judge: func(o *Outcome) Result { // a password in the clear has been judged
			for _, a := range o.attempts() {
				if a.Phase == facts.InClear {
					return result(Weak, "it tried to log in without TLS, with %s", session.ShortLine(a.Mechanism))
				}
			}
			switch s := o.hit(); {
			case !s.Ended.IsZero():
				return result(Good, "it went no further, and left after %s%s", o.after(s.Ended), o.end())
			default:
				return result(Good, "it went no further%s", o.end())
			}
		},
		Patient: true,
	})
}

// inTLS says whether an event stands behind a handshake.
func inTLS(e *session.Event) bool { return e.Step != nil && e.Step.N > 3 }
