package xep

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsForm = "jabber:x:data"

// formDepth is how deep below a stanza a form may lie: in pubsub, below the
// element that says what it configures.
const formDepth = 3

func init() {
	add(decode.Rule{
		ID: "xep-0004", Title: "Data Forms", Ref: "XEP-0004",
		Match: decode.Stanza().Holding(nsForm).And(func(s *decode.Seen) bool { return firstForm(s.Root, formDepth) != nil }),
		New: decode.Stateless(func(s *decode.Seen) []session.Note {
			return explainForm(firstForm(s.Root, formDepth))
		}),
	})
}

func firstForm(el *session.Element, depth int) *session.Element {
	for i := range el.Nodes {
		c := el.Nodes[i].Element
		switch {
		case c == nil:
		case c.Name.Space == nsForm:
			if c.Name.Local == "x" {
				return c
			}
		case depth > 1:
			if f := firstForm(c, depth-1); f != nil {
				return f
			}
		}
	}
	return nil
}

func explainForm(x *session.Element) []session.Note {
	var notes []session.Note
	fields, required := formFields(x)
	switch typ := x.Attr("type"); typ {
	case "form":
		text := "a form to fill in, " + session.Plural(len(fields), "field")
		if len(required) > 0 {
			text += ", of which " + list(required) + " must be"
		}
		notes = tell("XEP-0004 §3.2", x.Tag, "%s", text)
	case "submit":
		notes = tell("XEP-0004", x.Tag, "a form that has been filled in: %s", listOr(fields, "no field"))
	case "cancel":
		notes = tell("XEP-0004", x.Tag, "the form is not going to be filled in")
	case "result":
		notes = tell("XEP-0004", x.Tag, "a form that reports data%s", rows(x, fields))
	default:
		notes = []session.Note{decode.Finding("xep-0004", "XEP-0004", session.Warning, attrSpan(x, "type"), "the form's type is %q; form, submit, cancel and result are defined", typ)}
	}
	return append(notes, formType(x)...)
}

// formFields gives the names of a form's fields, and those that must be filled in.
func formFields(x *session.Element) (fields, required []string) {
	for f := range x.Elements() {
		if f.Name.Local != "field" || f.Attr("var") == "FORM_TYPE" || f.Attr("type") == "fixed" {
			continue
		}
		fields = append(fields, f.Attr("var"))
		if f.Child(nsForm, "required") != nil {
			required = append(required, f.Attr("var"))
		}
	}
	return fields, required
}

func rows(x *session.Element, fields []string) string {
	items := 0
	for c := range x.Elements() {
		if c.Name.Local == "item" {
			items++
		}
	}
	if items > 0 || x.Child(nsForm, "reported") != nil {
		return ": a table of " + session.Plural(items, "row")
	}
	return ": " + listOr(fields, "no field")
}

func listOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return list(names)
}

// formType explains the hidden field that says which specification the names of
// the fields come from (XEP-0068).
func formType(x *session.Element) []session.Note {
	i := slices.IndexFunc(x.Nodes, func(n session.Node) bool {
		return n.Element != nil && n.Element.Name.Local == "field" && n.Element.Attr("var") == "FORM_TYPE"
	})
	if i < 0 {
		return nil
	}
	v := x.Nodes[i].Element.Child(nsForm, "value")
	if v == nil {
		return nil
	}
	value := strings.TrimSpace(v.Text())
	text := "what the names of the fields mean is written there"
	if spec, ok := Named(value); ok {
		text = "the names of the fields are those of " + spec.String()
	}
	return []session.Note{field("XEP-0068", "FORM_TYPE", value, v.TextSpan(), text)}
}
