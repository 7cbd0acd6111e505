package decode

import (
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"xmppscope/internal/coroutine"
	"xmppscope/internal/lent"
)

// Bounds of what a compressed direction may unfold to (XEP-0138 §7 warns of
// bombs): beyond bombSize, more than bombRatio bytes out for a byte in is no XML.
const (
	bombSize  = 16 << 20
	bombRatio = 200
)

var errBomb = errors.New("it unfolds to more than any XML would: a compression bomb")

// Inflater takes the zlib stream of one direction (XEP-0138, RFC 1950) as it
// comes and gives the plaintext as far as the sender has flushed it. It holds a
// window of 32 KiB and nothing more. Stop has to be called in the end.
type Inflater struct {
	reader  coroutine.Coroutine
	in      []byte // not consumed yet
	taken   int64
	given   int64
	problem error
}

// NewInflater begins at the first byte behind <compressed/>.
//
// The library's reader blocks for input; it runs as a coroutine that hands
// control back when it wants more, so nothing here runs at the same time.
func NewInflater() *Inflater {
	z := new(Inflater)
	z.reader.Body = func(yield func([]byte) bool) {
		src := &fed{z, yield}
		r, err := zlib.NewReader(src)
		buf := make([]byte, 32<<10)
		for err == nil {
			var n int
			n, err = r.Read(buf)
			if n > 0 && !yield(buf[:n]) {
				return
			}
			lent.Back(buf[:n])
		}
		z.problem = err
	}
	return z
}

// Give takes the next compressed bytes, which it borrows until Take has returned none.
func (z *Inflater) Give(p []byte) {
	z.in = p
	z.taken += int64(len(p))
}

// Take returns plaintext, borrowed until the next call; none says that more compressed
// bytes are wanted. An error is final: it says why the rest cannot be read.
func (z *Inflater) Take() ([]byte, error) {
	if z.problem == nil {
		if plain, ok := z.reader.Next(); ok {
			if z.given += int64(len(plain)); z.given <= bombSize || z.given/z.taken <= bombRatio {
				return plain, nil
			}
			z.problem = errBomb
		}
	}
	switch {
	case z.problem == nil, errors.Is(z.problem, io.EOF):
		return nil, errors.New("the compressed stream has ended, and more bytes follow")
	case errors.Is(z.problem, errBomb):
		return nil, z.problem
	}
	return nil, fmt.Errorf("not valid zlib: %w", z.problem)
}

// Rest is what it was given and has not used, when it has failed.
func (z *Inflater) Rest() []byte { return z.in }

// Stop ends the coroutine.
func (z *Inflater) Stop() { z.reader.Stop() }

// fed is the reader that the library reads from.
type fed struct {
	z     *Inflater
	yield func([]byte) bool
}

func (f *fed) want() error {
	for len(f.z.in) == 0 {
		if !f.yield(nil) {
			return io.ErrClosedPipe
		}
	}
	return nil
}

func (f *fed) Read(p []byte) (int, error) {
	if err := f.want(); err != nil {
		return 0, err
	}
	n := copy(p, f.z.in)
	f.z.in = f.z.in[n:]
	return n, nil
}

// ReadByte keeps the library from reading ahead through a buffer of its own.
func (f *fed) ReadByte() (byte, error) {
	if err := f.want(); err != nil {
		return 0, err
	}
	b := f.z.in[0]
	f.z.in = f.z.in[1:]
	return b, nil
}
