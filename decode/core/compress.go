package core

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-compress", Title: "Stream compression", Ref: "XEP-0138 §3",
		Match: decode.Top(decode.NSCompress, ""),
		New:   decode.Stateless(explainCompress),
	})
}

// compressFailures says what the conditions of a failure mean (XEP-0138 §4).
var compressFailures = map[string]string{
	"unsupported-method": "the server does not do this method; the client chose one that was not on offer",
	"setup-failed":       "compression could not be started: the client has not logged in yet, or the server's policy forbids it",
	"processing-failed":  "the compressed data could not be read: it was damaged, or not compressed at all",
}

func explainCompress(s *decode.Seen) []session.Note {
	root := s.Root
	switch root.Name.Local {
	case "compress":
		return compressRequest(s)
	case "compressed":
		return []session.Note{decode.Explain("XEP-0138 §3", root.Span, "the server agrees: the very next byte in either direction is compressed (zlib), and a new stream follows")}
	case "failure":
		notes := []session.Note{}
		for c := range root.Elements() {
			text := compressFailures[c.Name.Local]
			if text == "" {
				text = "a condition that is not defined"
			}
			n := field("XEP-0138 §4", "condition", c.Name.Local, c.Span, text+"; the stream goes on without compression").Is(session.Word)
			n.Severity = session.Warning
			notes = append(notes, n)
		}
		return notes
	}
	return nil
}

// compressRequest is C01.
func compressRequest(s *decode.Seen) []session.Note {
	method := ""
	at := s.Root.Tag
	if m := s.Root.Child("", "method"); m != nil {
		method, at = strings.TrimSpace(m.Text()), m.Span
	}
	notes := []session.Note{field("XEP-0138 §3", "method", method, at, "the client asks to compress the stream from here on").Is(session.Word)}
	if f := s.State.Features(); f != nil {
		var methods []string
		if offer := f.Child("http://jabber.org/features/compress", "compression"); offer != nil {
			for m := range offer.Elements() {
				methods = append(methods, strings.TrimSpace(m.Text()))
			}
		}
		if !slices.Contains(methods, method) {
			notes = append(notes, decode.Breach("C01", at, "the client asks for the compression %q, which the server did not offer (it offers %s)", method, decode.Quotes(methods)))
		}
	}
	if encrypted(s.State) {
		notes = append(notes, decode.Finding("C01", "RFC 3749 §6", session.Notice, at, "compression inside TLS lets whoever can send the client text guess secrets from the length of what it sends (CRIME)"))
	}
	return notes
}
