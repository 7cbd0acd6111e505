package sasl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	ruleJWT = "sasl-jwt"
	refJWT  = "RFC 7519 §4.1"
)

// claims explains those that are shown, in this order (RFC 7519 §4.1, RFC 9068 §2).
// Any other may be a secret of its own; only its name is shown.
var claims = []struct {
	name, text string
	holds      session.Holds
}{
	{"iss", "who issued the token", session.Host},
	{"sub", "whom the token is about", session.JID},
	{"aud", "the service that the token is meant for; any other must refuse it", session.Host},
	{"azp", "the client that the token was issued to", session.FreeText},
	{"client_id", "the client that the token was issued to", session.FreeText},
	{"scope", "what the token allows", session.Sentence},
	{"scp", "what the token allows", session.FreeText},
}

// times are the claims that are points in time.
var times = []string{"iat", "nbf", "exp"}

// openJWT shows what a token says of itself, if it is a JWT (RFC 7519). The token
// as a whole stays secret: it is its signature that makes it one, and that is
// never shown.
func openJWT(token string, m Message) []session.Note {
	head, rest, _ := strings.Cut(strings.TrimSpace(token), ".")
	body, signature, ok := strings.Cut(rest, ".")
	header, payload := jsonPart(head), jsonPart(body)
	if header["alg"] == nil && header["typ"] == nil {
		return nil
	}
	if !ok {
		return []session.Note{badJWT(m, "has two parts, where a JWT has three")}
	}
	show := func(name, value, text string) session.Note {
		n := explained(decode.Field(name, value, m.Span), text)
		n.Rule, n.Ref = ruleJWT, refJWT
		return n
	}
	if strings.Count(signature, ".") == 2 {
		return []session.Note{show("alg", claimText(header["alg"]), "the token is an encrypted JWT: only the server can open it").Is(session.Word)}
	}
	if payload == nil {
		return []session.Note{badJWT(m, "cannot be read: its claims are not a JSON object in base64url")}
	}
	alg := show("alg", claimText(header["alg"]), "the token is a JWT, signed in this way; whoever has it can read what follows, but not change it").Is(session.Word)
	if strings.EqualFold(claimText(header["alg"]), "none") {
		alg.Severity, alg.Text, alg.Ref = session.Warning, "the token is a JWT without a signature: anybody can make one, and no server should take it", "RFC 8725 §3.2"
	}
	notes := []session.Note{alg}
	if _, err := base64.RawURLEncoding.DecodeString(signature); err != nil {
		notes = append(notes, badJWT(m, "is damaged: its signature is not base64url without padding"))
	}
	for _, c := range claims {
		if v, ok := payload[c.name]; ok {
			notes = append(notes, show(c.name, session.Clip(claimText(v), 200), c.text).Is(c.holds))
		}
	}
	for _, name := range times {
		if at, ok := claimTime(payload[name]); ok {
			n := show(name, at.Format(time.RFC3339), "").Is(session.Word).Classed(session.Identifier)
			n.Severity, n.Text = claimWhen(name, at, m.At)
			notes = append(notes, n)
		} else if v, there := payload[name]; there {
			n := show(name, session.Clip(claimText(v), 40), "the token's "+name+" is not a time in seconds").Is(session.Word).Classed(session.Identifier)
			n.Severity = session.Warning
			notes = append(notes, n)
		}
	}
	return append(notes, otherClaims(payload, m)...)
}

// badJWT is about a token that begins like a JWT.
func badJWT(m Message, what string) session.Note {
	n := decode.Say(session.Warning, m.Span, "the client's token begins like a JWT, but %s", what)
	n.Rule, n.Ref = ruleJWT, "RFC 7519 §7.2"
	return n
}

// jsonPart is the object in a part of a JWT, nil if there is none.
func jsonPart(part string) map[string]any {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out map[string]any
	if dec.Decode(&out) != nil {
		return nil
	}
	return out
}

// claimText is a claim as text; a list is joined by spaces.
func claimText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, claimText(x))
		}
		return strings.Join(out, " ")
	}
	return fmt.Sprintf("%v", v)
}

// claimTime reads a NumericDate (RFC 7519 §2).
func claimTime(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || f <= 0 || f > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}

// claimWhen says what a time in a token means at the time of the login.
func claimWhen(name string, at, login time.Time) (session.Severity, string) {
	const clock = 2 * time.Minute // by which clocks may differ
	switch {
	case login.IsZero():
		return session.Info, ""
	case name == "exp":
		text, over := expiry(at, login)
		if over {
			return session.Warning, "the client's token " + text + ": the server should refuse it"
		}
		return session.Info, "the token " + text
	case at.After(login.Add(clock)) && name == "nbf":
		return session.Warning, "the client's token is not valid yet: its time begins " + period(at.Sub(login)) + " after this login"
	case at.After(login.Add(clock)):
		return session.Notice, "the token was issued " + period(at.Sub(login)) + " after this login: a clock is wrong"
	case at.After(login):
		return session.Info, "the token is brand new"
	case name == "nbf":
		return session.Info, "valid since " + period(login.Sub(at)) + " before this login"
	}
	return session.Info, "the token was issued " + period(login.Sub(at)) + " before this login"
}

// otherClaims names what else a token says.
func otherClaims(payload map[string]any, m Message) []session.Note {
	var names []string
	for name := range payload {
		known := slices.Contains(times, name)
		for _, c := range claims {
			known = known || c.name == name
		}
		if !known {
			names = append(names, session.Clip(name, 40))
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	more := ""
	if n := len(names) - 12; n > 0 {
		names, more = names[:12], " and "+session.Plural(n, "more claim")
	}
	n := decode.Explain(refJWT, m.Span, "the token also says something about %s%s", decode.Quotes(names), more)
	n.Rule = ruleJWT
	return []session.Note{n}
}
