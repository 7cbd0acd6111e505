package tlsintercept

import (
	"encoding/hex"
	"maps"

	"xmppscope/capture/tls"
	"xmppscope/session"
)

// maxTape bounds what is kept of one direction of a handshake: long chains of certificates
// take some tens of kilobytes.
const maxTape = 256 << 10

// tape is a handshake as it was recorded, of one leg. A nil one records nothing.
type tape struct {
	in, out []byte // what came, and what we sent
	keys    []byte // the key log
}

func (t *tape) heard(p []byte) {
	if t != nil && len(t.in)+len(p) <= maxTape {
		t.in = append(t.in, p...)
	}
}

func (t *tape) said(p []byte) {
	if t != nil && len(t.out)+len(p) <= maxTape {
		t.out = append(t.out, p...)
	}
}

func (t *tape) key(p []byte) {
	if t != nil {
		t.keys = append(t.keys, p...)
	}
}

// newTape is one for a leg, nil if nobody wants it.
func (c *Config) newTape() *tape {
	if !c.Finished {
		return nil
	}
	return new(tape)
}

// withFinished adds the client's Finished to the channel-binding data of a leg that has no
// tls-unique, which is TLS 1.3.
func withFinished(bindings map[string]string, w *watched, leg session.Leg) map[string]string {
	if w == nil || w.tape == nil {
		return bindings
	}
	t := *w.tape
	*w.tape = tape{} // the key log has it too
	w.tape = nil
	if bindings[session.BindingUnique] != "" {
		return bindings
	}
	c2s, s2c := t.in, t.out
	if leg == session.ServerLeg {
		c2s, s2c = s2c, c2s
	}
	if finished := tls.ClientFinished(t.keys, c2s, s2c); finished != nil {
		bindings = maps.Clone(bindings)
		bindings[session.BindingUnique] = hex.EncodeToString(finished)
	}
	return bindings
}
