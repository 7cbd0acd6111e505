package sasl

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// tokenCheck is what came of holding an HMAC against the tokens that the server
// was seen to issue.
type tokenCheck struct {
	decode.Result
	account string
	token   *decode.Token // the one that fits; else the one that was to be expected, nil if there is none
	fault   string        // what the client did wrong, if its HMAC fits that
	useless string        // why the server may refuse a token though the HMAC fits, "" if nothing is known
	bound   []byte        // the data of the channel binding that the HMAC covers
}

// verify looks for the token that gives the client's HMAC.
func (h *hashedToken) verify(m Message) []session.Note {
	h.check = tokenCheck{account: accountKey(m.State, h.parts.authcid)}
	tokens, _ := m.State.Run.Tokens.Get(h.check.account)
	if h.size == 0 || len(h.parts.mac) != h.size {
		return nil
	}
	ways, known := h.ways(m)
	for _, w := range ways {
		for _, t := range slices.Backward(tokens) {
			if hmac.Equal(w.mac(h, t.Value), h.parts.mac) {
				h.check.Result, h.check.token, h.check.fault, h.check.bound = decode.Fits, &t, w.fault, w.bound
				return []session.Note{h.fitsNote(m)}
			}
		}
	}
	for _, t := range tokens {
		if t.Agent == m.Agent && h.isFor(t) && t.Ended == "" {
			h.check.token = &t
		}
	}
	if !known || h.check.token == nil {
		return nil // the token may have been issued before xmppscope was there
	}
	h.check.Result = decode.Differs
	return []session.Note{h.checkNote(m, "proof-check", "does not fit", session.Warning,
		"the client used another token than the one "+issued(h.check.token)+", or computed wrong")}
}

// isFor says whether a token was issued for this mechanism.
func (h *hashedToken) isFor(t decode.Token) bool { return strings.EqualFold(t.Mechanism, h.name) }

// issued names a token by where it was seen.
func issued(t *decode.Token) string {
	return fmt.Sprintf("that the server issued in session %d, #%d", t.Session, t.Seq)
}

// way is one way to compute the client's HMAC.
type way struct {
	fault   string // what is wrong with it, "" for the right one
	word    string
	bound   []byte
	extras  string
	key     func(token string) []byte
	swapped bool // the token as the text, the text as the key
}

func (w way) mac(h *hashedToken, token string) []byte {
	key, text := []byte(token), []byte(w.word+string(w.bound)+w.extras)
	if w.key != nil {
		key = w.key(token)
	}
	if w.swapped {
		key, text = text, key
	}
	return mac(hashes[h.hash], key, text)
}

// TokenMAC is what a side proves with that it has a token: word is "Initiator" for the
// client and "Responder" for the server, and bound the data of the channel binding
// (draft-schmaus-kitten-sasl-ht-09 §3).
func TokenMAC(mechanism, token, word string, bound []byte) []byte {
	return way{word: word, bound: bound}.mac(newHashedToken(mechanism), token)
}

// ways are the right way to compute the client's HMAC, if the data of its channel
// binding is known, and then those that software takes for it.
func (h *hashedToken) ways(m Message) (out []way, known bool) {
	right := way{word: "Initiator", extras: h.parts.extras}
	if h.binding != "" {
		client, server := legBindings(m.State.TLS)
		right.bound = client[h.binding]
		if right.bound != nil {
			out = append(out, right)
		}
		out = append(out, h.otherBindings(right, client, server)...)
		if right.bound == nil {
			return out, false
		}
	} else {
		out = append(out, right)
		client, _ := legBindings(m.State.TLS)
		for kind, data := range client {
			out = append(out, right.with("covered the data of "+kind+", though "+decode.Quote(h.name)+" has no channel binding", func(w *way) { w.bound = data }))
		}
	}
	out = append(out,
		right.with("computed the HMAC of the word Responder, which is the server's; its own is Initiator", func(w *way) { w.word = "Responder" }),
		right.with("took the token out of base64, and has to use it as it is", func(w *way) { w.key = fromBase64 }),
		right.with("left out the word Initiator", func(w *way) { w.word = "" }),
		right.with("mixed up the HMAC's key, which is the token, and its text", func(w *way) { w.swapped = true }))
	if right.extras != "" {
		out = append(out, right.with("left out the values between the two NUL bytes", func(w *way) { w.extras = "" }))
	}
	return out, true
}

