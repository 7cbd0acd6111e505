package pseudonym

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"xmppscope/session"
)

// typed replaces the values of fields that name something, so that the sentences can
// be looked through afterwards.
func (n *Names) typed(note *session.Note) {
	if note.Secret != "" || note.Name == "" {
		return
	}
	switch note.Holds {
	case session.JID:
		note.Value = n.jid(note.Value)
	case session.User:
		note.Value = n.user(note.Value)
	case session.Resource:
		note.Value = n.resource(note.Value)
	case session.Host:
		note.Value = n.host(note.Value)
	case session.ID:
		note.Value = n.id(note.Value)
	}
}

// note replaces what typed has left.
func (n *Names) note(note *session.Note) {
	note.Text = n.sentence(note.Text)
	if note.Secret != "" || note.Name == "" {
		return
	}
	switch holds := note.Holds; {
	case holds == session.Sentence || note.Name == session.FieldVerdict:
		note.Value = n.sentence(note.Value)
	case holds == session.Word && (isWord(note.Value) || isKnownSpace(note.Value)):
	case holds == session.Word || holds == session.FreeText:
		if p, ok := n.pairOf(note.Value); ok {
			note.Value = p
			return
		}
		note.Value = n.text(note.Name, note.Value)
	}
}

// Lengths to which sentences clip what they name.
var clips = []int{20, 40, 48, 60, 80, 100, 120, 160, 200}

// form adds the new pairs of the event to forms: as they are, quoted, and clipped.
// Of those that begin alike the longest is first.
func (n *Names) form() {
	if n.forms == nil {
		n.forms = map[byte][]pair{}
	}
	changed := map[byte]bool{}
	add := func(old, new string) {
		quoted := strconv.Quote(old)
		for _, form := range slices.Compact([]string{old, session.SafeLine(old), quoted[1 : len(quoted)-1]}) {
			if form != "" {
				n.forms[form[0]] = append(n.forms[form[0]], pair{form, new})
				changed[form[0]] = true
			}
		}
	}
	for _, p := range n.pairs[n.formed:] {
		add(p.old, p.new)
		for _, most := range clips {
			if utf8.RuneCountInString(p.old) > most {
				add(session.Clip(p.old, most), p.new)
			}
		}
	}
	n.formed = len(n.pairs)
	for c := range changed {
		slices.SortStableFunc(n.forms[c], func(a, b pair) int { return cmp.Compare(len(b.old), len(a.old)) })
	}
}

func (n *Names) pairOf(old string) (string, bool) {
	for _, p := range n.pairs {
		if p.old == old {
			return p.new, true
		}
	}
	return "", false
}

// sentence replaces, in a sentence of ours, what it says of the wire: whatever was
// replaced in the event, names that are known, all that looks like an address,
// and everything quoted that is not a word of the protocol.
func (n *Names) sentence(s string) string {
	if s == "" {
		return ""
	}
	n.form()
	w := sentenceWalk{n: n, text: s}
	return w.walk()
}

type sentenceWalk struct {
	n    *Names
	text string
	out  strings.Builder
	last string // the word before
}

func (w *sentenceWalk) walk() string {
	for i := 0; i < len(w.text); {
		if n := w.step(i); n > 0 {
			i += n
			continue
		}
		_, size := utf8.DecodeRuneInString(w.text[i:])
		w.out.WriteString(w.text[i : i+size])
		i += size
	}
	return w.out.String()
}

// step deals with what begins at i, and says how long it was; 0 for nothing.
func (w *sentenceWalk) step(i int) int {
	rest := w.text[i:]
	if rest[0] == '"' {
		if end := closingQuote(rest); end > 0 {
			w.out.WriteString(`"` + w.quoted(rest[1:end]) + `"`)
			return end + 1
		}
	}
	if m := mark.FindString(rest); m != "" { // a placeholder stays
		w.out.WriteString(m)
		return len(m)
	}
	if m := folder.FindString(rest); m != "" && (i == 0 || strings.IndexByte(" (=", w.text[i-1]) >= 0) {
		w.out.WriteString(w.n.text("path", m))
		return len(m)
	}
	if before, _ := utf8.DecodeLastRuneInString(w.text[:i]); i > 0 && isNameRune(before) {
		return 0
	}
	if n := w.pair(rest); n > 0 {
		return n
	}
	token := nameToken.FindString(rest)
	token = strings.TrimRight(token, ".:/-")
	if token == "" {
		return 0
	}
	w.out.WriteString(w.n.token(token, w.last == "as"))
	w.last = token
	return len(token)
}

