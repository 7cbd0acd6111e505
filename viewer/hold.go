package viewer

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// Control is the way from the inspector back to the wire: what is held and put in.
type Control interface {
	// Held are the elements that wait for somebody to decide, the oldest first.
	Held() []Held
	// Decide decides about one.
	Decide(id uint64, d Verb) error
	// Break holds what an expression is true of from now on, or what comes before a step.
	Break(text string) error
	Breakpoints() []Breakpoint
	Unbreak(id int) bool
	// Unheld are the sessions under way of which nothing can be held, and why.
	Unheld() []Unheld
	// Inject says something in a session. The answer, if there is one, comes on reply.
	Inject(session int, dir session.Dir, xml []byte, reply chan<- []byte) error
	// Changed is closed when what is held has changed.
	Changed() <-chan struct{}
}

// Held is an element that waits.
type Held struct {
	ID      uint64
	Session int
	Dir     session.Dir
	Since   time.Time
	Reason  string
	Name    string
	XML     []byte
	Shown   []byte // without its secrets
	// Behind is what has come behind it and waits with it.
	Behind []Behind
	// SenderEnded and ReceiverEnded say that a side has finished sending since.
	SenderEnded, ReceiverEnded bool
}

// Behind is something that waits behind a held element. It has not been explained, so it is
// shown only where secrets are.
type Behind struct {
	Name string // "" for what is no element, or is not whole
	XML  []byte
}

// Breakpoint is a condition on which elements are held.
type Breakpoint struct {
	ID   int
	Text string
	Hits int
}

// Unheld is a session of which nothing can be held.
type Unheld struct {
	Session int
	Why     string
}

// Verb is what becomes of a held element. The zero value lets it pass.
type Verb struct {
	XML    []byte // goes on in its place
	Drop   bool
	Copies int
	Delay  time.Duration
}

// heldShown bounds the held elements that are always in sight.
const heldShown = 3

// held is what is held now.
func (u *ui) held() []Held {
	if u.options.Control == nil {
		return nil
	}
	return u.options.Control.Held()
}

// stillHeld is false once a connection has ended, or somebody else has decided.
func (u *ui) stillHeld(h *Held) bool {
	return slices.ContainsFunc(u.held(), func(other Held) bool { return other.ID == h.ID })
}

// heldLines are those below the first line, as long as something is held.
func (u *ui) heldLines() (out []line) {
	all := u.held()
	for i := range all[:min(len(all), heldShown)] {
		out = append(out, u.heldLine(&all[i]))
	}
	if more := len(all) - heldShown; more > 0 {
		out = append(out, line{{wiref(" ◆ and %d more", more), u.theme.warning}})
	}
	return out
}

func (u *ui) heldLine(h *Held) line {
	return line{
		{wiref(" ◆ held %s ", session.ShortTime(u.now().Sub(h.Since).Truncate(time.Second))), u.theme.warning},
		{wiref("session %d %s <%s> ", h.Session, wayOf(h.Dir), h.Name), u.theme.strong},
		{"· H decides ", u.theme.faint}, {wiref("· at %s", h.Reason), u.theme.text}, // a long reason is cut, not the key
	}
}

// wayOf names the two ends of a direction.
func wayOf(dir session.Dir) string { return dir.Sender() + " → " + dir.Opposite().Sender() }

// waitLines are who waits for what while an element is held, and for how long they will.
func (u *ui) waitLines(h *Held, width int) (out []line) {
	c := u.model.Session(h.Session)
	if c == nil {
		return nil
	}
	for _, w := range c.Waits(h.Dir, u.now()) {
		l := line{{wiref(" %-7s ", w.Who+":"), u.theme.strong}, {wire(w.Text), u.theme.text}}
		left := session.ShortTime(w.Left.Truncate(time.Second))
		switch {
		case w.Then == "":
		case w.Left > 0:
			l = append(l, span{wiref("; by default %s in %s", w.Then, left), u.theme.notice})
		default:
			l = append(l, span{wiref("; by default %s by now", w.Then), u.theme.warning})
		}
		out = append(out, l.wrap(width-1, 9)...)
	}
	return out
}

