package decode

import (
	"strings"

	"xmppscope/session"
)

type rungText struct{ title, text, ref string }

// describeRung fills in what a person reads on a rung. Stream headers and
// features mean different things before TLS, after it and after the login; the first
// header is the first one whether TLS was there before it (XEP-0368) or not.
func describeRung(step *session.Step, s *Seen) {
	base := step.ID
	for _, numbered := range []string{"stream-open", "stream-reply", "features"} {
		if step.ID == numbered+"-1" && numbered != "features" {
			base = numbered
		} else if strings.HasPrefix(step.ID, numbered+"-") {
			base = numbered + phase(s.State)
		}
	}
	if base == "tls" && s.State.Captured {
		base = "tls captured"
	}
	t := rungTexts[base]
	step.Title, step.Text, step.Ref = t.title, t.text, t.ref
}

func phase(s *State) string {
	switch {
	case s.Authenticated:
		return " after login"
	case s.Secure[session.ClientLeg] || s.Secure[session.ServerLeg]:
		return " inside TLS"
	}
	return ""
}

var rungTexts = map[string]rungText{
	"stream-open":             {"client opens the stream", "the client has connected and sends its stream header: an XML start tag that stays open for as long as the session lasts. Its \"to\" names the domain of the account, not the host it connected to", "RFC 6120 §4.2"},
	"stream-open inside TLS":  {"client opens a new stream", "what was said before TLS may have been tampered with, so both sides forget it and the client begins again with a fresh header; the old stream is not closed, it is simply replaced", "RFC 6120 §5.4.3.3"},
	"stream-open after login": {"client opens a new stream", "after a successful login the stream starts once more: the client sends a third header, now on behalf of a known account", "RFC 6120 §6.4.6"},

	"stream-reply":             {"server answers", "the server's own header opens the other direction. Its \"id\" is new and unpredictable; old ways to log in (iq-auth, dialback, components) are hung on it", "RFC 6120 §4.2"},
	"stream-reply inside TLS":  {"server answers", "a new header with a new id: nothing of the stream in the clear is carried over", "RFC 6120 §5.4.3.3"},
	"stream-reply after login": {"server answers", "the third header pair; its id differs again", "RFC 6120 §6.4.6"},

	"features":             {"server offers", "the features tell the client what it may or must do next. Before TLS that should be little more than STARTTLS", "RFC 6120 §4.3.2"},
	"features inside TLS":  {"server offers logins", "now that TLS is on, the server names its SASL mechanisms, in its own order of preference; the client takes the first of its own that it finds there", "RFC 6120 §6.4.1"},
	"features after login": {"server offers bind, …", "logged in, the client is told what is left: bind a resource, and what may be switched on besides", "RFC 6120 §7.4"},

	"starttls":         {"client asks for TLS", "the client asks to secure the connection it already has; it must be silent until the answer", "RFC 6120 §5.4.2.1"},
	"proceed":          {"server agrees to TLS", "go ahead: the very next byte after this tag, in both directions, belongs to the TLS handshake", "RFC 6120 §5.4.2.3"},
	"starttls-failure": {"server cannot do TLS", "the server will not start TLS; it closes the stream and the connection", "RFC 6120 §5.4.2.2"},
	"tls captured":     {"TLS handshake", "client and server agree on a version and keys, and the server proves with a certificate that it is the domain", "RFC 6120 §5.4.3"},
	"tls":              {"TLS handshake", "client and server agree on a version and keys, and the server proves with a certificate that it is the domain. With xmppscope in between there are two handshakes: ours with the server, whose certificate we check, and the client's with us, where we show a certificate for the same domain, made by the local CA", "RFC 6120 §5.4.3"},

	"sasl-auth":      {"client logs in", "the client names one of the offered SASL mechanisms and, if the mechanism lets it speak first, sends its first message along, in base64", "RFC 6120 §6.4.2"},
	"sasl-challenge": {"server challenges", "the mechanism goes on: the server's message, in base64", "RFC 6120 §6.4.3"},
	"sasl-response":  {"client responds", "the client's answer to the challenge, in base64", "RFC 6120 §6.4.3"},
	"sasl-abort":     {"client gives up this attempt", "the client ends the exchange; the server has to answer with a failure whose condition is aborted, and another mechanism may be tried", "RFC 6120 §6.4.4"},
	"sasl-success":   {"server accepts", "the account is authenticated. The stream starts anew: the next thing the client sends is a new header", "RFC 6120 §6.4.6"},
	"sasl-failure":   {"server refuses", "this attempt has failed; the stream stays open, and the client may try again or take another mechanism, a few times", "RFC 6120 §6.4.5"},

	"sasl2-authenticate": {"client logs in with SASL2", "one element names the mechanism, carries its first message and says what should happen right after: bind a resource, enable features, ask for a token", "XEP-0388 §2.2"},
	"sasl2-challenge":    {"server challenges", "the mechanism goes on: the server's message, in base64", "XEP-0388 §2.3"},
	"sasl2-response":     {"client responds", "the client's answer to the challenge, in base64", "XEP-0388 §2.3"},
	"sasl2-success":      {"server accepts", "the account is authenticated, with no stream restart; the answers to what was asked inline are inside, and features follow at once", "XEP-0388 §2.4"},
	"sasl2-failure":      {"server refuses", "this attempt has failed; the client may try again", "XEP-0388 §2.5"},
	"sasl2-continue":     {"server wants one more task", "the mechanism went well, but the server asks for something more, such as a second factor", "XEP-0388 §2.6"},
	"sasl2-next":         {"client takes up a task", "the client chooses one of the tasks that the server listed", "XEP-0388 §2.6"},

	"bind-request":    {"client asks for a resource", "one account may be connected several times; each connection needs a name of its own, the resource. The client proposes one or leaves it to the server", "RFC 6120 §7.6"},
	"bind-result":     {"server binds the JID", "the server has the last word: this is the address of the connection, whatever the client asked for", "RFC 6120 §7.6"},
	"bind-error":      {"server refuses the resource", "no address, no session: the client may try again with another resource", "RFC 6120 §7.6.2"},
	"session-request": {"client establishes a session", "a step of the first XMPP (RFC 3921). Servers of today answer and do nothing; a client may leave it out where it is marked optional", "RFC 3921 §3"},
	"session-result":  {"server confirms the session", "done: the login is complete, stanzas flow from here", "RFC 3921 §3"},
	"session-error":   {"server refuses the session", "the login is not complete", "RFC 3921 §3"},

	"sm-enable":  {"client turns on stream management", "both sides will count the stanzas they get and can ask each other for the count, so that nothing is lost without notice", "XEP-0198 §3"},
	"sm-enabled": {"server turns on stream management", "counting starts at 0 now; with an id the session can be taken up again after the connection is lost", "XEP-0198 §3"},
	"sm-resume":  {"client takes up an earlier session", "instead of binding anew the client names an earlier session and how many stanzas it has had", "XEP-0198 §5"},
	"sm-resumed": {"server takes the session up", "the earlier session goes on, with the same JID; both sides send again what the other did not count", "XEP-0198 §5"},
	"sm-failed":  {"server refuses stream management", "the session cannot be enabled or taken up; after a failed resume the client binds as usual", "XEP-0198 §5"},

	"compress":        {"client asks for compression", "from the server's answer on, both directions are to be compressed. Together with secrets this is a risk, and nowadays it is rarely offered", "XEP-0138 §3"},
	"compressed":      {"server turns on compression", "the very next byte, both ways, is compressed; a new stream begins inside", "XEP-0138 §3"},
	"compress-failed": {"server refuses compression", "the stream goes on uncompressed", "XEP-0138 §3"},

	"iqauth-get":    {"client asks which fields to log in with", "the login of the time before XMPP 1.0: the client asks the server which fields it wants", "XEP-0078 §3.1"},
	"iqauth-fields": {"server lists the fields", "\"digest\" means that SHA-1 of the stream id and the password will do; \"password\" is in the clear", "XEP-0078 §3.1"},
	"iqauth-set":    {"client logs in the old way", "user, resource, and the password or a digest of it, in one go", "XEP-0078 §3.2"},
	"iqauth-result": {"server accepts", "logged in and bound in one step, no restart", "XEP-0078 §3.2"},
	"iqauth-error":  {"server refuses", "401 is a wrong user or password, 409 a resource that is taken, 406 a field that is missing", "XEP-0078 §3.3"},

	"dialback-result":     {"dialback: is this key yours", "a server claims to be a domain and sends a key, or is told whether it was believed", "XEP-0220 §2.1"},
	"dialback-verify":     {"dialback: the domain is asked", "the receiving server asks the domain itself whether it made the key", "XEP-0220 §2.2"},
	"component-handshake": {"component handshake", "a component proves that it knows the shared secret with SHA-1 of the stream id and the secret; an empty one from the server accepts it", "XEP-0114 §3"},
	"stream-error":        {"the stream fails", "an error at the level of the stream cannot be recovered from: whoever sends it closes the stream and the connection", "RFC 6120 §4.9"},
}
