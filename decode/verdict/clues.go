package verdict

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// clues are what causes need to know beyond the story.
type clues struct {
	last     last               // what came last from either side
	asking   last               // what came last from the client
	answer   last               // what came last from the server
	tries    []try              // beside Story.Attempts
	tried    int                // how many there were
	spoke    [3]bool            // by direction: something in XML was said
	silence  string             // who was waiting for whom
	silent   time.Duration      // for how long at least
	told     [3]string          // by direction, the newest h of stream management
	target   string             // the server as it was asked for
	record   string             // the SRV record that named it, "" if none did
	unlock   string             // what would help
	server   string             // which server it is, "" if it is not known
	tls      *session.TLSFailed // how TLS failed
	rare     *rare              // what few sessions have, nil without
	broke    fault              // the newest breach of the rules for XML by the client
	room     [3][]fault         // by direction, what is wrong with the newest message
	errand   *errand            // what the client came for in place of a login, and did not get
	opened   bool               // the client has opened a stream since TLS is up
	replied  bool               // the server has opened one
	upgraded bool               // TLS was begun inside the stream
	direct   bool               // but not to the server, which was told by its first byte
	session  bool               // a session was asked for (RFC 3921)
	zipped   bool               // the server has said <compressed/>
	byeBye   bool               // the server has closed its stream
	resuming bool               // the client wants its session to be resumable
	// management is what is missing of stream management, in words of conditions; "" if nothing is.
	management string
	locked     bool // TLS in a capture cannot be decrypted
	bare       bool // and nothing came inside it
}

// last is the newest plaintext event of someone.
type last struct {
	seq     uint64
	at      int64 // Unix time in nanoseconds
	step    *session.Step
	name    string // "iq"
	space   string // namespace of a stanza's payload
	ns      string // its own namespace
	size    int64
	faults  []fault // what is wrong with it
	refusal string  // the condition, if it refuses a request
	dir     session.Dir
	offer   bool // it is the server's features
	bare    bool // an element with nothing in it
}

// ago is how long before an event it was said.
func (l *last) ago(e *session.Event) time.Duration { return e.At.Sub(time.Unix(0, l.at)) }

// rare is what few sessions have.
type rare struct {
	denied  string    // the condition with which stream management was refused last
	claimed string    // the domain that the client claims by dialback
	foreign string    // the client's newest stanza in another's name, in words
	stray   stray     // the server's newest answer to nothing that was asked
	web     *web      // of a session over HTTP
	raw     [3][]byte // by direction, the first bytes that are no XML
	opaque  [3]string // by direction, what is not understood
}

// web is what HTTP has said.
type web struct {
	answer *webAnswer // the newest answer
	frame  *webFrame  // the newest frame of WebSocket with which something is the matter
	body   []fault    // what is the matter with the newest body of BOSH that something is
}

// heardWeb is what was heard in HTTP, nil if nothing was.
func (c *clues) heardWeb() *web {
	if c.rare == nil {
		return nil
	}
	return c.rare.web
}

// webSaid is where that is kept.
func (c *clues) webSaid() *web {
	r := c.seldom()
	if r.web == nil {
		r.web = new(web)
	}
	return r.web
}

// seldom is where that is kept.
func (c *clues) seldom() *rare {
	if c.rare == nil {
		c.rare = new(rare)
	}
	return c.rare
}

// stray is an answer to nothing that was asked.
type stray struct {
	seq uint64
	id  string
}

func rootAttr(s *decode.Seen, name string) string {
	if s.Root == nil {
		return ""
	}
	return s.Root.Attr(name)
}

// fault is what a rule holds to be wrong with something that was said.
type fault struct {
	Evidence
	Text  string
	grave bool // an error, not a warning
}

// noXML is the name of what has none.
const noXML = "bytes that are no XML"

// maxRaw bounds what is kept of another protocol: so much shows which.
const maxRaw = 600

// maxFaults bounds how many faults of one message count.
const maxFaults = 4

