package replay

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Bounds of what is kept of a recording. What comes later is not played.
const (
	maxItems = 100_000
	maxBytes = 32 << 20
)

// Score is what a recorded session has either side say. It is built by Add, with the
// explained events of one session, and may then be played any number of times.
type Score struct {
	Domain  string // the "to" of the client's stream
	Account string // bare JID of who logs in, "" if the recording does not say
	Direct  bool   // TLS from the first byte (XEP-0368)
	Refused bool   // the recorded login was refused
	Beyond  int    // what was too much to be kept

	WebSocket bool   // it runs over that (RFC 7395)
	Path      string // that its client asked for there, with the query; "" if the recording does not say

	items   []item
	size    int
	begun   bool
	secured bool
	trouble error
	place   map[uint64]int // of items, by the number of their event
	used    bool           // the client has said more than its login
	open    *attempt       // a SASL exchange that is under way
}

// kind is what an item is.
type kind uint8

const (
	header kind = iota + 1
	element
	ended // the end tag of the stream
	saslExchange
)

// item is one thing that one side says.
type item struct {
	kind    kind
	dir     session.Dir
	seq     uint64 // of its event
	raw     []byte
	scope   decode.Scope // around it
	login   bool         // it stands on the ladder of the login
	missing string       // why raw is not all of it; "" if it is
	blanked []string     // what stands in raw for ids of stream management, if they alone are missing
	answers int          // the item that it answers, or -1
	sasl    *attempt
}

// attempt is one SASL exchange (RFC 6120 §6, XEP-0388), from the choice of a mechanism to
// its outcome. It is one item of the client's.
type attempt struct {
	mechanism  string
	user       string // as the mechanism has it
	authzid    string
	binding    string // type of channel binding
	advertised bool   // the client could bind, and saw no offer of it (RFC 5802 §6: "y")
	sasl2      bool
	said       []message // by both sides, the first and the last included
	outcome    string    // "success", "failure", or "" if there was none
	outcomeRaw []byte
	last       uint64 // the number of the last event
}

// message is one element of an exchange.
type message struct {
	dir  session.Dir
	raw  []byte
	seq  uint64
	name string
}

// Add takes the next event of the session.
func (s *Score) Add(e *session.Event) {
	if e.Beside {
		return
	}
	switch b := e.Body.(type) {
	case session.TLSEstablished, session.TLSFailed:
		s.secured = true
		s.Direct = s.Direct || !s.begun
		return
	case session.TCPOpened:
		s.Direct = s.Direct || b.Direct
		if b.Joined {
			s.refuse(errors.New("its recording begins in the middle of the connection"))
		}
		return
	case session.TLSLocked:
		s.refuse(errors.New("what was said is inside TLS that was not decrypted"))
		return
	case session.RelayEdited:
		if at, ok := s.place[b.Of]; ok && !b.Passed {
			s.items[at].raw = bytes.Clone(e.Raw)
		}
		return
	case session.HTTPRequest:
		if b.WebSocket && s.Path == "" {
			s.Path = b.Target
		}
		return
	case session.StreamOpened, session.StreamElement, session.StreamClosed:
	default:
		return
	}
	if e.Dir == session.NoDir {
		return
	}
	s.size += len(e.Raw)
	if len(s.items) == maxItems || s.size > maxBytes {
		s.Beyond++
		return
	}
	s.begun = true
	it := item{kind: element, dir: e.Dir, seq: e.Seq, raw: bytes.Clone(e.Raw), login: e.Step != nil, answers: -1}
	if at, ok := s.place[e.Answers]; ok && e.Answers > 0 {
		it.answers = at
	}
	switch {
	case e.Truncated:
		it.missing = "it is cut off in the recording"
	case e.Redacted:
		it.missing, it.blanked = "its secrets were taken out of the recording", blankedIDs(e)
	}
	switch e.Body.(type) {
	case session.StreamOpened:
		it.kind, it.login = header, true
		s.opened(e)
	case session.StreamClosed:
		it.kind, it.login = ended, false
	}
	if jid, ok := e.Field("jid"); ok && e.Step != nil && e.Dir == session.S2C && s.Account == "" {
		s.Account = session.BareJID(jid)
	}
	if s.take(e, &it) {
		return
	}
	if it.login && s.used && e.Name == "error" { // how a session ended, not a login
		it.login = false
	}
	s.used = s.used || it.dir == session.C2S && it.kind == element && !it.login
	if s.place == nil {
		s.place = map[uint64]int{}
	}
	s.place[e.Seq] = len(s.items)
	s.items = append(s.items, it)
}

