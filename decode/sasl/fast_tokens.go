package sasl

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Bounds of what is remembered of tokens: for each account, and in bytes.
const (
	maxTokens    = 16
	maxTokenSize = 4000
)

// accountKey is the bare JID of who logs in, as a key of Run.Tokens.
func accountKey(state *decode.State, user string) string {
	if !strings.Contains(user, "@") {
		user += "@" + state.Domain()
	}
	bare := session.BareJID(user)
	return strings.ToLower(bare)
}

// IssuedToken is the token in a server's <token/> (XEP-0484 §3.2).
func IssuedToken(el *session.Element) string {
	if token := el.Attr("token"); token != "" {
		return token
	}
	return strings.TrimSpace(el.Text()) // so in early versions
}

// remember keeps a token that the server issues, for the session that uses it.
func (f *fast) remember(s *decode.Seen, token *session.Element, user string) {
	t := decode.Token{Value: IssuedToken(token), Mechanism: f.requested, Agent: f.agent, Session: s.Event.Session, Seq: s.Event.Seq}
	if t.Mechanism == "" {
		t.Mechanism = f.mechanism
	}
	t.Expiry, _ = time.Parse(time.RFC3339, token.Attr("expiry"))
	t.Value = strings.Clone(t.Value)
	if id := s.Root.Child("", "authorization-identifier"); id != nil {
		user = strings.Clone(id.Text())
	}
	if t.Value == "" || len(t.Value) > maxTokenSize || user == "" {
		return
	}
	s.State.Run.Tokens.Update(accountKey(s.State, user), func(old []decode.Token, _ bool) []decode.Token {
		old = slices.DeleteFunc(slices.Clone(old), func(o decode.Token) bool { return o.Value == t.Value && o.Mechanism == t.Mechanism })
		return append(old[max(0, len(old)-maxTokens+1):], t)
	})
}

// end notes why tokens are of no use any more.
func end(run *decode.Run, account, why string, which func(decode.Token) bool) {
	if _, ok := run.Tokens.Get(account); !ok {
		return
	}
	run.Tokens.Update(account, func(old []decode.Token, _ bool) []decode.Token {
		out := slices.Clone(old)
		for i := range out {
			if out[i].Ended == "" && which(out[i]) {
				out[i].Ended = why
			}
		}
		return out
	})
}

// used notes what became of a login with a token: what is older than one that
// worked is of no use from then on (XEP-0484 §3.3).
func (f *fast) used(run *decode.Run, check tokenCheck, worked bool) {
	t := check.token
	if t == nil || check.Result != decode.Fits || check.fault != "" {
		return
	}
	same := func(o decode.Token) bool { return o.Value == t.Value && o.Mechanism == t.Mechanism }
	switch {
	case !worked:
		end(run, check.account, "the server has refused it before", same)
	case f.invalidate:
		end(run, check.account, "the client had it thrown away", same)
	default:
		end(run, check.account, "a newer one has been used since", func(o decode.Token) bool {
			older := o.Session < t.Session || o.Session == t.Session && o.Seq < t.Seq
			return older && o.Agent == t.Agent && o.Mechanism == t.Mechanism
		})
	}
}

// tokenID is the token of a login, as far as it can be told without knowing it:
// an HMAC that covers no connection is the same in every login.
func (h *hashedToken) tokenID() (id decode.TokenID, ok bool) {
	switch {
	case h.binding == "" && len(h.parts.mac) > 0:
		return sha256.Sum256(append([]byte(h.hash+"\x00"+h.parts.authcid+"\x00"+h.parts.extras+"\x00"), h.parts.mac...)), true
	case h.check.Result == decode.Fits && h.check.token != nil:
		return sha256.Sum256([]byte(h.check.token.Value)), true
	}
	return id, false
}
