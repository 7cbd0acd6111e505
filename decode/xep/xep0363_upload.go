package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0363", "HTTP File Upload", upload, "urn:xmpp:http:upload:0", "urn:xmpp:http:upload")
}

func upload(s *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "request":
		return tell("XEP-0363", el.Tag, "%s asks for a place to upload the file %q, %s bytes of type %q", sender(s), el.Attr("filename"), decode.Quote(el.Attr("size")), el.Attr("content-type"))
	case "slot":
		return slot(el)
	}
	return nil
}

func slot(el *session.Element) []session.Note {
	var notes []session.Note
	for c := range el.Elements() {
		switch c.Name.Local {
		case "put":
			notes = append(notes, decode.Explain("XEP-0363", c.Tag, "where the client uploads the file by HTTP PUT, outside of XMPP; whoever has this address may do so once"))
		case "get":
			url, ok := c.LookupAttr("url")
			at := c.AttrSpan("url")
			if !ok {
				url, at = c.Text(), c.TextSpan()
			}
			notes = append(notes, field("XEP-0363", "url", url, at, "where the file can be fetched afterwards: the client sends this to its contact"))
		}
		if c.Attr("url") != "" && !strings.HasPrefix(c.Attr("url"), "https://") {
			notes = append(notes, decode.Finding("xep-0363", "XEP-0363", session.Warning, c.AttrSpan("url"), "the server's address for %q is not https, which it must be", c.Name.Local))
		}
	}
	return notes
}
