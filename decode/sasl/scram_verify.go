package sasl

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/subtle"
	"hash"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Bounds of what is computed to check a proof: a hostile server may ask for any
// number of iterations.
const (
	maxIterations  = 10_000_000 // of all, for the password as it should be
	manyIterations = 1_000_000  // above, other forms of the password are not tried
)

// transcript is what SCRAM's proof and signature are computed over (RFC 5802 §3).
type transcript struct {
	user                     string
	clientFirst, serverFirst string // as sent; clientFirst without its GS2 header
	clientFinal              string // without the proof
	salt                     []byte
	iterations               int
	signature                []byte // what the server's must be, nil if it is not known
}

func (t *transcript) message() []byte {
	return []byte(t.clientFirst + "," + t.serverFirst + "," + t.clientFinal)
}

func mac(newHash func() hash.Hash, key, text []byte) []byte {
	h := hmac.New(newHash, key)
	h.Write(text)
	return h.Sum(nil)
}

// ScramHash is the hash of a mechanism of SCRAM by its name in SASL, nil if it is none, or
// an unknown one.
func ScramHash(mechanism string) func() hash.Hash {
	name, ok := strings.CutPrefix(mechanism, "SCRAM-")
	if !ok {
		return nil
	}
	return hashes[strings.TrimSuffix(name, "-PLUS")]
}

// ScramAttribute is the value of an attribute in a message of SCRAM (RFC 5802 §5.1), "" if
// it has none of this name.
func ScramAttribute(message, name string) string {
	for _, a := range attributes(message) {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// ScramUser is the user that a client's first message names; its GS2 header may stand in
// front.
func ScramUser(first string) string {
	user, _ := unescape(ScramAttribute(first, "n"))
	return user
}

// ScramSalted is SaltedPassword (RFC 5802 §3).
func ScramSalted(newHash func() hash.Hash, password string, salt []byte, iterations int) ([]byte, error) {
	return pbkdf2.Key(newHash, password, salt, iterations, newHash().Size())
}

// ScramProof is ClientProof for an AuthMessage (RFC 5802 §3): what a salted password
// gives.
func ScramProof(newHash func() hash.Hash, salted, message []byte) []byte {
	clientKey := mac(newHash, salted, []byte("Client Key"))
	stored := newHash()
	stored.Write(clientKey)
	proof := mac(newHash, stored.Sum(nil), message)
	subtle.XORBytes(proof, proof, clientKey)
	return proof
}

// ScramSignature is ServerSignature for an AuthMessage (RFC 5802 §3): what the server
// answers with.
func ScramSignature(newHash func() hash.Hash, salted, message []byte) []byte {
	return mac(newHash, mac(newHash, salted, []byte("Server Key")), message)
}

// verifyProof computes the proof from the account's password.
func (c *scram) verifyProof(m Message, proof []byte) []session.Note {
	t, newHash := &c.transcript, hashes[c.hash]
	forms := m.State.Account(t.user)
	if len(forms) == 0 || newHash == nil || t.serverFirst == "" || len(t.salt) == 0 || t.iterations <= 0 {
		return nil
	}
	if t.iterations > maxIterations {
		n := decode.Say(session.Notice, m.Span, "the client's proof was not checked: %d iterations are too many, xmppscope stops at %d", t.iterations, maxIterations)
		n.Rule = decode.RuleVerify
		return []session.Note{n}
	}
	if t.iterations > manyIterations {
		forms = forms[:1]
	}
	v := decode.CheckForms(forms, func(password string) bool {
		salted, err := ScramSalted(newHash, password, t.salt, t.iterations)
		if err != nil || !bytes.Equal(ScramProof(newHash, salted, t.message()), proof) {
			return false
		}
		t.signature = ScramSignature(newHash, salted, t.message())
		return true
	})
	c.Check = v
	return v.Note("client", "proof", m.Span)
}

// verifySignature holds the server's signature against the one that belongs to
// the client's proof.
func (c *scram) verifySignature(m Message, value string) []session.Note {
	raw, why := c.hashed(value)
	switch {
	case why != "":
		return []session.Note{decode.Say(session.Error, m.Span, "the server's signature is not right: %s; the client must refuse", why)}
	case c.transcript.signature == nil, m.State.Rebound: // who bound it anew has checked it
		return nil
	}
	return []session.Note{serverVerdict(m, "signature", bytes.Equal(raw, c.transcript.signature))}
}

// saltedPassword checks the hash of an upgrade task (XEP-0480) against the
// account's password.
func saltedPassword(m Message, user, name string, salt []byte, iterations int, value []byte) []session.Note {
	newHash := hashes[name]
	forms := m.State.Account(user)
	if newHash == nil || len(salt) == 0 || iterations <= 0 || iterations > manyIterations {
		return nil
	}
	v := decode.CheckForms(forms, func(password string) bool {
		salted, err := ScramSalted(newHash, password, salt, iterations)
		return err == nil && bytes.Equal(salted, value)
	})
	return v.Note("client", "hash", m.Span)
}
