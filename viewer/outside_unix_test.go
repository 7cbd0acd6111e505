//go:build unix

package viewer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// outsiders is an inspector that can lend its terminal, and commands for it.
func outsiders(t *testing.T, commands ...Command) (b *bench, lent *[]bool) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	lent = new([]bool)
	s := Settings{Commands: commands}
	if err := s.Check(func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	o := Options{Settings: s}
	o.Lend = func(on bool) { *lent = append(*lent, on) }
	return newBench(t, 100, 40, o), lent
}

// injecting is a session with a contact whose name is a command.
func injecting() *script {
	s := chats(1)
	s.events = s.events[:0]
	s.element(0, session.S2C, "<message from=';touch x' type='$(touch y)' id='`touch z`&#10;&#27;[31m'><body>'; touch w; '\"</body></message>", "says")
	return s
}

// TestOwnCommands: what comes from the wire reaches a command in variables and in a file that
// is private and gone afterwards, and never as a part of the command.
func TestOwnCommands(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	show := `printf '%s|%s|%s|%s\n' "$JID" "$TYPE" "$ID" "$BODY"; ls -l "$FILE" | cut -c1-10; ls -ld "$(dirname "$FILE")" | cut -c1-10; cat "$FILE"; echo; echo "$FILE" > where`
	b, lent := outsiders(t, Command{Name: "show it", Key: "X", Run: show, Show: showPage}, Command{Name: "take it", Key: "Y", Run: `printf '%s' "$JID" > taken`}, Command{Name: "quietly", Run: "exit 3", Show: showNothing})
	b.play(injecting()).press("X").has(";touch x|$(touch y)|`touch z`", "-rw-------", "drwx------", "<message from=';touch x'")
	b.press("<Esc>Y")
	if text, err := os.ReadFile("taken"); err != nil || string(text) != ";touch x" {
		t.Errorf("the command got %q, %v", text, err)
	}
	if !slices.Equal(*lent, []bool{true, false}) {
		t.Errorf("lent: %v", *lent)
	}
	var left []string
	for e := range maps.Keys(filesIn(t, dir)) {
		left = append(left, e)
	}
	slices.Sort(left)
	if !slices.Equal(left, []string{"taken", "where"}) {
		t.Errorf("the commands have made %q", left)
	}
	where, err := os.ReadFile("where")
	if _, gone := os.Stat(strings.TrimSpace(string(where))); err != nil || !errors.Is(gone, os.ErrNotExist) {
		t.Errorf("%s is still there: %v, %v", where, gone, err)
	}
	if n := len(filesIn(t, os.Getenv("TMPDIR"))); n != 0 {
		t.Errorf("%d folders are left", n)
	}
	b.press(":quietly<Enter>").has("quietly: exit status 3").press("?").has("show it", "take it").press("?")
	b.press(":show").has("runs printf '%s|%s")
	outside, _ := outsiders(t, Command{Name: "x", Key: "X", Run: "true"})
	outside.press("X").has("there is no event yet")
	outside.play(injecting())
	outside.ui.suspend = nil
	outside.press("X").has("the terminal cannot be handed to x")
}

func filesIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, e := range entries {
		out[e.Name()] = true
	}
	return out
}

// TestCommandsGetNoSecrets unless they are on the screen.
func TestCommandsGetNoSecrets(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("OUT", filepath.Join(dir, "out"))
	b, _ := outsiders(t, Command{Name: "dump", Key: "X", Run: `cat "$FILE" > "$OUT"; env >> "$OUT"`})
	for _, clear := range []bool{false, true} {
		if clear {
			b.press("r")
		} else {
			b.play(login(1)).press("/logs in<Enter>")
		}
		b.press("X")
		text, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil || strings.Contains(string(text), plainPayload) != clear || !strings.Contains(string(text), "SEQ=") {
			t.Errorf("revealed %v: %v\n%s", clear, err, text)
		}
	}
}

// program makes a program that copies what it is given, with the rights of that, and keeps its
// own arguments.
func program(t *testing.T) (path, out string) {
	t.Helper()
	dir := t.TempDir()
	path, out = filepath.Join(dir, "my program"), filepath.Join(dir, "out")
	script := "#!/bin/sh\nfor last; do :; done\nls -l \"$last\" | cut -c1-10 > '" + out + "'\nls -ld \"$(dirname \"$last\")\" | cut -c1-10 >> '" + out + "'\necho \"$last\" >> '" + out + "'\ncat \"$last\" >> '" + out + "'\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, out
}

// TestOpenInOtherPrograms: what is selected, in a private file that is gone afterwards.
func TestOpenInOtherPrograms(t *testing.T) {
	path, out := program(t)
	for _, name := range []string{"PAGER", "VISUAL"} {
		t.Setenv(name, "'"+path+"' -x")
	}
	t.Setenv("WIRESHARK", path)
	t.Setenv("BROWSER", path)
	t.Setenv("TMPDIR", t.TempDir())
	var w written
	b := newBench(t, 100, 40, exporting(&w)).play(login(1)).press("/logs in<Enter>")
	b.ui.options.Export = func(_ context.Context, path string, o ExportOptions, events iter.Seq[session.Event]) error {
		n := 0
		for range events {
			n++
		}
		return os.WriteFile(path, fmt.Appendf(nil, "%d events, reveal %v, redact %v", n, o.Reveal, o.Redact), 0o600)
	}
	for _, c := range []struct{ keys, ext, want string }{
		{"|p", ".txt", "logs in"}, {"|e", ".xml", "<auth "}, {"|w", ".pcapng", "26 events"}, {"|b", ".html", "reveal false"},
		{":open-pager<Enter>", ".txt", "logs in"}, {"r|e", ".xml", plainPayload},
	} {
		b.press(c.keys)
		text, err := os.ReadFile(out)
		lines := strings.SplitN(string(text), "\n", 4)
		if err != nil || len(lines) < 4 || lines[0] != "-rw-------" || lines[1] != "drwx------" || !strings.HasSuffix(lines[2], c.ext) || !strings.Contains(lines[3], c.want) || strings.Contains(lines[3], plainPayload) != (c.want == plainPayload) {
			t.Errorf("%s: %v\n%s", c.keys, err, text)
		}
		os.Remove(out)
		if n := len(filesIn(t, os.Getenv("TMPDIR"))); n != 0 && c.ext != ".html" {
			t.Errorf("%s: %d folders are left", c.keys, n)
		}
		b.ui.tidy()
	}
	if n := len(filesIn(t, os.Getenv("TMPDIR"))); n != 0 {
		t.Errorf("%d folders are left at the end", n)
	}
	t.Setenv("WIRESHARK", "./none") // short, so that the reason is not cut off
	b.press("|w").has("Wireshark: ", "no such file")
	newBench(t, 100, 40, Options{}).press("|w").has("exporting is not available").press("|p").has("there is no event yet")
}
