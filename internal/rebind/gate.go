package rebind

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Options are what a login can be bound anew with.
type Options struct {
	// Client and Server are the channel-binding data of the legs in hex, by the type's
	// registered name (session.TLSFacts.Bindings).
	Client, Server map[string]string
	// Domain is that of the accounts.
	Domain string
	// Password is that of an account, as the user has given it.
	Password func(user, domain string) (password string, ok bool)
	// Tokens are those of the run; nil remembers none.
	Tokens *Tokens
}

// Bounds of what a server may have us compute while the client waits.
const (
	maxIterations  = 1_000_000
	manyIterations = 100_000 // above, other forms of the password are not tried
	maxTime        = 2 * time.Second
)

// Gate binds the logins of one session anew. It is a proxy.Gate.
type Gate struct {
	o              Options
	client, server map[string][]byte // the legs' channel-binding data

	mu    sync.Mutex
	login *login          // under way, with SCRAM; nil before
	fast  *fast           // under way, with a token
	over  bool            // somebody has logged in
	scope [3]decode.Scope // by direction: of the stream
}

// New makes the gate of a session.
func New(o Options) *Gate { return &Gate{o: o, client: bytesOf(o.Client), server: bytesOf(o.Server)} }

// bytesOf is channel-binding data out of the hex in which it is recorded.
func bytesOf(bindings map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for kind, text := range bindings {
		if data, err := hex.DecodeString(text); err == nil {
			out[kind] = data
		}
	}
	return out
}

// Wants is true until somebody has logged in.
func (g *Gate) Wants(session.Dir) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.over
}

// Consider looks at the messages of SASL, and lets all else pass.
func (g *Gate) Consider(p *decode.Piece) proxy.Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.Kind == decode.Opened {
		g.scope[p.Dir] = decode.ScopeOf(p.Raw)
	}
	m, ok := read(p, g.scope[p.Dir])
	if !ok {
		g.over = g.over || p.Kind == decode.Element && p.Dir == session.C2S && isLater(string(p.Local()))
		return proxy.Decision{}
	}
	if p.Dir == session.C2S {
		return g.fromClient(&m)
	}
	return g.fromServer(&m)
}

// isLater says whether an element shows that there is no login with SASL to come.
func isLater(name string) bool {
	return name == "message" || name == "presence" || name == "handshake" || name == "result" || name == "verify"
}

func (g *Gate) fromClient(m *message) proxy.Decision {
	switch m.name {
	case "auth", "authenticate":
		g.login, g.fast = begin(m.mechanism), nil
		if d, ok := g.tokenLogin(m); ok {
			return d
		}
		if g.login != nil && m.payload != nil {
			g.login.clientFirst(string(m.payload))
		}
	case "response":
		l := g.login
		switch {
		case l != nil && m.unread && l.final == nil:
			l.final = new(rebound)
			return untouched("the client's message is no base64")
		case l == nil || m.payload == nil:
		case l.gs2 == "":
			l.clientFirst(string(m.payload))
		case l.serverFirst != "" && l.final == nil:
			return g.clientFinal(l, m)
		}
	case "abort":
		g.login = nil
	}
	return proxy.Decision{}
}

func (g *Gate) fromServer(m *message) proxy.Decision {
	l := g.login
	switch m.name {
	case "challenge":
		switch {
		case l == nil || m.payload == nil:
		case l.final != nil:
			return l.serverFinal(m)
		case l.gs2 != "":
			l.serverFirst = string(m.payload)
		}
	case "success", "continue":
		g.over = m.name == "success"
		g.o.Tokens.add(m.token)
		if g.fast != nil && m.payload != nil {
			return g.answered(g.fast, m)
		}
		if l != nil && l.final != nil && m.payload != nil {
			return l.serverFinal(m)
		}
	case "failure":
		g.login, g.fast = nil, nil
	}
	return proxy.Decision{}
}

// login is one attempt with SCRAM (RFC 5802 §5), as far as it has come.
type login struct {
	mechanism   string
	gs2         string // the header of client-first
	kind        string // of channel binding
	user        string
	bare        string // client-first without the header
	serverFirst string
	final       *rebound // once the client has sent its proof
}

// rebound is what a login was bound to, on each leg.
type rebound struct {
	forClient string // what the server's signature is for the client; "" if it was not bound anew
	forServer string // what it has to be
}

// begin takes a mechanism, nil if it binds to nothing.
func begin(mechanism string) *login {
	if !decode.IsPlus(mechanism) || sasl.ScramHash(mechanism) == nil {
		return nil
	}
	return &login{mechanism: mechanism}
}

// clientFirst takes the client's first message apart: p=tls-exporter,,n=user,r=nonce.
func (l *login) clientFirst(text string) {
	parts := strings.SplitN(text, ",", 3)
	if len(parts) < 3 {
		return
	}
	l.gs2, l.bare = parts[0]+","+parts[1]+",", parts[2]
	if kind, bound := strings.CutPrefix(parts[0], "p="); bound {
		l.kind = kind
	}
	l.user = sasl.ScramUser(l.bare)
}

// untouched says why a login passes as it came.
func untouched(format string, a ...any) proxy.Decision {
	return proxy.Decision{Reason: "this login is bound to the client's TLS connection, and was not bound anew: " + fmt.Sprintf(format, a...)}
}

