package tlsintercept

import "xmppscope/session"

// alert is the number of a TLS alert (RFC 8446 §6).
type alert int

const noAlert alert = -1

// String is the name and the number: "unknown_ca (48)", and "" for noAlert.
func (a alert) String() string {
	if a == noAlert {
		return ""
	}
	return session.TLSAlertName(int(a))
}
