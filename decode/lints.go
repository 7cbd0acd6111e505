package decode

import (
	"slices"
	"sync"

	"xmppscope/session"
)

// Lint is one numbered check: a rule of the specifications that can be checked on
// the wire. Its findings are notes with its ID as their Rule.
type Lint struct {
	ID       string           `json:"rule"`     // "S12"
	Ref      string           `json:"ref"`      // "RFC 6120 §4.3.3"
	Text     string           `json:"text"`     // the rule, in a sentence
	Severity session.Severity `json:"severity"` // of a breach; some are milder where nothing breaks
}

// Lints returns the numbered checks, those of core, sasl and xep
// included, in the order of their ids: S streams, X XML, T TLS, A authentication,
// B binding, Q stanzas, M stream management, D dialback, C compression, W WebSocket, H BOSH, L legacy.
func Lints() []Lint { return slices.Clone(lints) }

// Breach is a finding of a numbered check. What it breaks, and how bad that is, stands in the
// check's row.
func Breach(id string, span session.Span, format string, args ...any) session.Note {
	l := lintOf()[id]
	return Finding(id, l.Ref, l.Severity, span, format, args...)
}

// Finding is Breach where the section or the severity is not the row's, or the rule that finds
// it has none.
func Finding(id, ref string, sev session.Severity, span session.Span, format string, args ...any) session.Note {
	n := Say(sev, span, format, args...)
	n.Rule, n.Ref = id, ref
	return n
}

var lintOf = sync.OnceValue(func() map[string]Lint {
	out := make(map[string]Lint, len(lints))
	for _, l := range lints {
		out[l.ID] = l
	}
	return out
})

const (
	info    = session.Info
	warning = session.Warning
	failure = session.Error
)