// look takes what matters of an event that the story has been told.
func (c *clues) look(s *decode.Seen, story *session.Story) {
	e := s.Event
	if c.tried < story.Tried {
		c.tried = story.Tried
		c.begin(s, len(story.Attempts))
	}
	switch b := e.Body.(type) {
	case session.StreamOpened:
		c.opened = c.opened || e.Dir == session.C2S && (s.State.Secure[session.ClientLeg] || s.State.Secure[session.ServerLeg])
		c.replied = c.replied || e.Dir == session.S2C
	case session.TLSEstablished:
		c.replied, c.opened = false, false
	case session.TLSFailed:
		c.tls = &b
	case session.TCPOpened:
		if e.Leg == session.ServerLeg {
			c.target, c.direct = b.Target, b.Direct
			c.record, _ = strings.CutPrefix(b.Via, session.ViaSRV)
			if c.record == b.Via {
				c.record = ""
			}
		}
	case session.TCPFailed:
		c.target = b.Target
	case session.RelayEdited:
		if n := len(c.tries); n > 0 && e.Dir == session.C2S && !b.Passed {
			c.tries[n-1].anew = true
		}
	case session.RelayTimeout:
		c.silence, c.silent = b.Waiting, b.After
	case session.TLSLocked:
		c.locked, c.unlock, c.bare = true, b.Hint, b.Bare
	case session.RelayOpaque:
		c.seldom().opaque[e.Dir] = b.Reason
	case session.HTTPRequest: // which may be none where XMPP is spoken
		raw := &c.seldom().raw[e.Dir]
		*raw = append((*raw)[:0], e.Raw[:min(maxRaw, len(e.Raw))]...)
	case session.HTTPResponse:
		c.seldom().raw[session.C2S] = nil
		c.webSaid().answer = &webAnswer{b, e.Seq, c.faults(e)}
	case session.WebSocketFrame:
		if f := c.faults(e); len(f) > 0 || b.Code > 1001 {
			c.webSaid().frame = &webFrame{b, e.Dir, e.Seq, f}
		}
	case session.BOSHBody:
		if f := c.faults(e); len(f) > 0 {
			c.webSaid().body = append([]fault(nil), f...)
		}
	case session.StreamRaw:
		if b.Between {
			break
		}
		if raw := &c.seldom().raw[e.Dir]; len(*raw) < maxRaw {
			*raw = append(*raw, e.Raw[:min(maxRaw-len(*raw), len(e.Raw))]...)
		}
	}
	if session.IsPlaintext(e.Body) && e.Dir != session.NoDir {
		c.heard(s)
		if f := c.room[e.Dir]; e.Dir == session.C2S && len(f) > 0 && strings.HasPrefix(f[0].Rule, "X") && f[0].grave {
			c.broke = f[0]
		}
	}
	if e.Step != nil {
		c.stepped(s)
	} else if s.Request != nil {
		c.ran(s)
	}
}

// heard remembers who spoke last.
func (c *clues) heard(s *decode.Seen) {
	e := s.Event
	switch e.Body.(type) {
	case session.StreamWhitespace:
		return
	case session.StreamClosed: // what was said before it is what matters
		c.silence = ""
		c.byeBye = c.byeBye || e.Dir == session.S2C
		return
	case session.StreamOpened, session.StreamElement:
		c.spoke[e.Dir] = true
	}
	c.silence = ""
	name := e.Name
	if name == "" {
		name = noXML
	}
	c.last = last{
		dir: e.Dir, seq: e.Seq, at: e.At.UnixNano(), step: e.Step, size: e.Size, faults: c.faults(e),
		name: decode.Keep(name, s.Stanza(), noXML, c.last.name), space: decode.Keep(payload(s), c.last.space, decode.NSBind), ns: decode.Keep(e.Space, c.last.ns, decode.NSClient, decode.NSSASL),
		offer: e.Dir == session.S2C && e.Name == "features" && e.Space == decode.NSStreams,
		bare:  s.Root != nil && len(s.Root.Nodes) == 0,
	}
	if s.Request != nil && s.Root.Attr("type") == "error" {
		condition, _ := e.Field("condition")
		c.last.refusal = decode.Keep(orNone(condition))
	}
	if e.Name == "failed" && s.Root != nil && s.Root.First() != nil {
		c.seldom().denied = strings.Clone(s.Root.First().Name.Local)
	}
	if e.Name == "a" && (e.Space == decode.NSSM3 || e.Space == decode.NSSM2) {
		c.count(e)
	}
	if e.Dir == session.C2S {
		if s.Stanza() != "" && s.Root != nil && s.State.JID != "" {
			c.pose(s.Root.Attr("from"), s.State.JID)
		}
		if e.Name == "result" && e.Space == nsDialbackStanza && s.Root != nil {
			c.seldom().claimed = strings.Clone(s.Root.Attr("from"))
		}
		c.asking = c.last
	} else {
		if t := rootAttr(s, "type"); e.Name == "iq" && s.Request == nil && (t == "result" || t == "error") {
			c.seldom().stray = stray{e.Seq, strings.Clone(rootAttr(s, "id"))}
		}
		c.answer = c.last
	}
}

