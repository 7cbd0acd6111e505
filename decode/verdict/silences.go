package verdict

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { propose("99 silences", suspected) }

// silences.json is what servers do without saying why, from their sources: things to
// suspect where something is missing without a word. An entry is told if all of its
// conditions hold; conditions lists what they may be.
//
//go:embed silences.json
var silencesFile []byte

// silence is one such thing.
type silence struct {
	Servers string   `json:"server"` // ids of the servers that do it, with blanks between; "" for any
	When    []string `json:"when"`   // conditions, all of which must hold
	Why     string   `json:"why"`
	Tell    string   `json:"tell"` // how to tell whether it is so
}

var silences = sync.OnceValue(func() (out []silence) {
	if err := json.Unmarshal(silencesFile, &out); err != nil {
		panic(err) // it is part of the program: a test would fail
	}
	return out
})

// mostSuspected bounds how many suspicions are told: more are none.
const mostSuspected = 2

// suspected are what is known of this server and fits what was seen, as far as something
// went wrong.
func suspected(c *scene) (out []Cause) {
	if !c.In.IsZero() {
		return nil
	}
	for _, s := range c.fitting() {
		out = append(out, Cause{ID: "silence", Guilty: Server, Weight: Suspected, Text: s.Why, Advice: s.Tell, Evidence: []Evidence{{Seq: c.last.seq}}})
	}
	return out
}

// fitting are the things to suspect: after a login those that are about that. What is known
// of the server itself goes before what any may do, and stands first in the file.
func (c *scene) fitting() (out []silence) {
	own := false
	for _, s := range silences() {
		if s.after() == c.In.IsZero() || len(out) == mostSuspected || own && s.Servers == "" || !c.does(&s) {
			continue
		}
		own = own || s.Servers != ""
		out = append(out, s)
	}
	return out
}

// after says whether it is about what comes after a login.
func (s *silence) after() bool {
	return slices.Contains(s.When, "logged in") || slices.Contains(s.When, "cut")
}

func (c *scene) does(s *silence) bool {
	if s.Servers != "" && !slices.Contains(strings.Fields(s.Servers), c.server) {
		return false
	}
	for _, condition := range s.When {
		is, arg := conditionOf(condition)
		if is == nil || !is(c, arg) {
			return false
		}
	}
	return true
}

// suspicion is what may be behind something that was seen, as the end of an advice.
func suspicion(why, tell string) string {
	return fmt.Sprintf("; to suspect: %s (how to tell: %s)", why, tell)
}

// condition is something that may have been seen. arg is what stands behind its name.
type condition func(c *scene, arg string) bool

// conditionOf finds a condition: "lacks SCRAM-" is "lacks" of "SCRAM-"; nil if there is none.
func conditionOf(text string) (condition, string) {
	if is := conditions[text]; is != nil {
		return is, ""
	}
	for i := len(text) - 1; i > 0; i-- {
		if text[i] != ' ' {
			continue
		}
		if is := conditions[text[:i]]; is != nil {
			return is, text[i+1:]
		}
	}
	return nil, ""
}

