package xep

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

//go:embed namespaces.txt
var namespacesText string

// Spec is the specification that a namespace, a feature or a node belongs to.
type Spec struct {
	ID     string // "XEP-0313", "RFC 6120", "Google Talk"; "foreign" if from outside of XMPP
	Title  string // as the registry has it; "" where only the owner is known
	Status string // "Stable", "Deferred", "vendor", …; "" for an RFC
	// SupersededBy is the ID of what took its place, "" if nothing did.
	SupersededBy string
	// Fit says what is special about this name of it: that it is an older one,
	// or how it was found where the table does not have it; "" if nothing.
	Fit string

	text string // String, where it was made before
}

// How a name fits its specification.
const (
	fitOlder   = "an older namespace of it"
	fitGuess   = "probably"
	fitExample = "seen in its examples only"
	fitVersion = "another version of its namespace"
	fitBelow   = "a name below its own"
	fitDraft   = "a temporary name"
)

var fits = map[byte]string{'-': fitOlder, '?': fitGuess, '~': fitExample}

// String is how a note names the specification:
// "XEP-0313: Message Archive Management (Stable)".
func (s Spec) String() string {
	if s.text != "" {
		return s.text
	}
	out := s.ID
	switch {
	case s.ID == "foreign":
		out = s.Title + ", which is not of XMPP"
	case s.Title != "":
		out += ": " + s.Title
	}
	switch {
	case s.SupersededBy != "":
		out += " (" + s.Status + ", superseded by " + s.SupersededBy + ")"
	case s.Status == "vendor":
		out += " (a vendor's extension)"
	case s.Status != "" && s.ID != "foreign":
		out += " (" + s.Status + ")"
	}
	if s.Fit != "" {
		out += ", " + s.Fit
	}
	return out
}

// table is namespaces.txt, taken apart.
type table struct {
	names    map[string]*Spec
	stems    map[string]*Spec // names without their version
	ids      map[string]*Spec // "XEP-0313"
	prefixes []vendor
}

type vendor struct {
	prefix string
	spec   *Spec
}

// known is read when the first name is looked up.
var known = sync.OnceValue(func() *table {
	t := &table{names: map[string]*Spec{}, stems: map[string]*Spec{}, ids: map[string]*Spec{}}
	var current map[byte]*Spec // the specification, by the mark of its names
	for line := range strings.Lines(namespacesText) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case strings.IndexByte(" -?~+*", line[0]) < 0:
			current = specLine(line)
			if t.ids[current[' '].ID] == nil {
				t.ids[current[' '].ID] = current[' ']
			}
		case line[0] == '*':
			t.prefixes = append(t.prefixes, vendor{line[1:], current[' ']})
		default:
			t.add(line[1:], current[line[0]])
		}
	}
	return t
})

func specLine(line string) map[byte]*Spec {
	var part [4]string
	copy(part[:], strings.Split(line, "\t"))
	marked := map[byte]*Spec{}
	for i := range len(" -?~+") {
		mark := " -?~+"[i]
		s := Spec{ID: part[0], Status: part[1], Title: part[2], SupersededBy: part[3], Fit: fits[mark]}
		s.text = s.String()
		marked[mark] = &s
	}
	return marked
}

func (t *table) add(name string, s *Spec) {
	t.names[name] = s
	if stem, ok := unversioned(name); ok && t.stems[stem] == nil {
		t.stems[stem] = s
	}
}

// unversioned takes the version off a namespace: "urn:xmpp:mam:2" is
// "urn:xmpp:mam".
func unversioned(name string) (string, bool) {
	i := strings.LastIndexAny(name, ":/")
	if i < 0 || i == len(name)-1 {
		return "", false
	}
	last := name[i+1:]
	return name[:i], last == "tmp" || len(last) <= 2 && strings.Trim(last, "0123456789") == ""
}

// oldStyle are the temporary namespaces of 2006 to 2008.
var oldStyle = regexp.MustCompile(`^https?://(?:www\.)?xmpp\.org/extensions/xep-(\d{4})\.html`)

// Named says which specification a namespace belongs to; it knows names of
// disco#info features, of forms and of pubsub nodes as well. What the table does
// not have is looked for under its other versions, the names above it, and the
// prefixes of vendors; Spec.Fit then says so.
func Named(name string) (Spec, bool) {
	t := known()
	name = strings.TrimSuffix(name, "+notify")
	if s := t.names[name]; s != nil {
		return *s, true
	}
	if m := oldStyle.FindStringSubmatch(name); m != nil {
		return t.fit("XEP-"+m[1], fitDraft), true
	}
	if i := strings.IndexAny(name, "#?@"); i > 0 {
		if s := t.names[name[:i]]; s != nil {
			return with(s, fitBelow), true
		}
	}
	if s := t.otherVersion(name); s != nil {
		return with(s, fitVersion), true
	}
	for i := range t.prefixes {
		if strings.HasPrefix(name, t.prefixes[i].prefix) {
			return t.above(name, *t.prefixes[i].spec), true
		}
	}
	if s := t.above(name, Spec{}); s.ID != "" {
		return s, true
	}
	if rest, ok := strings.CutPrefix(name, "urn:xmpp:tmp:"); ok {
		if s := t.otherVersion("urn:xmpp:" + rest); s != nil {
			return with(s, fitDraft), true
		}
		return Spec{ID: "XEP", Title: "an early version of one", Fit: fitDraft}, true
	}
	return Spec{}, false
}

func with(s *Spec, fit string) Spec {
	out := *s
	out.Fit, out.text = fit, ""
	return out
}

// fit is the specification with this id, even if nothing more is known of it.
func (t *table) fit(id, fit string) Spec {
	if s := t.ids[id]; s != nil {
		return with(s, fit)
	}
	return Spec{ID: id, Fit: fit}
}

// otherVersion finds a name that differs in nothing but the version.
func (t *table) otherVersion(name string) *Spec {
	if stem, ok := unversioned(name); ok {
		if s := t.stems[stem]; s != nil {
			return s
		}
		return t.names[stem]
	}
	return t.stems[name]
}

// above takes parts off the end of a name until the rest is known. It leaves at
// least three, as in "urn:xmpp:jingle".
func (t *table) above(name string, none Spec) Spec {
	for {
		i := strings.LastIndexByte(name, ':')
		if i < 0 || (strings.HasPrefix(name, "urn:") && strings.Count(name, ":") < 3) {
			return none
		}
		name = name[:i]
		if s := t.names[name]; s != nil {
			return with(s, fitBelow)
		}
		if s := t.stems[name]; s != nil {
			return with(s, fitBelow)
		}
	}
}