// clientFinal binds the client's last message anew: c= and p=.
func (g *Gate) clientFinal(l *login, m *message) proxy.Decision {
	l.final = new(rebound)
	text := string(m.payload)
	withoutProof, proof, ok := strings.Cut(text, ",p=")
	sent, err := base64.StdEncoding.Strict().DecodeString(sasl.ScramAttribute(text, "c"))
	data, header := strings.CutPrefix(string(sent), l.gs2)
	salt, saltErr := base64.StdEncoding.Strict().DecodeString(sasl.ScramAttribute(l.serverFirst, "s"))
	iterations, countErr := strconv.Atoi(sasl.ScramAttribute(l.serverFirst, "i"))
	switch {
	case l.kind == "":
		return proxy.Decision{}
	case !ok || err != nil || !header:
		return untouched("the client's message is not right")
	case saltErr != nil || countErr != nil || iterations < 1:
		return untouched("the server's challenge is not right")
	case g.client[l.kind] == nil:
		return untouched("the client's connection has no %s", session.ShortLine(l.kind))
	case data != string(g.client[l.kind]):
		return untouched("the client binds to something else than the %s of its connection to xmppscope", l.kind)
	case g.server[l.kind] == nil:
		return untouched("the server's connection has no %s", l.kind)
	case iterations > maxIterations:
		return untouched("the server asks for %d iterations, and xmppscope stops at %d", iterations, maxIterations)
	}
	user, domain := decode.AccountOf(l.user, g.o.Domain)
	password, known := g.o.Password(user, domain)
	if !known {
		return untouched("xmppscope does not know the password of %s: --password-file %[1]s=FILE", session.ShortLine(user+"@"+domain))
	}
	b := &binding{
		login: l, mechanism: l.mechanism, kind: l.kind, proof: proof, salt: salt, iterations: iterations,
		client: l.bare + "," + l.serverFirst + "," + withoutProof,
	}
	c := "c=" + base64.StdEncoding.EncodeToString([]byte(l.gs2+string(g.server[l.kind])))
	b.final = strings.Replace(withoutProof, "c="+sasl.ScramAttribute(text, "c"), c, 1)
	b.server = l.bare + "," + l.serverFirst + "," + b.final
	whole := *m
	whole.raw = append([]byte(nil), m.raw...)
	return proxy.Decision{Later: func() proxy.Decision { return g.bind(b, &whole, password) }}
}

// binding is what is computed while the client's message waits.
type binding struct {
	login           *login
	mechanism, kind string
	proof           string // the client's
	client, server  string // the AuthMessage of each leg (RFC 5802 §3)
	final           string // client-final for the server, without its proof
	salt            []byte
	iterations      int
}

// bind checks the client's proof, and makes the server's. It waits for maxTime at most.
func (g *Gate) bind(b *binding, m *message, password string) proxy.Decision {
	type result struct {
		proxy.Decision
		*rebound
	}
	done := make(chan result, 1)
	go func() {
		d, r := b.compute(m, password)
		done <- result{d, r}
	}()
	late := time.NewTimer(maxTime)
	defer late.Stop()
	select {
	case r := <-done:
		if r.rebound != nil {
			g.mu.Lock()
			b.login.final = r.rebound
			g.mu.Unlock()
		}
		return r.Decision
	case <-late.C:
		return untouched("%d iterations take longer than %s here", b.iterations, session.ShortTime(maxTime))
	}
}

// compute makes what goes to the server, and what its signature is to be; nil if the login
// was not bound anew.
func (b *binding) compute(m *message, password string) (proxy.Decision, *rebound) {
	newHash := sasl.ScramHash(b.mechanism)
	forms := decode.PasswordForms(password)
	if b.iterations > manyIterations {
		forms = forms[:1]
	}
	var salted []byte
	check := decode.CheckForms(forms, func(form string) bool {
		s, err := sasl.ScramSalted(newHash, form, b.salt, b.iterations)
		if err != nil || encode(sasl.ScramProof(newHash, s, []byte(b.client))) != b.proof {
			return false
		}
		salted = s
		return true
	})
	if check.Result != decode.Fits { // the server is to refuse it for that, and not for its binding
		return proxy.Decision{
			XML:    m.with(b.final + ",p=" + b.proof),
			By:     session.ByRebind,
			Reason: "the client's proof does not fit the password that xmppscope was given, and was not touched: only c= is xmppscope's own, for the " + b.kind + " of the server's TLS connection, so that the server refuses this login as it would without xmppscope",
		}, nil
	}
	r := &rebound{
		forClient: encode(sasl.ScramSignature(newHash, salted, []byte(b.client))),
		forServer: encode(sasl.ScramSignature(newHash, salted, []byte(b.server))),
	}
	proof := encode(sasl.ScramProof(newHash, salted, []byte(b.server)))
	return proxy.Decision{
		XML:    m.with(b.final + ",p=" + proof),
		By:     session.ByRebind,
		Reason: "xmppscope bound this login anew: c= and p= are its own, for the " + b.kind + " of the server's TLS connection",
	}, r
}

// serverFinal binds the server's last message anew: v=.
func (l *login) serverFinal(m *message) proxy.Decision {
	text := string(m.payload)
	signature := sasl.ScramAttribute(text, "v")
	switch {
	case l.final.forClient == "" || signature == "": // nothing was touched, or it is a refusal (e=)
		return proxy.Decision{}
	case signature != l.final.forServer:
		return proxy.Decision{Reason: "the server's signature does not fit the password that xmppscope was given: it was not touched, and the client has to refuse it"}
	}
	return proxy.Decision{
		XML:    m.with(strings.Replace(text, "v="+signature, "v="+l.final.forClient, 1)),
		By:     session.ByRebind,
		Reason: "xmppscope bound the server's answer anew: v= is its own, for the " + l.kind + " of the client's TLS connection",
	}
}

func encode(p []byte) string { return base64.StdEncoding.EncodeToString(p) }
