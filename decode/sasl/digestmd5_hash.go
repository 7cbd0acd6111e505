package sasl

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// digestValues are what a response is computed from, as the client sent them.
type digestValues struct {
	user, realm, nonce, cnonce, nc, qop, uri, authzid string
}

func digestValuesOf(pairs []directive) (v digestValues, response string) {
	fields := map[string]*string{
		"username": &v.user, "realm": &v.realm, "nonce": &v.nonce, "cnonce": &v.cnonce, "nc": &v.nc,
		"qop": &v.qop, "digest-uri": &v.uri, "authzid": &v.authzid, "response": &response,
	}
	for _, p := range pairs {
		if f := fields[p.key]; f != nil {
			*f = p.value
		}
	}
	if v.qop == "" {
		v.qop = "auth"
	}
	return v, response
}

// hash is RFC 2831 §2.1.2.1: the response for the verb AUTHENTICATE, the server's
// rspauth for none. Name, realm and password are bytes in the character set agreed
// on.
func (v digestValues) hash(password, verb string) string {
	return v.hashWith(sum(v.user+":"+v.realm+":"+password), verb)
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return string(h[:])
}

func hexed(s string) string { return hex.EncodeToString([]byte(s)) }

// hashWith is hash with the secret that is made of name, realm and password.
func (v digestValues) hashWith(secret, verb string) string {
	a1 := secret + ":" + v.nonce + ":" + v.cnonce
	if v.authzid != "" {
		a1 += ":" + v.authzid
	}
	a2 := verb + ":" + v.uri
	if v.qop != "auth" {
		a2 += ":00000000000000000000000000000000"
	}
	return hexed(sum(hexed(sum(a1)) + ":" + v.nonce + ":" + v.nc + ":" + v.cnonce + ":" + v.qop + ":" + hexed(sum(a2))))
}

// verify computes the response from the account's password. Name and password are
// hashed in ISO 8859-1 where they can be (RFC 2831 §2.1.2.1), but much software
// hashes UTF-8; both are right, as long as the server does the same.
func (d *digest) verify(m Message, pairs []directive) []session.Note {
	values, response := digestValuesOf(pairs)
	forms := m.State.Account(values.user)
	if len(forms) == 0 {
		return nil
	}
	for i := range forms {
		if latin, ok := decode.Latin1(forms[0].Password); ok && forms[i].Password == latin {
			forms[i].Fault = ""
		}
	}
	latin := values
	user, ok := decode.Latin1(values.user)
	realm, fine := decode.Latin1(values.realm)
	if ok && fine {
		latin.user, latin.realm = user, realm
	}
	v := decode.CheckForms(forms, func(password string) bool {
		for _, values := range []digestValues{values, latin} {
			if values.hash(password, "AUTHENTICATE") == response {
				d.rspauth = values.hash(password, "")
				return true
			}
		}
		return false
	})
	if v.Result == decode.Differs {
		v = values.mistakes(forms, response)
	}
	d.Check = v
	return v.Note("client", "response", m.Span)
}

// mistakes tries what software is known to compute instead.
func (v digestValues) mistakes(forms []decode.PasswordForm, response string) decode.Check {
	for _, m := range []struct {
		fault string
		hash  func(v digestValues, password string) string
	}{
		{"wrote its response in upper case, where lower case is asked for", func(v digestValues, password string) string {
			return strings.ToUpper(v.hash(password, "AUTHENTICATE"))
		}},
		{"hashed the hash of name, realm and password as hex, where its bytes are asked for", func(v digestValues, password string) string {
			return v.hashWith(hexed(sum(v.user+":"+v.realm+":"+password)), "AUTHENTICATE")
		}},
		{"left its authzid out of the hash", func(v digestValues, password string) string {
			v.authzid = ""
			return v.hash(password, "AUTHENTICATE")
		}},
		{"left the realm out of the hash", func(v digestValues, password string) string {
			v.realm = ""
			return v.hash(password, "AUTHENTICATE")
		}},
		{"computed what is for the server to compute", func(v digestValues, password string) string { return v.hash(password, "") }},
	} {
		if slices.ContainsFunc(forms, func(f decode.PasswordForm) bool { return m.hash(v, f.Password) == response }) {
			return decode.Check{Result: decode.Fits, Fault: m.fault}
		}
	}
	return decode.Check{Result: decode.Differs}
}