// conditions are the words of "when".
var conditions = map[string]condition{
	// where the session stands
	"in clear": func(c *scene, _ string) bool { return c.state.InClear() },
	"in TLS":   func(c *scene, _ string) bool { return !c.state.InClear() },
	"TLS": func(c *scene, version string) bool {
		f := c.tlsOfServer()
		return f != nil && f.Version == "TLS "+version
	},
	"clients":    func(c *scene, _ string) bool { return c.declared("client") },
	"servers":    func(c *scene, _ string) bool { return c.declared("server") },
	"component":  func(c *scene, _ string) bool { return c.declared("component") },
	"logging in": func(c *scene, _ string) bool { return c.In.IsZero() && c.replied },
	"admitted":   func(c *scene, _ string) bool { return c.In.IsZero() && !c.Admitted.IsZero() },
	"logged in":  func(c *scene, _ string) bool { return !c.In.IsZero() },
	"registering": func(c *scene, _ string) bool {
		return c.errand != nil || c.asking.space == nsRegister
	},
	"over WebSocket": func(c *scene, _ string) bool { return c.asking.ns == "urn:ietf:params:xml:ns:xmpp-framing" },
	"over BOSH":      func(c *scene, _ string) bool { return c.asking.ns == "http://jabber.org/protocol/httpbind" },
	"bad certificate": func(c *scene, _ string) bool {
		f := c.tlsOfServer()
		return f != nil && f.Verdict != nil && !f.Verdict.OK
	},
	// the client's stream header
	"no from":    func(c *scene, _ string) bool { h := c.state.Header[session.C2S]; return h != nil && h.From == "" },
	"no to":      func(c *scene, _ string) bool { h := c.state.Header[session.C2S]; return h != nil && h.To == "" },
	"no version": func(c *scene, _ string) bool { h := c.state.Header[session.C2S]; return h != nil && h.Version == "" },
	// what is on offer
	"at features": func(c *scene, _ string) bool { return c.atFeatures() && c.silentEnd() },
	"features":    func(c *scene, _ string) bool { return c.state.Features() != nil },
	"no features": func(c *scene, _ string) bool { return c.replied && c.state.Features() == nil },
	"feature":     func(c *scene, space string) bool { return c.feature(space) },
	"no feature":  func(c *scene, space string) bool { return c.state.Features() != nil && !c.feature(space) },
	"mechanisms":  func(c *scene, _ string) bool { return len(c.offers()) > 0 },
	"no mechanisms": func(c *scene, _ string) bool {
		return c.state.Features() != nil && len(c.offers()) == 0 && c.Admitted.IsZero()
	},
	"empty mechanisms": func(c *scene, _ string) bool {
		f := c.state.Features()
		return f != nil && f.Child(decode.NSSASL, "mechanisms") != nil && len(c.offers()) == 0
	},
	"offers": func(c *scene, part string) bool { return c.offering(part) },
	"lacks":  func(c *scene, part string) bool { return len(c.offers()) > 0 && !c.offering(part) },
	"one SCRAM": func(c *scene, _ string) bool {
		n := 0
		for _, m := range c.offers() {
			if strings.HasPrefix(m, "SCRAM-") && !decode.IsPlus(m) {
				n++
			}
		}
		return n == 1
	},
	"offers SASL2": func(c *scene, _ string) bool { _, sasl2 := c.state.Mechanisms(); return len(sasl2) > 0 },
	"no SASL2": func(c *scene, _ string) bool {
		sasl1, sasl2 := c.state.Mechanisms()
		return len(sasl1) > 0 && len(sasl2) == 0
	},
	"SASL2 list shorter": func(c *scene, _ string) bool {
		sasl1, sasl2 := c.state.Mechanisms()
		return len(sasl2) > 0 && !within(sasl1, sasl2)
	},
	"SASL2 list longer": func(c *scene, _ string) bool {
		sasl1, sasl2 := c.state.Mechanisms()
		return len(sasl1) > 0 && !within(sasl2, sasl1)
	},
	"binding":     func(c *scene, kind string) bool { return slices.Contains(c.bindings(), kind) },
	"no binding":  func(c *scene, kind string) bool { return len(c.bindings()) > 0 && !slices.Contains(c.bindings(), kind) },
	"bindings":    func(c *scene, _ string) bool { return len(c.bindings()) > 0 },
	"no bindings": func(c *scene, _ string) bool { return c.state.Features() != nil && len(c.bindings()) == 0 },
	// what was tried, and what came of it
	"tried": func(c *scene, part string) bool {
		n := len(c.Attempts)
		return n > 0 && strings.HasPrefix(strings.ToUpper(c.Attempts[n-1].Mechanism), part)
	},
	"tried SASL2": func(c *scene, _ string) bool {
		n := len(c.Attempts)
		return n > 0 && c.Attempts[n-1].Kind == "sasl2-authenticate"
	},
	"tried classic before": func(c *scene, _ string) bool {
		n := len(c.Attempts)
		return n > 1 && slices.ContainsFunc(c.Attempts[:n-1], func(a session.Attempt) bool { return a.Kind == "sasl-auth" })
	},
	"SASL2": func(c *scene, _ string) bool {
		n := len(c.Attempts)
		return n > 0 && c.Attempts[n-1].Kind == "sasl2-authenticate"
	},
	"without mechanism": func(c *scene, _ string) bool { n := len(c.Attempts); return n > 0 && c.Attempts[n-1].Mechanism == "" },
	"refusals": func(c *scene, least string) bool {
		n, refused := 0, 0
		n, _ = strconv.Atoi(least)
		for i := range c.Attempts {
			if c.Attempts[i].Refusal != nil {
				refused++
			}
		}
		return refused >= n
	},
	"refused login": func(c *scene, _ string) bool { return c.Cause != nil && strings.HasPrefix(c.Cause.Kind, "sasl") },
	"stream error":  func(c *scene, _ string) bool { return c.Cause != nil && c.Cause.Kind == "stream-error" },
	"error": func(c *scene, name string) bool {
		return c.Cause != nil && c.Cause.Condition == name && c.Cause.By == "server"
	},
	"no text": func(c *scene, _ string) bool { return c.Cause != nil && c.Cause.Text == "" },
	"failure of classic SASL": func(c *scene, _ string) bool {
		return c.answer.name == "failure" && c.answer.ns == decode.NSSASL
	},
	"late": func(c *scene, seconds string) bool {
		n, _ := strconv.Atoi(seconds)
		return c.Slowest.By == "server" && c.Slowest.Took >= time.Duration(n)*time.Second || c.last.dir == session.C2S && c.last.ago(c.now.Event) >= time.Duration(n)*time.Second
	},
	// who said what last
	"answered":  func(c *scene, name string) bool { return c.last.dir == session.S2C && c.answer.name == name },
	"asked":     func(c *scene, name string) bool { return c.asking.name == name },
	"last":      func(c *scene, name string) bool { return c.last.dir == session.S2C && c.last.name == name },
	"no answer": func(c *scene, _ string) bool { return c.last.dir == session.C2S && (c.silentEnd() || c.silence != "") },
	"asked no stanza": func(c *scene, _ string) bool {
		return c.asking.dir == session.C2S && !session.IsStanza(c.asking.name) && !slices.Contains([]string{"", "stream", noXML}, c.asking.name)
	},
	"asked stanza": func(c *scene, _ string) bool { return session.IsStanza(c.asking.name) },
	"no XML":       func(c *scene, _ string) bool { return c.last.name == noXML },
	"said nothing": func(c *scene, _ string) bool {
		return c.last.dir == session.NoDir && c.heardWeb() == nil && c.tls == nil && c.Secured.IsZero()
	},
	"large":       func(c *scene, _ string) bool { return c.last.size >= largeMessage },
	"server left": func(c *scene, _ string) bool { return c.gone() && c.ended().server },
	"client left": func(c *scene, _ string) bool { return c.gone() && c.ended().client },
	// after the login
	"cut": func(c *scene, _ string) bool {
		return !c.In.IsZero() && c.Cause == nil && c.gone() && c.ended().server && !c.byeBye
	},
	"resource changed": func(c *scene, _ string) bool {
		_, given, _ := strings.Cut(c.JID, "/")
		return c.Asked != "" && given != "" && given != c.Asked && !strings.HasPrefix(given, c.Asked)
	},
	"resume refused":     func(c *scene, _ string) bool { return c.management == resumeRefused },
	"management refused": func(c *scene, _ string) bool { return c.management == managementRefused },
	"not resumable":      func(c *scene, _ string) bool { return c.management == "not resumable" },
	"no answer elsewhere": func(c *scene, _ string) bool {
		return slices.ContainsFunc(c.state.Waiting(session.C2S), func(q *decode.Request) bool {
			return q.To != "" && !strings.HasSuffix(strings.ToLower(q.To), strings.ToLower(c.state.Domain())) && c.now.Event.At.Sub(q.At) >= decode.AnswerPatience
		})
	},
	"remote refused at once": func(c *scene, _ string) bool { return strings.HasPrefix(c.answer.refusal, "remote-server-") },
}

