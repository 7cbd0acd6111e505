package tls

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rc4"
	"slices"

	"xmppscope/session"
)

// open13 makes the opener for a TLS 1.3 traffic secret (RFC 8446 §7.3). It is nil
// if the secret is not for this suite.
func (s *suite) open13(secret []byte) opener {
	if s.aead == nil || len(secret) != s.hash().Size() {
		return nil
	}
	a, err := s.aead(expandLabel(s.hash, secret, "key", nil, s.key))
	if err != nil {
		return nil
	}
	return &aead{AEAD: a, iv: [12]byte(expandLabel(s.hash, secret, "iv", nil, 12)), is13: true}
}

// nextSecret is what a KeyUpdate makes of a traffic secret (RFC 8446 §7.2).
func (s *suite) nextSecret(secret []byte) []byte {
	return expandLabel(s.hash, secret, "traffic upd", nil, len(secret))
}

// prf is the pseudorandom function of the suite in a version up to TLS 1.2.
func (s *suite) prf(version uint16, secret []byte, label string, seed []byte, size int) []byte {
	if version < version12 {
		return prf(nil, secret, label, seed, size)
	}
	return prf(s.hash, secret, label, seed, size)
}

// open12 makes the opener of one direction up to TLS 1.2 from the master secret
// (RFC 5246 §6.3). It is nil if that cannot be: an AEAD before TLS 1.2.
func (s *suite) open12(h *handshake, master []byte, dir session.Dir) opener {
	mac, key, iv := 0, s.key, 0
	switch {
	case s.aead != nil:
		iv = s.fixed
	case s.block != nil && h.version == version10:
		iv = 16 // at most
	}
	if s.mac != nil {
		mac = s.mac().Size()
	}
	seed := slices.Concat(h.server.random[:], h.hello.random[:])
	block := s.prf(h.version, master, "key expansion", seed, 2*(mac+key+iv))
	take := func(n int) []byte {
		c, s := block[:n], block[n:2*n]
		block = block[2*n:]
		if dir == session.C2S {
			return c
		}
		return s
	}
	return s.assemble(h, take, mac)
}

// assemble takes the parts of the key block in their order.
func (s *suite) assemble(h *handshake, take func(int) []byte, mac int) opener {
	if s.aead != nil {
		a, err := s.aead(take(s.key))
		if err != nil || h.version < version12 {
			return nil
		}
		out := &aead{AEAD: a, explicit: s.fixed == 4}
		copy(out.iv[:], take(s.fixed))
		return out
	}
	m := &maced{mac: hmac.New(s.mac, take(mac)), etm: h.server.etm && s.block != nil, inside: h.version > version10}
	key := take(s.key)
	switch {
	case s.block != nil:
		b, err := s.block(key)
		if err != nil {
			return nil
		}
		first := make([]byte, b.BlockSize())
		if !m.inside {
			first = take(b.BlockSize())
		}
		mode, ok := cipher.NewCBCDecrypter(b, first).(blockMode)
		if !ok {
			return nil
		}
		m.block = mode
	case s.key > 0:
		c, err := rc4.NewCipher(key)
		if err != nil {
			return nil
		}
		m.stream = c
	}
	return m
}
