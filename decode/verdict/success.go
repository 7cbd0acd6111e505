package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// succeeded sums up a login: who, how, how long, and what would have saved time.
func (j *judge) succeeded(s *decode.Seen) []session.Note {
	j.done, j.cause = true, nil
	j.forgetOffers()
	what, who := "logged in", j.name(s)
	if s.Event.Step.ID == "sm-resumed" {
		what = "took up an earlier session"
	}
	if who != "" {
		what += " as " + who
	}
	if m := s.State.Mechanism; m != "" {
		what += " by " + m
	}
	what += j.cost(s)
	severity := session.Info
	if s.State.InClear() {
		severity = session.Warning
	}
	if f := s.State.TLS[session.ServerLeg]; f != nil && f.Verdict != nil && f.Verdict.Ignored {
		what += "; the server's certificate is no good, and only --insecure-upstream let it pass: " + f.Verdict.Problem
		severity = session.Warning
	}
	return []session.Note{{Severity: severity, Name: session.FieldVerdict, Value: what, Text: j.savings(s)}}
}

// name is the JID that has logged in, as far as it is known.
func (j *judge) name(s *decode.Seen) string {
	st := s.State
	switch head := st.Header[session.C2S]; {
	case st.JID != "":
		return st.JID
	case s.Event.Step.ID == "iqauth-result" && j.user != "": // nobody tells it (XEP-0078 §3.1)
		return strings.TrimSuffix(j.user+"@"+st.Domain()+"/"+j.resource, "/")
	case betweenServers(st) && head.From != "":
		return head.From
	}
	return st.Domain()
}

// betweenServers says whether the client is a server too.
func betweenServers(st *decode.State) bool {
	head := st.Header[session.C2S]
	return head != nil && head.Content == "jabber:server"
}

// cost is what a login ran over, and what it took.
func (j *judge) cost(s *decode.Seen) (what string) {
	if f := s.State.TLS[session.ClientLeg]; f != nil {
		what += " over " + f.Version
	} else if !s.State.Secure[session.ServerLeg] {
		what += " WITHOUT TLS"
	}
	if n := len(j.attempts) - 1; n > 0 {
		what += fmt.Sprintf(" after %d refused", n)
	}
	return what + fmt.Sprintf(", in %s and %d round trips%s", decode.Since(s.Event.At.Sub(j.began)), j.trips, j.phases(s.Event.At))
}

// phases splits the time, as far as its borders were seen.
func (j *judge) phases(end time.Time) string {
	var out []string
	from := j.began
	for _, p := range []struct {
		name string
		at   time.Time
	}{{"to TLS", j.tlsDone}, {"authentication", j.authDone}, {"binding", end}} {
		if p.at.IsZero() || p.at.Equal(from) && len(out) > 0 { // between servers the login is the end
			continue
		}
		out = append(out, fmt.Sprintf("%s %s", p.name, decode.Since(p.at.Sub(from))))
		from = p.at
	}
	if len(out) < 2 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// savings lists what would have made the login shorter.
func (j *judge) savings(s *decode.Seen) string {
	var out []string
	_, sasl2 := s.State.Mechanisms()
	if n := len(j.attempts) - 1; n > 0 {
		if wasted := j.attempts[n].trips - j.attempts[0].trips; wasted > 0 {
			saved := fmt.Sprintf("beginning with %s would save %d round trips", j.attempts[n].mechanism, wasted)
			if !s.State.Captured && !slices.ContainsFunc(j.attempts[:n], func(a attempt) bool { return !decode.BindsChannel(a.mechanism) }) {
				saved = fmt.Sprintf("the refused attempts cost %d round trips, but only here: a binding to TLS cannot pass xmppscope", wasted)
			}
			out = append(out, saved)
		}
	}
	if j.starttls {
		out = append(out, "direct TLS (XEP-0368) would save 2 round trips")
	}
	if h := s.State.Header[session.C2S]; s.State.Secure[session.ClientLeg] && len(j.attempts) > 0 && s.Event.Step.ID != "sasl2-success" {
		switch {
		case len(sasl2) > 0:
			out = append(out, "SASL2 with Bind 2 (XEP-0388, XEP-0386), which the server offers, would save 2 more")
		case h != nil && h.From == "":
			out = append(out, "SASL2 with Bind 2 would save 2 more; some servers offer it only to clients whose stream header has \"from\"")
		}
	}
	if j.legacy {
		out = append(out, "the session request (RFC 3921) does nothing on servers of today: leaving it out saves 1")
	}
	return strings.Join(out, "; ")
}
