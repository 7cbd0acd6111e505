package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// client is the client's end of one session.
type client struct {
	scenario Scenario
	roots    *x509.CertPool
	pace     time.Duration
	link     *link
	secured  bool
	ids      int
	jid      string
}

// RunClient plays the client's part of the scenario against whatever listens at
// addr, which has to show a certificate for the scenario's domain that the roots
// vouch for. Before each of its steps it waits for the pace; 0 is for unwatched
// runs. It returns when its session is over: nil if that went as the scenario
// tells (a scenario may tell of a refusal), else who broke off and why. When ctx
// ends, the session is cut off.
func RunClient(ctx context.Context, sc Scenario, addr string, roots *x509.CertPool, pace time.Duration) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("demo: client: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	c := &client{scenario: sc, roots: roots, pace: pace, link: newLink(conn)}
	err = c.play(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("demo: client: %w", ctx.Err())
	}
	return err
}

// play is the whole session: the founding document's 18 steps, or as many of them
// as the scenario has, and a little of what a session is for.
func (c *client) play(ctx context.Context) error {
	if err := c.login(ctx); err != nil {
		return err
	}
	if !c.scenario.Refused {
		if err := c.use(ctx); err != nil {
			return err
		}
	}
	return c.leave(ctx)
}

func (c *client) login(ctx context.Context) error {
	if _, err := c.open(ctx); err != nil {
		return err
	}
	if err := c.startTLS(ctx); err != nil {
		return err
	}
	features, err := c.open(ctx)
	if err != nil {
		return err
	}
	err = c.authenticate(ctx, features)
	var r refusal
	switch refused := errors.As(err, &r); {
	case refused && c.scenario.Refused:
		return nil
	case err != nil:
		return err
	case c.scenario.Refused:
		return fmt.Errorf("demo: client: server let %q in with a wrong password", c.scenario.User)
	}
	return c.bind(ctx)
}

// wait is the pause before a step.
func (c *client) wait(ctx context.Context) error {
	if c.pace <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(c.pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// step waits for the pace and sends.
func (c *client) step(ctx context.Context, format string, args ...any) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	if err := c.link.send(format, args...); err != nil {
		return fmt.Errorf("demo: client: %w", err)
	}
	return nil
}

// open sends a stream header and returns the features that follow the answer.
func (c *client) open(ctx context.Context) (*node, error) {
	sc := &c.scenario
	header := fmt.Sprintf("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' to='%s'", nsClient, nsStreams, esc(sc.Domain))
	if c.secured { // not before: it would tell everybody who logs in (RFC 6120 §4.7.1)
		header += fmt.Sprintf(" from='%s'", esc(sc.bare()))
	}
	header += " version='1.0' xml:lang='en'>"
	if sc.Google {
		header = fmt.Sprintf(`<stream:stream to="%s" version="1.0" xml:lang="en" xmlns:stream="%s" xmlns="%s">`, esc(sc.Domain), nsStreams, nsClient)
	}
	if err := c.step(ctx, "%s", header); err != nil {
		return nil, err
	}
	if _, err := c.link.header(); err != nil {
		return nil, fmt.Errorf("demo: client: server's stream header: %w", err)
	}
	return c.expect(nsStreams, "features")
}

// startTLS turns the connection into a TLS one and checks the certificate against
// the domain (RFC 6120 §5.4).
func (c *client) startTLS(ctx context.Context) error {
	if err := c.step(ctx, "<starttls xmlns='%s'/>", nsTLS); err != nil {
		return err
	}
	if _, err := c.expect(nsTLS, "proceed"); err != nil {
		return err
	}
	conn := tls.Client(c.link.conn, &tls.Config{RootCAs: c.roots, ServerName: c.scenario.Domain, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("demo: client: TLS: %w", err)
	}
	c.link.renew(conn)
	c.secured = true
	return nil
}

// bind is steps 12 to 18: a new stream, a resource, and RFC 3921's session where
// it is offered.
func (c *client) bind(ctx context.Context) error {
	features, err := c.open(ctx)
	if err != nil {
		return err
	}
	answer, err := c.ask(ctx, "set", fmt.Sprintf("<bind xmlns='%s'><resource>%s</resource></bind>", nsBind, esc(c.scenario.Resource)))
	if err != nil {
		return err
	}
	if bind := answer.child(nsBind, "bind"); bind != nil {
		if jid := bind.child(nsBind, "jid"); jid != nil {
			c.jid = jid.Text
		}
	}
	if c.jid == "" {
		return errors.New("demo: client: server bound no JID")
	}
	if features.child(nsSession, "session") == nil {
		return nil
	}
	_, err = c.ask(ctx, "set", fmt.Sprintf("<session xmlns='%s'/>", nsSession))
	return err
}

// use is what people log in for: see who is there, be seen, and say something.
func (c *client) use(ctx context.Context) error {
	if _, err := c.ask(ctx, "get", fmt.Sprintf("<query xmlns='%s'/>", nsRoster)); err != nil {
		return err
	}
	if err := c.step(ctx, "<presence/>"); err != nil {
		return err
	}
	err := c.step(ctx, "<message to='%s' type='chat' id='%s'><body>%s</body></message>", esc(c.scenario.Contact), c.id(), esc(c.scenario.Says))
	if err != nil {
		return err
	}
	for {
		n, err := c.next()
		if err != nil {
			return err
		}
		if n.is(nsClient, "message") && n.attr("type") != "error" && strings.HasPrefix(n.attr("from"), c.scenario.Contact+"/") {
			return nil
		}
	}
}

// leave closes the stream and waits for the server to do the same (RFC 6120 §4.4).
func (c *client) leave(ctx context.Context) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	if err := c.link.end(); err != nil {
		return fmt.Errorf("demo: client: %w", err)
	}
	for {
		switch _, err := c.link.next(); {
		case errors.Is(err, errEnd):
			c.link.drain()
			return nil
		case err != nil:
			return fmt.Errorf("demo: client: server did not close its stream: %w", err)
		}
	}
}

// ask sends an iq and returns its result.
func (c *client) ask(ctx context.Context, kind, payload string) (*node, error) {
	id := c.id()
	if err := c.step(ctx, "<iq type='%s' id='%s'>%s</iq>", kind, id, payload); err != nil {
		return nil, err
	}
	for {
		n, err := c.next()
		if err != nil {
			return nil, err
		}
		if !n.is(nsClient, "iq") || n.attr("id") != id {
			continue
		}
		if n.attr("type") != "result" {
			return nil, fmt.Errorf("demo: client: server answered iq %q with type %q", id, n.attr("type"))
		}
		return n, nil
	}
}

func (c *client) id() string {
	c.ids++
	return fmt.Sprintf("demo-%d", c.ids)
}

func (c *client) next() (*node, error) {
	n, err := c.link.next()
	if err != nil {
		return nil, fmt.Errorf("demo: client: server broke off: %w", err)
	}
	if n.is(nsStreams, "error") {
		condition := "undefined-condition"
		if len(n.Nodes) > 0 {
			condition = n.Nodes[0].XMLName.Local
		}
		return nil, fmt.Errorf("demo: client: server ended the stream: %s", condition)
	}
	return n, nil
}

func (c *client) expect(space, local string) (*node, error) {
	n, err := c.next()
	if err != nil {
		return nil, err
	}
	if !n.is(space, local) {
		return nil, fmt.Errorf("demo: client: server sent <%s> where <%s> is due", n.XMLName.Local, local)
	}
	return n, nil
}