// showHeld lists what is held, and the keys that decide.
func (u *ui) showHeld() {
	if u.options.Control == nil {
		u.say(warning, "nothing can be held here: this inspector only watches")
		return
	}
	on := func(do func(Held)) func() {
		return func() {
			if all := u.held(); u.picked < len(all) {
				do(all[u.picked])
			}
		}
	}
	u.show(sheet{
		title: "Held", enter: "edits it", hint: "f forward  e edit  E editor  d drop  2 twice  w delay  a all  b break",
		keys: map[rune]func(){
			'f': on(func(h Held) { u.decide(h, Verb{}, "was passed on unchanged") }),
			'd': on(func(h Held) { u.decide(h, Verb{Drop: true}, "was dropped") }),
			'2': on(func(h Held) { u.decide(h, Verb{Copies: 1}, "was passed on twice") }),
			'e': on(u.editHeld), 'E': on(u.editOutside), 'w': on(u.delayHeld), 'a': u.passAll, 'b': u.askBreak,
		},
		text: func(p *textBlock) {
			all := u.held()
			if len(all) == 0 {
				p.add(1, span{" nothing is held", p.theme.faint})
			}
			for i := range all {
				u.heldBlock(p, &all[i], i == min(u.picked, len(all)-1))
			}
			if points := u.options.Control.Breakpoints(); len(points) > 0 {
				p.heading("Breakpoints")
				for _, b := range points {
					p.add(5, span{wiref("   %d  %s", b.ID, b.Text), p.theme.text}, span{wiref("  held %s", session.Plural(b.Hits, "element")), p.theme.faint})
				}
			} else {
				p.gap()
				p.add(1, span{" b sets a breakpoint: what it matches is held here before it is passed on", p.theme.faint})
			}
			if none := u.options.Control.Unheld(); len(none) > 0 {
				p.heading("Cannot be held")
				for i := range none[:min(len(none), unheldShown)] {
					p.add(5, span{wiref("   session %d: ", none[i].Session), p.theme.strong}, span{wire(none[i].Why), p.theme.text})
				}
				if more := len(none) - unheldShown; more > 0 {
					p.add(5, span{wiref("   … and %s more", session.Plural(more, "session")), p.theme.faint})
				}
			}
		},
	})
}

// unheldShown bounds the sessions of which it is listed that nothing can be held.
const unheldShown = 20

// behindShown bounds what is listed behind a held element.
const behindShown = 8

// heldBlock is a held element with what waits behind it, and, for the chosen one, who waits for it.
func (u *ui) heldBlock(p *textBlock, h *Held, chosen bool) {
	from := len(p.lines)
	p.add(5, slices.Delete(u.heldLine(h), 2, 3)...)
	p.offer(from, func() { u.editHeld(*h) })
	p.add(5, span{"   " + wire(string(u.heldText(h))), p.theme.text})
	if _, kept := u.drafts[h.ID]; kept {
		p.add(5, span{"   ✎ was edited and not sent: e goes on", p.theme.accent})
	}
	if h.SenderEnded {
		p.add(5, span{wiref("   ▲ the %s has closed its side since", h.Dir.Sender()), p.theme.warning})
	}
	if h.ReceiverEnded {
		p.add(5, span{wiref("   ▲ the %s has closed its side since: it may not take this any more", h.Dir.Opposite().Sender()), p.theme.warning})
	}
	for i, b := range h.Behind[:min(len(h.Behind), behindShown)] {
		name := clean("not a whole element")
		if b.Name != "" {
			name = wiref("<%s>", b.Name)
		}
		l := line{{wiref("   behind it %d. ", i+1), p.theme.faint}, {name, p.theme.text}, {wiref(", %s", inspect.Amount(int64(len(b.XML)))), p.theme.faint}}
		if u.reveal {
			l = append(l, span{"  " + wire(string(b.XML)), p.theme.text})
		}
		p.add(7, l...)
	}
	if more := len(h.Behind) - behindShown; more > 0 {
		p.add(5, span{wiref("   … and %d more behind these", more), p.theme.faint})
	}
	if chosen {
		for _, l := range u.waitLines(h, p.width-2) {
			p.lines = append(p.lines, append(line{{"  ", p.theme.text}}, l...))
		}
	}
	p.gap()
}

// passAll lets all go on that is held. What it holds up may be held then.
func (u *ui) passAll() {
	n := 0
	for _, h := range u.held() {
		if u.options.Control.Decide(h.ID, Verb{}) == nil {
			n++
		}
	}
	if n == 0 {
		u.say(notice, "nothing is held")
		return
	}
	u.say(plain, "%s passed on unchanged", session.Plural(n, "element"))
}

// heldText is a held element as it may be shown.
func (u *ui) heldText(h *Held) []byte {
	if u.reveal {
		return h.XML
	}
	return h.Shown
}

// decide decides about a held element.
func (u *ui) decide(h Held, v Verb, said string) {
	if err := u.options.Control.Decide(h.ID, v); err != nil {
		u.say(warning, "%v", err)
		return
	}
	delete(u.drafts, h.ID)
	u.edit = nil
	u.say(plain, "<%s> of session %d %s", h.Name, h.Session, said)
}

