package verdict

import (
	"fmt"

	"xmppscope/decode"
	"xmppscope/session"
)

// dialback sums up what a server was told of the domain that it claims, or of a key
// that it asked about (XEP-0220 §2.1). Each answer replaces the one before.
func (j *judge) dialback(s *decode.Seen) []session.Note {
	if s.Event.Dir != session.S2C || s.Root == nil {
		return nil
	}
	from, to := s.Root.Attr("from"), s.Root.Attr("to")
	answer := s.Root.Attr("type")
	if s.Root.Name.Local == "verify" {
		if j.done {
			return nil // beside the stream's own purpose
		}
		j.done, j.cause = true, nil
		return []session.Note{dialbackVerdict(session.Info, fmt.Sprintf("the server of %q says that the key it was asked about is %s", from, answer))}
	}
	switch answer {
	case "valid":
		j.done, j.cause = true, nil
		severity := session.Info
		if s.State.InClear() {
			severity = session.Warning
		}
		return []session.Note{dialbackVerdict(severity, fmt.Sprintf("%q has proved its domain to %q by dialback%s", to, from, j.cost(s)))}
	case "invalid":
		j.fail(s.Event, fmt.Sprintf("%q could not prove its domain to %q by dialback", to, from), fmt.Sprintf("the server that %q has in DNS does not know the key: another server may claim the domain, or its cluster does not share the secret", to))
	case "error":
		j.fail(s.Event, fmt.Sprintf("%q could not check by dialback who %q is", from, to), fmt.Sprintf("look at the condition, and whether %q reaches the server of %q", from, to))
	}
	return nil
}

func dialbackVerdict(severity session.Severity, what string) session.Note {
	return session.Note{Severity: severity, Name: session.FieldVerdict, Value: what}
}
