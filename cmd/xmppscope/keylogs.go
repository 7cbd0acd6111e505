package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"xmppscope/capture/tls"
	"xmppscope/internal/growing"
)

// keylogs are the files of --keylog. They may grow while a capture comes in: a
// client writes its secrets as it goes.
type keylogs struct {
	files []*growing.File
	keys  *tls.Keys
	tell  teller
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
		k.files = append(k.files, &growing.File{Path: path, Read: int64(len(growing.WholeLines(text)))})
	}
	return k, nil
}

// grown takes in what was written to the key logs since they were read.
func (k *keylogs) grown() {
	for _, f := range k.files {
		if text := f.More(); len(text) > 0 {
			k.keys.Add(text)
		}
	}
}
