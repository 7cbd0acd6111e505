package demo

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"strings"
)

// phase is how far the server's end of a session has come.
type phase int

const (
	inTheClear phase = iota
	secured
	authenticated
	bound
)

// serverEnd is the server's end of one session.
type serverEnd struct {
	server   *Server
	link     *link
	phase    phase
	user     string // bare JID, once authenticated
	jid      string // full JID, once bound
	failures int    // SASL attempts that were refused
	managed
}

// fatal is a stream error: the condition to end the stream with.
type fatal string

func (f fatal) Error() string { return "demo: stream error: " + string(f) }

// run serves the session until its stream ends, well or badly.
func (e *serverEnd) run() {
	err := e.open()
	for err == nil {
		var n *node
		if n, err = e.link.next(); err == nil {
			err = e.handle(n)
		}
	}
	e.closed = errors.Is(err, errEnd)
	var f fatal
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		err = fatal("not-well-formed")
	}
	if errors.As(err, &f) {
		e.link.send("<stream:error><%s xmlns='%s'/></stream:error>", string(f), nsErrors)
	}
}

// handle answers one first-level element.
func (e *serverEnd) handle(n *node) error {
	switch {
	case e.phase == inTheClear && n.is(nsTLS, "starttls"):
		return e.startTLS()
	case e.phase == secured && n.is(nsSASL, "auth"):
		return e.authenticate(n)
	case e.phase >= authenticated && n.XMLName.Space == nsManage && e.server.scenario.Managed:
		return e.manage(n)
	case e.phase >= authenticated && n.XMLName.Space == nsClient:
		return e.stanza(n)
	case n.XMLName.Space == nsClient:
		return fatal("not-authorized")
	}
	return fatal("unsupported-stanza-type")
}

// open reads the client's stream header and answers it with ours and the
// features (RFC 6120 §4.3.2).
func (e *serverEnd) open() error {
	h, err := e.link.header()
	if err != nil {
		return err
	}
	sc := &e.server.scenario
	to := ""
	if from := h.attr("from"); from != "" {
		to = fmt.Sprintf(" to='%s'", esc(from))
	}
	opening := fmt.Sprintf("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' id='%s' from='%s'%s version='1.0' xml:lang='en'>",
		nsClient, nsStreams, hexID(8), esc(sc.Domain), to)
	if sc.Google {
		opening = fmt.Sprintf(`<stream:stream from="%s"%s id="%s" version="1.0" xml:lang="en" xmlns:stream="%s" xmlns="%s">`,
			esc(sc.Domain), strings.ReplaceAll(to, "'", `"`), hexID(8), nsStreams, nsClient)
	}
	if err := e.link.send("%s", opening); err != nil {
		return err
	}
	if h.attr("to") != sc.Domain {
		return fatal("host-unknown")
	}
	return e.link.send("<stream:features>%s</stream:features>", e.features())
}

// features is what the server offers in this phase.
func (e *serverEnd) features() string {
	sc := &e.server.scenario
	switch e.phase {
	case inTheClear:
		return fmt.Sprintf("<starttls xmlns='%s'><required/></starttls>", nsTLS) + mechanisms(sc.Clear)
	case secured:
		if sc.Binds {
			return mechanisms(append([]string{plus}, sc.Offered...)) + "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding>"
		}
		return mechanisms(sc.Offered)
	}
	out := fmt.Sprintf("<bind xmlns='%s'/>", nsBind)
	if sc.Managed {
		out += fmt.Sprintf("<sm xmlns='%s'/>", nsManage)
	}
	if sc.Session {
		out += fmt.Sprintf("<session xmlns='%s'/>", nsSession)
	}
	return out
}

func mechanisms(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("<mechanisms xmlns='%s'><mechanism>%s</mechanism></mechanisms>",
		nsSASL, strings.Join(names, "</mechanism><mechanism>"))
}

// startTLS answers <starttls/> and begins the stream anew inside TLS.
func (e *serverEnd) startTLS() error {
	if err := e.link.send("<proceed xmlns='%s'/>", nsTLS); err != nil {
		return err
	}
	_, conn, err := peek(e.link.conn)
	if err != nil {
		return err
	}
	if err := e.secure(conn); err != nil {
		return err
	}
	return e.open()
}

func (e *serverEnd) secure(raw net.Conn) error {
	conn := tls.Server(raw, e.server.config)
	if err := conn.Handshake(); err != nil {
		return err
	}
	e.link.renew(conn)
	e.phase = secured
	return nil
}

// hexID is an identifier that cannot be guessed, of n bytes in hex.
func hexID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // does not fail
	return strings.ToUpper(hex.EncodeToString(b))
}
