package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// pair knows what has its name beside it: <entry key='password' value='…'/>,
// <entry name='password'>…</entry> and <property><name>password</name><value>…</value></property>.
func (w *secretWalk) pair(el *session.Element) {
	if el.Name.Space == nsForms {
		return
	}
	for i := range el.Attrs {
		switch a := &el.Attrs[i]; a.Name.Local {
		case "name", "key", "var", "field", "type":
			if kind := decode.SecretName(a.Value); kind != "" {
				w.value(el, a.Value, kind)
				if strings.TrimSpace(el.Text()) != "" {
					w.mark(el, a.Value, kind)
				}
			}
		}
	}
	if len(el.Nodes) == 0 {
		return
	}
	first := el.First()
	if first == nil || first.First() != nil {
		return
	}
	switch name := strings.TrimSpace(first.Text()); first.Name.Local {
	case "name", "key", "string": // the last of them is what Java makes of a map
		if kind := decode.SecretName(name); kind != "" {
			w.value(el, name, kind)
			w.after(el, first, name, kind)
		}
	}
}

// value marks what a pair has for a value.
func (w *secretWalk) value(el *session.Element, name, kind string) {
	w.values(el, kind)
	for c := range el.Elements() {
		switch c.Name.Local {
		case "value", "val", "data", "content":
			w.mark(c, name, kind)
		}
	}
}

// values marks the attributes that are a value.
func (w *secretWalk) values(el *session.Element, kind string) {
	for i := range el.Attrs {
		switch a := &el.Attrs[i]; a.Name.Local {
		case "value", "val", "data", "content":
			w.attr(a, kind)
		}
	}
}

// after marks what comes behind the element that names it.
func (w *secretWalk) after(el, named *session.Element, name, kind string) {
	for c := range el.Elements() {
		if c != named {
			w.mark(c, name, kind)
		}
	}
}

// field knows the fields of data forms (XEP-0004) that hold passwords: those of
// type text-private, those that were when they were asked for, and those whose
// name says so.
func (w *secretWalk) field(el *session.Element) {
	if el.Name.Space != nsForms || el.Name.Local != "field" {
		return
	}
	name, typ := el.Attr("var"), el.Attr("type")
	if typ == "text-private" && len(w.private) < maxPrivate {
		if w.private == nil {
			w.private = map[string]bool{}
		}
		w.private[strings.Clone(name)] = true
	}
	kind := fieldKind(name)
	if kind == "" && (typ == "text-private" || w.private[name]) {
		kind = "password"
	}
	if kind == "" || typ == "boolean" || name == "muc#roomconfig_passwordprotectedroom" {
		return
	}
	w.value(el, name, kind)
}

// maxPrivate bounds the names of private fields that are remembered.
const maxPrivate = 1000

// fieldKind is what a field holds by its name, "" for no secret. Names of fields are long,
// and the word that tells may stand anywhere in them.
func fieldKind(name string) string {
	if kind := decode.SecretName(name); kind != "" {
		return kind
	}
	if name == "landing-url" { // XEP-0401: the address has the token in it
		return "invitation"
	}
	name = strings.ToLower(name)
	for _, word := range []string{"password", "passwd", "passphrase", "pwd", "secret", "token", "api_key", "api-key", "apikey", "credential"} {
		if strings.Contains(name, word) {
			return "password"
		}
	}
	return ""
}

// header knows the headers of HTTP that are carried in stanzas (XEP-0131, XEP-0332)
// and let someone in.
func (w *secretWalk) header(el *session.Element) {
	if el.Name.Local != "header" || el.Name.Space != "http://jabber.org/protocol/shim" {
		return
	}
	switch name := el.Attr("name"); strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token":
		w.mark(el, name, "credentials")
	}
}
