package sasl

import (
	"encoding/base64"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	nsUpgrade      = "urn:xmpp:sasl:upgrade:0"  // XEP-0480, in features and <authenticate/>
	nsScramUpgrade = "urn:xmpp:scram-upgrade:0" // XEP-0480, in <task-data/>
)

// task is the task of SASL2 that is going on (XEP-0388 §2.6.3).
type task struct {
	name       string
	salt       []byte
	iterations int
}

func (x *exchange) continue2(s *decode.Seen) (notes []session.Note) {
	if data := s.Root.Child("", "additional-data"); data != nil {
		notes = x.message(s, Success, data, true)
	}
	var names []string
	if tasks := s.Root.Child("", "tasks"); tasks != nil {
		for t := range tasks.Elements() {
			names = append(names, t.Text())
		}
	}
	n := decode.Explain("XEP-0388 §2.6.3", s.Root.Tag, "the credentials are right, but the server wants one more task done first: %s", decode.Quotes(names))
	if len(names) == 0 {
		n.Severity, n.Text = session.Error, "the server wants a task done first, but names none"
	}
	notes = append(notes, n)
	for _, name := range names {
		notes = append(notes, taskWords(name, s.Root.Tag)...)
	}
	return notes
}

// taskWords says what the tasks that are known do.
func taskWords(name string, span session.Span) []session.Note {
	if hash, ok := strings.CutPrefix(name, "UPGR-SCRAM-"); ok {
		return []session.Note{decode.Explain("XEP-0480", span, "the server has no key of this account for SCRAM-%s yet: the client computes it from the password, so that it can use the stronger hash from then on", hash)}
	}
	return nil
}

func (x *exchange) next(s *decode.Seen) []session.Note {
	x.task = task{name: strings.Clone(s.Root.Attr("task"))}
	n := decode.Explain("XEP-0388 §2.6.3", s.Root.Tag, "the client begins the task %q", x.task.name)
	notes := []session.Note{n}
	if data := s.Root.Child("", "task-data"); data != nil {
		notes = append(notes, x.taskData(s, data)...)
	} else if strings.TrimSpace(s.Root.Text()) != "" { // as early versions had it
		notes = append(notes, credentials(s.Root.Text(), s.Root.TextSpan()))
	}
	return notes
}

// taskData blanks what tasks carry: one-time codes, and salted passwords.
func (x *exchange) taskData(s *decode.Seen, el *session.Element) []session.Note {
	if len(el.Nodes) == 0 {
		return nil
	}
	if el.First() == nil {
		return []session.Note{credentials(el.Text(), el.TextSpan())}
	}
	var notes []session.Note
	for c := range el.Elements() {
		notes = append(notes, x.taskElement(s, c)...)
	}
	return notes
}

func (x *exchange) taskElement(s *decode.Seen, c *session.Element) []session.Note {
	hash := strings.TrimPrefix(x.task.name, "UPGR-SCRAM-")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(c.Text()))
	switch {
	case c.Name.Space == nsScramUpgrade && c.Name.Local == "salt":
		x.task.salt = raw
		x.task.iterations, _ = strconv.Atoi(c.Attr("iterations"))
		notes := []session.Note{explained(decode.Field("salt", c.Text(), c.TextSpan()).Classed(session.Identifier), "the salt for the new key"),
			explained(decode.Field("iterations", c.Attr("iterations"), c.AttrSpan("iterations")).Is(session.Word), "of PBKDF2, for the new key")}
		if err != nil || len(raw) == 0 || x.task.iterations <= 0 {
			notes = append(notes, decode.Say(session.Error, c.Span, "the server's salt is not base64, or its iteration count is not a number"))
		}
		return ref("XEP-0480", notes)
	case c.Name.Space == nsScramUpgrade && c.Name.Local == "hash":
		n := secret("hash", c.Text(), "salted password", c.TextSpan())
		n.Text = "the salted password, worth as much as the password for this server"
		m := Message{Kind: Response, Element: c, Span: c.TextSpan(), State: s.State, At: s.Event.At}
		return ref("XEP-0480", append([]session.Note{n}, saltedPassword(m, x.user, hash, x.task.salt, x.task.iterations, raw)...))
	case len(c.Nodes) == 0:
		return nil
	}
	return []session.Note{secret(c.Name.Local, c.Text(), "credentials", c.TextSpan())}
}

// ref gives notes their section.
func ref(section string, notes []session.Note) []session.Note {
	for i := range notes {
		notes[i].Ref = section
	}
	return notes
}
