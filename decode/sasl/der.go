package sasl

import (
	"strconv"
	"strings"
)

// tlv is one value of BER or DER. What GSS-API tokens hold is read tolerantly: a
// length beyond the end means "all there is".
type tlv struct {
	tag  byte // class, constructed bit and number, as the first byte has them
	body []byte
}

// readTLV reads the first value and returns what follows it.
func readTLV(b []byte) (v tlv, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f { // numbers above 30 are used nowhere here
		return tlv{}, nil, false
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		count := n & 0x7f
		if count > 4 || len(b) < 2+count {
			return tlv{}, nil, false
		}
		n = 0
		for _, x := range b[2 : 2+count] {
			n = n<<8 | int(x)
		}
		if at += count; count == 0 { // indefinite
			n = len(b) - at
		}
	}
	end := len(b)
	if n >= 0 && n < end-at {
		end = at + n
	}
	return tlv{b[0], b[at:end]}, b[end:], true
}

// derLength is how long the first value says that it is, header and all; 0 if that
// cannot be told.
func derLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		count := n & 0x7f
		if count == 0 || count > 3 || len(b) < 2+count {
			return 0
		}
		n = 0
		for _, x := range b[2 : 2+count] {
			n = n<<8 | int(x)
		}
		at += count
	}
	return at + n
}

// derValues are the values in b, in order, up to the first that cannot be read.
func derValues(b []byte) (out []tlv) {
	for len(b) > 0 && len(out) < 100 {
		v, rest, ok := readTLV(b)
		if !ok {
			break
		}
		out = append(out, v)
		b = rest
	}
	return out
}

// inside opens a value that has one of these tags; nil if it has another.
func inside(b []byte, tags ...byte) []byte {
	v, _, ok := readTLV(b)
	for _, t := range tags {
		if ok && v.tag == t {
			return v.body
		}
	}
	return nil
}

// tagged are the [0], [1], … of a SEQUENCE, by number.
func tagged(sequence []byte) map[int][]byte {
	out := map[int][]byte{}
	for _, v := range derValues(sequence) {
		if v.tag&0xe0 == 0xa0 {
			out[int(v.tag&0x1f)] = v.body
		}
	}
	return out
}

const (
	derInteger = 0x02
	derBits    = 0x03
	derOctets  = 0x04
	derOID     = 0x06
	derEnum    = 0x0a
	derSeq     = 0x30
)

// derNumber reads an INTEGER or ENUMERATED; ok is false if it is none, or too large.
func derNumber(b []byte) (n int, ok bool) {
	body := inside(b, derInteger, derEnum)
	if len(body) == 0 || len(body) > 4 {
		return 0, false
	}
	n = int(int8(body[0]))
	for _, x := range body[1:] {
		n = n<<8 | int(x)
	}
	return n, true
}

// derText reads a string of any type.
func derText(b []byte) string {
	return string(inside(b, 0x1b, 0x0c, 0x16, 0x13, 0x14, 0x1a, derOctets))
}

// oid is an OBJECT IDENTIFIER's body in dotted form.
func oid(body []byte) string {
	var parts []string
	n := uint64(0)
	for _, b := range body {
		n = n<<7 | uint64(b&0x7f)
		if b&0x80 != 0 {
			continue
		}
		if len(parts) == 0 {
			first := min(n/40, 2)
			parts = append(parts, strconv.FormatUint(first, 10))
			n -= first * 40
		}
		parts = append(parts, strconv.FormatUint(n, 10))
		n = 0
	}
	return strings.Join(parts, ".")
}
