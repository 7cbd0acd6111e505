package core

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-header", Title: "Stream headers", Ref: "RFC 6120 §4.7",
		Match: decode.NoStanza().And(func(s *decode.Seen) bool {
			_, ok := s.Event.Body.(session.StreamOpened)
			return ok && s.Root != nil
		}),
		New: func() decode.Explainer { return &headers{} },
	})
}

// headers remembers the ids that the server has used on this connection, and
// whether the newest header was seen inside TLS.
type headers struct {
	ids    []string
	opened [3]int
	secure bool
}

// Explain implements decode.Explainer.
func (h *headers) Explain(s *decode.Seen) []session.Note {
	head := s.State.Header[s.Event.Dir]
	if head == nil {
		return nil
	}
	notes := h.opening(s)
	notes = append(notes, headerFields(s.Root)...)
	if head.Framing == decode.Bare && (s.Root.Name.Space != decode.NSStreams || s.Root.Name.Local != "stream") {
		notes = append(notes, decode.Breach("S01", s.Root.Tag,
			"the %s's root element is %q in %q; it must be %q in %q", s.Event.Dir.Sender(), s.Root.Name.Local, s.Root.Name.Space, "stream", decode.NSStreams))
	}
	if s.Event.Dir == session.C2S {
		return append(notes, checkInitial(s, head)...)
	}
	notes = append(notes, h.checkID(s, head)...)
	notes = append(notes, clearLeg(s, head)...)
	return append(notes, checkResponse(s, head)...)
}

// opening says why there is a header here: the first one, or one after TLS or SASL.
func (h *headers) opening(s *decode.Seen) []session.Note {
	dir := s.Event.Dir
	h.opened[dir]++
	secure := encrypted(s.State)
	defer func() {
		if dir == session.S2C {
			h.secure = secure
		}
	}()
	what := "the client opens a stream"
	if dir == session.S2C {
		what = "the server answers with its half of the stream"
	}
	switch {
	case h.opened[dir] == 1:
		return []session.Note{decode.Explain("RFC 6120 §4.2", s.Root.Tag, "%s", what)}
	case s.State.Authenticated:
		return []session.Note{decode.Explain("RFC 6120 §6.4.6", s.Root.Tag, "%s anew on the same connection, because the login has succeeded", what)}
	case secure && !h.secure:
		return []session.Note{decode.Explain("RFC 6120 §5.4.3.3", s.Root.Tag, "%s anew inside TLS; what was learnt in the clear is forgotten", what)}
	}
	return []session.Note{decode.Explain("RFC 6120 §4.3.3", s.Root.Tag, "%s anew on the same connection", what)}
}

// clearLeg is for a client that begins in the clear, where the server wants TLS from the
// first byte: the client sees a server without TLS.
func clearLeg(s *decode.Seen, head *decode.Header) []session.Note {
	tls := s.State.TLS[session.ServerLeg]
	if head.Count > 1 || s.State.Captured || s.State.Secure[session.ClientLeg] || tls == nil || tls.SNIFrom == "" { // the name is ours: the handshake was
		return nil
	}
	n := decode.Explain("XEP-0368 §3", s.Root.Tag, "the client's connection to xmppscope is in the clear, and only that to the server has TLS: "+
		"the server wants TLS from the first byte (direct TLS) and offers no STARTTLS inside it, so a client that requires TLS gives up; "+
		"let the client use direct TLS, or name the server's port for STARTTLS (--upstream HOST:PORT without tls://)")
	n.Severity = session.Warning
	return []session.Note{n}
}

// headerWords explains the attributes of a header (RFC 6120 §4.7).
var headerWords = []struct {
	name, ref, text string
	holds           session.Holds
	class           session.Class
}{
	{"to", "RFC 6120 §4.7.2", "whom the sender wants to talk to", session.JID, session.Decides},
	{"from", "RFC 6120 §4.7.1", "who the sender says it is", session.JID, session.Elsewhere},
	{"id", "RFC 6120 §4.7.3", "the server's name for this stream; each stream has a fresh one", session.ID, session.Identifier},
	{"version", "RFC 6120 §4.7.5", "the version of XMPP", session.Word, session.Decides},
}

func headerFields(root *session.Element) (notes []session.Note) {
	for _, w := range headerWords {
		if v, ok := root.LookupAttr(w.name); ok {
			notes = append(notes, field(w.ref, w.name, v, root.AttrSpan(w.name), w.text).Is(w.holds).Classed(w.class))
		}
	}
	if a := langOf(root); a != nil {
		notes = append(notes, field("RFC 6120 §4.7.4", "lang", a.Value, a.Quote, "the language of texts on this stream").Is(session.Word).Classed(session.Detail))
	}
	return append(notes, checkLang(root)...)
}

