package tls

import (
	"crypto/cipher"
	"encoding/binary"
)

// opener takes the protection off the records of one direction, as long as its
// keys do not change.
type opener interface {
	// open decrypts a whole record, header included, into dst's memory. The
	// record's number is first, or up to slack more where records are missing; the
	// one that fits is returned. ok is false if none does.
	open(dst, record []byte, first, slack uint64) (o opened, ok bool)
}

// opened is a record without its protection.
type opened struct {
	typ     byte
	content []byte
	number  uint64
}

// aead opens records of AEAD suites: TLS 1.3 (RFC 8446 §5.2), and TLS 1.2 with
// the nonce in the record (RFC 5288 §3) or without (RFC 7905 §2).
type aead struct {
	cipher.AEAD
	iv       [12]byte
	explicit bool // 8 bytes of the nonce are in the record
	is13     bool

	nonce   [12]byte
	header  [13]byte // additional data, up to TLS 1.2
	last    uint64   // explicit nonce and number of the record before
	number  uint64
	numbers bool // these are known
}

const explicitNonce = 8

func (a *aead) open(dst, record []byte, first, slack uint64) (opened, bool) {
	body := record[headerSize:]
	if a.explicit {
		if len(body) < explicitNonce {
			return opened{}, false
		}
		copy(a.nonce[:], a.iv[:4])
		copy(a.nonce[4:], body[:explicitNonce])
		body = body[explicitNonce:]
	}
	if len(body) < a.Overhead() {
		return opened{}, false
	}
	if n, ok := a.hint(first, slack); ok {
		if o, ok := a.try(dst, record, body, n); ok {
			return o, true
		}
	}
	for skip := range slack + 1 {
		if o, ok := a.try(dst, record, body, first+skip); ok {
			return o, true
		}
	}
	return opened{}, false
}

// hint is the number of a record after missing ones if explicit nonces count up,
// as most do.
func (a *aead) hint(first, slack uint64) (uint64, bool) {
	if slack == 0 || !a.explicit || !a.numbers {
		return 0, false
	}
	n := a.number + binary.BigEndian.Uint64(a.nonce[4:]) - a.last
	return n, n > first && n-first < 1<<32
}

func (a *aead) try(dst, record, body []byte, n uint64) (opened, bool) {
	additional := record[:headerSize]
	if !a.is13 {
		additional = macHeader(&a.header, n, record, len(body)-a.Overhead())
	}
	if !a.explicit {
		a.nonce = a.iv
		for i := range 8 {
			a.nonce[4+i] ^= byte(n >> (56 - 8*i))
		}
	}
	plain, err := a.Open(dst[:0], a.nonce[:], body, additional)
	if err != nil {
		return opened{}, false
	}
	if a.explicit {
		a.last, a.number, a.numbers = binary.BigEndian.Uint64(a.nonce[4:]), n, true
	}
	o := opened{typ: record[0], content: plain, number: n}
	if a.is13 {
		o.typ, o.content = unpad(plain)
	}
	return o, true
}

// unpad finds the type behind the content of a TLS 1.3 record and before the
// zeros that pad it (RFC 8446 §5.4).
func unpad(plain []byte) (typ byte, content []byte) {
	for i := len(plain) - 1; i >= 0; i-- {
		if plain[i] != 0 {
			return plain[i], plain[:i]
		}
	}
	return 0, nil
}

// macHeader is what is authenticated before the content, up to TLS 1.2 (RFC 5246
// §6.2.3.1): number, type, version, size.
func macHeader(buf *[13]byte, number uint64, record []byte, size int) []byte {
	binary.BigEndian.PutUint64(buf[:], number)
	copy(buf[8:], record[:3])
	binary.BigEndian.PutUint16(buf[11:], uint16(size))
	return buf[:]
}
