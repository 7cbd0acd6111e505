package tomlfile

import "strings"

// maxDepth bounds how deep keys and values may lie in one another. No file of ours needs more
// than four levels, and what the parser takes for a file grows with the cube of its depth.
const maxDepth = 30

// tooDeep is the line on which something lies too deep, 0 if there is none. It reads no more
// of TOML than where texts and comments are. What is wrong is found by the parser, which
// comes no further than that.
func tooDeep(text string) int {
	line, dots, brackets := 1, 0, 0
	for len(text) > 0 {
		quote := ""
		for _, q := range []string{`"""`, "'''", `"`, "'"} {
			if strings.HasPrefix(text, q) {
				quote = q
				break
			}
		}
		if quote != "" {
			n := textLen(text, quote)
			line += strings.Count(text[:n], "\n")
			text = text[n:]
			continue
		}
		switch text[0] {
		case '#':
			if end := strings.IndexByte(text, '\n'); end > 0 {
				text = text[end:]
				continue
			}
			return 0
		case '.':
			dots++
		case '[', '{':
			brackets++
			dots = 0
		case ']', '}':
			brackets = max(brackets-1, 0)
			dots = 0
		case '\n':
			line++
			dots = 0
		case '=', ',':
			dots = 0
		}
		if dots > maxDepth || brackets > maxDepth {
			return line
		}
		text = text[1:]
	}
	return 0
}

// textLen is how long a text in quotes is, with them.
func textLen(text, quote string) int {
	for at := len(quote); at < len(text); at++ {
		switch {
		case text[at] == '\\' && quote[0] == '"':
			at++
		case text[at] == '\n' && len(quote) == 1: // it has no end
			return at
		case strings.HasPrefix(text[at:], quote):
			at += len(quote)
			for len(quote) == 3 && at < len(text) && text[at] == quote[0] { // they may be part of the text
				at++
			}
			return at
		}
	}
	return len(text)
}