// checkLang is Q20. An empty value is allowed: it says that the language is not
// known (XML 1.0 §2.12).
func checkLang(el *session.Element) []session.Note {
	a := langOf(el)
	if a == nil || a.Value == "" || languageTag(a.Value) {
		return nil
	}
	return []session.Note{decode.Breach("Q20", a.Quote, "xml:lang %q is not a language tag", a.Value)}
}

func langOf(root *session.Element) *session.Attr {
	for i := range root.Attrs {
		if a := &root.Attrs[i]; a.Name.Prefix == "xml" && a.Name.Local == "lang" {
			return a
		}
	}
	return nil
}

// languageTag is a rough test for BCP 47: letters first, then letters and digits
// in groups of at most eight.
func languageTag(v string) bool {
	for i, part := range strings.Split(v, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, c := range part {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// component says whether it is a stream of XEP-0114, which has no version, no
// language and no features.
func component(h *decode.Header) bool { return strings.HasPrefix(h.Content, "jabber:component:") }

// checkInitial is S08, S11, S14, S17 and S20.
func checkInitial(s *decode.Seen, h *decode.Header) (notes []session.Note) {
	root, tag := s.Root, s.Root.Tag
	if h.To == "" {
		what := `no "to"`
		if _, there := root.LookupAttr("to"); there {
			what = `an empty "to"`
		}
		notes = append(notes, decode.Breach("S08", tag, "the client does not say which domain it wants (%s)", what))
	} else if strings.ContainsAny(h.To, "@/") {
		notes = append(notes, decode.Breach("S08", root.AttrSpan("to"), "the client's \"to\" is %q; it must be a domain alone", h.To))
	}
	if id := root.Attr("id"); id != "" { // Prosody sends servers an empty one, which does no harm
		notes = append(notes, decode.Breach("S11", root.AttrSpan("id"), "the client's header has an id; only the server's may"))
	}
	if component(h) || h.Framing == decode.BOSH { // whose version is H03
		return notes
	}
	notes = append(notes, checkVersion(s, h)...)
	if langOf(root) == nil {
		notes = append(notes, decode.Breach("S17", tag, "the client does not say which language it prefers (no xml:lang)"))
	}
	secure := encrypted(s.State)
	switch {
	case h.From == "" && secure && h.Content == decode.NSServer:
		notes = append(notes, decode.Breach("S19", tag, "the server that opens the stream does not say who it is (no \"from\")"))
	case h.From != "" && s.State.InClear() && h.Content != decode.NSServer:
		notes = append(notes, decode.Breach("S20", root.AttrSpan("from"), "the client says in the clear who it is, for everyone on the way to read"))
	}
	return notes
}

// checkVersion is S14.
func checkVersion(s *decode.Seen, h *decode.Header) []session.Note {
	if h.Version == "" {
		return []session.Note{decode.Breach("S14", s.Root.Tag,
			"the %s's header has no version: this is XMPP as it was before 1.0, without features, STARTTLS and SASL", s.Event.Dir.Sender())}
	}
	if major, _, ok := version(h.Version); !ok || major < 1 {
		return []session.Note{decode.Breach("S14", s.Root.AttrSpan("version"),
			"the %s's version is %q; it should be %q", s.Event.Dir.Sender(), h.Version, "1.0")}
	}
	return nil
}

// version reads "1.0"; the two parts are compared as numbers.
func version(v string) (major, minor int, ok bool) {
	a, b, found := strings.Cut(v, ".")
	major, err1 := strconv.Atoi(a)
	minor, err2 := strconv.Atoi(b)
	return major, minor, found && err1 == nil && err2 == nil
}

// checkID is S10, S12 and S13.
func (h *headers) checkID(s *decode.Seen, head *decode.Header) []session.Note {
	if head.ID == "" {
		return []session.Note{decode.Breach("S10", s.Root.Tag, "the server's header has no id")}
	}
	if slices.Contains(h.ids, head.ID) {
		return []session.Note{decode.Breach("S12", s.Root.AttrSpan("id"),
			"the server uses the stream id %q again; every restart needs a new one", head.ID)}
	}
	notes := append(guessable(s, head.ID, h.ids), elsewhere(s, head)...)
	h.ids = append(h.ids, head.ID)
	return notes
}

// guessable is S13. That an id is short proves little of how it was made, so this
// is only worth a look; that it counts up, or is a time, is a fault.
func guessable(s *decode.Seen, id string, before []string) []session.Note {
	const ref = "RFC 6120 §4.7.3"
	span := s.Root.AttrSpan("id")
	if len(before) > 0 && countsUp(before[len(before)-1], id) {
		return []session.Note{decode.Finding("S13", ref, session.Warning, span, "the server's stream ids count up (%q after %q): they can be guessed", id, before[len(before)-1])}
	}
	n, err := strconv.ParseInt(id, 10, 64)
	const day = 24 * time.Hour
	if err == nil && (s.Event.At.Sub(time.Unix(n, 0)).Abs() < day || s.Event.At.Sub(time.UnixMilli(n)).Abs() < day) {
		return []session.Note{decode.Finding("S13", ref, session.Warning, span, "the server's stream id %q is the time of day: it can be guessed", id)}
	}
	if len(id) < 5 {
		return []session.Note{decode.Finding("S13", ref, session.Notice, span, "the server's stream id %q is short: it may be guessed", id)}
	}
	return nil
}

// countsUp says whether an id is another with a small number added to the one that
// it ends in.
func countsUp(before, id string) bool {
	parts := func(id string) (prefix string, n int64, ok bool) {
		prefix = strings.TrimRight(id, "0123456789")
		n, err := strconv.ParseInt(id[len(prefix):], 10, 64)
		return prefix, n, err == nil
	}
	p1, n1, ok1 := parts(before)
	p2, n2, ok2 := parts(id)
	return ok1 && ok2 && p1 == p2 && n2 > n1 && n2-n1 < 1000
}

// maxStreamID bounds the ids that are remembered for other sessions, in bytes.
const maxStreamID = 200

// elsewhere is S13 across the connections of a run. An id of the same moment is
// the same connection, opened from a file a second time.
func elsewhere(s *decode.Seen, head *decode.Header) []session.Note {
	const ref = "RFC 6120 §4.7.3"
	server, span, here := strings.ToLower(head.From), s.Root.AttrSpan("id"), s.Event.Session
	if server == "" {
		server = strings.ToLower(s.State.Domain())
	}
	if len(server)+len(head.ID) > maxStreamID {
		return nil
	}
	now := decode.StreamID{ID: head.ID, Session: here, At: s.Event.At}
	first, again := s.State.Run.StreamIDs.Put(server+" "+head.ID, now)
	if again && first.Session != here && !first.At.Equal(now.At) {
		return []session.Note{decode.Finding("S13", ref, session.Warning, span, "the server used the stream id %q in session %d already; ids must be unique", head.ID, first.Session)}
	}
	last, had := s.State.Run.LastStream.Put(server, now)
	if had && last.Session != here && countsUp(last.ID, head.ID) {
		return []session.Note{decode.Finding("S13", ref, session.Warning, span, "the server's stream ids count up from connection to connection (%q after %q in session %d): they can be guessed", head.ID, last.ID, last.Session)}
	}
	return nil
}

// checkResponse is S03, S09, S14, S15, S16 and S18.
func checkResponse(s *decode.Seen, h *decode.Header) (notes []session.Note) {
	root, tag := s.Root, s.Root.Tag
	if h.From == "" {
		notes = append(notes, decode.Breach("S09", tag, "the server's header has no from"))
	}
	asked := s.State.Header[session.C2S]
	if asked != nil && decode.IsContentNS(asked.Content) && asked.Content != "" && decode.IsContentNS(h.Content) && h.Content != "" && asked.Content != h.Content {
		notes = append(notes, decode.Breach("S03", tag,
			"the server's content namespace is %q, the client's %q; they must be the same", h.Content, asked.Content))
	}
	if component(h) || h.Framing == decode.BOSH || (asked != nil && asked.Version == "" && h.Version == "") {
		return notes
	}
	notes = append(notes, checkVersion(s, h)...)
	if langOf(root) == nil {
		notes = append(notes, decode.Breach("S16", tag, "the server's header has no xml:lang"))
	}
	if asked == nil {
		return notes
	}
	notes = append(notes, compareVersions(root, asked.Version, h.Version)...)
	return append(notes, checkTo(s, asked, h)...)
}

// compareVersions is S15.
func compareVersions(root *session.Element, asked, given string) []session.Note {
	a1, a2, okA := version(asked)
	g1, g2, okG := version(given)
	switch {
	case !okA || !okG:
		return nil
	case g1 > a1 || (g1 == a1 && g2 > a2):
		return []session.Note{decode.Breach("S15", root.AttrSpan("version"),
			"the server answers with version %q, above the client's %q", given, asked)}
	case given != strconv.Itoa(g1)+"."+strconv.Itoa(g2):
		return []session.Note{decode.Breach("S15", root.AttrSpan("version"), "the server's version %q has leading zeros", given)}
	}
	return nil
}

// checkTo is S18; servers are known by their domain, clients by their bare JID.
func checkTo(s *decode.Seen, asked, h *decode.Header) []session.Note {
	switch {
	case asked.From == "" && h.To != "":
		return []session.Note{decode.Breach("S18", s.Root.AttrSpan("to"),
			"the server's header has to=%q, but the client did not say who it is", h.To)}
	case asked.From != "" && h.To == "":
		return []session.Note{decode.Breach("S18", s.Root.Tag,
			"the server's header has no \"to\", though the client said that it is %q", asked.From)}
	case !strings.EqualFold(session.BareJID(h.To), session.BareJID(asked.From)):
		return []session.Note{decode.Breach("S18", s.Root.AttrSpan("to"),
			"the server's header has to=%q, but the client said that it is %q", h.To, asked.From)}
	}
	return nil
}
