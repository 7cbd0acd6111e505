package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0065", "SOCKS5 Bytestreams", socks5, "http://jabber.org/protocol/bytestreams")
}

func socks5(s *decode.Seen, q *session.Element) []session.Note {
	var hosts []string
	for c := range q.Elements() {
		switch c.Name.Local {
		case "streamhost":
			host := c.Attr("host")
			if p := c.Attr("port"); p != "" {
				host += ":" + p
			}
			hosts = append(hosts, host)
		case "streamhost-used":
			return tell("XEP-0065", c.Span, "%s has connected through %q; the bytes flow there, not here", sender(s), c.Attr("jid"))
		case "activate":
			return tell("XEP-0065", c.Span, "%s asks the proxy to let the bytes flow to %q", sender(s), c.Text())
		}
	}
	switch {
	case s.Root.Attr("type") == "get":
		return tell("XEP-0065", q.Span, "%s asks a file transfer proxy for its address", sender(s))
	case len(hosts) > 0:
		return tell("XEP-0065", q.Tag, "for the byte stream %q connect to one of %s, outside of XMPP", q.Attr("sid"), list(hosts))
	}
	return nil
}
