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
	if s.Event.Beside {
		return nil
	}
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
	case NSTLS, NSSASL, NSSASL2, NSSM2, NSSM3, NSCompress:
		if c2s {
			return rungs[root.Name.Space][session.C2S][local]
		}
		return rungs[root.Name.Space][session.S2C][local]
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

// rungs are the elements that are a rung of their own: by namespace, direction and name.
var rungs = map[string][3]map[string]string{
	NSTLS: {
		session.C2S: {"starttls": "starttls"},
		session.S2C: {"proceed": "proceed", "failure": "starttls-failure"},
	},
	NSSASL: {
		session.C2S: {"auth": "sasl-auth", "response": "sasl-response", "abort": "sasl-abort"},
		session.S2C: {"challenge": "sasl-challenge", "success": "sasl-success", "failure": "sasl-failure"},
	},
	NSSASL2: {
		session.C2S: {"authenticate": "sasl2-authenticate", "response": "sasl2-response", "next": "sasl2-next", "abort": "sasl-abort"},
		session.S2C: {"challenge": "sasl2-challenge", "success": "sasl2-success", "failure": "sasl2-failure", "continue": "sasl2-continue"},
	},
	NSSM2: managementRungs,
	NSSM3: managementRungs,
	NSCompress: {
		session.C2S: {"compress": "compress"},
		session.S2C: {"compressed": "compressed", "failure": "compress-failed"},
	},
}

var managementRungs = [3]map[string]string{
	session.C2S: {"enable": "sm-enable", "resume": "sm-resume"},
	session.S2C: {"enabled": "sm-enabled", "resumed": "sm-resumed", "failed": "sm-failed"},
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
