package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"xmppscope/capture/tls"
)

// keylogs are the files of --keylog. They may grow while a capture comes in: a
// client writes its secrets as it goes.
type keylogs struct {
	files []*keylog
	keys  *tls.Keys
	tell  teller
}

// keylog is one of them.
type keylog struct {
	path string
	done int64 // bytes that were read, whole lines
}

// openKeylogs reads the key logs. One that holds nothing is no error: a capture may be in
// the clear. It is said, unless the file is waited for.
func openKeylogs(paths []string, waits bool, tell teller) (*keylogs, error) {
	k := &keylogs{keys: new(tls.Keys), tell: tell}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil && !(waits && errors.Is(err, fs.ErrNotExist)) {
			return nil, usageError{fmt.Errorf("--keylog: %w", err)}
		}
		n, bad := k.keys.Add(text)
		switch {
		case n == 0 && !waits:
			tell("warning: --keylog %s: there are no TLS secrets in it", path)
			tell("hint: it has lines such as CLIENT_RANDOM …; let the client write it: SSLKEYLOGFILE=FILE")
		case err != nil:
			tell("--keylog %s is not there yet: it is read when it comes", path)
		case bad != nil:
			tell("warning: --keylog %s: %s", path, inWords(bad))
		}
		k.files = append(k.files, &keylog{path, wholeLines(text)})
	}
	return k, nil
}

// wholeLines is how long a text is up to its last line end.
func wholeLines(text []byte) int64 { return int64(bytes.LastIndexByte(text, '\n') + 1) }

// grown takes in what was written to the key logs since they were read.
func (k *keylogs) grown() {
	for _, f := range k.files {
		info, err := os.Stat(f.path)
		if err != nil || info.Size() == f.done {
			continue
		}
		if info.Size() < f.done { // written anew
			f.done = 0
		}
		if text := f.more(info.Size()); len(text) > 0 {
			k.keys.Add(text)
		}
	}
}

// maxMore bounds what is read of a key log at once.
const maxMore = 16 << 20

// more reads the whole lines that have come, up to size.
func (f *keylog) more(size int64) []byte {
	file, err := os.Open(f.path)
	if err != nil {
		return nil
	}
	defer file.Close()
	text := make([]byte, min(size-f.done, maxMore))
	n, _ := file.ReadAt(text, f.done) // what has come counts
	text = text[:wholeLines(text[:n])]
	f.done += int64(len(text))
	return text
}
