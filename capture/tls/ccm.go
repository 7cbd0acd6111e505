package tls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"slices"
)

// ccm is the AES-CCM mode (RFC 3610) with the nonce of 12 bytes that TLS uses
// (RFC 6655). It opens only.
type ccm struct {
	block cipher.Block
	tag   int
}

func ccm16(key []byte) (cipher.AEAD, error) { return newCCM(key, 16) }
func ccm8(key []byte) (cipher.AEAD, error)  { return newCCM(key, 8) }

func newCCM(key []byte, tag int) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &ccm{b, tag}, nil
}

var errCCM = errors.New("tls: the tag does not fit")

func (c *ccm) NonceSize() int { return 12 }
func (c *ccm) Overhead() int  { return c.tag }

// Seal is there for cipher.AEAD; nobody here encrypts.
func (c *ccm) Seal(dst, nonce, plaintext, additional []byte) []byte {
	var tag [aes.BlockSize]byte
	c.auth(&tag, nonce, plaintext, additional)
	dst = append(dst, plaintext...)
	c.crypt(dst[len(dst)-len(plaintext):], &tag, nonce)
	return append(dst, tag[:c.tag]...)
}

func (c *ccm) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	size := len(ciphertext) - c.tag
	if size < 0 {
		return nil, errCCM
	}
	start := len(dst)
	dst = append(slices.Grow(dst, size), ciphertext[:size]...)
	plain := dst[start:]
	var got, want [aes.BlockSize]byte
	copy(got[:], ciphertext[size:])
	c.crypt(plain, &got, nonce)
	c.auth(&want, nonce, plain, additional)
	if subtle.ConstantTimeCompare(got[:c.tag], want[:c.tag]) != 1 {
		clear(plain)
		return nil, errCCM
	}
	return dst, nil
}

// crypt applies the key stream: its first block to the tag, the others to text.
func (c *ccm) crypt(text []byte, tag *[aes.BlockSize]byte, nonce []byte) {
	var counter [aes.BlockSize]byte
	counter[0] = 2 // bytes of the counter, less one
	copy(counter[1:], nonce)
	stream := cipher.NewCTR(c.block, counter[:])
	stream.XORKeyStream(tag[:], tag[:])
	stream.XORKeyStream(text, text)
}

// auth is the CBC-MAC over the nonce, the sizes, the additional data and the text.
func (c *ccm) auth(sum *[aes.BlockSize]byte, nonce, text, additional []byte) {
	*sum = [aes.BlockSize]byte{byte(1<<6 | (c.tag-2)/2<<3 | 2)}
	copy(sum[1:], nonce)
	sum[13] ^= byte(len(text) >> 16)
	binary.BigEndian.PutUint16(sum[14:], uint16(len(text)))
	c.block.Encrypt(sum[:], sum[:])
	sum[0] ^= byte(len(additional) >> 8)
	sum[1] ^= byte(len(additional))
	n := subtle.XORBytes(sum[2:], sum[2:], additional)
	c.block.Encrypt(sum[:], sum[:])
	for rest := additional[n:]; len(rest) > 0; rest = rest[n:] {
		n = subtle.XORBytes(sum[:], sum[:], rest)
		c.block.Encrypt(sum[:], sum[:])
	}
	for ; len(text) > 0; text = text[n:] {
		n = subtle.XORBytes(sum[:], sum[:], text)
		c.block.Encrypt(sum[:], sum[:])
	}
}
