package decode

// Namespaces of the login (RFC 6120, RFC 3921 and the XEPs named).
const (
	NSStreams     = "http://etherx.jabber.org/streams"
	NSClient      = "jabber:client"
	NSServer      = "jabber:server"
	NSComponent   = "jabber:component:accept"
	NSTLS         = "urn:ietf:params:xml:ns:xmpp-tls"
	NSSASL        = "urn:ietf:params:xml:ns:xmpp-sasl"
	NSBind        = "urn:ietf:params:xml:ns:xmpp-bind"
	NSSession     = "urn:ietf:params:xml:ns:xmpp-session"
	NSStreamError = "urn:ietf:params:xml:ns:xmpp-streams"
	NSStanzaError = "urn:ietf:params:xml:ns:xmpp-stanzas"
	NSSASL2       = "urn:xmpp:sasl:2"                     // XEP-0388
	NSBind2       = "urn:xmpp:bind:0"                     // XEP-0386
	NSFAST        = "urn:xmpp:fast:0"                     // XEP-0484
	NSCB          = "urn:xmpp:sasl-cb:0"                  // XEP-0440
	NSSM2         = "urn:xmpp:sm:2"                       // XEP-0198, before 1.3
	NSSM3         = "urn:xmpp:sm:3"                       // XEP-0198
	NSIQAuth      = "jabber:iq:auth"                      // XEP-0078
	NSRoster      = "jabber:iq:roster"                    // RFC 6121 §2
	NSCompress    = "http://jabber.org/protocol/compress" // XEP-0138, the commands
	NSDialback    = "jabber:server:dialback"              // XEP-0220
	NSFraming     = "urn:ietf:params:xml:ns:xmpp-framing" // RFC 7395
	NSBOSH        = "http://jabber.org/protocol/httpbind" // XEP-0124
	NSXBOSH       = "urn:xmpp:xbosh"                      // XEP-0206
	nsXML         = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS       = "http://www.w3.org/2000/xmlns/"
)

// IsSASL says whether a login is in this namespace, by SASL (RFC 6120 §6) or SASL2 (XEP-0388).
func IsSASL(space string) bool { return space == NSSASL || space == NSSASL2 }

// IsContentNS says whether stanzas may be in this namespace. No namespace at all
// counts: some clients send a header without a default one.
func IsContentNS(space string) bool {
	switch space {
	case NSClient, NSServer, NSComponent, "jabber:component:connect", "":
		return true
	}
	return false
}
