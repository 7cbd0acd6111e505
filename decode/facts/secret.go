package facts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"xmppscope/session"
)

// Secret tells a secret from another one, and nothing else of it.
type Secret struct {
	// Digest is the same for equal values within this process, and worthless outside of
	// it; "" if the recording holds a placeholder instead of the value.
	Digest string
	// Mark is the placeholder. Its number can be compared within one recording.
	Mark string
}

// lasting are the kinds of secrets that a client has, rather than computes anew for
// each login.
var lasting = map[string]bool{"password": true, "token": true}

// processKey makes digests worthless to anyone who gets hold of one: what people
// choose as a password can be guessed from a plain hash.
var processKey = func() []byte {
	key := make([]byte, sha256.Size)
	rand.Read(key) // it does not fail (crypto/rand)
	return key
}()

// secretsOf finds the lasting secrets of an event, by the place of their note; nil
// where there is none.
func secretsOf(e *session.Event) []*Secret {
	var out []*Secret
	for i := range e.Notes {
		n := &e.Notes[i]
		if !lasting[n.Secret] {
			continue
		}
		if out == nil {
			out = make([]*Secret, len(e.Notes))
		}
		out[i] = &Secret{Mark: n.Mark}
		if !e.Redacted {
			mac := hmac.New(sha256.New, processKey)
			mac.Write([]byte(n.Value))
			out[i].Digest = string(mac.Sum(nil))
		}
	}
	return out
}

// secretOf is the lasting secret of a note of the event at hand, nil if it is none.
func (g *Gatherer) secretOf(note int) *Secret {
	if note < len(g.secrets) {
		return g.secrets[note]
	}
	return nil
}