var mark = regexp.MustCompile(`^\[[A-Za-z0-9 '/-]{1,60} #[0-9]+, [0-9]+ (?:characters|bytes)\]`)

// folder is the path of a file, which may name a user.
var folder = regexp.MustCompile(`^(?:~?/[^\s/"]+/[^\s"]*|[A-Za-z]:\\[^\s"]*)`)

// nameToken is what a name or an address may be made of.
var nameToken = regexp.MustCompile(`^[\pL\pN_](?:[\pL\pN_.@/:+~%*-]*[\pL\pN_/-])?`)

func isNameRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// pair replaces what was replaced in the event, if it begins here and ends where
// a word ends.
func (w *sentenceWalk) pair(rest string) int {
	for _, p := range w.n.forms[rest[0]] {
		if !strings.HasPrefix(rest, p.old) || plain[strings.ToLower(p.old)] && w.last != "as" {
			continue
		}
		after, _ := utf8.DecodeRuneInString(rest[len(p.old):])
		before, _ := utf8.DecodeLastRuneInString(p.old)
		if len(rest) > len(p.old) && isNameRune(after) && isNameRune(before) {
			continue
		}
		w.out.WriteString(p.new)
		w.last = p.old
		return len(p.old)
	}
	return 0
}

// closingQuote finds the end of what begins with a quote, as strconv.Quote ends
// it; 0 if there is none.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return 0
}

// quoted is what stands between quotes: a pseudonym, a word of the protocol, or a
// placeholder.
func (w *sentenceWalk) quoted(s string) string {
	if s == "" {
		return s
	}
	for _, p := range w.n.forms[s[0]] {
		if p.old == s {
			return p.new
		}
	}
	plainText := s
	if u, err := strconv.Unquote(`"` + s + `"`); err == nil {
		plainText = u
	}
	if t := w.n.token(plainText, true); t != plainText {
		return t
	}
	if w.n.kept[plainText] || isKnownSpace(plainText) || capitals.MatchString(plainText) || strings.TrimSpace(s) == "" || mark.FindString(s) == s {
		return s
	}
	return w.n.text("text", plainText)
}

var capitals = regexp.MustCompile(`^[A-Z0-9][A-Z0-9_-]*$|^[ynp,=]{1,4}$`)

var hostName = regexp.MustCompile(`^(?:[\pL\pN_*](?:[\pL\pN_-]*[\pL\pN])?\.)+(?:\pL{2,}|xn--[a-z0-9-]+)$`)

// token is a word of a sentence: a name that is known, or what looks like an
// address. A word of ours stays, unless a name must stand here.
func (n *Names) token(s string, name bool) string {
	lower := strings.ToLower(s)
	if isKnownSpace(s) || !name && plain[lower] {
		return s
	}
	if p, ok := n.tables[tableDomain][lower]; ok {
		return p
	}
	for _, table := range []string{tableUser, tableResource, tableName} {
		if p, ok := n.tables[table][lower]; ok {
			return p
		}
	}
	bare, _, _ := strings.Cut(s, "/")
	if strings.Contains(bare, "@") {
		return n.jid(s)
	}
	head, tail, port := strings.Cut(s, ":")
	if _, err := netip.ParseAddr(s); err == nil && strings.ContainsAny(s, ".:") {
		return n.host(s)
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return n.host(s)
	}
	if port && isNumber(tail) && (hostName.MatchString(head) || n.tables[tableDomain][strings.ToLower(head)] != "") {
		return n.host(s)
	}
	switch service, host, ok := strings.Cut(s, "/"); {
	case hostName.MatchString(bare):
		return n.jid(s)
	case ok: // such as xmpp/example.net
		return n.token(service, name) + "/" + n.token(host, name)
	}
	return s
}
