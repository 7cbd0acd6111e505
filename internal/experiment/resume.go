package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

const needsResume = "the client has not turned on stream management, or the server does not offer it"

func init() {
	add(Experiment{
		Name:  "resume-client",
		Title: "the client's connection breaks, while the server still holds its own",
		Good:  "comes back and takes up its session: nothing is lost",
		Ref:   "XEP-0198 §5",
		Needs: needsResume,
		Bend:  lose(session.C2S, "the client's connection is reset, and the server's is kept"),
		Judge: func(o *Outcome) Result {
			back := o.back()
			if back != nil && !back.Login().Resumed {
				return result(Weak, "it came back after %s by a new login: what was under way is lost", o.after(back.Began))
			}
			return comesBack(o)
		},
	})
	add(Experiment{
		Name:  "resume-server",
		Title: "the server's connection breaks, and the client's stays open and silent",
		Good:  "notices it (<r/>, a ping, a time-out), and comes back",
		Ref:   "XEP-0198 §4, XEP-0199",
		Needs: needsResume,
		Bend:  lose(session.S2C, "the server's connection is reset, and the client's is kept"),
		Judge: func(o *Outcome) Result {
			if len(o.later()) == 0 && !o.Exited {
				return result(Weak, "it did not notice within %s", o.watched())
			}
			return comesBack(o)
		},
	})
}

// lose breaks the connection that a direction comes from, soon after stream management was
// turned on.
func lose(from session.Dir, reason string) func(*Trial, *session.Event) proxy.Decision {
	return func(t *Trial, e *session.Event) proxy.Decision {
		if is(e, "sm-enabled") && t.before() {
			t.soon(e.Session, proxy.Bend{What: proxy.ResetLeg, Dir: from, Reason: reason})
		}
		return proxy.Decision{}
	}
}
