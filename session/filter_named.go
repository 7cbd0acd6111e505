package session

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// CommonFilters are filters that everybody has, by their names.
var CommonFilters = []NamedFilter{
	{"errors", `severity == "error" || type == "error" || condition != ""`},
	{"slow", "rtt > 200"},
	{"messages", `name == "message"`},
	{"presence", `name == "presence"`},
}

// NamedFilter is a filter that has a name.
type NamedFilter struct{ Name, Expr string }

// Naming puts filters in the places where an expression names them, as NameFilters does; nil
// knows CommonFilters alone.
type Naming func(source string) (string, error)

// Put puts them there.
func (n Naming) Put(source string) (string, error) {
	if n == nil {
		return NameFilters(source, nil)
	}
	return n(source)
}

// Compile is CompileFilter of what it makes of an expression.
func (n Naming) Compile(source string) (func(*Event) bool, error) {
	source, err := n.Put(source)
	if err != nil {
		return nil, err
	}
	return CompileFilter(source)
}

// maxNested bounds how deep filters name each other.
const maxNested = 8

// NameFilters puts filters in the places where an expression names them: @name, or @"a name"
// with blanks in it; CommonFilters have names unless others have them. The error for a name that
// none has says which is nearest.
func NameFilters(source string, named map[string]string) (string, error) {
	if !strings.Contains(source, "@") {
		return source, nil
	}
	all := map[string]string{}
	for _, f := range CommonFilters {
		all[f.Name] = f.Expr
	}
	maps.Copy(all, named)
	return nameFilters(source, all, 0)
}

func nameFilters(source string, named map[string]string, depth int) (string, error) {
	var out strings.Builder
	for rest := source; rest != ""; {
		i := strings.IndexAny(rest, "\"'`@")
		if i < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		rest = rest[i:]
		if rest[0] != '@' {
			n := quotedLength(rest)
			out.WriteString(rest[:n])
			rest = rest[n:]
			continue
		}
		name, n := filterName(rest[1:])
		rest = rest[1+n:]
		expr, known := named[name]
		switch {
		case !known:
			return "", noFilter(name, named)
		case depth == maxNested:
			return "", fmt.Errorf("the filter @%s names itself, or others that are nested too deep", name)
		}
		expr, err := nameFilters(expr, named, depth+1)
		if err != nil {
			return "", err
		}
		if out.Len()+len(expr) > maxFilter {
			return "", fmt.Errorf("with @%s the filter has more than %d bytes", name, maxFilter)
		}
		out.WriteString("(" + expr + ")")
	}
	return out.String(), nil
}

// quotedLength is how long the text is that s begins with, with its quotes.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// filterName is the name that s begins with, and how much of s it takes.
func filterName(s string) (string, int) {
	if strings.HasPrefix(s, `"`) || strings.HasPrefix(s, `'`) {
		n := quotedLength(s)
		return strings.Trim(s[:n], s[:1]), n
	}
	n := strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.'
	})
	if n < 0 {
		n = len(s)
	}
	return s[:n], n
}

func noFilter(name string, named map[string]string) error {
	known := slices.Sorted(maps.Keys(named))
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("there is no filter @%s: did you mean @%s?", name, atName(near))
	}
	for i := range known {
		known[i] = "@" + atName(known[i])
	}
	return fmt.Errorf("there is no filter @%s: there are %s", name, strings.Join(known, ", "))
}

// atName is a name as it stands behind @.
func atName(name string) string {
	if _, n := filterName(name); n < len(name) {
		return `"` + name + `"`
	}
	return name
}
