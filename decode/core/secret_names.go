package core

import "strings"

// secretWord is a word that says what a name stands for, if it is the last of the name:
// an "x-session-token" is a token, a "token-type" is none.
type secretWord struct {
	word, kind string
	letters    uint32
}

var secretNouns = func() (nouns []secretWord) {
	for kind, words := range map[string]string{
		"password":    "password passwd passphrase passcode pwd",
		"secret":      "secret",
		"token":       "token tokens apikey accesskey authkey",
		"private key": "privatekey secretkey",
		"credentials": "credential credentials",
	} {
		for word := range strings.SplitSeq(words, " ") {
			nouns = append(nouns, secretWord{word, kind, lettersOf(word)})
		}
	}
	return nouns
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

// maxNamed bounds the names that are looked at.
const maxNamed = 100

// secretName says what kind of secret an element or an attribute holds by its name,
// whoever made it up; "" for none.
func secretName(name string) string {
	if len(name) < len("pwd") || len(name) > maxNamed {
		return ""
	}
	set := lettersOf(name)
	for i := range secretNouns {
		if n := &secretNouns[i]; set&n.letters == n.letters && strings.HasSuffix(bareName(name), n.word) {
			return n.kind
		}
	}
	if len(name) == len("pass") && strings.EqualFold(name, "pass") {
		return "password"
	}
	return ""
}

var nameJoints = strings.NewReplacer("-", "", "_", "", ".", "")

// bareName is a name in lower case, without what joins its words and without what may
// follow the one that matters: "Password_2", "password-verify".
func bareName(name string) string {
	name = strings.TrimRight(strings.ToLower(nameJoints.Replace(name)), "0123456789")
	for _, more := range []string{"verify", "confirm", "confirmation", "repeat", "again", "new", "old", "hash", "value"} {
		if rest, ok := strings.CutSuffix(name, more); ok {
			return rest
		}
	}
	return name
}
