package core

import "strings"

// alerts says what a TLS alert means, and what mostly lies behind it, by the names
// of the IANA registry (RFC 8446 §6).
var alerts = map[string]string{
	"close_notify":                    "an orderly end; right after a handshake it is often a client that checked the certificate late and gave up",
	"unexpected_message":              "it got something that does not belong there, such as plain XML where TLS was due",
	"bad_record_mac":                  "the two sides have different keys, or bytes were damaged",
	"decryption_failed_reserved":      "a record could not be decrypted; only old versions of TLS say so",
	"record_overflow":                 "a record is too long: mostly plain text on a port for TLS",
	"decompression_failure_reserved":  "compressed data could not be read; only old versions of TLS say so",
	"handshake_failure":               "no version, cipher suite or group that both can do",
	"no_certificate_reserved":         "it has no certificate to show; only SSL 3.0 says so",
	"bad_certificate":                 "it rejects the certificate; Go and GnuTLS say this whatever the reason, OpenSSL for a name that does not fit",
	"unsupported_certificate":         "it does not take this type of certificate, or its key may not be used for this",
	"certificate_revoked":             "the certificate's issuer has withdrawn it",
	"certificate_expired":             "the certificate has expired, is not valid yet, or a clock is wrong",
	"certificate_unknown":             "it rejects the certificate; Java and Android say this whatever the reason",
	"illegal_parameter":               "a value in the handshake breaks the protocol",
	"unknown_ca":                      "it does not know, or does not trust, the certificate's issuer",
	"access_denied":                   "the certificate is good, but its owner is not let in",
	"decode_error":                    "a message of the handshake cannot be read",
	"decrypt_error":                   "a signature, or the check of the whole handshake, is wrong",
	"export_restriction_reserved":     "an old limit on key lengths was broken",
	"protocol_version":                "it does not do this version of TLS",
	"insufficient_security":           "the ciphers on offer are too weak for it",
	"internal_error":                  "something broke on its side",
	"inappropriate_fallback":          "the client has lowered its version without need, as in a downgrade attack",
	"user_canceled":                   "a person stopped it, perhaps at a question about the certificate",
	"no_renegotiation_reserved":       "it does not want to negotiate again",
	"missing_extension":               "an extension that TLS 1.3 needs was left out",
	"unsupported_extension":           "an extension came that nobody asked for",
	"certificate_unobtainable":        "the certificate could not be fetched from where it should lie",
	"unrecognized_name":               "it serves no host of the name in SNI",
	"bad_certificate_status_response": "the proof that the certificate is not revoked (OCSP) is wrong",
	"bad_certificate_hash_value":      "a fetched certificate is not the one that was announced",
	"unknown_psk_identity":            "it does not know the shared key that was named",
	"certificate_required":            "it wants a certificate from the client",
	"no_application_protocol":         "it speaks none of the protocols named in ALPN, such as xmpp-client",
}

// alertMeaning is the clause for an alert as TLSFailed has it: "unknown_ca (48)".
func alertMeaning(alert string) string {
	name, _, _ := strings.Cut(alert, " ")
	if text := alerts[name]; text != "" {
		return ": " + text
	}
	return ""
}
