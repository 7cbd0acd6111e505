package decode

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"xmppscope/session"
)

// What a byte is in a name.
const (
	nameStop  = 1 << iota // it ends the name
	nameColon             // it may part a prefix from the name
	nameLater             // a digit, "-" or ".": no name begins so
	nameOdd               // not ASCII, or no part of a name
)

// nameClass is 0 for letters and "_".
var nameClass = func() (t [256]uint8) {
	for i := range t {
		switch c := byte(i); {
		case isNameStop[c]:
			t[c] = nameStop
		case c == ':':
			t[c] = nameColon
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = nameLater
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		default:
			t[c] = nameOdd
		}
	}
	return t
}()

// name takes the name of an element or an attribute, and reports why it is none
// (XML 1.0 §2.3, Namespaces in XML §4). It is empty if there is nothing.
func (p *parser) name() (written string, name session.Name) {
	from, seen := p.at, uint8(0)
	rest := p.raw[from:]
	end := 0
	for end < len(rest) {
		c := nameClass[rest[end]]
		if c == nameStop {
			break
		}
		seen |= c
		end++
	}
	written, p.at = rest[:end], from+end
	if seen&nameOdd != 0 || seen&nameLater != 0 && nameClass[written[0]] == nameLater {
		p.checkName(written, from)
	}
	if seen&nameColon == 0 {
		return written, session.Name{Local: written}
	}
	p.checkColons(written, from)
	return written, split(written)
}

// checkName reports the first character that may not stand where it does in a name.
func (p *parser) checkName(name string, at int) {
	for i, r := range name {
		_, size := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			p.fault("X07", refEncoding, at+i, at+i+1, "byte 0x%02x is not UTF-8", name[i])
		case i == 0 && !beginsName(r):
			p.fault("X05", refWellFormed, at, at+size, "the name %q begins with %U, which no name may", name, r)
		case !beginsName(r) && !unicode.Is(laterInNames, r):
			p.fault("X05", refWellFormed, at+i, at+i+size, "the name %q has %U in it, which no name may", name, r)
		default:
			continue
		}
		return
	}
}

// checkColons reports a name in which the colon does not part a prefix from a name.
func (p *parser) checkColons(name string, at int) {
	prefix, local, _ := strings.Cut(name, ":")
	if first, _ := utf8.DecodeRuneInString(local); prefix == "" || local == "" || !beginsName(first) || strings.Contains(local, ":") {
		p.fault("X06", refWellFormed, at, at+len(name), "the name %q is not of the form prefix:name", name)
	}
}

// isName says whether s is a Name of XML 1.0 (§2.3).
func isName(s string) bool {
	for i, r := range s {
		if !beginsName(r) && (i == 0 || !unicode.Is(laterInNames, r)) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}

// beginsName is XML 1.0's NameStartChar production.
func beginsName(r rune) bool {
	if r < utf8.RuneSelf {
		return nameClass[r]&^nameColon == 0
	}
	return unicode.Is(firstInNames, r)
}

// firstInNames are the characters outside of ASCII that a name may begin with.
var firstInNames = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xC0, 0xD6, 1}, {0xD8, 0xF6, 1}, {0xF8, 0x2FF, 1}, {0x370, 0x37D, 1}, {0x37F, 0x1FFF, 1}, {0x200C, 0x200D, 1},
		{0x2070, 0x218F, 1}, {0x2C00, 0x2FEF, 1}, {0x3001, 0xD7FF, 1}, {0xF900, 0xFDCF, 1}, {0xFDF0, 0xFFFD, 1},
	},
	R32:         []unicode.Range32{{0x10000, 0xEFFFF, 1}},
	LatinOffset: 2, // how many lie in Latin-1
}

// laterInNames are the characters that NameChar has beyond NameStartChar.
var laterInNames = &unicode.RangeTable{
	R16:         []unicode.Range16{{'-', '.', 1}, {'0', '9', 1}, {0xB7, 0xB7, 1}, {0x300, 0x36F, 1}, {0x203F, 0x2040, 1}},
	LatinOffset: 3,
}
