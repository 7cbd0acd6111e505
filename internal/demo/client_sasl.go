package demo

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/xdg-go/scram"
)

// authenticate logs in with the scenario's mechanism; a refusal is a refusal.
func (c *client) authenticate(ctx context.Context, features *node) error {
	sc := &c.scenario
	if !slices.Contains(offered(features), sc.Mechanism) {
		return fmt.Errorf("demo: client: server does not offer %s", sc.Mechanism)
	}
	var conversation *scram.ClientConversation
	first := ""
	switch hash, ok := hashes[sc.Mechanism]; {
	case ok:
		party, err := hash.NewClient(sc.User, sc.typed(), "")
		if err != nil {
			return fmt.Errorf("demo: client: %s: %w", sc.Mechanism, err)
		}
		conversation = party.NewConversation()
		if first, err = conversation.Step(""); err != nil {
			return fmt.Errorf("demo: client: %s: %w", sc.Mechanism, err)
		}
	case sc.Mechanism == "X-GOOGLE-TOKEN":
		first = "\x00" + sc.User + "\x00" + sc.Token
	default: // PLAIN, RFC 4616
		first = "\x00" + sc.User + "\x00" + sc.typed()
	}
	if err := c.step(ctx, `<auth xmlns="%s" mechanism="%s">%s</auth>`, nsSASL, sc.Mechanism, encode(first)); err != nil {
		return err
	}
	return c.converse(ctx, conversation)
}

// converse answers challenges until the server has made up its mind.
func (c *client) converse(ctx context.Context, conversation *scram.ClientConversation) error {
	for {
		n, err := c.next()
		if err != nil {
			return err
		}
		data, err := payload(n)
		if err != nil {
			return fmt.Errorf("demo: client: server's <%s>: %v", n.XMLName.Local, err)
		}
		switch {
		case n.is(nsSASL, "challenge") && conversation != nil:
			response, err := conversation.Step(string(data))
			if err != nil {
				return fmt.Errorf("demo: client: server's challenge: %w", err)
			}
			if err := c.step(ctx, "<response xmlns='%s'>%s</response>", nsSASL, encode(response)); err != nil {
				return err
			}
		case n.is(nsSASL, "success"):
			return c.succeed(conversation, data)
		case n.is(nsSASL, "failure") && len(n.Nodes) > 0:
			return refusal(n.Nodes[0].XMLName.Local)
		default:
			return fmt.Errorf("demo: client: server sent <%s> in the SASL exchange", n.XMLName.Local)
		}
	}
}

// succeed checks the server's signature, where the mechanism has one, and begins
// a new document.
func (c *client) succeed(conversation *scram.ClientConversation, data []byte) error {
	if conversation != nil {
		if _, err := conversation.Step(string(data)); err != nil || !conversation.Valid() {
			return fmt.Errorf("demo: client: server could not prove that it knows the password (%v)", err)
		}
	}
	c.link.renew(c.link.conn)
	return nil
}

// offered lists the mechanisms among the features.
func offered(features *node) (names []string) {
	if m := features.child(nsSASL, "mechanisms"); m != nil {
		for _, n := range m.Nodes {
			names = append(names, n.Text)
		}
	}
	return names
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
