package session

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
)

// Template is something to say in a stream, with fields.
type Template struct {
	Name   string
	What   string // in a few words
	Fields []TemplateField
	xml    string
}

// TemplateField is one of its fields. A value is text, and escaped; that of a Raw one is XML.
type TemplateField struct {
	Name, Default string
	Raw           bool
}

// freshID in a default is a new id.
const freshID = "*"

// Templates are those that there are.
var Templates = []Template{
	{"ping", "ask whether it is still there (XEP-0199)", fields("to", "", "id", freshID), "<iq type='get' id='{id}' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>"},
	{"disco-info", "ask what it can do (XEP-0030)", fields("to", "", "node", "", "id", freshID), "<iq type='get' id='{id}' to='{to}'><query xmlns='http://jabber.org/protocol/disco#info' node='{node}'/></iq>"},
	{"disco-items", "ask what it has (XEP-0030)", fields("to", "", "node", "", "id", freshID), "<iq type='get' id='{id}' to='{to}'><query xmlns='http://jabber.org/protocol/disco#items' node='{node}'/></iq>"},
	{"version", "ask what software it is (XEP-0092)", fields("to", "", "id", freshID), "<iq type='get' id='{id}' to='{to}'><query xmlns='jabber:iq:version'/></iq>"},
	{"presence", "say that somebody is there, or not", fields("type", "", "to", "", "from", "", "show", "", "status", ""), "<presence type='{type}' to='{to}' from='{from}'><show>{show}</show><status>{status}</status></presence>"},
	{"message", "a message", fields("to", "", "from", "", "type", "chat", "body", "hello", "id", freshID), "<message type='{type}' id='{id}' to='{to}' from='{from}'><body>{body}</body></message>"},
	{"iq", "a request of any kind", append(fields("type", "get", "to", "", "id", freshID), TemplateField{"payload", "<query xmlns='jabber:iq:roster'/>", true}), "<iq type='{type}' id='{id}' to='{to}'>{payload}</iq>"},
	{"stream-error", "end the stream with an error (RFC 6120 §4.9)", fields("condition", "internal-server-error", "text", ""), "<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{text}</text></stream:error></stream:stream>"},
	{"r", "ask how many stanzas have arrived (XEP-0198)", nil, "<r xmlns='urn:xmpp:sm:3'/>"},
	{"a", "say how many stanzas have arrived (XEP-0198)", fields("h", "0"), "<a xmlns='urn:xmpp:sm:3' h='{h}'/>"},
}

func fields(pairs ...string) (out []TemplateField) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, TemplateField{Name: pairs[i], Default: pairs[i+1]})
	}
	return out
}

// TemplateNames are the names of all templates.
func TemplateNames() (out []string) {
	for i := range Templates {
		out = append(out, Templates[i].Name)
	}
	return out
}

// FindTemplate finds one by its name.
func FindTemplate(name string) (*Template, error) {
	for i := range Templates {
		if Templates[i].Name == name {
			return &Templates[i], nil
		}
	}
	return nil, fmt.Errorf("there is no template %q: %s", name, Suggest(name, TemplateNames()))
}

// Value is what stands in a field unless something else is said.
func (f *TemplateField) Value() string {
	if f.Default == freshID {
		return "xmppscope-" + rand.Text()[:8]
	}
	return f.Default
}

// Fill makes XML of the template. Attributes and elements that would be empty are left out.
func (t *Template) Fill(values map[string]string) ([]byte, error) {
	for name := range values {
		if !slices.ContainsFunc(t.Fields, func(f TemplateField) bool { return f.Name == name }) {
			return nil, fmt.Errorf("template %s has no field %q", t.Name, name)
		}
	}
	out := t.xml
	for i := range t.Fields {
		f := &t.Fields[i]
		value, given := values[f.Name]
		if !given {
			value = f.Value()
		}
		if value == "" {
			out = strings.ReplaceAll(out, " "+f.Name+"='{"+f.Name+"}'", "")
			out = strings.ReplaceAll(out, "<"+f.Name+">{"+f.Name+"}</"+f.Name+">", "")
			out = strings.ReplaceAll(out, "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{"+f.Name+"}</text>", "")
		}
		if !f.Raw {
			value = EscapeXML(value)
		}
		value = strings.ReplaceAll(value, "{", "&#123;") // it is none of our fields
		out = strings.ReplaceAll(out, "{"+f.Name+"}", value)
	}
	return []byte(out), nil
}
