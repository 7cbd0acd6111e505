package session

import (
	"crypto"
	_ "crypto/sha256" // for crypto.Hash.New
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// TLSVersionName is the name of a protocol version, "TLS 1.3", and "" for 0.
func TLSVersionName(v uint16) string {
	if v == 0 {
		return ""
	}
	return tls.VersionName(v)
}

// TLSSuiteName is the IANA name of a cipher suite, "0x1a2b" for one without, and
// "" for 0.
func TLSSuiteName(id uint16) string {
	if id == 0 {
		return ""
	}
	if name, ok := tlsSuites[id]; ok {
		return name
	}
	return tls.CipherSuiteName(id)
}

// tlsGroups are those of the IANA registry "TLS Supported Groups".
var tlsGroups = map[tls.CurveID]string{
	1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1", 7: "sect233r1",
	8: "sect239k1", 9: "sect283k1", 10: "sect283r1", 11: "sect409k1", 12: "sect409r1", 13: "sect571k1", 14: "sect571r1",
	15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1", 19: "secp192r1", 20: "secp224k1",
	21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1",
	26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519", 30: "x448",
	31: "brainpoolP256r1tls13", 32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13", 41: "curveSM2", 256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096",
	259: "ffdhe6144", 260: "ffdhe8192",
	4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024",
}

// TLSGroupName is the IANA name of a group for key exchange, and "" for 0.
func TLSGroupName(id tls.CurveID) string {
	if id == 0 {
		return ""
	}
	if name, ok := tlsGroups[id]; ok {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}

// TLSNames names a client's list, without the values that stand for nothing:
// clients mix such values into their lists so that servers keep to ignoring the
// unknown (RFC 8701).
func TLSNames[T ~uint16](list []T, name func(T) string) []string {
	var out []string
	for _, v := range list {
		isGrease := v&0x0f0f == 0x0a0a && v>>8 == v&0xff
		if !isGrease {
			out = append(out, name(v))
		}
	}
	return out
}

// endPointHash is the hash of tls-server-end-point (RFC 5929 §4.1): that of the
// certificate's signature, SHA-256 in place of MD5 and SHA-1. Signatures without
// one hash, such as Ed25519's, have no such binding.
var endPointHash = map[x509.SignatureAlgorithm]crypto.Hash{
	x509.MD5WithRSA: crypto.SHA256, x509.SHA1WithRSA: crypto.SHA256, x509.ECDSAWithSHA1: crypto.SHA256,
	x509.SHA256WithRSA: crypto.SHA256, x509.SHA256WithRSAPSS: crypto.SHA256, x509.ECDSAWithSHA256: crypto.SHA256,
	x509.SHA384WithRSA: crypto.SHA384, x509.SHA384WithRSAPSS: crypto.SHA384, x509.ECDSAWithSHA384: crypto.SHA384,
	x509.SHA512WithRSA: crypto.SHA512, x509.SHA512WithRSAPSS: crypto.SHA512, x509.ECDSAWithSHA512: crypto.SHA512,
}

// TLSEndPoint is the channel-binding data tls-server-end-point of a server's
// certificate, nil if it gives none. leaf may be nil.
func TLSEndPoint(leaf *x509.Certificate) []byte {
	if leaf == nil {
		return nil
	}
	hash, ok := endPointHash[leaf.SignatureAlgorithm]
	if !ok {
		return nil
	}
	h := hash.New()
	h.Write(leaf.Raw)
	return h.Sum(nil)
}
