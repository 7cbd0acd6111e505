package decode

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// StreamDigest is SHA-1 over a stream's id and a secret, in lower-case hex: the
// digest of jabber:iq:auth with the password (XEP-0078 §3.1), the handshake of a
// component with its shared secret (XEP-0114 §3).
func StreamDigest(streamID, secret string) string {
	sum := sha1.Sum([]byte(streamID + secret))
	return hex.EncodeToString(sum[:])
}

// DialbackKey is the key that the server of a domain makes for another, and for the stream
// between the two, from a secret that it alone has (XEP-0185 §2).
func DialbackKey(secret, receiving, originating, streamID string) string {
	hashed := sha256.Sum256([]byte(secret))
	h := hmac.New(sha256.New, []byte(hex.EncodeToString(hashed[:])))
	h.Write([]byte(receiving + " " + originating + " " + streamID))
	return hex.EncodeToString(h.Sum(nil))
}

// StreamIDs are the ids that the server has given the streams of a connection,
// for the digests that are made with the newest. The zero value is ready.
type StreamIDs struct{ ids []string }

// maxStreamIDs bounds how many are remembered.
const maxStreamIDs = 10

// Opened takes the newest stream's id.
func (s *StreamIDs) Opened(id string) {
	if s.ids = append(s.ids, id); len(s.ids) > maxStreamIDs {
		s.ids = s.ids[1:]
	}
}

// Check holds a digest against the forms of a secret, see StreamDigest. What does
// not fit is held against what software is known to compute instead.
func (s *StreamIDs) Check(forms []PasswordForm, sent string) Check {
	if len(s.ids) == 0 || s.ids[len(s.ids)-1] == "" {
		return Check{}
	}
	id := s.ids[len(s.ids)-1]
	for i := range forms {
		if forms[i].Fault == faultUnprepared { // both specifications are older than SASLprep
			forms[i].Fault = ""
		}
	}
	found := CheckForms(forms, func(secret string) bool { return StreamDigest(id, secret) == sent })
	if found.Result != Differs {
		return found
	}
	for _, m := range append(s.earlier(id), digestMistakes...) {
		if slices.ContainsFunc(forms, func(f PasswordForm) bool { return m.digest(id, f.Password) == sent }) {
			return Check{Fits, m.fault}
		}
	}
	return found
}

type digestMistake struct {
	fault  string
	digest func(id, secret string) string
}

// digestMistakes are other ways to hash an id and a secret.
var digestMistakes = []digestMistake{
	{"wrote the digest in upper case, where lower case is asked for", func(id, secret string) string { return strings.ToUpper(StreamDigest(id, secret)) }},
	{"sent the password itself, where a hash is asked for", func(_, secret string) string { return secret }},
	{"hashed the password before the stream id, where the id comes first", func(id, secret string) string { return StreamDigest(secret, id) }},
	{"hashed the password without the stream id", func(_, secret string) string { return StreamDigest("", secret) }},
	{"put a colon between the stream id and the password", func(id, secret string) string { return StreamDigest(id+":", secret) }},
	{"took the stream id as it stands in the XML, with its entities", func(id, secret string) string { return StreamDigest(escapeXML.Replace(id), secret) }},
	{"took the password as it stands in XML, with entities", func(id, secret string) string { return StreamDigest(id, escapeXML.Replace(secret)) }},
	{"sent the digest in base64, where hex is asked for", func(id, secret string) string {
		sum := sha1.Sum([]byte(id + secret))
		return base64.StdEncoding.EncodeToString(sum[:])
	}},
	{"hashed with MD5, where SHA-1 is asked for", func(id, secret string) string {
		sum := md5.Sum([]byte(id + secret))
		return hex.EncodeToString(sum[:])
	}},
	{"hashed with SHA-256, where SHA-1 is asked for", func(id, secret string) string {
		sum := sha256.Sum256([]byte(id + secret))
		return hex.EncodeToString(sum[:])
	}},
	{"computed an HMAC, where a plain hash is asked for", func(id, secret string) string { return hexMAC(secret, id) }},
	{"computed an HMAC, where a plain hash is asked for", func(id, secret string) string { return hexMAC(id, secret) }},
}

var escapeXML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;", `"`, "&quot;")

func hexMAC(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// earlier are the mistakes of who has not noticed that a new stream was opened.
func (s *StreamIDs) earlier(newest string) (out []digestMistake) {
	for _, old := range s.ids[:len(s.ids)-1] {
		out = append(out, digestMistake{
			fmt.Sprintf("used the id of an earlier stream, %q, where that of the newest, %q, is asked for", old, newest),
			func(_, secret string) string { return StreamDigest(old, secret) },
		})
	}
	return out
}
