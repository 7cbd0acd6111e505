package tls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"xmppscope/session"
)

// suite says how a cipher suite protects records.
type suite struct {
	name string // IANA
	hash func() hash.Hash
	key  int // bytes of the key

	aead  func(key []byte) (cipher.AEAD, error) // nil if it is not one
	fixed int                                   // aead, up to TLS 1.2: bytes of the nonce from the key block

	block func(key []byte) (cipher.Block, error) // CBC; nil with aead, RC4 and NULL
	mac   func() hash.Hash                       // all but aead
}

// suiteOf reads the name of a suite: nobody needs a table who has the names. It
// is nil for those whose ciphers are not to be had here (Camellia, ARIA, SEED,
// IDEA, export ciphers).
func suiteOf(id uint16) *suite {
	name := session.TLSSuiteName(id)
	_, cipherName, ok := strings.Cut(name, "_WITH_")
	if !ok {
		cipherName = strings.TrimPrefix(name, "TLS_")
	}
	s := &suite{name: name, hash: sha256.New, fixed: 4}
	if strings.HasSuffix(name, "_SHA384") {
		s.hash = sha512.New384
	}
	for _, c := range ciphers {
		if rest, ok := strings.CutPrefix(cipherName, c.prefix); ok {
			c.set(s)
			return s.finish(strings.TrimPrefix(rest, "_"))
		}
	}
	return nil
}

// ciphers by how their names begin; a longer name stands before its beginning.
var ciphers = []struct {
	prefix string
	set    func(*suite)
}{
	{"AES_128_GCM", func(s *suite) { s.key, s.aead = 16, gcm }},
	{"AES_256_GCM", func(s *suite) { s.key, s.aead = 32, gcm }},
	{"AES_128_CCM_8", func(s *suite) { s.key, s.aead = 16, ccm8 }},
	{"AES_256_CCM_8", func(s *suite) { s.key, s.aead = 32, ccm8 }},
	{"AES_128_CCM", func(s *suite) { s.key, s.aead = 16, ccm16 }},
	{"AES_256_CCM", func(s *suite) { s.key, s.aead = 32, ccm16 }},
	{"CHACHA20_POLY1305", func(s *suite) { s.key, s.aead, s.fixed = 32, chacha20poly1305.New, 12 }},
	{"AES_128_CBC", func(s *suite) { s.key, s.block = 16, aes.NewCipher }},
	{"AES_256_CBC", func(s *suite) { s.key, s.block = 32, aes.NewCipher }},
	{"3DES_EDE_CBC", func(s *suite) { s.key, s.block = 24, des.NewTripleDESCipher }},
	{"DES_CBC", func(s *suite) { s.key, s.block = 8, des.NewCipher }},
	{"RC4_128", func(s *suite) { s.key = 16 }},
	{"NULL", func(*suite) {}},
}

// finish sets the MAC by what the name ends with, for all but AEADs.
func (s *suite) finish(mac string) *suite {
	if s.aead != nil {
		return s
	}
	switch mac {
	case "MD5":
		s.mac = md5.New
	case "SHA":
		s.mac = sha1.New
	case "SHA256":
		s.mac = sha256.New
	case "SHA384":
		s.mac = sha512.New384
	default:
		return nil
	}
	return s
}

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}
