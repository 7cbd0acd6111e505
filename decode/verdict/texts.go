package verdict

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
)

// texts.json is what servers say in words with an error, and what each of them means by it:
// from the sources of the servers. Texts are tried in order.
//
//go:embed texts.json
var textsFile []byte

// saying is one such text. Without Text and Like it is what an error without words means.
type saying struct {
	Server    string `json:"server"`
	Where     string `json:"where"` // "sasl", "stream", "bind", "sm", "s2s", "component", "register", "tls"
	Condition string `json:"condition"`
	Text      string `json:"text"` // word for word
	Like      string `json:"like"` // or an expression
	Side      string `json:"side"` // "client", "server", "config", "account" or "network"
	Means     string `json:"means"`
	Do        string `json:"do"`

	like *regexp.Regexp
}

var sayings = sync.OnceValue(func() (out []saying) {
	if err := json.Unmarshal(textsFile, &out); err != nil {
		panic(err) // it is part of the program: a test would fail
	}
	for i := range out {
		out[i].Text = plain(out[i].Text)
		if out[i].Like != "" {
			out[i].like = regexp.MustCompile("(?i)" + out[i].Like)
		}
	}
	return out
})

// plain is a text as it is compared: letter case, blanks and a full stop do not count.
func plain(text string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(text), " ")), ".!")
}

func (s *saying) is(text, folded string) bool {
	switch {
	case s.like != nil:
		return s.like.MatchString(text)
	case s.Text != "":
		return s.Text == folded
	}
	return text == ""
}

// guilty is the side that has to change something.
func (s *saying) guilty() Side {
	switch s.Side {
	case "client":
		return Client
	case "account":
		return Account
	case "network":
		return Network
	}
	return Server
}
