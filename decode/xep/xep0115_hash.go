package xep

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"slices"
	"strings"

	"xmppscope/session"
)

// capsHashes are the functions that "hash" may name (XEP-0115 §4, IANA's names).
var capsHashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha-1": sha1.New, "sha-224": sha256.New224,
	"sha-256": sha256.New, "sha-384": sha512.New384, "sha-512": sha512.New,
}

// capsHash computes the verification string of a disco#info result (XEP-0115
// §5.1).
func capsHash(newHash func() hash.Hash, query *session.Element) string {
	h := newHash()
	h.Write([]byte(capsString(query)))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// capsString is what is hashed: identities, features, and forms, each sorted, with
// a "<" after every part.
func capsString(query *session.Element) string {
	var identities, features []string
	var forms [][]string
	for c := range query.Elements() {
		switch {
		case c.Name.Space == nsDiscoInfo && c.Name.Local == "identity":
			identities = append(identities, c.Attr("category")+"/"+c.Attr("type")+"/"+lang(c)+"/"+c.Attr("name"))
		case c.Name.Space == nsDiscoInfo && c.Name.Local == "feature":
			features = append(features, c.Attr("var"))
		case c.Name.Space == nsForm && c.Name.Local == "x":
			if f := capsForm(c); f != nil {
				forms = append(forms, f)
			}
		}
	}
	slices.Sort(identities)
	slices.Sort(features)
	slices.SortFunc(forms, slices.Compare)
	parts := append(identities, features...)
	for _, f := range forms {
		parts = append(parts, f...)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "<") + "<"
}

func lang(el *session.Element) string {
	for _, a := range el.Attrs {
		if a.Name.Prefix == "xml" && a.Name.Local == "lang" {
			return a.Value
		}
	}
	return ""
}

// capsForm is the part of one form: its FORM_TYPE, then its fields by name, each
// with its values. A form without a FORM_TYPE that is hidden does not count.
func capsForm(x *session.Element) []string {
	var kind string
	fields := map[string][]string{}
	for f := range x.Elements() {
		if f.Name.Local != "field" {
			continue
		}
		name := f.Attr("var")
		if name == "FORM_TYPE" {
			if t := f.Attr("type"); t == "hidden" {
				kind = textOf(f, "value")
			}
			continue
		}
		values := []string{}
		for v := range f.Elements() {
			if v.Name.Local == "value" {
				values = append(values, v.Text())
			}
		}
		slices.Sort(values)
		fields[name] = append(fields[name], values...)
	}
	if kind == "" {
		return nil
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	out := []string{kind}
	for _, name := range names {
		out = append(append(out, name), fields[name]...)
	}
	return out
}