var lints = []Lint{
	{"S01", "RFC 6120 §4.8.1", "the root element is stream, in the streams namespace", failure},
	{"S02", "RFC 6120 §4.8.5", "the prefix of the streams namespace is \"stream\"; to make it the default namespace is allowed, and rare", warning},
	{"S03", "RFC 6120 §4.8.2", "both directions have the same content namespace", failure},
	{"S04", "RFC 6120 §4.8.3", "the content namespace is jabber:client to a server, jabber:server between servers", failure},
	{"S05", "RFC 6120 §4.8.3", "stanzas are in the stream's content namespace", failure},
	{"S06", "RFC 6120 §4.8.5", "elements of the content namespace have no prefix", failure},
	{"S07", "RFC 6120 §4.8.5", "a stream header declares nothing that only stanzas need", session.Notice}, // a warning by the letter, but jabberd2 and others do it
	{"S08", "RFC 6120 §4.7.2", "the client's header has a \"to\", which is a domain alone", failure},
	{"S09", "RFC 6120 §4.7.1", "the server's header has a \"from\"", failure},
	{"S10", "RFC 6120 §4.7.3", "the server's header has an id", failure},
	{"S11", "RFC 6120 §4.7.3", "the client's header has no id", failure},
	{"S12", "RFC 6120 §4.3.3", "every restart has a new stream id", failure},
	{"S13", "RFC 6120 §4.7.3", "stream ids are unique, and cannot be guessed", warning},
	{"S14", "RFC 6120 §4.7.5", "a header has a version, of at least 1.0", warning},
	{"S15", "RFC 6120 §4.7.5", "the server's version is not above the client's, and has no leading zeros", failure},
	{"S16", "RFC 6120 §4.7.4", "the server's header has xml:lang", failure},
	{"S17", "RFC 6120 §4.7.4", "the client's header should have xml:lang", info},
	{"S18", "RFC 6120 §4.7.2", "the server's header has a \"to\" exactly if the client said who it is, and the same", failure},
	{"S19", "RFC 6120 §4.7.1", "a server that opens a stream says who it is, once TLS is on", failure},
	{"S20", "RFC 6120 §4.7.1", "a client should say who it is inside TLS, and not before", info},
	{"S21", "RFC 6120 §4.3.2", "features follow the server's header before anything else", failure},
	{"S22", "RFC 6120 §4.3.2", "every feature is in a namespace of its own", failure},
	{"S23", "RFC 6120 §4.3.5", "no features are offered again once negotiation is complete", failure},
	{"S24", "RFC 6120 §4.3.3", "a restart replaces the old stream without closing it", failure},
	{"S25", "RFC 6120 §4.4", "a side closes its stream before it hangs up, and sends nothing after", warning},
	{"S26", "RFC 6120 §4.9.1.1", "a stream error is followed by the end of the stream", failure},
	{"S27", "RFC 6120 §4.9.1.2", "a stream error comes after a header, even if it is the first thing to say", failure},
	{"S28", "RFC 6120 §4.9.2", "a stream error has exactly one defined condition", failure},
	{"S29", "RFC 6120 §4.9.3.19", "see-other-host comes inside TLS alone, and names a host or address, with or without a port", warning},

	{"X01", "RFC 6120 §11.1", "no comments", failure},
	{"X02", "RFC 6120 §11.1", "no processing instructions", failure},
	{"X03", "RFC 6120 §11.1", "no DTD", failure},
	{"X04", "RFC 6120 §11.1", "no entities but lt, gt, amp, apos and quot", failure},
	{"X05", "RFC 6120 §11.3", "the XML is well-formed", failure},
	{"X06", "RFC 6120 §11.3", "prefixes are declared, and attributes differ in their expanded names", failure},
	{"X07", "RFC 6120 §11.6", "the encoding is UTF-8", failure},
	{"X08", "RFC 6120 §11.6", "no byte order mark", failure},
	{"X09", "RFC 6120 §11.5", "no standalone in the XML declaration", failure},
	{"X10", "RFC 6120 §11.8", "the XML declaration says version 1.0", failure},
	{"X11", "RFC 6120 §6.3.5", "no white space inside the STARTTLS and SASL exchanges", session.Notice}, // an error by the letter, but go-sendxmpp does it, and servers put up with it
	{"X12", "RFC 6120 §11.7", "nothing but white space stands between elements", failure},

	{"T01", "RFC 6120 §5.4.3.3", "no STARTTLS inside TLS", failure},
	{"T02", "RFC 6120 §5.3.1", "where TLS is required nothing else is offered", warning},
	{"T03", "RFC 6120 §5.4.2.1", "starttls is answered by proceed or failure", failure},
	{"T04", "RFC 6120 §5.4.2.2", "a server that refuses to start TLS closes the stream", failure},
	{"T05", "RFC 6120 §5.4.3.1", "nothing but TLS follows starttls and proceed", failure},
	{"T06", "RFC 6120 §5.3.4", "TLS comes before the login", failure},
	{"T07", "RFC 6120 §5.4.3.3", "TLS is followed by a new stream", failure},
	{"T08", "RFC 6120 §5.4.3.2", "a stream whose TLS failed is not closed in the clear", failure},
	{"T09", "RFC 7590 §3.1", "a client asks for TLS even if it is not offered", warning},
	{"T10", "RFC 8996", "TLS is 1.2 or newer, with a cipher suite that is not weak", warning},
	{"T11", "RFC 6120 §13.7.2", "the certificate is valid for the stream's domain", failure},
	{"T12", "RFC 5280 §4.2.1.12", "a server's certificate may be used by who calls, too (clientAuth)", warning},

	{"A01", "RFC 6120 §13.8.3", "a server does not offer PLAIN without TLS", failure},
	{"A02", "RFC 6120 §13.8.3", "a client does not send its credentials without TLS", failure},
	{"A03", "RFC 6120 §6.3.4", "the mechanisms on offer change when TLS begins", info},
	{"A04", "RFC 6120 §6.4.1", "a list of mechanisms is not empty", failure},
	{"A05", "RFC 6120 §6.4.2", "a client takes a mechanism that is on offer", failure},
	{"A06", "RFC 6120 §6.3.5", "SASL messages are strict base64", failure},
	{"A07", "RFC 6120 §6.4.2", "an empty initial response is written \"=\"", warning},
	{"A08", "RFC 6120 §6.4.4", "abort is answered by failure with aborted", failure},
	{"A09", "RFC 6120 §6.5", "a SASL failure has one defined condition", failure},
	{"A10", "RFC 6120 §6.4.5", "a server allows 2 to 5 attempts, and a client makes no more", warning},
	{"A11", "RFC 6120 §6.4.6", "success is followed by a new stream", failure},
	{"A12", "RFC 6120 §6.3.8", "an authzid is a bare JID, and sent only to act as someone else", warning},
	{"A13", "RFC 4616 §2", "PLAIN has two NUL bytes, a user and a password", failure},
	{"A14", "RFC 5802 §5.1", "SCRAM: the server's nonce begins with the client's and adds to it", failure},
	{"A15", "RFC 5802 §5.1", "SCRAM: c= repeats the GS2 header, with channel-binding data if it promised some", failure},
	{"A16", "RFC 7677 §4", "SCRAM: at least 4096 iterations", warning},
	{"A17", "RFC 5802 §6", "SCRAM: no \"y\" to a server that offers -PLUS", warning},
	{"A18", "XEP-0440 §3", "-PLUS mechanisms and channel-binding types come together, tls-server-end-point among them", warning},
	{"A19", "XEP-0474 §3", "SCRAM: the hash of the offers fits the offers that were seen", failure},
	{"A20", "RFC 6331", "DIGEST-MD5 and CRAM-MD5 are historic", warning},
	{"A21", "RFC 2831 §2.1.2", "DIGEST-MD5: digest-uri, nonce count and nonce are right", failure},
	{"A22", "RFC 7628 §3.1", "OAUTHBEARER begins with a GS2 header and ends in two 0x01 bytes", failure},
	{"A23", "XEP-0388 §2.1", "SASL2 is offered and used inside TLS alone; the stream goes on after it, with features at once", failure},
	{"A24", "XEP-0388 §2.3", "SASL2: the mechanism is on offer, and the user-agent's id is a UUID of version 4", failure},
	{"A25", "XEP-0484 §3.3", "FAST: from, user-agent id and an HT mechanism; the count rises", failure},

	{"B01", "RFC 6120 §7.4", "binding is offered after the login", failure},
	{"B02", "RFC 6120 §7.1", "a client sends nothing to others before it has bound a resource", failure},
	{"B03", "RFC 6120 §7.6.1", "the result of bind holds a full JID", failure},
	{"B04", "RFC 6120 §7.3.2", "no new stream after binding", failure},
	{"B05", "RFC 6120 §7.7.3", "not more than 5 to 10 attempts to bind", warning},
	{"B06", "RFC 6120 §4.3.5", "no stanzas before the login", failure},

	{"Q01", "RFC 6120 §8.1.3", "an iq has an id", failure},
	{"Q02", "RFC 6120 §8.2.3", "an iq's type is get, set, result or error", failure},
	{"Q03", "RFC 6120 §8.2.3", "a get or set holds exactly one element", failure},
	{"Q04", "RFC 6120 §8.2.3", "a result holds one element at most", failure},
	{"Q05", "RFC 6120 §8.2.3", "every get and set is answered, once", warning},
	{"Q06", "RFC 6120 §8.2.3", "an answer is not answered", failure},
	{"Q07", "RFC 6120 §8.3.1", "a stanza of type error holds an error, and no other does", failure},
	{"Q08", "RFC 6120 §8.3.2", "an error's type is auth, cancel, continue, modify or wait", failure},
	{"Q09", "RFC 6120 §8.3.2", "a stanza error has exactly one defined condition", failure},
	{"Q10", "RFC 6120 §8.3.1", "an error is not answered by an error", failure},
	{"Q11", "RFC 6120 §8.1.1.2", "between servers a stanza has to and from, of domains that were validated", failure},
	{"Q12", "RFC 6120 §8.1.2.1", "a client speaks for itself alone, and a server delivers what is for it, from who has said it", failure},
	{"Q13", "RFC 6120 §8.1.3", "a reply has the id of what it replies to", failure},
	{"Q14", "RFC 6121 §5.2.2", "a message's type is one that is defined", warning},
	{"Q15", "RFC 6121 §4.7.1", "a presence's type is one that is defined", failure},
	{"Q16", "RFC 6121 §4.7.2.1", "show is away, chat, dnd or xa", failure},
	{"Q17", "RFC 6121 §4.7.2.3", "priority is a number from -128 to 127", failure},
	{"Q18", "RFC 6121 §2.1.6", "a roster push comes from the client's own account", warning},
	{"Q19", "RFC 7622 §3", "addresses are valid JIDs", failure},
	{"Q20", "RFC 6120 §4.7.4", "xml:lang is a language tag", warning},
	{"Q21", "RFC 6120 §4.8.4", "elements at the first level are known, and come from the right side", warning},

	{"M01", "XEP-0198 §3", "stream management is enabled once, after binding", failure},
	{"M02", "XEP-0198 §4", "an acknowledgement has a number, which is not above what was sent and does not fall", failure},
	{"M03", "XEP-0198 §4", "a request for acknowledgement is answered soon", warning},
	{"M04", "XEP-0198 §5", "resume has previd and h", failure},
	{"M05", "XEP-0198 §5", "no features after a session was resumed in the same step as the login", failure},

	{"D01", "XEP-0220 §2.1", "dialback: from, to, id and type are there, and answers fit questions", failure},
	{"D02", "XEP-0220 §2.1", "dialback: no stanzas for a pair of domains before it is valid", failure},
	{"D03", "XEP-0220 §2.1", "dialback: the prefix is \"db\"", warning},

	{"C01", "XEP-0138 §3", "a client asks for a compression that is on offer, and not inside TLS", warning},
	{"W01", "RFC 7395 §3.3.1", "a message of WebSocket is one whole element", failure},
	{"W02", "RFC 7395 §3.1", "both sides agree on the WebSocket protocol xmpp", failure},
	{"W03", "RFC 7395 §3.6.1", "see-other-uri does not lead to where there is less security", failure},
	{"W04", "RFC 7395 §3.3", "no STARTTLS, stream header or XML declaration in WebSocket", failure},
	{"W05", "RFC 6455 §5", "frames are as WebSocket has them: a client's masked, a server's not", failure},
	{"W06", "RFC 7395 §3.4", "open comes first, in the framing namespace", failure},
	{"W07", "RFC 7395 §3.1", "the server agrees to WebSocket", failure},

	{"H01", "XEP-0124 §9.1", "BOSH: each request's rid is that of the one before plus one", failure},
	{"H02", "XEP-0206 §5", "BOSH: the stream begins anew after the login, by xmpp:restart", failure},
	{"H03", "XEP-0206 §3", "BOSH: the client says xmpp:version", failure},
	{"H04", "XEP-0124 §15.4", "BOSH: keys fit the ones before", failure},
	{"H05", "XEP-0124 §11", "BOSH: no more requests at once than the server allows", warning},
	{"H06", "XEP-0124 §17", "BOSH: no errors of HTTP, and none that end the session", failure},
	{"H07", "XEP-0156 §3", "a host-meta leads to WebSocket or BOSH", failure},
	{"H08", "XEP-0124 §10", "BOSH: pauses are no longer than the server allows", failure},
	{"H09", "XEP-0124 §10", "BOSH: a request waits at the server, or follows before the session ends for inactivity", failure},
	{"H10", "XEP-0124 §11", "BOSH: empty requests come no faster than the server allows", warning},

	{"L01", "XEP-0078 §5", "no password or digest of old logins (iq-auth) without TLS", failure},
	{"L02", "XEP-0077 §11", "no password for registration without TLS", failure},
}
