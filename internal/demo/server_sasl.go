package demo

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/xdg-go/scram"
)

// maxFailures is how often a client may try (RFC 6120 §6.4.5: two to five times).
const maxFailures = 5

// plus is the mechanism that binds the login to its TLS connection.
const plus = "SCRAM-SHA-256-PLUS"

var hashes = map[string]scram.HashGeneratorFcn{
	"SCRAM-SHA-1":   scram.SHA1,
	"SCRAM-SHA-256": scram.SHA256,
}

// refusal is a SASL failure: its condition (RFC 6120 §6.5).
type refusal string

func (r refusal) Error() string { return "demo: SASL failure: " + string(r) }

// authenticate holds one SASL exchange; a refused one leaves the stream open for
// the next.
func (e *serverEnd) authenticate(auth *node) error {
	user, final, err := e.exchange(auth)
	var r refusal
	switch {
	case errors.As(err, &r):
		if err := e.link.send("<failure xmlns='%s'><%s/></failure>", nsSASL, string(r)); err != nil {
			return err
		}
		if e.failures++; e.failures == maxFailures {
			return fatal("policy-violation")
		}
		return nil
	case err != nil:
		return err
	}
	if final == "" {
		err = e.link.send("<success xmlns='%s'/>", nsSASL)
	} else {
		err = e.link.send("<success xmlns='%s'>%s</success>", nsSASL, final)
	}
	if err != nil {
		return err
	}
	e.user, e.phase = user, authenticated
	e.link.renew(e.link.conn)
	return e.open()
}

// exchange returns who was authenticated and the data for <success/>, in base64.
func (e *serverEnd) exchange(auth *node) (user, final string, err error) {
	mechanism := auth.attr("mechanism")
	sc := &e.server.scenario
	if !slices.Contains(sc.Offered, mechanism) && !(sc.Binds && mechanism == plus) {
		return "", "", refusal("invalid-mechanism")
	}
	initial, err := payload(auth)
	if err != nil {
		return "", "", err
	}
	if initial == nil { // RFC 6120 §6.4.2: an empty <auth/> asks for an empty challenge
		if initial, err = e.challenge(nil); err != nil {
			return "", "", err
		}
	}
	if hash, ok := hashes[strings.TrimSuffix(mechanism, "-PLUS")]; ok {
		return e.scram(hash, initial)
	}
	secret := sc.Password
	if mechanism == "X-GOOGLE-TOKEN" {
		secret = sc.Token
	}
	parts := bytes.Split(initial, []byte{0})
	if len(parts) != 3 {
		return "", "", refusal("malformed-request")
	}
	switch authzid := string(parts[0]); {
	case secret == "" || string(parts[2]) != secret || !e.knows(string(parts[1])):
		return "", "", refusal("not-authorized")
	case authzid != "" && authzid != sc.bare():
		return "", "", refusal("invalid-authzid")
	}
	return sc.bare(), "", nil
}

// knows says whether the name is the account's, with or without its domain.
func (e *serverEnd) knows(name string) bool {
	sc := &e.server.scenario
	return name != "" && (name == sc.User || name == sc.bare() || name+"@"+sc.Domain == sc.bare())
}

// scram runs RFC 5802's two round trips.
func (e *serverEnd) scram(hash scram.HashGeneratorFcn, first []byte) (user, final string, err error) {
	sc := &e.server.scenario
	server, err := hash.NewServer(func(name string) (scram.StoredCredentials, error) {
		if sc.Password == "" || !e.knows(name) {
			return scram.StoredCredentials{}, errors.New("no such account")
		}
		account, err := hash.NewClient(name, sc.Password, "")
		if err != nil {
			return scram.StoredCredentials{}, err
		}
		return account.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "demo's own salt", Iters: 4096})
	})
	if err != nil {
		return "", "", err
	}
	conversation := server.NewConversation()
	if conn, ok := e.link.conn.(*tls.Conn); ok && sc.Binds { // and who says that we cannot was lied to
		state := conn.ConnectionState()
		binding, err := scram.NewTLSExporterBinding(&state)
		if err != nil {
			return "", "", err
		}
		conversation = server.NewConversationWithChannelBinding(binding)
	}
	out, err := conversation.Step(string(first))
	if err != nil {
		return "", "", refusal("not-authorized")
	}
	proof, err := e.challenge([]byte(out))
	if err != nil {
		return "", "", err
	}
	out, err = conversation.Step(string(proof))
	if err != nil || !conversation.Valid() {
		return "", "", refusal("not-authorized")
	}
	if authzid := conversation.AuthzID(); authzid != "" && authzid != sc.bare() {
		return "", "", refusal("invalid-authzid")
	}
	return sc.bare(), base64.StdEncoding.EncodeToString([]byte(out)), nil
}

// challenge sends a challenge and returns the client's response.
func (e *serverEnd) challenge(data []byte) ([]byte, error) {
	if err := e.link.send("<challenge xmlns='%s'>%s</challenge>", nsSASL, base64.StdEncoding.EncodeToString(data)); err != nil {
		return nil, err
	}
	n, err := e.link.next()
	switch {
	case err != nil:
		return nil, err
	case n.is(nsSASL, "abort"):
		return nil, refusal("aborted")
	case !n.is(nsSASL, "response"):
		return nil, fatal("not-authorized")
	}
	return payload(n)
}

// payload is the data of a SASL element: nil if there is none, empty for "=".
func payload(n *node) ([]byte, error) {
	switch n.Text {
	case "":
		return nil, nil
	case "=":
		return []byte{}, nil
	}
	data, err := base64.StdEncoding.Strict().DecodeString(n.Text)
	if err != nil {
		return nil, refusal("incorrect-encoding")
	}
	return data, nil
}