// with is another way, and what is wrong with it.
func (w way) with(fault string, change func(*way)) way {
	w.fault = fault
	change(&w)
	return w
}

func fromBase64(token string) []byte {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return []byte(token)
	}
	return raw
}

// otherBindings are the data of other types and of the other leg, none at all, and
// the right data as text.
func (h *hashedToken) otherBindings(right way, client, server map[string][]byte) (out []way) {
	add := func(data []byte, fault string) {
		out = append(out, right.with(fault, func(w *way) { w.bound = data }))
	}
	if data := server[h.binding]; data != nil {
		add(data, "")
	}
	for kind, data := range client {
		if kind != h.binding {
			add(data, "covered the data of "+kind+", where "+decode.Quote(h.name)+" asks for "+h.binding)
		}
	}
	add(nil, "left out the data of its channel binding ("+h.binding+")")
	if right.bound != nil {
		add([]byte(hex.EncodeToString(right.bound)), "covered the data of its channel binding as hex, where the bytes are asked for")
		add([]byte(base64.StdEncoding.EncodeToString(right.bound)), "covered the data of its channel binding as base64, where the bytes are asked for")
	}
	return out
}

// legBindings is the channel-binding data of the client's TLS connection, and of
// the server's if that is another one.
func legBindings(tls [3]*session.TLSFacts) (client, server map[string][]byte) {
	read := func(t *session.TLSFacts) map[string][]byte {
		out := map[string][]byte{}
		if t == nil {
			return out
		}
		for kind, text := range t.Bindings {
			if raw, err := hex.DecodeString(text); err == nil && len(raw) > 0 {
				out[kind] = raw
			}
		}
		return out
	}
	if client = read(clientTLS(tls)); between(tls) {
		server = read(tls[session.ServerLeg])
	}
	return client, server
}

func (h *hashedToken) checkNote(m Message, name, value string, sev session.Severity, text string) session.Note {
	n := decode.Field(name, value, m.Span).Is(session.Word)
	n.Rule, n.Severity, n.Text = decode.RuleVerify, sev, text
	return n
}

// fitsNote says which token it was, and what is wrong with it all the same.
func (h *hashedToken) fitsNote(m Message) session.Note {
	c := &h.check
	text := "the client's proof fits the token " + issued(c.token)
	if c.fault != "" {
		return h.checkNote(m, "proof-check", "fits a mistake", session.Error, "the client "+c.fault+": its proof fits that, with the token "+issued(c.token))
	}
	if !h.isFor(*c.token) {
		c.fault = fmt.Sprintf("used a token of %q with %q: a token belongs to one mechanism", c.token.Mechanism, h.name)
		return h.checkNote(m, "proof-check", "fits a mistake", session.Error, "the client "+c.fault)
	}
	sev := session.Info
	if c.useless = h.useless(m); c.useless != "" {
		sev, text = session.Warning, text+"; but "+c.useless
	}
	return h.checkNote(m, "proof-check", "fits", sev, text+h.covered(m))
}

// useless says why the server may refuse a token though the proof fits it.
func (h *hashedToken) useless(m Message) string {
	t := h.check.token
	switch {
	case t.Ended != "":
		return t.Ended
	case !t.Expiry.IsZero() && !m.At.Before(t.Expiry):
		text, _ := expiry(t.Expiry, m.At)
		return "it " + text
	case t.Agent != "" && m.Agent != "" && t.Agent != m.Agent:
		return "it was issued to another installation of the client, " + decode.Quote(session.Clip(t.Agent, 40))
	}
	return ""
}

