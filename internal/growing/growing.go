// Package growing reads a text file to which somebody else writes meanwhile.
package growing

import (
	"bytes"
	"os"
)

// File is one. It need not be there yet.
type File struct {
	Path string
	Read int64 // so many bytes of it are known
}

// maxMore bounds what is read at once.
const maxMore = 16 << 20

// More is whole lines that have come since, a part of them if they are many; nil if there are
// none. A file that has become shorter was begun anew.
func (f *File) More() []byte {
	info, err := os.Stat(f.Path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == f.Read { // opening a pipe would wait
		return nil
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info.Size() < f.Read {
		f.Read = 0
	}
	text := make([]byte, min(info.Size()-f.Read, maxMore))
	n, _ := file.ReadAt(text, f.Read) // what has come counts
	text = WholeLines(text[:n])
	f.Read += int64(len(text))
	return text
}

// WholeLines is a text up to its last line end.
func WholeLines(text []byte) []byte { return text[:bytes.LastIndexByte(text, '\n')+1] }
