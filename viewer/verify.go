package viewer

import (
	"context"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
)

// askPassword asks for the password of the account of the session shown, to hold
// what was computed from it against it.
func (u *ui) askPassword() {
	c := u.current()
	switch {
	case u.options.Verify == nil:
		u.say(notice, "checking a password is not available here")
	case c.ID == 0:
		u.say(notice, "there is no session yet")
	case inspect.Account(&c.Overview) == "":
		u.askAccount(c, "")
	default:
		u.askPasswordOf(c, inspect.Account(&c.Overview))
	}
}

// askAccount asks whose password it is.
func (u *ui) askAccount(c *inspect.Conversation, before string) {
	u.ask(question{
		title: "Check a password", label: "account:", answer: before,
		help: func(string) []line {
			return []line{{{" the bare JID of the account, such as juliet@example.net", u.theme.text}}}
		},
		done: func(jid string) {
			jid = strings.TrimSpace(jid)
			if user, domain, ok := strings.Cut(jid, "@"); !ok || user == "" || domain == "" {
				u.say(warning, "%q is not a bare JID such as user@domain", jid)
				return
			}
			u.askPasswordOf(c, jid)
		},
	})
}

func (u *ui) askPasswordOf(c *inspect.Conversation, jid string) {
	u.ask(question{
		title: "Check a password", label: "password of " + jid + ":", masked: true,
		help: func(string) []line {
			return []line{
				{{wiref(" says whether the client's proof and the server's signature of session %d fit it", c.ID), u.theme.text}},
				{{" it is kept in memory for this run, so that later logins are checked too; it is never written anywhere", u.theme.text}},
				{{" Tab names another account", u.theme.faint}},
			}
		},
		keys: map[tcell.Key]func(*prompt){tcell.KeyTab: func(*prompt) { u.askAccount(c, jid) }},
		done: func(password string) {
			if password == "" {
				u.say(notice, "nothing was checked: no password was typed")
				return
			}
			u.verify(c, jid, password)
		},
	})
}

// verify holds the session's events against the password, in the background.
func (u *ui) verify(c *inspect.Conversation, jid, password string) {
	u.say(notice, "checking …")
	job := u.ofSession(c)
	var result Check
	u.spawn(
		func(ctx context.Context) { result = u.options.Verify(jid, password, job.Events(ctx)) },
		func(context.Context) {
			u.flash = flash{}
			u.show(sheet{
				title: wiref("Password check · session %d", c.ID),
				text:  func(p *textBlock) { p.check(jid, &result, u.options.Live) },
			})
		})
}

// check is what came of holding a session against a password.
func (p *textBlock) check(jid string, r *Check, live bool) {
	p.gap()
	p.add(1, span{" " + wire(jid), p.theme.strong})
	p.gap()
	if len(r.Proofs) == 0 {
		p.add(3, span{" ▲ nothing could be checked: ", p.theme.warning}, span{wire(r.Why), p.theme.text})
	}
	for i := range r.Proofs {
		p.proof(&r.Proofs[i])
	}
	if r.Verdict != "" {
		p.heading("The verdict, with the password known")
		p.add(3, span{"   " + wire(r.Verdict), p.theme.text})
		if r.Advice != "" {
			p.add(5, span{"   → ", p.theme.accent}, span{wire(r.Advice), p.theme.text})
		}
	}
	p.gap()
	after := " What its steps say stays as it was."
	if r.Told {
		after = " The verdict on this session is this one now; what its steps say stays as it was."
	}
	if live {
		after += " Later logins of this account are checked as they happen."
	} else {
		after += " Go to another session and press p to check that too."
	}
	p.add(1, span{wire(after), p.theme.faint})
}

// proof is one message, and whether it fits.
func (p *textBlock) proof(proof *Proof) {
	n := &proof.Note
	mark, style := mark(inspect.ToneOf(n.Severity)), p.theme.of(inspect.ToneOf(n.Severity))
	if n.Value == "fits" {
		mark, style = "✓", p.theme.good
	}
	where := wiref("#%d", proof.Seq)
	if s := proof.Step; s != nil {
		where += wiref(", %s", s.Title)
	}
	p.add(3, span{" " + mark + " ", style}, span{wire(n.Text), style}, span{"  " + where, p.theme.faint})
}