// blankedIDs are the placeholders of ids of stream management (XEP-0198 §5), nil if other
// secrets were taken out, too.
func blankedIDs(e *session.Event) (out []string) {
	for i := range e.Notes {
		switch n := &e.Notes[i]; n.Secret {
		case "":
		case "session id":
			out = append(out, n.Value)
		default:
			return nil
		}
	}
	return out
}

func (s *Score) refuse(err error) {
	if s.trouble == nil {
		s.trouble = err
	}
}

// opened looks at a stream header.
func (s *Score) opened(e *session.Event) {
	root, _ := decode.ParseTag(e.Raw, nil)
	switch {
	case root == nil:
	case root.Name.Local == "body":
		s.refuse(errors.New("it runs over BOSH, and only WebSocket and streams of TCP are played"))
	case decode.ContentOf(root) == decode.NSServer:
		s.refuse(errors.New("it is between two servers, and only logins of clients and components are played"))
	case e.Dir == session.C2S && s.Domain == "":
		s.Domain = root.Attr("to")
	}
	s.WebSocket = s.WebSocket || root != nil && root.Name.Space == decode.NSFraming
}

// take makes what belongs to a SASL exchange a part of it. It says whether there is
// nothing else to keep.
func (s *Score) take(e *session.Event, it *item) bool {
	if !decode.IsSASL(e.Space) {
		return false
	}
	m := message{e.Dir, it.raw, e.Seq, e.Name}
	switch e.Name {
	case "auth", "authenticate":
		a := &attempt{sasl2: e.Space == decode.NSSASL2, said: []message{m}, last: e.Seq}
		a.mechanism, _ = e.Field(session.FieldMechanism)
		if root, _ := decode.Parse(e.Raw, nil); root != nil && root.Attr("mechanism") != "" {
			a.mechanism = root.Attr("mechanism")
		}
		a.first(e)
		if s.Account == "" && a.user != "" {
			user, domain := decode.AccountOf(a.user, s.Domain)
			s.Account = user + "@" + domain
		}
		it.kind, it.sasl, s.open = saslExchange, a, a
		return false
	case "next", "continue":
		s.refuse(fmt.Errorf("its login has further tasks after SASL (<%s>, XEP-0388), which are not played", e.Name))
	}
	a := s.open
	if a == nil || len(a.said) > 1000 {
		return true
	}
	if a.user == "" && e.Dir == session.C2S {
		a.first(e)
	}
	a.said, a.last = append(a.said, m), e.Seq
	if e.Name == "success" || e.Name == "failure" {
		a.outcome, a.outcomeRaw, s.open = e.Name, it.raw, nil
		s.Refused = e.Name == "failure"
		if jid, ok := e.Field("jid"); ok && s.Account == "" {
			s.Account = session.BareJID(jid)
		}
	}
	return true
}

// first takes what the mechanism's first message has told.
func (a *attempt) first(e *session.Event) {
	a.user = e.User()
	a.authzid, _ = e.Field("authzid")
	a.binding, _ = e.Field("cb-type")
	flag, _ := e.Field("gs2-flag")
	a.advertised = flag == "y"
}

