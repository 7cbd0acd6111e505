package viewer

import (
	"context"
	"errors"
	"maps"
	"testing"

	"xmppscope/session"
)

// filters is an inspector with some filters of earlier runs; what it keeps is in the map and
// the list.
func filters(t *testing.T, w, h int) (b *bench, used *[]string, saved map[string]string) {
	used, saved = new([]string), map[string]string{"ghosts": `payload == "jabber:iq:roster"`}
	o := Options{CompileFilter: session.CompileFilter, Memory: Memory{
		Filters: []string{`name == "iq"`, `type == "error"`}, Saved: maps.Clone(saved),
		Used: func(expr string) error { *used = append(*used, expr); return nil },
		Save: func(name, expr string) error {
			if name == "full" {
				return errors.New("no space left on device")
			}
			saved[name] = expr
			return nil
		},
	}}
	return newBench(t, w, h, o), used, saved
}

// TestFilterHistory: Up brings what was used before, in this run and in those before.
func TestFilterHistory(t *testing.T) {
	b, used, _ := filters(t, 100, 40)
	b.play(chats(1)).press("Fseq < 9<Enter>").has("filter: seq < 9", "1/8 of 14")
	b.press("F").has("Filter · 8 of 14 events").press("<Up>").has(`filter: type == "error"`).press("<Up>").has(`filter: name == "iq"`).press("<Up><Up>").has(`filter: name == "iq"`)
	b.press("<Down><Down><Down>").has("filter: seq < 9").press("<Down>").has("filter: seq < 9").press("<Esc>")
	b.press(`F<CtrlU>name == "iq"<Enter>F<CtrlU><Up>`).has(`filter: name == "iq"`).press("<Up>").has("filter: seq < 9").press("<Esc>")
	if len(*used) != 2 || (*used)[0] != "seq < 9" || (*used)[1] != `name == "iq"` {
		t.Errorf("remembered: %q", *used)
	}
	var m Memory
	for i := range historyKept + 5 {
		m.Remember(string(rune('a' + i%historyKept)))
	}
	m.Remember("b")
	if n := len(m.Filters); n != historyKept || m.Filters[n-1] != "b" {
		t.Errorf("%d filters are remembered, the last is %s", n, m.Filters[n-1])
	}
}

// TestPresets: a digit brings one, as long as nothing else was typed.
func TestPresets(t *testing.T) {
	b, _, _ := filters(t, 100, 40)
	b.play(chats(1)).press("v6<Enter>F").has("1 errors  2 slow  3 messages  4 presence  5 this contact  6 ghosts")
	b.press("3").has(`filter: name == "message"`).press("5").has(`filter: bare == "carol@example.net"`).press("9").has(`carol@example.net"9`).press("<Esc>")
	b.press("F6<Enter>").has("payload ==").press("F1").has("severity == ").press("<Esc>")
	b.press("F<CtrlU>seq > 5").has("filter: seq > 5").press("<Esc>")
	b.press(":filter mess<Enter>").has(`filter: name == "message"`) // and by name
	b, _, _ = filters(t, 100, 40)
	b.press("F").has("4 presence  5 ghosts").lacks("this contact")
}

// TestSaveFilter by a name, and forget it.
func TestSaveFilter(t *testing.T) {
	b, _, saved := filters(t, 80, 24)
	b.play(chats(1)).press("Fseq < 9<CtrlS>").has("save as:", "ghosts").press("mine<Enter>").has("✓ saved as mine", "filter: seq < 9", " mine").press("<Enter>")
	if saved["mine"] != "seq < 9" {
		t.Errorf("saved: %q", saved)
	}
	b.press("F<CtrlU>seq <<CtrlS>").has("✗ it ends where something is missing").lacks("save as:").press("<CtrlU>seq<CtrlS>").has("✗").press("<Esc>")
	b.press("F<CtrlS>full<Enter>").has("✗ it could not be saved: no space left").press("<CtrlS><Enter>").has("filter: seq < 9").press("<CtrlS><Esc>").has("filter: seq < 9")
	b.press("<CtrlU><CtrlS>").has("delete which?").press("none<Enter>").has("✗ no filter is called none").press("<CtrlS>mine<Enter>").has("✓ mine was deleted").press("<Esc>")
	if saved["mine"] != "" {
		t.Errorf("saved: %q", saved)
	}
	newBench(t, 80, 24, Options{CompileFilter: session.CompileFilter}).press("Fseq<CtrlS>").has("filters cannot be saved here")
}

// TestCompleteValues: those of the rows round the selected one, that one's first.
func TestCompleteValues(t *testing.T) {
	b, _, _ := filters(t, 100, 40)
	b.play(chats(1)).press(`v6<Enter>Fbare == "`).has("Tab: carol@example.net nosuch.example").press("c<Tab>").has(`filter: bare == "carol@example.net"`).press("<Enter>").has("1/1 of 14")
	b.press("F<CtrlU>s").has("Tab: session seq step severity").press("<Esc>")
}

// TestFilterProgress: how far it has come.
func TestFilterProgress(t *testing.T) {
	b, _, _ := filters(t, 120, 40)
	b.play(chats(1))
	b.ui.setFilter("seq > 0", func(*session.Event) bool { return true })
	b.ui.fed = 10
	b.has("▓▓▓▓▓░░ 71 %").pull()
	b.lacks("%").has("1/14 of 14")
}

// TestOnlyThisNamespace: that of the payload, or else of the element.
func TestOnlyThisNamespace(t *testing.T) {
	b, _, _ := filters(t, 100, 40)
	b.play(chats(1)).press("v9<Enter>U").has("only this namespace", `payload == "jabber:iq:roster"`)
	if n := b.ui.current().Rows.Len(); n != 2 {
		t.Errorf("%d rows", n)
	}
	b.press("F<CtrlU><Enter>").press("v1<Enter>U").has("#1 has no namespace")
}

// TestAFilterThatCannotBeRemembered is used all the same.
func TestAFilterThatCannotBeRemembered(t *testing.T) {
	b := newBench(t, 100, 40, Options{CompileFilter: session.CompileFilter, Memory: Memory{Used: func(string) error { return context.DeadlineExceeded }}})
	b.play(chats(1)).press("Fseq < 3<Enter>").has("the filter will not be remembered", "1/2 of 14")
}
