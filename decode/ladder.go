package decode

import (
	"strconv"
	"time"

	"xmppscope/session"
)

// ladder places events on the rungs of the login. A rung is counted when its
// first event is seen; numbers start at 1 and never go back.
type ladder struct {
	n     int
	kinds map[string]int // how often an id that carries a number was seen
	tls   *session.Step  // the rung that the tls: events of both legs share
	last  time.Time      // first event of the newest rung
}

// place gives the event its step, or nil if it is no rung.
func (l *ladder) place(s *Seen) *session.Step {
	switch s.Event.Body.(type) {
	case session.TLSEstablished, session.TLSFailed:
		if l.tls == nil {
			l.tls = l.rung("tls", s)
		}
		return l.tls
	case session.StreamOpened:
		return l.rung(l.counted(openings[s.Event.Dir]), s)
	case session.StreamElement:
		id := rungOf(s)
		if id == "" {
			return nil
		}
		if id == "features" {
			id = l.counted(id)
		}
		return l.rung(id, s)
	}
	return nil
}

var openings = [...]string{session.NoDir: "stream-open", session.C2S: "stream-open", session.S2C: "stream-reply"}

func (l *ladder) counted(id string) string {
	if l.kinds == nil {
		l.kinds = map[string]int{}
	}
	l.kinds[id]++
	return id + "-" + strconv.Itoa(l.kinds[id])
}

func (l *ladder) rung(id string, s *Seen) *session.Step {
	l.n++
	step := &session.Step{N: l.n, ID: id}
	if !l.last.IsZero() {
		step.Since = s.Event.At.Sub(l.last)
	}
	l.last = s.Event.At
	describeRung(step, s)
	return step
}

// rungOf says which rung an element is; "" if none. Direction matters: a
// <proceed/> from a client is no rung.
func rungOf(s *Seen) string {
	root := s.Root
	if root == nil {
		return ""
	}
	local, c2s := root.Name.Local, s.Event.Dir == session.C2S
	switch root.Name.Space {
	case NSStreams:
		switch {
		case local == "features" && !c2s:
			return "features"
		case local == "error":
			return "stream-error"
		}
	case NSTLS:
		return pick(c2s, local, map[string]string{"starttls": "starttls"}, map[string]string{"proceed": "proceed", "failure": "starttls-failure"})
	case NSSASL:
		return pick(c2s, local,
			map[string]string{"auth": "sasl-auth", "response": "sasl-response", "abort": "sasl-abort"},
			map[string]string{"challenge": "sasl-challenge", "success": "sasl-success", "failure": "sasl-failure"})
	case NSSASL2:
		return pick(c2s, local,
			map[string]string{"authenticate": "sasl2-authenticate", "response": "sasl2-response", "next": "sasl2-next", "abort": "sasl-abort"},
			map[string]string{"challenge": "sasl2-challenge", "success": "sasl2-success", "failure": "sasl2-failure", "continue": "sasl2-continue"})
	case NSSM2, NSSM3:
		return pick(c2s, local,
			map[string]string{"enable": "sm-enable", "resume": "sm-resume"},
			map[string]string{"enabled": "sm-enabled", "resumed": "sm-resumed", "failed": "sm-failed"})
	case NSCompress:
		return pick(c2s, local,
			map[string]string{"compress": "compress"},
			map[string]string{"compressed": "compressed", "failure": "compress-failed"})
	case NSDialback:
		switch local {
		case "result", "verify":
			return "dialback-" + local
		}
	}
	if local == "handshake" && IsContentNS(root.Name.Space) {
		return "component-handshake"
	}
	if local == "iq" && IsContentNS(root.Name.Space) {
		return rungOfIQ(s)
	}
	return ""
}

func pick(c2s bool, local string, client, server map[string]string) string {
	if c2s {
		return client[local]
	}
	return server[local]
}

// rungOfIQ knows bind, session and iq-auth, asked by the client and answered by
// the server.
func rungOfIQ(s *Seen) string {
	typ := s.Root.Attr("type")
	if s.Event.Dir == session.C2S {
		for c := range s.Root.Elements() {
			switch {
			case c.Name.Space == NSBind && typ == "set":
				return "bind-request"
			case c.Name.Space == NSSession && typ == "set":
				return "session-request"
			case c.Name.Space == NSIQAuth && (typ == "get" || typ == "set"):
				return "iqauth-" + typ
			}
		}
		return ""
	}
	if s.Request == nil {
		return ""
	}
	result, failed := answers[s.Request.Step][0], answers[s.Request.Step][1]
	switch typ {
	case "result":
		return result
	case "error":
		return failed
	}
	return ""
}

// answers says which rungs the result and the error of a request's rung are.
var answers = map[string][2]string{
	"bind-request":    {"bind-result", "bind-error"},
	"session-request": {"session-result", "session-error"},
	"iqauth-get":      {"iqauth-fields", "iqauth-error"},
	"iqauth-set":      {"iqauth-result", "iqauth-error"},
}
