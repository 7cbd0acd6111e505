package expect

import (
	"strings"
)

// locate finds the lines on which keys and tables stand, by their path. It reads
// lines, not TOML: the file has been parsed already, and the parser does not tell.
func locate(text string) map[string]int {
	at := map[string]int{}
	table, n := "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ := strings.Cut(strings.TrimPrefix(rest, "["), "]")
			table = plainKey(name)
			first(at, table, n)
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
		first(at, path, n)
	}
	return at
}

func first(at map[string]int, path string, n int) {
	if _, known := at[path]; !known {
		at[path] = n
	}
}

// plainKey takes quotes and spaces out of a key.
func plainKey(key string) string {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(p), `"'`)
	}
	return strings.Join(parts, ".")
}
