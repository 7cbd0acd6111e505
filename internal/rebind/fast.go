package rebind

import (
	"bytes"
	"crypto/hmac"
	"slices"
	"strings"
	"sync"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/proxy"
	"xmppscope/session"
)

// maxTokens bounds the tokens that are remembered.
const maxTokens = 64

// Tokens are those of FAST (XEP-0484) that servers have issued in a run: the next login is
// bound by one to its TLS connection. They are held in memory only. It may be used by
// several goroutines.
type Tokens struct {
	mu    sync.Mutex
	known []string // oldest first
}

// add takes a token that has crossed us.
func (t *Tokens) add(token string) {
	if t == nil || token == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known = slices.DeleteFunc(t.known, func(old string) bool { return old == token })
	if t.known = append(t.known, token); len(t.known) > maxTokens {
		t.known = t.known[1:]
	}
}

// find is the token that gives a value, "" if none does.
func (t *Tokens) find(gives func(token string) bool) string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, token := range slices.Backward(t.known) {
		if gives(token) {
			return token
		}
	}
	return ""
}

// fast is a login with a token that was bound anew.
type fast struct{ mechanism, kind, token string }

// tokenLogin binds a login with a token anew; done is false if it is none that binds to
// anything.
func (g *Gate) tokenLogin(m *message) (d proxy.Decision, done bool) {
	kind, fixed := decode.BindingOf(m.mechanism)
	if !fixed || kind == "" || sasl.TokenHash(m.mechanism) == nil || m.payload == nil {
		return d, false
	}
	user, mac, ok := bytes.Cut(m.payload, []byte{0})
	client, server := g.client[kind], g.server[kind]
	switch {
	case !ok:
		return untouched("the client's message is not right"), true
	case client == nil:
		return untouched("the client's connection has no %s", kind), true
	case server == nil:
		return untouched("the server's connection has no %s", kind), true
	}
	token := g.o.Tokens.find(func(token string) bool {
		return hmac.Equal(sasl.TokenMAC(m.mechanism, token, "Initiator", client), mac)
	})
	if token == "" {
		return untouched("the client's proof fits none of the tokens that were issued through xmppscope in this run"), true
	}
	g.fast = &fast{m.mechanism, kind, token}
	anew := append(append(slices.Clone(user), 0), sasl.TokenMAC(m.mechanism, token, "Initiator", server)...)
	return proxy.Decision{
		XML:    m.with(string(anew)),
		By:     session.ByRebind,
		Reason: "xmppscope bound this login anew: the token's proof is its own, for the " + kind + " of the server's TLS connection",
	}, true
}

// answered binds the server's answer to a token anew.
func (g *Gate) answered(f *fast, m *message) proxy.Decision {
	if !hmac.Equal(m.payload, sasl.TokenMAC(f.mechanism, f.token, "Responder", g.server[f.kind])) {
		return proxy.Decision{Reason: "the server's answer does not fit the token: it was not touched, and the client has to refuse it"}
	}
	return proxy.Decision{
		XML:    m.with(string(sasl.TokenMAC(f.mechanism, f.token, "Responder", g.client[f.kind]))),
		By:     session.ByRebind,
		Reason: "xmppscope bound the server's answer anew: it is its own, for the " + f.kind + " of the client's TLS connection",
	}
}

// issued is the token that a server's <success/> brings, "" if none.
func issued(root *session.Element) string {
	t := root.Child(decode.NSFAST, "token")
	if t == nil {
		return ""
	}
	return strings.Clone(sasl.IssuedToken(t))
}
