package viewer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// key is a key that can be pressed: a character, or one with a name.
type key struct {
	code tcell.Key
	char rune // of tcell.KeyRune
}

// digits stands for the keys 1 to 9 in a list of keys.
const digits = "1…9"

// keyNames are the keys that are no characters, by their names in lower case, and how those
// are written.
var keyNames, keyWords = func() (map[string]key, map[key]string) {
	names, words := map[string]key{}, map[key]string{}
	own := map[tcell.Key]string{tcell.KeyBacktab: "Shift-Tab", tcell.KeyBackspace2: "Backspace"} // what most terminals send for it
	for code, name := range tcell.KeyNames {
		if other, ok := own[code]; ok {
			name = other
		}
		k := key{code: code}
		names[strings.ToLower(name)], words[k] = k, name
	}
	names["space"], words[key{tcell.KeyRune, ' '}] = key{tcell.KeyRune, ' '}, "Space"
	return names, words
}()

// parseKey reads the name of a key, as the help writes it: "x", "Space", "F3", "Ctrl-F".
func parseKey(name string) (key, error) {
	if r, n := utf8.DecodeRuneInString(name); n == len(name) && r != utf8.RuneError && r > ' ' {
		return key{tcell.KeyRune, r}, nil
	}
	if k, ok := keyNames[strings.ToLower(name)]; ok {
		return k, nil
	}
	if near := session.Nearest(strings.ToLower(name), slices.Sorted(maps.Keys(keyNames))); near != "" {
		return key{}, fmt.Errorf("there is no key %q: did you mean %s?", name, keyNames[near])
	}
	return key{}, fmt.Errorf("there is no key %q: want a character, or a name such as Space, F3, Ctrl-F", name)
}

// parseKeys reads a list of keys with blanks between them.
func parseKeys(list string) ([]key, error) {
	var out []key
	for _, name := range strings.Fields(list) {
		if name == digits {
			for r := '1'; r <= '9'; r++ {
				out = append(out, key{tcell.KeyRune, r})
			}
			continue
		}
		k, err := parseKey(name)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// String is the name of a key.
func (k key) String() string {
	if name, ok := keyWords[k]; ok {
		return name
	}
	return string(k.char)
}

// keyOf is the key of an event.
func keyOf(event *tcell.EventKey) key {
	if event.Key() == tcell.KeyRune {
		return key{tcell.KeyRune, event.Rune()}
	}
	return key{code: event.Key()}
}

// labelOf is how a list of keys is called in the help.
func labelOf(list string) string {
	label := strings.Join(strings.Fields(list), ", ")
	if strings.HasPrefix(label, ",") {
		label = ", (comma)" + strings.TrimPrefix(label, ",")
	}
	return strings.ReplaceAll(label, digits, "1 … 9")
}