// mayEdit says whether an element may be shown to be edited.
func (u *ui) mayEdit(h *Held) bool {
	if !u.reveal && string(h.Shown) != string(h.XML) {
		u.say(warning, "it contains secrets, which are blanked: press r to show them, then edit")
		return false
	}
	return true
}

// sendEdited has an edited element go on, once it is sure that what is not well-formed is meant.
func (u *ui) sendEdited(h Held, xml []byte) {
	u.ifMeant(xml, func() { u.decide(h, Verb{XML: xml}, "was passed on as edited") })
}

// ifMeant does what is to be done with XML; it asks first if that is not well-formed.
func (u *ui) ifMeant(xml []byte, do func()) {
	if len(xml) == 0 {
		u.say(warning, "there is nothing to send: press d to drop an element")
		return
	}
	err := wellFormed(xml)
	if err == nil {
		do()
		return
	}
	u.ask(question{title: wiref("Not well-formed: %v", err), label: "this is not well-formed, and may end the stream:", choices: []choice{
		{'y', "send it as it is", do}, {'n', "do not", func() {}},
	}})
}

// wellFormed says what is wrong with XML between elements of a stream; nil if nothing is.
func wellFormed(text []byte) error {
	const around = "<x xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'>"
	d := xml.NewDecoder(strings.NewReader(around + string(text) + "</x>"))
	for depth := 0; ; {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 1 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("text outside of an element")
			}
		}
		var syntax *xml.SyntaxError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &syntax):
			return errors.New(syntax.Msg)
		case err != nil:
			return err
		}
	}
}

// editOutside edits an element with $EDITOR, byte for byte, and sends what becomes of it.
func (u *ui) editOutside(h Held) {
	if !u.mayEdit(&h) {
		return
	}
	text, ok := u.inEditor(h.XML)
	switch {
	case !ok:
	case !u.stillHeld(&h):
		u.say(warning, "it is no longer held: nothing was sent")
	case string(text) == string(h.XML):
		u.say(plain, "nothing was changed: it is still held")
	default:
		u.sendEdited(h, text)
	}
}

// inEditor gives a text to $EDITOR, and returns what becomes of it.
func (u *ui) inEditor(before []byte) (_ []byte, ok bool) {
	editor := os.Getenv("EDITOR")
	if editor == "" {
		u.say(warning, "$EDITOR is not set: e edits here")
		return nil, false
	}
	name, err := privateFile("element.xml", before)
	if err != nil {
		u.say(failure, "%v", err)
		return nil, false
	}
	defer removePrivate(name)
	u.outside(editor, func(ctx context.Context) *exec.Cmd {
		words := append(strings.Fields(editor), name)
		return exec.CommandContext(ctx, words[0], words[1:]...)
	})
	text, err := os.ReadFile(name)
	if err != nil {
		u.say(failure, "%v", err)
		return nil, false
	}
	if !strings.HasSuffix(string(before), "\n") { // which editors add
		text = []byte(strings.TrimSuffix(string(text), "\n"))
	}
	return text, true
}

// delayHeld asks for how long an element is to wait.
func (u *ui) delayHeld(h Held) {
	u.ask(question{label: "delay it by (such as 2s, 500ms):", done: func(text string) {
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil || d <= 0 || d > 24*time.Hour {
			u.say(warning, "%q is not a duration such as 2s or 500ms", text)
			return
		}
		u.decide(h, Verb{Delay: d}, "will be passed on after "+session.ShortTime(d))
	}})
}

// askBreak asks where elements are to be held.
func (u *ui) askBreak() {
	c := u.options.Control
	if c == nil {
		u.showHeld()
		return
	}
	u.ask(question{
		title: "Breakpoints", label: "hold:", help: func(string) []line {
			out := []line{
				{{" a filter: ", u.theme.faint}, {`name == "message" && dir == "c2s"`, u.theme.text}},
				{{" a step:   ", u.theme.faint}, {"before sasl-success", u.theme.text}},
				{{" -N removes breakpoint N, - removes all", u.theme.faint}},
			}
			for _, b := range c.Breakpoints() {
				out = append(out, line{{wiref(" %d  %s", b.ID, b.Text), u.theme.text}, {wiref("  held %s", session.Plural(b.Hits, "element")), u.theme.faint}})
			}
			return out
		},
		done: func(text string) {
			text = strings.TrimSpace(text)
			if rest, ok := strings.CutPrefix(text, "-"); ok {
				id, err := strconv.Atoi(rest)
				if rest != "" && (err != nil || id < 1) || !c.Unbreak(id) {
					u.say(warning, "there is no breakpoint %q", rest)
					return
				}
				if rest == "" {
					u.say(plain, "all breakpoints removed")
				} else {
					u.say(plain, "breakpoint %d removed", id)
				}
				return
			}
			if text == "" {
				return
			}
			if err := c.Break(text); err != nil {
				u.say(warning, "%v", err)
				return
			}
			if n := len(c.Unheld()); n > 0 {
				u.say(warning, "breakpoint set: %s; nothing can be held of %s under way: H says why", text, session.Plural(n, "session"))
				return
			}
			u.say(plain, "breakpoint set: %s", text)
		},
	})
}

