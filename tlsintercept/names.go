package tlsintercept

import (
	"crypto/tls"
	"fmt"
)

// alert is the number of a TLS alert (RFC 8446 §6).
type alert int

const noAlert alert = -1

var alertNames = map[alert]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
	40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
	44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
	80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
	100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension",
	112: "unrecognized_name", 113: "bad_certificate_status_response",
	115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}

// String is the name and the number: "unknown_ca (48)", and "" for noAlert.
func (a alert) String() string {
	if a == noAlert {
		return ""
	}
	if name, ok := alertNames[a]; ok {
		return fmt.Sprintf("%s (%d)", name, int(a))
	}
	return fmt.Sprintf("alert %d", int(a))
}

// isGrease says whether a value stands for nothing: clients mix such values into
// their lists so that servers keep to ignoring the unknown (RFC 8701).
func isGrease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func versionName(v uint16) string {
	if v == 0 {
		return ""
	}
	return tls.VersionName(v)
}

// suiteNames are suites that crypto/tls does not know and clients often offer.
var suiteNames = map[uint16]string{
	0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
	0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
	0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256",
	0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
	0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
	0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
	0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
	0x00ff: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
	0x1304: "TLS_AES_128_CCM_SHA256",
	0x5600: "TLS_FALLBACK_SCSV",
	0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
	0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
	0xc0ac: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
	0xc0ad: "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
	0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}

func suiteName(id uint16) string {
	if id == 0 {
		return ""
	}
	if name, ok := suiteNames[id]; ok {
		return name
	}
	return tls.CipherSuiteName(id)
}

// groupNames are those of the IANA registry "TLS Supported Groups".
var groupNames = map[tls.CurveID]string{
	21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1",
	29: "x25519", 30: "x448", 256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096",
	259: "ffdhe6144", 260: "ffdhe8192",
	4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024",
}

func groupName(id tls.CurveID) string {
	if id == 0 {
		return ""
	}
	if name, ok := groupNames[id]; ok {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}

// namesOf names a client's list, without the values that stand for nothing.
func namesOf[T ~uint16](list []T, name func(T) string) []string {
	var out []string
	for _, v := range list {
		if !isGrease(uint16(v)) {
			out = append(out, name(v))
		}
	}
	return out
}
