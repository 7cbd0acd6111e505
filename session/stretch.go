package session

import (
	"strings"
	"time"
)

// Stretch is a part of the ladder that belongs together, for a waterfall: finer than a Phase.
type Stretch struct {
	Name  string
	From  time.Duration // since the session began
	Took  time.Duration
	First int // number of its first step, 0 for what is no step
	Last  int
}

// Stretches cuts the ladder: each lasts from the end of the one before to the last event of
// its own steps.
func (o *Overview) Stretches() (out []Stretch) {
	end := o.Began
	if o.reached.After(end) {
		out = append(out, Stretch{Name: "connect to the server", Took: o.reached.Sub(end)})
		end = o.reached
	}
	for i := range o.Steps {
		r := &o.Steps[i]
		name := stretchOf(r.ID)
		n := len(out)
		if n == 0 || out[n-1].Name != name {
			out = append(out, Stretch{Name: name, From: end.Sub(o.Began), First: r.N})
			n++
		}
		s := &out[n-1]
		s.Last = r.N
		if r.Until.After(end) {
			s.Took += r.Until.Sub(end)
			end = r.Until
		}
	}
	return out
}

// stretchOf says which stretch of the login a rung belongs to.
func stretchOf(id string) string {
	for _, s := range []struct{ prefix, name string }{
		{"starttls", "STARTTLS"}, {"proceed", "STARTTLS"}, {"tls", "TLS handshake"},
		{"sasl", "authentication"}, {"iqauth", "authentication"}, {"component", "authentication"},
		{"dialback", "dialback"}, {"compress", "compression"},
		{"bind", "bind and session"}, {"session", "bind and session"}, {"sm-", "bind and session"},
		{"stream-error", "error"},
	} {
		if strings.HasPrefix(id, s.prefix) {
			return s.name
		}
	}
	return "stream and features"
}