// askInject asks whom something is to be said to, and what.
func (u *ui) askInject() {
	if u.options.Control == nil {
		u.say(warning, "nothing can be sent from here: this inspector only watches")
		return
	}
	c := u.current()
	if c.Ended {
		u.say(warning, "session %d has ended: select one that is still open", c.ID)
		return
	}
	id := c.ID
	to := func(dir session.Dir) func() { return func() { u.askWhat(id, dir) } }
	u.ask(question{title: wiref("Send something in session %d", id), label: "to whom?", choices: []choice{
		{'s', "to the server, as the client", to(session.C2S)}, {'c', "to the client, as the server", to(session.S2C)},
	}})
}

// askWhat asks what to say.
func (u *ui) askWhat(id int, dir session.Dir) {
	u.ask(question{
		title: "Templates", label: "send:", help: func(string) (out []line) {
			for i := range session.Templates {
				t := &session.Templates[i]
				var names []string
				for _, f := range t.Fields {
					names = append(names, f.Name+"=")
				}
				out = append(out, line{{wire(" " + t.Name + " " + strings.Join(names, " ")), u.theme.text}, {wire("  " + t.What), u.theme.faint}})
			}
			return append(out, line{{" or XML, or @FILE", u.theme.faint}})
		},
		done: func(text string) {
			xml, err := spoken(text)
			if err != nil {
				u.say(warning, "%v", err)
				return
			}
			u.ifMeant(xml, func() { u.inject(id, dir, xml) })
		},
	})
}

// fileMax bounds a file that is said.
const fileMax = 1 << 20

// spoken is what a person has typed to be said: XML, @FILE, or a template with its fields.
func spoken(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "<") {
		return []byte(text), nil
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular() || info.Size() > fileMax:
			return nil, fmt.Errorf("%s is no file of at most 1 MB", name)
		}
		return os.ReadFile(name)
	}
	words, err := wordsOf(text)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	t, err := session.FindTemplate(words[0])
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no field: write name=value", w)
		}
		values[name] = value
	}
	return t.Fill(values)
}

// wordsOf are the words of a line; what stands in double quotes is one word.
func wordsOf(text string) (out []string, err error) {
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case r == ' ' && !quoted:
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quoted {
		return nil, errors.New(`a " is missing`)
	}
	if begun {
		out = append(out, word.String())
	}
	return out, nil
}

// answerTime is how long an answer is waited for, to be told of on the last line.
const answerTime = 30 * time.Second

// inject says something in a session, and tells of the answer when it comes.
func (u *ui) inject(id int, dir session.Dir, xml []byte) {
	reply := make(chan []byte, 1)
	if err := u.options.Control.Inject(id, dir, xml, reply); err != nil {
		u.say(warning, "%v", err)
		return
	}
	u.say(plain, "sent in session %d; an answer is shown here and not passed on", id)
	var answer []byte
	u.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		select {
		case answer = <-reply:
		case <-ctx.Done():
		}
	}, func(context.Context) {
		if answer != nil {
			u.say(plain, "answered: %s", answer)
			u.flash.good = true
		}
	})
}

// sayAgain sends the marked stanzas once more, or the one that is selected.
func (u *ui) sayAgain() {
	if u.options.Control == nil {
		u.say(warning, "nothing can be sent from here: this inspector only watches")
		return
	}
	var indexes []int
	for i := range u.marks {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	if len(indexes) == 0 {
		if _, i := u.event(); i >= 0 {
			indexes = []int{i}
		}
	}
	n := 0
	for _, i := range indexes {
		e := u.events.At(i)
		if _, element := e.Body.(session.StreamElement); !element || e.Truncated || e.Redacted || !inspect.IsStanza(e) {
			continue
		}
		if err := u.options.Control.Inject(e.Session, e.Dir, e.Raw, nil); err != nil {
			u.say(warning, "%v", err)
			return
		}
		n++
	}
	if n == 0 {
		u.say(warning, "the selected event is not a whole stanza, so it cannot be sent again")
		return
	}
	u.say(plain, "%s sent again", session.Plural(n, "stanza"))
}
