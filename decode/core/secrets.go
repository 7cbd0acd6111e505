package core

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-secrets", Title: "Secrets outside of SASL", Ref: "RFC 6120 §13.2",
		Match: decode.AnyElement().And(func(s *decode.Seen) bool { return !s.Event.Redacted }),
		New:   func() decode.Explainer { return &secretWalk{} },
	})
}

// nsForms are data forms (XEP-0004).
const nsForms = "jabber:x:data"

// secretText says which elements hold a secret as their text, by "namespace
// local". One whose name says so (decode.SecretName) does in every namespace.
var secretText = map[string]string{
	decode.NSIQAuth + " digest":                        "digest",            // XEP-0078: SHA-1 of stream id and password
	decode.NSIQAuth + " hash":                          "digest",            // its predecessor of zero knowledge: guessed like a password
	decode.NSComponent + " handshake":                  "digest",            // XEP-0114: SHA-1 of stream id and secret
	decode.NSClient + " handshake":                     "digest",            // the same, from components that mix the namespaces
	"jabber:component:connect handshake":               "digest",            // the same
	decode.NSDialback + " result":                      "dialback key",      // XEP-0220
	decode.NSDialback + " verify":                      "dialback key",      // XEP-0220
	"urn:xmpp:scram-upgrade:0 hash":                    "salted password",   // XEP-0480
	"urn:xmpp:http:upload:0 header":                    "upload credential", // XEP-0363
	"http://jabber.org/protocol/muc#owner password":    "password",
	"http://jabber.org/protocol/bytestreams authtoken": "token",
	"jabber:iq:register key":                           "token",      // XEP-0077
	decode.NSFAST + " token":                           "token",      // as text, in early versions of XEP-0484
	"urn:riotgames:entitlements entitlements":          "token",      // Riot: a JWT in a child without a namespace
	"urn:xmpp:http:upload put":                         "upload URL", // XEP-0363, early versions
	"eu:siacs:conversations:http:upload put":           "upload URL",
	"urn:xmpp:openpgp:0 secretkey":                     "private key", // XEP-0373: a backup, as strong as its passphrase
	"urn:xmpp:esfs:0 key":                              "file key",    // XEP-0448
	"urn:xmpp:mix:misc:0 token":                        "invitation",  // XEP-0407
	"urn:xmpp:oauth:0 oauth_token":                     "token",       // XEP-0235
	"urn:xmpp:oauth:0 oauth_signature":                 "token",
}

// secretAttrs says which attributes hold a secret, by "namespace element
// attribute". One whose name says so does everywhere.
var secretAttrs = map[string]string{
	decode.NSFAST + " token token":                       "token",        // XEP-0484
	decode.NSStreams + " stream auth":                    "token",        // of servers that let a header log in
	"urn:xmpp:http:upload:0 put url":                     "upload URL",   // XEP-0363: whoever has it may upload
	"urn:xmpp:jingle:transports:ice-udp:1 transport pwd": "ICE password", // XEP-0176
	"urn:xmpp:jingle:transports:ice:0 transport pwd":     "ICE password", // XEP-0371
	"http://jabber.org/protocol/httpbind body sid":       "session id",   // XEP-0124
	"https://xmpp.org/extensions/isr/0 isr-enabled key":  "session id",   // XEP-0397
	decode.NSSM3 + " enabled id":                         "session id",   // XEP-0198: with the login, it takes the session over
	decode.NSSM3 + " resume previd":                      "session id",
	decode.NSSM3 + " resumed previd":                     "session id",
	decode.NSSM2 + " enabled id":                         "session id",
	decode.NSSM2 + " resume previd":                      "session id",
	decode.NSSM2 + " resumed previd":                     "session id",
}

// secretWalk goes through the whole tree of every event, so that nothing inside
// of forwarded or archived stanzas slips.
type secretWalk struct {
	// private are the names of form fields that were asked for as text-private: a
	// form that is submitted does not repeat that.
	private map[string]bool
	notes   []session.Note
	until   int  // up to here all text is marked
	sasl    bool // the event is a SASL message itself, which others take apart
}

// Explain marks the secrets of an event.
func (w *secretWalk) Explain(s *decode.Seen) []session.Note {
	w.sasl = decode.IsSASL(s.Root.Name.Space)
	w.walk(s.Root)
	notes := w.notes
	w.notes, w.until = nil, 0
	return bounded(s.Event.Raw, notes)
}

// maxSecrets is how many secrets of an event are told one by one. No login and no
// message has as many, and each is looked for in all that is said of the event.
const maxSecrets = 256

