package tlsintercept

import (
	"bytes"

	"xmppscope/session"
)

// keyLog makes an event of each line of one leg's key log (NSS format), as
// crypto/tls writes it. Each leg has its own, so that nobody has to tell from
// the client random whose secret it is.
type keyLog struct {
	leg    session.Leg
	record func(session.Leg, session.Body)
	tape   *tape
}

func (k keyLog) Write(p []byte) (int, error) {
	k.tape.key(p)
	for line := range bytes.Lines(p) {
		k.record(k.leg, session.TLSSecret{Line: string(bytes.TrimRight(line, "\r\n"))})
	}
	return len(p), nil
}
