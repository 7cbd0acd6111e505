package viewer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/session"
)

// edit is a held element that is being edited, over the panes.
type edit struct {
	held Held
	came string // as it came
	area *tview.TextArea
}

// editable is XML as it can be shown and edited. What must not reach a terminal is written as
// a character reference, which means the same; ok is false for bytes that are no text.
func editable(xml string) (_ string, ok bool) {
	var b strings.Builder
	marks := 0
	for _, r := range xml {
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case session.SafeLine(string(r)) != string(r), invisible(r), r == joiner, marks > maxMarks:
			fmt.Fprintf(&b, "&#x%x;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), utf8.ValidString(xml)
}

// editHeld opens the editor on an element, with what was typed the last time.
func (u *ui) editHeld(h Held) {
	if !u.mayEdit(&h) {
		return
	}
	came, ok := editable(string(h.XML))
	if !ok {
		u.say(warning, "it contains bytes that are not text: E edits it in $EDITOR, byte for byte")
		return
	}
	e := &edit{held: h, came: came, area: tview.NewTextArea().SetWordWrap(false)}
	e.area.SetTextStyle(u.theme.text).SetSelectedStyle(u.theme.selected).SetBackgroundColor(tcell.ColorDefault)
	e.area.Focus(func(tview.Primitive) {})
	text := came
	if draft, kept := u.drafts[h.ID]; kept {
		text = draft
	}
	e.area.SetText(text, false)
	u.edit = e
}

// editKey takes a key while an element is being edited.
func (u *ui) editKey(event *tcell.EventKey) {
	e := u.edit
	text := e.area.GetText()
	switch event.Key() {
	case tcell.KeyEscape:
		delete(u.drafts, e.held.ID)
		switch {
		case !u.stillHeld(&e.held):
			u.say(warning, "it is no longer held: nothing was sent")
		case text != e.came:
			u.drafts[e.held.ID] = text
			u.say(notice, "it is still held; e goes on with what was typed")
		}
		u.edit = nil
	case tcell.KeyCtrlR:
		e.area.SetText(e.came, false)
	case tcell.KeyCtrlO:
		if edited, ok := u.inEditor([]byte(text)); ok {
			if shown, isText := editable(string(edited)); isText {
				e.area.SetText(shown, false)
			} else {
				u.say(warning, "what came back contains bytes that are not text, and was left out")
			}
		}
	case tcell.KeyCtrlS:
		if text == e.came { // whatever cannot be shown in it
			u.decide(e.held, Verb{}, "was passed on unchanged")
		} else {
			u.sendEdited(e.held, []byte(text))
		}
	default:
		e.area.InputHandler()(event, func(tview.Primitive) {})
	}
}

// editPaste puts pasted text where the cursor stands.
func (u *ui) editPaste(text string) {
	shown, _ := editable(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n"))
	u.edit.area.PasteHandler()(shown, func(tview.Primitive) {})
}

// editHint is what the keys do, on the last line.
const editHint = "Ctrl-S send  Ctrl-O $EDITOR  Ctrl-R as it came  Esc back, the text is kept"

// drawEdit draws the editor: who waits meanwhile, the text, and what is wrong with it.
func (u *ui) drawEdit(screen tcell.Screen, at rect) {
	e := u.edit
	box := pane{rect: at, caption: func(int) line {
		return line{{wiref("Edit <%s> · session %d, %s", e.held.Name, e.held.Session, wayOf(e.held.Dir)), u.theme.focused}}
	}}
	box.drawTitle(screen, &u.theme, true)
	y, end := at.y+1, at.y+at.h-1
	held := u.stillHeld(&e.held)
	if held {
		for _, l := range u.waitLines(&e.held, at.w) {
			if end-y > minBody {
				l.fit(at.w).put(screen, at.x, y, at.w, asIs)
				y++
			}
		}
	}
	e.area.SetRect(at.x+1, y, at.w-2, max(1, end-y))
	e.area.Draw(screen)
	said := line{{" ✓ well-formed", u.theme.good}}
	switch text := e.area.GetText(); {
	case !held:
		said = line{{" ▲ no longer held: its session has ended, or somebody else decided", u.theme.warning}}
	case text == e.came:
		said = line{{" as it came", u.theme.faint}}
	case strings.TrimSpace(text) == "":
		said = line{{" ▲ nothing is left: d drops an element", u.theme.warning}}
	default:
		if err := wellFormed([]byte(text)); err != nil {
			said = line{{wiref(" ▲ not well-formed: %v; it can be sent all the same", err), u.theme.warning}}
		}
	}
	said.fit(at.w).put(screen, at.x, end, at.w, asIs)
}
