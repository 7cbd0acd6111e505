// Package lent is for memory that is lent to a callback, or until the next call, and used
// again after that. In tests it is spoilt when it comes back: whoever has kept it is found
// out, be it a reader, a rule or a writer.
package lent

// Spoil makes Back overwrite what comes back. It is set before anything is lent.
var Spoil bool

// spoilt is what lent memory is full of afterwards: no byte of UTF-8, or of XML.
const spoilt = 0xF7

// Back takes bytes back that were lent.
func Back(b []byte) {
	if !Spoil {
		return
	}
	for i := range b {
		b[i] = spoilt
	}
}
