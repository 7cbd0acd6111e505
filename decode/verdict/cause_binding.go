package verdict

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
)

func init() { propose("15 binding", channelBinding) }

// channelBinding is about logins that are tied to the TLS connection that they run in: what
// fails only because xmppscope stands in between, and what would fail without it too.
func channelBinding(c *scene) []Cause {
	r := c.Cause
	if r == nil || len(c.tries) == 0 || !strings.HasPrefix(r.Kind, "sasl") || r.By != "server" {
		return nil
	}
	if !aboutMessage(r.Condition) && r.Condition != "aborted" {
		return nil
	}
	t := &c.tries[len(c.tries)-1]
	if c.downgraded(t) {
		return []Cause{c.downgrade(t)}
	}
	a := c.Attempts[len(c.Attempts)-1]
	if !decode.BindsChannel(a.Mechanism) || !c.intercepted() || faulty(t) || c.asking.bare {
		return nil
	}
	kind, fixed := decode.BindingOf(a.Mechanism)
	if !fixed {
		kind = strings.TrimPrefix(t.flag, "p=")
	}
	if strings.HasPrefix(strings.ToUpper(a.Mechanism), "SCRAM-") && t.replies < 1 {
		return []Cause{{ID: "binding-refused", Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: a.Seq}},
			Text:   fmt.Sprintf("it did so before any channel-binding data was sent: the server does not take this type of binding (%q), or not with this version of TLS, or does not know the user; xmppscope has no part in it", kind),
			Advice: "compare the type with those that the server lists (urn:xmpp:sasl-cb:0): tls-exporter is for TLS 1.3, tls-unique for TLS 1.2 and older; let the client choose one that both know, and look whether the account exists"}}
	}
	switch {
	case t.anew && t.proof == "does not fit": // the server has refused what it refuses without us
		return nil
	case t.anew:
		return []Cause{{ID: "bound-anew", Guilty: Account, Weight: Shown, Evidence: []Evidence{{Seq: a.Seq}},
			Text:   fmt.Sprintf("xmppscope bound this login anew to the server's TLS connection (%s), after the client's proof had fitted what xmppscope knows of the account, and the server refused it all the same: it has another password or token for the account, or takes another type of binding", kind),
			Advice: "set the account's password on the server again; if it is right there, compare the type of binding with those that the server lists (urn:xmpp:sasl-cb:0)"}}
	}
	return []Cause{c.lostBinding(a.Mechanism, t)}
}

// faulty says whether a message of the client was wrong in itself: that would have failed
// without us too.
func faulty(t *try) bool {
	return slices.ContainsFunc(t.faults, func(f fault) bool { return f.grave && !beside[f.Rule] && !f.computed() })
}

// computed says whether a fault is about what the client has computed from its TLS
// connection: whatever is wrong with it, it could not be right with us in between.
func (f *fault) computed() bool { return f.Rule == "sasl-scram" }

func (c *scene) lostBinding(mechanism string, t *try) Cause {
	secret := "password"
	if strings.HasPrefix(strings.ToUpper(mechanism), "HT-") {
		secret = "token"
	}
	out := Cause{ID: "binding-lost", Guilty: Xmppscope, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   fmt.Sprintf("channel binding cannot survive a man in the middle: the client has tied this login to its own TLS connection, which ends at xmppscope, so %q fails here whatever the %s", mechanism, secret),
		Advice: "without xmppscope this may work: channel binding cannot pass a man in the middle, unless he knows the password and binds the login anew (--rebind --password-file JID=FILE); or let the client use a mechanism without -PLUS here"}
	if t.rebinds {
		out.Advice = "look why xmppscope has not bound it anew: it says so behind the client's proof; without xmppscope this may work"
	}
	switch t.proof {
	case "does not fit":
		out.Text = fmt.Sprintf("two things stand in the way: %s; and %q is tied to the client's own TLS connection, which ends at xmppscope (channel binding)", t.proved.Text, mechanism)
		out.Advice = "compare the password in the client with the one given to xmppscope first; then start xmppscope with --rebind, or let the client use a mechanism without -PLUS here: channel binding cannot pass a man in the middle"
		out.Weight = Proven
	case "fits":
		out.Text += fmt.Sprintf("; %s", t.proved.Text)
		out.Weight = Proven
	}
	for _, f := range t.faults {
		if f.computed() && f.grave {
			out.Text += "; besides, " + f.Text
			out.Advice += "; look into that fault of the client too: it would fail without xmppscope as well"
			break
		}
	}
	if bound := c.boundTries(); bound > 1 {
		out.Advice += fmt.Sprintf("; the %d tries that failed for this alone may have made the server close its door to this address for a while (fail2ban and the like): wait, or let whoever runs it lift that", bound)
	}
	return out
}

func (c *scene) boundTries() (n int) {
	for i := range c.Attempts {
		if decode.BindsChannel(c.Attempts[i].Mechanism) {
			n++
		}
	}
	return n
}

// downgraded says whether the server must take the login for one whose offer was
// changed by someone in between: the client does channel binding, and has seen no
// mechanism for it among those that there were.
func (c *scene) downgraded(t *try) bool {
	return t.flag == "y" && slices.ContainsFunc(t.offered, decode.IsPlus)
}

func (c *scene) downgrade(t *try) Cause {
	return Cause{ID: "binding-denied", Guilty: Client, Weight: Shown,
		Text:   fmt.Sprintf("the client claims that the server offers no channel binding (gs2 flag %q), and the server has offered %s, so it takes its offer for changed on the way (RFC 5802 §6)", t.flag, list(t.offered)),
		Advice: "if nothing on the way takes -PLUS out of the offer, it is the client's fault: it has to send \"n\" if it does not do channel binding"}
}
