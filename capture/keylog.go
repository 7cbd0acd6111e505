package capture

import (
	"fmt"
	"io"

	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".keylog", Title: "TLS keys of both legs, as SSLKEYLOGFILE has them", Secrets: true, Wire: true,
		New: newKeyLog,
	})
}

// keyLogWriter writes the lines of NSS's key log format, which Wireshark and
// others take with a capture made elsewhere. A comment says whose they are.
type keyLogWriter struct {
	w       io.Writer
	session int
	leg     session.Leg
}

func newKeyLog(w io.Writer, o Options) (Writer, error) {
	o.Reveal = true
	_, err := fmt.Fprintf(w, "# %s: TLS keys\n", session.SafeLine(o.heading()))
	return &keyLogWriter{w: w}, err
}

func (k *keyLogWriter) Write(e session.Event) error {
	s, ok := e.Body.(session.TLSSecret)
	if !ok {
		return nil
	}
	var out string
	if k.session != e.Session || k.leg != e.Leg {
		k.session, k.leg = e.Session, e.Leg
		out = fmt.Sprintf("# session %d, %s leg\n", e.Session, e.Leg)
	}
	_, err := io.WriteString(k.w, out+session.SafeLine(s.Line)+"\n")
	return err
}
