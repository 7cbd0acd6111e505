package tls

import (
	"crypto/cipher"
	"crypto/hmac"
	"hash"
	"slices"
)

// maced opens records that are protected by a MAC and a cipher: CBC, RC4 or none
// (RFC 5246 §6.2.3.1 and §6.2.3.2).
type maced struct {
	mac    hash.Hash
	stream cipher.Stream // RC4
	block  blockMode     // CBC
	inside bool          // CBC: each record begins with its IV (TLS 1.1 and 1.2)
	etm    bool          // CBC: the MAC is over the ciphertext (RFC 7366)

	header [13]byte
	sum    []byte
}

// blockMode is what crypto/cipher's CBC mode is.
type blockMode interface {
	cipher.BlockMode
	SetIV([]byte)
}

func (m *maced) open(dst, record []byte, first, slack uint64) (opened, bool) {
	body := record[headerSize:]
	if m.stream != nil && slack > 0 {
		return opened{}, false // where its key stream stands is lost
	}
	if m.etm {
		n, content, ok := m.verify(record, body, first, slack)
		if !ok {
			return opened{}, false
		}
		plain, ok := m.decrypt(dst, content)
		return opened{record[0], plain, n}, ok
	}
	plain, ok := m.decrypt(dst, body)
	if !ok {
		return opened{}, false
	}
	n, content, ok := m.verify(record, plain, first, slack)
	return opened{record[0], content, n}, ok
}

// verify takes the MAC off the end of text, and finds the record's number by it.
func (m *maced) verify(record, text []byte, first, slack uint64) (uint64, []byte, bool) {
	size := len(text) - m.mac.Size()
	if size < 0 {
		return 0, nil, false
	}
	for skip := range slack + 1 {
		n := first + skip
		m.mac.Reset()
		m.mac.Write(macHeader(&m.header, n, record, size))
		m.mac.Write(text[:size])
		m.sum = m.mac.Sum(m.sum[:0])
		if hmac.Equal(m.sum, text[size:]) {
			return n, text[:size], true
		}
	}
	return 0, nil, false
}

func (m *maced) decrypt(dst, text []byte) ([]byte, bool) {
	switch {
	case m.stream != nil:
		dst = slices.Grow(dst[:0], len(text))[:len(text)]
		m.stream.XORKeyStream(dst, text)
		return dst, true
	case m.block == nil:
		return append(dst[:0], text...), true
	}
	size := m.block.BlockSize()
	if m.inside {
		if len(text) < size {
			return nil, false
		}
		m.block.SetIV(text[:size])
		text = text[size:]
	}
	if len(text) == 0 || len(text)%size != 0 {
		return nil, false
	}
	dst = slices.Grow(dst[:0], len(text))[:len(text)]
	m.block.CryptBlocks(dst, text)
	return unpadCBC(dst)
}

// unpadCBC takes the padding off: its size in each of its bytes and in one more.
func unpadCBC(plain []byte) ([]byte, bool) {
	pad := plain[len(plain)-1]
	end := len(plain) - int(pad) - 1
	if end < 0 {
		return nil, false
	}
	for _, b := range plain[end:] {
		if b != pad {
			return nil, false
		}
	}
	return plain[:end], true
}