// bounded are the secrets of an event, or one that reaches from the first to the last
// where they are too many.
func bounded(raw []byte, secrets []session.Note) []session.Note {
	if len(secrets) <= maxSecrets {
		return secrets
	}
	all := secrets[0].Span
	for i := range secrets {
		all.Start, all.End = min(all.Start, secrets[i].Span.Start), max(all.End, secrets[i].Span.End)
	}
	return []session.Note{hidden("secrets", string(raw[all.Start:all.End]), "secrets", all)}
}

// secretNames are the local names of the elements that the tables speak of.
// Few elements have one of them, so that the longer look is rarely needed.
var secretNames = func() (names wordSet) {
	for _, table := range []map[string]string{secretText, secretAttrs} {
		for key := range table {
			_, key, _ = strings.Cut(key, " ")
			local, _, _ := strings.Cut(key, " ")
			names.add(local)
		}
	}
	return names
}()

// wordSet is a set of words of which most texts are none: the first byte and the
// length tell, mostly.
type wordSet struct {
	maybe [256]uint64 // by first byte, a bit for each length
	words map[string]bool
}

func (w *wordSet) add(word string) {
	if w.words == nil {
		w.words = map[string]bool{}
	}
	w.words[word] = true
	w.maybe[word[0]] |= 1 << (len(word) % 64)
}

func (w *wordSet) has(word string) bool {
	return word != "" && w.maybe[word[0]]>>(len(word)%64)&1 == 1 && w.words[word]
}

func (w *secretWalk) walk(el *session.Element) {
	key, kind := "", ""
	if secretNames.has(el.Name.Local) {
		key = el.Name.Space + " " + el.Name.Local
		kind = secretText[key]
	}
	switch {
	case kind != "":
	case slices.Contains(saslPayloads, el.Name.Local):
		kind = w.payload(el)
	case el.Name.Space != decode.NSIQAuth || el.Name.Local != "token": // XEP-0078 once had one that is none
		kind = decode.SecretName(el.Name.Local)
	}
	if kind != "" {
		w.mark(el, el.Name.Local, kind)
		w.values(el, kind)
	}
	w.field(el)
	w.header(el)
	w.pair(el)
	for i := range el.Attrs {
		a := &el.Attrs[i]
		kind := ""
		if key != "" {
			kind = secretAttrs[key+" "+a.Name.Local]
		}
		if kind == "" {
			kind = secretAttr(a.Name.Local)
		}
		if kind != "" {
			w.attr(a, kind)
		}
	}
	for c := range el.Elements() {
		w.walk(c)
	}
}

// saslPayloads are the elements of SASL that hold a message of the mechanism.
var saslPayloads = []string{"auth", "challenge", "response", "success", "initial-response", "additional-data"}

// payload knows messages of SASL that nobody takes apart, for they stand inside of
// something else or in a namespace of somebody's own, and their attributes, which the
// mechanisms that are known do not have.
func (w *secretWalk) payload(el *session.Element) (kind string) {
	known := decode.IsSASL(el.Name.Space)
	for i := range el.Attrs {
		a := &el.Attrs[i]
		if known && a.Name.Space == "" && a.Name.Prefix == "" && len(a.Value) >= decode.LeastCode &&
			a.Name.Local != "mechanism" && a.Name.Local != "xmlns" && decode.SecretName(a.Name.Local) == "" {
			w.attr(a, "credentials")
		}
	}
	switch {
	case known:
		if !w.sasl {
			return "credentials"
		}
	case el.Attr("mechanism") != "", decode.IsCode(el.Text()):
		return "credentials"
	}
	return ""
}

// secretAttr says what an attribute holds by its name.
func secretAttr(local string) string {
	if local == "key-params" { // RFC 4568, in XEP-0167 and in Google's calls
		return "media key"
	}
	return decode.SecretName(local)
}

func (w *secretWalk) attr(a *session.Attr, kind string) {
	if a.Value != "" && a.Name.Prefix != "xmlns" {
		w.notes = append(w.notes, hidden(a.Name.Local, a.Value, kind, a.Quote))
	}
}

// mark marks what is in an element, text and children alike, unless it is inside of
// what is marked.
func (w *secretWalk) mark(el *session.Element, name, kind string) {
	span := el.TextSpan()
	if span.End <= w.until {
		return
	}
	if text := allText(el); strings.TrimSpace(text) != "" {
		w.notes, w.until = append(w.notes, hidden(name, text, kind, span)), span.End
	}
}

// allText joins the text of an element and of all below it.
func allText(el *session.Element) string {
	text := el.Text()
	for c := range el.Elements() {
		text += allText(c)
	}
	return text
}

func hidden(name, value, kind string, span session.Span) session.Note {
	n := decode.Field(name, value, span)
	n.Secret = kind
	return n
}
