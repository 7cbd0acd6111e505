package replay

import (
	"bytes"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// maxValues bounds the values that are known; a peer may make up any number.
const maxValues = 100_000

// values are what stands now for what the recording has: ids, full JIDs, the account. They
// are learned by setting what comes beside what was recorded in its place.
type values struct {
	now             map[string]string
	account, domain rename // of the account that plays, if it is another
}

// rename is a name that stands for another; nothing if they are the same.
type rename struct{ was, is string }

// become says that another account plays than the recorded one.
func (v *values) become(was, is string) {
	v.account = rename{was, is}
	_, wasDomain, ok := strings.Cut(was, "@")
	if _, isDomain, found := strings.Cut(is, "@"); ok && found {
		v.domain = rename{wasDomain, isDomain}
	}
}

func (v *values) put(was, is string) {
	if was == "" || is == "" || was == is && v.now[was] == "" || len(v.now) >= maxValues {
		return
	}
	if v.now == nil {
		v.now = map[string]string{}
	}
	v.now[was] = is
}

// get is what stands for a recorded value.
func (v *values) get(was string) string {
	if is, ok := v.now[was]; ok {
		return is
	}
	switch bare, resource, full := strings.Cut(was, "/"); {
	case v.account.was != "" && bare == v.account.was && full:
		return v.account.is + "/" + resource
	case v.account.was != "" && was == v.account.was:
		return v.account.is
	case v.domain.was != "" && was == v.domain.was:
		return v.domain.is
	}
	return was
}

// learn sets an element that has come beside the recorded one.
func (v *values) learn(was, is *session.Element) {
	if was == nil || is == nil || was.Name.Local != is.Name.Local {
		return
	}
	for i := range was.Attrs {
		a := &was.Attrs[i]
		if b, ok := is.LookupAttr(a.Name.Local); ok && a.Name.Prefix == "" && v.stands(a.Name.Local, a.Value, b) {
			v.put(a.Value, b)
		}
	}
	if a, b := was.Text(), is.Text(); v.stands(was.Name.Local, a, b) {
		v.put(a, b)
	}
	others := is.Children()
	for c := range was.Elements() {
		at := slices.IndexFunc(others, func(o *session.Element) bool { return o.Name.Local == c.Name.Local })
		if at >= 0 {
			v.learn(c, others[at])
			others = slices.Delete(others, at, at+1)
		}
	}
}

// identifiers are the names of attributes and elements whose value one side has made up
// for this session alone; so are those that end in "id".
var identifiers = []string{"token", "key", "resource", "authorization-identifier"}

// stands says whether a value of this name may stand for a recorded one wherever that is:
// an identifier, or a full JID of the same account.
func (v *values) stands(name, was, is string) bool {
	switch name {
	case "jid", "from", "to", "authorization-identifier":
		a, ra, fullA := strings.Cut(was, "/")
		b, rb, fullB := strings.Cut(is, "/")
		return fullA && fullB && ra != rb && v.get(a) == b
	}
	return strings.HasSuffix(name, "id") || slices.Contains(identifiers, name)
}

// speaks says whether a value is long enough to be nothing else by chance, or stands where
// identifiers do.
func speaks(name, value string) bool {
	const least = 6
	return len(value) >= least || strings.HasSuffix(name, "id") || slices.Contains([]string{"from", "to"}, name)
}

// apply is an element as it is to be said now. What is not replaced stays byte for byte.
func (v *values) apply(raw []byte, root *session.Element) []byte {
	var edits []edit
	v.edit(root, &edits)
	return edited(raw, edits)
}

func (v *values) edit(e *session.Element, edits *[]edit) {
	if e == nil {
		return
	}
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if a.Name.Prefix == "xmlns" || a.Name.Local == "xmlns" || a.Name.Local == "type" {
			continue
		}
		if now := v.get(a.Value); now != a.Value && speaks(a.Name.Local, a.Value) {
			*edits = append(*edits, edit{a.Quote, session.EscapeXML(now)})
		}
	}
	for i := range e.Nodes {
		n := &e.Nodes[i]
		switch {
		case n.Element != nil:
			v.edit(n.Element, edits)
		case e.Name.Local == "body" || e.Name.Local == "subject": // what people write
		default:
			if now := v.get(n.Text); now != n.Text && speaks(e.Name.Local, n.Text) {
				*edits = append(*edits, edit{n.Span, session.EscapeXML(now)})
			}
		}
	}
}

// edit is a place, and what stands there instead.
type edit struct {
	at session.Span
	by string
}

// edited carries edits out, in any order; they do not overlap.
func edited(raw []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.at.Start - b.at.Start })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.at.Start < at || e.at.End > len(raw) {
			continue
		}
		out.Write(raw[at:e.at.Start])
		out.WriteString(e.by)
		at = e.at.End
	}
	out.Write(raw[at:])
	return out.Bytes()
}

// withText is an element with another text in it, which needs no escaping.
func withText(raw []byte, e *session.Element, text string) []byte {
	if len(e.Nodes) > 0 {
		return edited(raw, []edit{{e.TextSpan(), text}})
	}
	tag := strings.TrimRight(strings.TrimSuffix(string(raw[e.Tag.Start:e.Tag.End]), ">"), "/ ")
	return edited(raw, []edit{{e.Span, tag + ">" + text + "</" + e.Name.Qualified() + ">"}})
}

// without is what becomes of an element's bytes without one of its children; e may be nil.
func without(e *session.Element) []edit {
	if e == nil {
		return nil
	}
	return []edit{{e.Span, ""}}
}

// counted says whether stream management counts an element (XEP-0198 §4).
func counted(e *session.Element) bool {
	return e != nil && decode.IsContentNS(e.Name.Space) && session.IsStanza(e.Name.Local)
}
