package session

import (
	"fmt"
	"strings"
)

// Alert is the number of a TLS alert (RFC 8446 §6).
type Alert int

// The alerts that mean more to us than their name.
const (
	NoAlert                     Alert = -1
	AlertClose                  Alert = 0 // the orderly end
	AlertHandshakeFailure       Alert = 40
	AlertBadCertificate         Alert = 42
	AlertUnsupportedCertificate Alert = 43
	AlertRevoked                Alert = 44
	AlertExpired                Alert = 45
	AlertCertificateUnknown     Alert = 46
	AlertUnknownCA              Alert = 48
	AlertAccessDenied           Alert = 49
	AlertDecodeError            Alert = 50
	AlertProtocolVersion        Alert = 70
	AlertInsufficientSecurity   Alert = 71
	AlertInternalError          Alert = 80
	AlertFallback               Alert = 86 // inappropriate_fallback (RFC 7507)
	AlertCanceled               Alert = 90
	AlertUnrecognizedName       Alert = 112
	AlertBadStatus              Alert = 113
	AlertCertificateRequired    Alert = 116
	AlertNoALPN                 Alert = 120
)

var tlsAlerts = map[Alert]string{
	AlertClose: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
	AlertHandshakeFailure: "handshake_failure", AlertBadCertificate: "bad_certificate", AlertUnsupportedCertificate: "unsupported_certificate",
	AlertRevoked: "certificate_revoked", AlertExpired: "certificate_expired", AlertCertificateUnknown: "certificate_unknown",
	47: "illegal_parameter", AlertUnknownCA: "unknown_ca", AlertAccessDenied: "access_denied", AlertDecodeError: "decode_error",
	51: "decrypt_error", AlertProtocolVersion: "protocol_version", AlertInsufficientSecurity: "insufficient_security",
	AlertInternalError: "internal_error", AlertFallback: "inappropriate_fallback", AlertCanceled: "user_canceled",
	100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension",
	AlertUnrecognizedName: "unrecognized_name", AlertBadStatus: "bad_certificate_status_response",
	115: "unknown_psk_identity", AlertCertificateRequired: "certificate_required", AlertNoALPN: "no_application_protocol",
}

// String is the name and the number: "unknown_ca (48)", and "" for NoAlert.
func (a Alert) String() string {
	if name, ok := tlsAlerts[a]; ok {
		return fmt.Sprintf("%s (%d)", name, int(a))
	}
	if a == NoAlert {
		return ""
	}
	return fmt.Sprintf("alert %d", int(a))
}

// NotTLS says what bytes that came where a TLS record was due look like, without
// giving away what is in them: "XML in the clear (<auth…)".
func NotTLS(first []byte) string {
	text := strings.TrimLeft(string(first), " \t\r\n\ufeff")
	if rest, isXML := strings.CutPrefix(text, "<"); isXML {
		end := strings.IndexFunc(rest, func(r rune) bool {
			return !strings.ContainsRune("?:-_", r) && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end < 0 {
			end = len(rest)
		}
		return fmt.Sprintf("XML in the clear (<%s…)", rest[:min(end, 32)])
	}
	for _, known := range []string{"HTTP/", "SSH-", "GET ", "POST ", "220 "} {
		if strings.HasPrefix(text, known) {
			return fmt.Sprintf("text (%q…)", strings.TrimSpace(known))
		}
	}
	const recordHeader = 5
	return fmt.Sprintf("something else (first bytes % x)", first[:min(len(first), recordHeader)])
}
