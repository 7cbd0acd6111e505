package verdict

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

// misled is a cause about a port that does not begin as the client does, where the domain's
// SRV record has named it: then the record is wrong, not the client (RFC 6120 §3.2.1,
// XEP-0368 §2).
func (c *scene) misled(cause Cause) Cause {
	direct, wrong := strings.HasPrefix(c.record, "_xmpps-"), portForTLS
	if direct {
		wrong = portForSTARTTLS
	}
	if c.record == "" || cause.ID != wrong {
		return cause
	}
	promises, keeps, other := "STARTTLS", "TLS from the first byte (direct TLS)", "_xmpps-client, or _xmpps-server"
	if direct {
		promises, keeps, other = "direct TLS", "STARTTLS", "_xmpp-client, or _xmpp-server"
	}
	cause.Guilty = Server
	cause.Text = strings.TrimPrefix(cause.Text+fmt.Sprintf("; the SRV record %s names %s for %s, and that port speaks %s: the record is wrong", session.ShortLine(c.record), session.ShortLine(c.target), promises, keeps), "; ")
	cause.Advice = fmt.Sprintf("let whoever runs the domain's DNS name the server's port for %s in %s, or take the record out (this port belongs into %s); until then, %s", promises, session.ShortLine(c.record), other, cause.Advice)
	return cause
}

// What a port may be for, as the ids of causes have it.
const (
	portForSTARTTLS = "starttls-port"
	portForTLS      = "port-speaks-tls"
)
