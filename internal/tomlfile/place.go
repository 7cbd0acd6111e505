package tomlfile

import (
	"fmt"
	"strings"
)

// Place is where something stands in a text; both count from 1.
type Place struct{ Line, Column int }

// Places are those of keys and tables by their path: "login.outcome". The tables of
// [[command]] are "command.0", "command.1", and "command" is the first of them.
type Places map[string]Place

// Of is where a key stands, or else the table that it stands in: keys of an inline table are
// on its line. It is zero if nothing on the way is known.
func (at Places) Of(path string) Place {
	for path != "" && at[path].Line == 0 {
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
	return at[path]
}

// locate finds the places in a text: the parser tells that only of what is not well-formed.
// It reads lines, not TOML: the text has been parsed already.
func locate(text string) Places {
	at := Places{}
	first := func(path string, place Place) {
		if _, known := at[path]; !known {
			at[path] = place
		}
	}
	table, n, counts := "", 0, map[string]int{}
	for line := range strings.Lines(text) {
		n++
		place := Place{n, 1 + len([]rune(line)) - len([]rune(strings.TrimLeft(line, " \t")))}
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "["); ok {
			one, many := strings.CutPrefix(rest, "[")
			name, _, _ := strings.Cut(one, "]")
			table = plainKey(name)
			first(table, place)
			if many {
				counts[table]++
				table = fmt.Sprintf("%s.%d", table, counts[table]-1)
				first(table, place)
			}
			continue
		}
		key, _, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		path := plainKey(key)
		if table != "" {
			path = table + "." + path
		}
		first(path, place)
	}
	return at
}

// plainKey takes quotes and spaces out of a key.
func plainKey(key string) string {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(p), `"'`)
	}
	return strings.Join(parts, ".")
}
