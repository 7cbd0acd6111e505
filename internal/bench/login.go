package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/xdg-go/scram"
)

// The dialogue of a login (RFC 6120 §9.1), all but what depends on the session.
const (
	header = " version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

	clientHeader = "<?xml version='1.0'?><stream:stream to='" + domain + "'" + header
	serverHeader = "<?xml version='1.0'?><stream:stream from='" + domain + "' id='b0c5c7d0'" + header

	endOfFeatures = "</stream:features>"
	offersTLS     = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>" + endOfFeatures
	offersSASL    = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism></mechanisms>" + endOfFeatures
	offersBind    = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>" + endOfFeatures

	startTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	proceed  = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

	authBegin = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>"
	authEnd   = "</auth>"

	bindRequest = "<iq type='set' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></bind></iq>"
	bindResult  = "<iq type='result' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" + me + "</jid></bind></iq>"

	endOfStream = "</stream:stream>"
)

// saslElement is one that carries base64 between the two sides.
func saslElement(name, data string) string {
	return "<" + name + " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + base64.StdEncoding.EncodeToString([]byte(data)) + "</" + name + ">"
}

// saslData is what such an element carries.
func saslData(element string) (string, error) {
	_, rest, _ := strings.Cut(element, ">")
	text, _, _ := strings.Cut(rest, "<")
	data, err := base64.StdEncoding.DecodeString(text)
	return string(data), err
}

// account is the one account of the load, as both sides know it. Both have its keys at
// hand, as real ones have: no login pays for 4,096 rounds of hashing.
type account struct {
	client *scram.Client
	server *scram.Server
}

func newAccount() (*account, error) {
	client, err := scram.SHA256.NewClient(user, "wherefore", "")
	if err != nil {
		return nil, err
	}
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of the load", Iters: 4096})
	if err != nil {
		return nil, err
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	return &account{client, server}, err
}

// wire is one end of a stream. In a login each side waits for the other's answer, so
// what ends with the awaited text is all there is.
type wire struct{ net.Conn }

func (w wire) say(text string) error {
	_, err := io.WriteString(w.Conn, text)
	return err
}

// await reads up to a text that has to be the last that there is.
func (w wire) await(end string) (string, error) {
	var got []byte
	for buf := make([]byte, 4096); !bytes.HasSuffix(got, []byte(end)); {
		n, err := w.Read(buf)
		got = append(got, buf[:n]...)
		switch {
		case len(got) > 64<<10:
			return "", fmt.Errorf("bench: %q was awaited and too much came", end)
		case n == 0 && err != nil:
			return "", fmt.Errorf("bench: %q was awaited and %q came: %w", end, got, err)
		}
	}
	return string(got), nil
}

// ask says something and returns the answer up to its end.
func (w wire) ask(text, end string) (string, error) {
	if err := w.say(text); err != nil {
		return "", err
	}
	return w.await(end)
}

// clientLogin logs in over a new connection and returns it inside TLS.
func (a *account) clientLogin(conn net.Conn, roots *x509.CertPool) (wire, error) {
	w := wire{conn}
	if _, err := w.ask(clientHeader, endOfFeatures); err != nil {
		return w, err
	}
	if _, err := w.ask(startTLS, proceed); err != nil {
		return w, err
	}
	w = wire{tls.Client(conn, &tls.Config{ServerName: domain, RootCAs: roots})}
	if _, err := w.ask(clientHeader, endOfFeatures); err != nil {
		return w, err
	}
	if err := a.authenticate(w); err != nil {
		return w, err
	}
	if _, err := w.ask(clientHeader, endOfFeatures); err != nil {
		return w, err
	}
	_, err := w.ask(bindRequest, bindResult)
	return w, err
}

// authenticate is the client's half of SCRAM (RFC 5802 §5).
func (a *account) authenticate(w wire) error {
	c := a.client.NewConversation()
	first, err := c.Step("")
	if err != nil {
		return err
	}
	answer, err := w.ask(authBegin+base64.StdEncoding.EncodeToString([]byte(first))+authEnd, "</challenge>")
	if err != nil {
		return err
	}
	challenge, err := saslData(answer)
	if err != nil {
		return err
	}
	final, err := c.Step(challenge)
	if err != nil {
		return err
	}
	if answer, err = w.ask(saslElement("response", final), "</success>"); err != nil {
		return err
	}
	signature, err := saslData(answer)
	if err != nil {
		return err
	}
	_, err = c.Step(signature)
	return err
}

// serverLogin is the server's side of clientLogin.
func (a *account) serverLogin(conn net.Conn, cert *tls.Certificate) (wire, error) {
	w := wire{conn}
	if _, err := w.await(clientHeader); err != nil {
		return w, err
	}
	if _, err := w.ask(serverHeader+offersTLS, startTLS); err != nil {
		return w, err
	}
	if err := w.say(proceed); err != nil {
		return w, err
	}
	w = wire{tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}})}
	if _, err := w.await(clientHeader); err != nil {
		return w, err
	}
	auth, err := w.ask(serverHeader+offersSASL, authEnd)
	if err != nil {
		return w, err
	}
	if err := a.admit(w, auth); err != nil {
		return w, err
	}
	if _, err := w.ask(serverHeader+offersBind, bindRequest); err != nil {
		return w, err
	}
	return w, w.say(bindResult)
}

// admit is the server's half of SCRAM, up to the client's new header.
func (a *account) admit(w wire, auth string) error {
	c := a.server.NewConversation()
	first, err := saslData(auth)
	if err != nil {
		return err
	}
	challenge, err := c.Step(first)
	if err != nil {
		return err
	}
	answer, err := w.ask(saslElement("challenge", challenge), "</response>")
	if err != nil {
		return err
	}
	final, err := saslData(answer)
	if err != nil {
		return err
	}
	signature, err := c.Step(final)
	if err != nil {
		return err
	}
	_, err = w.ask(saslElement("success", signature), clientHeader)
	return err
}