// covered says whose TLS connection the HMAC covers.
func (h *hashedToken) covered(m Message) string {
	if h.binding == "" {
		return ""
	}
	client, server := legBindings(m.State.TLS)
	own, theirs := client[h.binding], server[h.binding]
	ours := short(hex.EncodeToString(h.check.bound))
	switch {
	case server == nil:
		return "; it covers the " + h.binding + " of the client's TLS connection: " + ours
	case string(own) == string(theirs):
		return "; it covers the " + h.binding + " of both legs: this binding survives xmppscope"
	case string(h.check.bound) == string(theirs):
		return "; it covers the " + h.binding + " of the server leg, not of the client's own: someone has bound this login anew"
	}
	return fmt.Sprintf("; it covers the %s of the client leg (%s), but the server expects that of its own, the server leg: %s", h.binding, ours, expected(hex.EncodeToString(theirs)))
}

// verifyServer holds the server's HMAC against the token that the client's fits.
func (h *hashedToken) verifyServer(m Message, sent []byte, extras string) []session.Note {
	if h.check.Result != decode.Fits || h.check.fault != "" {
		return nil
	}
	_, server := legBindings(m.State.TLS)
	is := func(word string, bound []byte) bool {
		return slices.ContainsFunc([]string{extras, h.parts.extras, h.parts.extras + extras, ""}, func(extras string) bool {
			return hmac.Equal(way{word: word, bound: bound, extras: extras}.mac(h, h.check.token.Value), sent)
		})
	}
	switch {
	case is("Responder", h.check.bound):
		return []session.Note{h.checkNote(m, "signature-check", "fits", session.Info, "the server's answer fits: it has the same token")}
	case m.State.Rebound && server[h.binding] != nil && is("Responder", server[h.binding]):
		return []session.Note{h.checkNote(m, "signature-check", "fits", session.Info, "the server's answer fits: it has the same token; xmppscope binds it anew for the client")}
	case server[h.binding] != nil && is("Responder", server[h.binding]):
		return []session.Note{h.checkNote(m, "signature-check", "fits", session.Warning, "the server's answer fits the same token, but covers its own TLS connection (server leg), which the client does not see: the client must refuse")}
	case h.binding != "" && is("Responder", nil):
		return []session.Note{h.checkNote(m, "signature-check", "fits a mistake", session.Error, "the server left out the data of the channel binding ("+h.binding+"): its answer fits that, with the same token; the client must refuse")}
	case is("Initiator", h.check.bound):
		return []session.Note{h.checkNote(m, "signature-check", "fits a mistake", session.Error, "the server sends the client's own HMAC back, which proves nothing: its own covers the word Responder; the client must refuse")}
	}
	return []session.Note{h.checkNote(m, "signature-check", "does not fit", session.Error,
		"the server's answer does not fit, though the client's proof fits the token "+issued(h.check.token)+": it has another token, or computed wrong, and the client must refuse")}
}

// cause implements checker.
func (h *hashedToken) cause() string {
	c := &h.check
	switch {
	case c.fault != "":
		return "the client " + c.fault
	case c.useless != "":
		return "the client used the token " + issued(c.token) + ", but " + c.useless
	case c.Result == decode.Fits:
		return "the client's proof fits the token " + issued(c.token) + ", so the server has thrown the token away, or looks for it under another user or another user-agent id"
	case c.Result == decode.Differs:
		return "the client used another token than the one " + issued(c.token) + ", or computed wrong"
	}
	return ""
}

// tookAnyway implements checker.
func (h *hashedToken) tookAnyway(span session.Span) []session.Note {
	if h.check.Result != decode.Differs {
		return nil
	}
	n := decode.Say(session.Notice, span, "the server let the client in: it knows a token that was not seen here")
	n.Rule = decode.RuleVerify
	return []session.Note{n}
}
