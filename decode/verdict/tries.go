package verdict

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// try is what there is to know of an attempt to authenticate.
type try struct {
	offered []string // the mechanisms that the server had offered
	flag    string   // gs2 flag of SCRAM: "n", "y" or "p=…"
	token   int      // length of what is sent as a token or password, 0 if it is not known
	authzid string   // whom the client wants to act as
	words   string   // what was sent in place of a mechanism
	why     string   // what the refusal usually means, in the words of the rule that explained it
	faults  []fault  // of the client's messages
	served  []fault  // of the server's
	proof   string   // what the account's password says of the client's message: "fits", "does not fit", …
	proved  fault    // and in words
	replies int      // messages of the client after the first
	after   string   // the kind of the client's last message
	anew    bool     // xmppscope has bound it anew
	rebinds bool     // xmppscope was asked to (--rebind)
}

// begin is a new attempt.
func (c *clues) begin(s *decode.Seen, kept int) {
	sasl1, sasl2 := s.State.Mechanisms()
	t := try{offered: sasl1, replies: -1, rebinds: s.State.Rebinds}
	switch {
	case s.Event.Step == nil:
	case s.Event.Step.ID == "sasl2-authenticate":
		t.offered = sasl2
	case s.Event.Step.ID == "iqauth-set":
		t.offered = nil
	case s.Event.Dir == session.S2C && c.asking.name != "": // a login of its own kind
		t.words = "<" + c.asking.name + ">"
		if c.asking.ns != "" {
			t.words += " of " + quote(c.asking.ns)
		}
	}
	if n := len(c.tries); n > 0 { // what was said then matters no more
		before := &c.tries[n-1]
		before.offered, before.faults, before.served = nil, nil, nil
	}
	if kept > len(c.tries) {
		c.tries = append(c.tries, t)
	} else {
		c.tries[kept-1] = t
	}
}

// authenticating follows an attempt.
func (c *clues) authenticating(s *decode.Seen, kind string) {
	e := s.Event
	if len(c.tries) == 0 {
		return
	}
	t := &c.tries[len(c.tries)-1]
	if e.Dir == session.S2C {
		switch kind {
		case "sasl-failure", "sasl2-failure", "iqauth-error":
			if t.why == "" {
				t.why = likely(c.last.worst())
			}
		default:
			t.served = more(t.served, c.last.faults)
		}
	} else if kind != "sasl-abort" {
		t.replies++
		t.after = kind
		t.faults = more(t.faults, c.last.faults)
	}
	for i := range e.Notes {
		switch n := &e.Notes[i]; {
		case n.Name == "authzid" && n.Secret == "":
			t.authzid = strings.Clone(n.Value)
		case n.Name == "gs2-flag":
			t.flag = strings.Clone(n.Value)
		case n.Rule == decode.RuleVerify && n.Name != "" && n.Secret == "":
			t.proof, t.proved = strings.Clone(n.Value), fault{Evidence{e.Seq, n.Rule}, strings.Clone(n.Text), true}
		case n.Secret != "" && e.Dir == session.C2S && (n.Name == "token" || n.Name == "password"):
			t.token = len(n.Value)
		}
	}
}

// more adds faults, as long as they are not very many.
func more(faults, others []fault) []fault {
	if len(faults) >= 4*maxFaults {
		return faults
	}
	return append(faults, others...)
}

// likely is the cause in an explanation of the form "what it means: the likely
// cause".
func likely(why string) string {
	if i := strings.LastIndex(why, `": `); i >= 0 { // what is quoted may hold anything
		return why[i+len(`": `):]
	}
	if _, cause, ok := strings.Cut(why, ": "); ok {
		return cause
	}
	return why
}
