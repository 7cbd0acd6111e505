package decode

import (
	"maps"
	"slices"
	"strings"
)

// secretNoun is a word that says what a name stands for, if it is the last of the name:
// an "x-session-token" is a token, a "token-type" is none.
type secretNoun struct {
	word, kind string
	letters    uint32
}

// SecretKinds are those words, by the kind of secret; "-" stands where one may be written
// in two. They are looked for in names of elements, attributes and fields, in texts and in
// what could not be read.
var SecretKinds = []struct{ Kind, Words string }{
	{"password", "password passwd pass-phrase pass-code pwd passwort kennwort"},
	{"secret", "secret"},
	{"token", "token tokens jwt bearer api-key access-key auth-key session-key"},
	{"private key", "private-key secret-key shared-key master-key signing-key encryption-key stored-key server-key"},
	{"credentials", "credential credentials authorization cookie cookies"},
}

// wholeNames are too short to be looked for at the end of another.
var wholeNames = map[string]string{
	"pass": "password", "pw": "password", "pin": "password", "otp": "password", "totp": "password", "ha1": "digest",
}

// afterNouns are words that may follow the one that matters: a "password-verify" is a
// password, and so is what was made of one.
var afterNouns = []string{
	"verify", "confirm", "confirmation", "repeat", "again", "new", "old", "hash", "value", "text", "string",
	"md", "sha", "base", "b", "encrypted", "encoded", // md5, sha1, base64, b64: numbers are not looked at
}

// Endings tells by the last two letters, in any case, which texts may end as one of some
// words does: few do.
type Endings [32 * 32]bool

func ending(text string) int { return int(text[len(text)-2]&31)<<5 | int(text[len(text)-1]&31) }

// Add makes words known; those of one letter are not looked for.
func (e *Endings) Add(words ...string) {
	for _, word := range words {
		if len(word) > 1 {
			e[ending(word)] = true
		}
	}
}

// Has says whether a text may end as one of the words. It has two bytes at least.
func (e *Endings) Has(text string) bool { return e[ending(text)] }

var secretNouns = func() (nouns []secretNoun) {
	for _, k := range SecretKinds {
		for word := range strings.SplitSeq(strings.ReplaceAll(k.Words, "-", ""), " ") {
			nouns = append(nouns, secretNoun{word, k.Kind, lettersOf(word)})
		}
	}
	return nouns
}()

// nameEndings are those of names of secrets.
var nameEndings = func() (e Endings) {
	for _, n := range secretNouns {
		e.Add(n.word)
	}
	e.Add(afterNouns...)
	e.Add(slices.Collect(maps.Keys(wholeNames))...)
	return e
}()

// lettersOf is which letters a name has, in any case: a set that is quickly made, and
// rules most names out.
func lettersOf(name string) (set uint32) {
	for i := range len(name) {
		if c := name[i]; c >= 'A' {
			set |= 1 << (c & 31)
		}
	}
	return set
}

// MaxSecretName bounds the names that are looked at.
const MaxSecretName = 100

// SecretName says what kind of secret an element or an attribute holds by its name,
// whoever made it up; "" for none.
func SecretName(name string) string {
	if len(name) < 2 || len(name) > MaxSecretName {
		return ""
	}
	if last := name[len(name)-1]; last >= 'A' && !nameEndings.Has(name) {
		return ""
	}
	if len(name) <= len("totp") {
		if kind := wholeNames[strings.ToLower(name)]; kind != "" {
			return kind
		}
	}
	set, bare := lettersOf(name), ""
	for i := range secretNouns {
		n := &secretNouns[i]
		if set&n.letters != n.letters {
			continue
		}
		if bare == "" {
			bare = bareName(name)
		}
		if strings.HasSuffix(bare, n.word) {
			return n.kind
		}
	}
	return ""
}

var nameJoints = strings.NewReplacer("-", "", "_", "", ".", "")

// bareName is a name in lower case, without what joins its words and without what may
// follow the one that matters: "Password_2", "password-verify", "token_base64".
func bareName(name string) string {
	name = strings.ToLower(nameJoints.Replace(name))
	for {
		bare := strings.TrimRight(name, "0123456789")
		for _, more := range afterNouns {
			bare = strings.TrimSuffix(bare, more)
		}
		if bare == name {
			return name
		}
		name = bare
	}
}