// pose notes a stanza that the client sends in another's name.
func (c *clues) pose(from, own string) {
	if from != "" && !strings.EqualFold(session.BareJID(from), session.BareJID(own)) {
		c.seldom().foreign = fmt.Sprintf("%s is from %s, and the client is %s", c.last.describe(), quote(from), quote(own))
	}
}

// payload is the namespace of what a stanza carries.
func payload(s *decode.Seen) string {
	if s.IsStanza() {
		for c := range s.Root.Elements() {
			if c.Name.Space != s.Root.Name.Space {
				return c.Name.Space
			}
		}
	}
	return ""
}

// faults are what other rules hold to be the matter with an event, the worst first. The
// room for them is used again by the next message of that direction.
func (c *clues) faults(e *session.Event) []fault {
	out := c.room[e.Dir][:0]
	for _, severity := range [...]session.Severity{session.Error, session.Warning} {
		for i := range e.Notes {
			n := &e.Notes[i]
			if n.Severity != severity || n.Text == "" || n.Rule == decode.RuleVerify || len(out) == maxFaults {
				continue
			}
			before := ""
			if len(out) < cap(out) {
				before = out[:len(out)+1][len(out)].Text
			}
			out = append(out, fault{Evidence{e.Seq, n.Rule}, decode.Keep(n.Text, before), severity == session.Error})
		}
	}
	c.room[e.Dir] = out
	return out
}

// worst is the worst of the faults in words, "" if there is none.
func (l *last) worst() string {
	if len(l.faults) == 0 {
		return ""
	}
	return l.faults[0].Text
}

// stepped learns from the rungs of the ladder.
func (c *clues) stepped(s *decode.Seen) {
	e := s.Event
	switch kind := e.Step.Kind(); {
	case kind == "starttls":
		c.upgraded = true
	case kind == "session-request":
		c.session = true
	case kind == "compressed":
		c.zipped = true
	case strings.HasPrefix(kind, "sm-"):
		c.count(e)
		c.manage(s, kind)
	case kind == "features" || kind == "stream-reply":
		c.recognise(s)
	case strings.HasPrefix(kind, "sasl") || strings.HasPrefix(kind, "iqauth"):
		c.authenticating(s, kind)
	}
}

// count remembers the numbers of stream management.
func (c *clues) count(e *session.Event) {
	if h, ok := e.Field("h"); ok {
		c.told[e.Dir] = decode.Keep(h, c.told[e.Dir])
	}
}

// Values of clues.management: an earlier session is gone, and stream management was not
// turned on.
const (
	resumeRefused     = "resume refused"
	managementRefused = "management refused"
)

// manage follows how stream management is turned on, or a session resumed.
func (c *clues) manage(s *decode.Seen, kind string) {
	switch {
	case s.Root == nil:
	case kind == "sm-enable":
		resume := s.Root.Attr("resume")
		c.resuming, c.management = resume == "true" || resume == "1", ""
	case kind == "sm-resume":
		c.resuming = false
	case kind == "sm-enabled" && c.resuming && s.Root.Attr("id") == "":
		c.management = "not resumable"
	case kind == "sm-failed" && c.asking.name == "resume":
		c.management = resumeRefused
	case kind == "sm-failed" && c.asking.name == "enable":
		c.management = managementRefused
	}
}