// Ready says why the session cannot be played, nil if it can. It is called once all
// events have been added.
func (s *Score) Ready() error {
	if s.trouble != nil {
		return s.trouble
	}
	opened := false
	scopes := [3]decode.Scope{}
	for i := range s.items {
		it := &s.items[i]
		if it.kind == header {
			opened = opened || it.dir == session.C2S
			if scopes[it.dir] = nil; !s.WebSocket { // where each element declares for itself
				scopes[it.dir] = decode.ScopeOf(it.raw)
			}
		}
		it.scope = scopes[it.dir]
	}
	if !opened {
		return errors.New("its recording has no stream header of the client")
	}
	return nil
}

// Mechanisms are those of the recorded exchanges, in order.
func (s *Score) Mechanisms() (out []string) {
	for i := range s.items {
		if a := s.items[i].sasl; a != nil {
			out = append(out, a.mechanism)
		}
	}
	return out
}

// Later is how many stanzas and the like the client says beyond its login.
func (s *Score) Later() (n int) {
	for i := range s.items {
		if it := &s.items[i]; it.dir == session.C2S && !it.login && it.kind == element && !isAck(it) {
			n++
		}
	}
	return n
}

// part is how many items a player of one side plays, and which of its own it says: those
// of the login, and the first others up to a bound.
func (s *Score) part(mine session.Dir, most int) (says []bool, end int) {
	says = make([]bool, len(s.items))
	for i := range s.items {
		it := &s.items[i]
		switch {
		case it.dir != mine:
			if it.login || it.answers >= 0 && says[it.answers] {
				end = i + 1
			}
			continue
		case it.login, it.kind == ended && mine == session.S2C:
		case it.kind == ended || isAck(it):
			continue
		case most <= 0:
			continue
		default:
			most--
		}
		says[i], end = true, i+1
	}
	for mine == session.C2S && most > 0 && end < len(s.items) && (s.items[end].dir != mine || isAck(&s.items[end])) {
		end++ // what all it says has brought
	}
	return says, end
}

// isAck says whether an item is an acknowledgement, or asks for one (XEP-0198 §4): a player
// makes the first itself, and has no need of the second.
func isAck(it *item) bool {
	return it.kind == element && (bytes.HasPrefix(it.raw, []byte("<a ")) || bytes.HasPrefix(it.raw, []byte("<r "))) && bytes.Contains(it.raw, []byte(smPrefix))
}

const smPrefix = "urn:xmpp:sm:"

// tree is the element of an item, nil if it cannot be read.
func (it *item) tree() *session.Element { return treeOf(it.kind == header, it.raw, it.scope) }

func treeOf(isHeader bool, raw []byte, scope decode.Scope) *session.Element {
	if isHeader {
		root, _ := decode.ParseTag(raw, nil)
		if isNamed(root, decode.NSFraming, "open") { // it says the same
			root.Name = session.Name{Space: decode.NSStreams, Local: "stream"}
		}
		return root
	}
	root, _ := decode.Parse(raw, scope)
	return root
}

// words are an item for a person: <iq> of type set with urn:…, without what is in it.
func (it *item) words() string {
	switch it.kind {
	case header:
		return "the stream header"
	case ended:
		return "the end of the stream"
	case saslExchange:
		return "a login with " + session.ShortLine(it.sasl.mechanism)
	}
	return elementWords(it.tree())
}

// isNamed says whether there is an element, and of this name.
func isNamed(e *session.Element, space, local string) bool {
	return e != nil && e.Name.Space == space && e.Name.Local == local
}

func elementWords(e *session.Element) string {
	if e == nil {
		return "something that is not well-formed"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<%s", e.Name.Local)
	if t := e.Attr("type"); t != "" {
		fmt.Fprintf(&b, " type=%q", t)
	}
	b.WriteString(">")
	if first := e.First(); first != nil {
		fmt.Fprintf(&b, " with <%s>", first.Name.Local)
	}
	return session.ShortLine(b.String())
}
