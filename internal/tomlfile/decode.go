// Package tomlfile reads TOML (https://toml.io) that a person has written, and says where in it
// something is wrong.
package tomlfile

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// Problem is what is wrong with a text, and where; the place is zero if it is the text as a whole.
type Problem struct {
	Place
	Text string
}

// Decode reads a text into v as toml.Decode does, and tells the places of what stands in it.
// The problem is nil if nothing is wrong.
func Decode(text string, v any) (toml.MetaData, Places, *Problem) {
	if line := tooDeep(text); line > 0 {
		return toml.MetaData{}, nil, &Problem{Place{line, 1}, fmt.Sprintf("something lies more than %d levels deep", maxDepth)}
	}
	meta, err := toml.Decode(text, v)
	at := locate(text)
	if err != nil {
		return meta, at, at.Problem(err)
	}
	return meta, at, nil
}

// wrongType is how the parser tells of a value that is of another type than its key wants.
var wrongType = regexp.MustCompile(`^toml: line \d+ \(last key "([^"]*)"\): (.*)`)

// Problem is an error of the parser; also one that comes later, of toml.MetaData.PrimitiveDecode.
func (at Places) Problem(err error) *Problem {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		text := cmp.Or(strings.TrimSuffix(syntax.Message, "."), "something is wrong after "+syntax.LastKey)
		if strings.HasPrefix(text, "Key ") { // its one sentence that is none of ours
			text = "k" + text[1:]
		}
		return &Problem{Place{syntax.Position.Line, syntax.Position.Col}, text}
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		return &Problem{at.Of(m[1]), m[1] + ": " + inWords(m[2])}
	}
	return &Problem{Text: strings.TrimPrefix(err.Error(), "toml: ")}
}

// types are how a person calls the types of values, by what the parser's names begin with.
var types = []struct{ name, word string }{
	{"string", `a text in quotes`}, {"primitive", `a text in quotes`}, {"int", "a whole number"}, {"float", "a number such as 0.5"}, {"bool", "true or false"},
	{"slice", "a list"}, {"[]", "a list"}, {"map", "a table"}, {"time", "a time"},
}

var incompatible = regexp.MustCompile(`^incompatible types: TOML value has type (\S+); destination has type (.+)$`)

// inWords says what was wanted, and what stands there.
func inWords(said string) string {
	m := incompatible.FindStringSubmatch(said)
	if m == nil {
		return said
	}
	word := func(name string) string {
		for _, t := range types {
			if strings.HasPrefix(name, t.name) {
				return t.word
			}
		}
		return name
	}
	return fmt.Sprintf("want %s, not %s", word(m[2]), word(m[1]))
}
