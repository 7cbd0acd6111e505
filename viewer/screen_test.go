package viewer

import (
	"testing"

	"xmppscope/session"
)

// TestScreens compares whole screens in the two sizes that matter most.
func TestScreens(t *testing.T) {
	where := map[bool]string{true: "127.0.0.1:5222 → xmpp.example.net:5222"}
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"200x50", 200, 50}} {
		t.Run(size.name, func(t *testing.T) {
			fresh := func(live bool) *bench {
				return newBench(t, size.w, size.h, Options{Live: live, Start: startLines, Where: where[live]})
			}
			golden := func(b *bench, name string) { b.golden(name + "-" + size.name) }

			b := fresh(true)
			golden(b, "start")
			golden(b.play(login(1)), "first-client")
			golden(b.press("g/logs in<Enter>"), "auth")
			golden(b.press("r"), "auth-revealed")
			golden(b.press("rh"), "auth-hex")
			golden(b.press("x<Enter>"), "auth-raw-zoomed")
			golden(b.press("<Esc>xg/tls:established<Enter>"), "tls")
			golden(b.press("?"), "help")
			golden(b.press("i"), "setup-again")
			golden(b.press("i:fi"), "palette")
			b.press("<Esc>")

			b = fresh(false).play(login(1), refused(2), distrust(3))
			golden(b, "opened")
			golden(b.press("]G"), "closed")
			golden(b.press("kkk"), "refused")
			golden(b.press("]G"), "distrust")
			golden(b.press("[[wtts"), "list-toggled")
			golden(fresh(false), "empty")

			b = fresh(false).play(chats(1))
			golden(b.press("v9<Enter>"), "stanzas")
			golden(b.press("oP"), "stanzas-by-rtt")

			golden(b.press("C"), "columns")

			b = newBench(t, size.w, size.h, Options{Live: true, CompileFilter: session.CompileFilter, Tasks: tasks}).play(login(1), refused(2))
			golden(b, "lesson")
			golden(b.press("!L"), "lesson-wrong")
			golden(b.press("VL"), "lesson-answer")
			b.press("<Esc>")

			b = newBench(t, size.w, size.h, Options{CompileFilter: session.CompileFilter, Memory: Memory{
				Filters: []string{`type == "error"`}, Saved: map[string]string{"ghosts": `payload == "jabber:iq:roster"`},
			}}).play(chats(1)).press("v6<Enter>F3<Enter>")
			golden(b, "filtered")
			golden(b.press("F"), "filter")
			b.press("<Esc>")

			b = fresh(false).play(login(1), refused(2), distrust(3))
			golden(b.press("l"), "findings")
			golden(b.press("lj<Enter>"), "findings-places")
			golden(b.press("<Esc>]G<Enter>"), "summary")

			b = fresh(false).play(login(1), refused(2), chats(3))
			golden(b.press("TT"), "statistics")
			golden(b.press("vvooooo"), "statistics-by-peer")

			b = fresh(false).play(login(1), refused(2), distrust(3))
			golden(b.press("gzjj"), "folded")
			golden(b.press("]Z"), "folded-all")

			b = fresh(false).play(login(1), refused(2))
			b.press("13<Enter>").press("awhy PLAIN, not SCRAM?<Enter>").press("m25<Enter>").press("m13<Enter>")
			golden(b, "note")
			golden(b.press("A"), "notes")

			b = fresh(false).play(fielded())
			golden(b.press("13<Enter>").press(">"), "field")
			golden(b.press(">h<Enter>"), "field-hex")

			b = fresh(false).play(resuming()...)
			golden(b.press("S"), "sessions")
			golden(b.press("Fysong !failed<Enter>o"), "sessions-sorted")
			golden(b.press("F<CtrlU><Enter><Esc>[[[[}}{"), "story")
		})
	}
}