// largeMessage is from how many bytes on a message may meet a limit of rates.
const largeMessage = 10 << 10

// gone says whether the connection is at its end.
func (c *scene) gone() bool {
	_, closed := c.now.Event.Body.(session.TCPClosed)
	return closed
}

// tlsOfServer is what is known of the server's TLS; nil without.
func (c *scene) tlsOfServer() *session.TLSFacts {
	if f := c.state.TLS[session.ServerLeg]; f != nil {
		return f
	}
	return c.state.TLS[session.ClientLeg]
}

func (c *scene) offers() []string {
	if c.state.Features() == nil {
		return nil
	}
	sasl1, sasl2 := c.state.Mechanisms()
	return decode.Unique(sasl1, sasl2)
}

// offering says whether a mechanism is on offer by a part of its name.
func (c *scene) offering(part string) bool {
	return slices.ContainsFunc(c.offers(), func(m string) bool {
		return strings.HasPrefix(m, part) || strings.HasPrefix(part, "-") && strings.HasSuffix(m, part)
	})
}

// feature says whether something of a namespace is on offer, also inside of SASL2.
func (c *scene) feature(space string) bool {
	f := c.state.Features()
	if f == nil {
		return false
	}
	var in func(el *session.Element) bool
	in = func(el *session.Element) bool {
		for child := range el.Elements() {
			if child.Name.Space == space || in(child) {
				return true
			}
		}
		return false
	}
	return in(f)
}

const nsBindings = "urn:xmpp:sasl-cb:0"

// bindings are the types of channel binding that the server lists (XEP-0440).
func (c *scene) bindings() (out []string) {
	f := c.state.Features()
	if f == nil {
		return nil
	}
	if el := f.Child(nsBindings, "sasl-channel-binding"); el != nil {
		for child := range el.Elements() {
			out = append(out, child.Attr("type"))
		}
	}
	return out
}

// within says whether all of some are among others.
func within(some, others []string) bool {
	return !slices.ContainsFunc(some, func(m string) bool { return !slices.Contains(others, m) })
}
