package decode

import (
	"bytes"

	"xmppscope/session"
)

// OnItsOwn is an element, or the beginning or end of a stream, as a message of WebSocket has it:
// a document of its own (RFC 7395 §3.3). What has that form already stays as it is.
func OnItsOwn(kind Kind, raw []byte) []byte {
	if kind == Closed && !bytes.Contains(raw, []byte(NSFraming)) {
		return []byte("<close xmlns='" + NSFraming + "'/>")
	}
	tag, _ := ParseTag(raw, nil)
	switch {
	case kind == Opened && tag != nil && tag.Name.Space != NSFraming:
		return appendHeader([]byte("<open xmlns='"+NSFraming+"'"), tag, "/>")
	case kind != Element || tag == nil || tag.Name.Space != "":
		return raw
	}
	declared := ""
	switch tag.Name.Prefix {
	case "":
		if _, is := tag.LookupAttr("xmlns"); is {
			return raw // it has none on purpose
		}
		declared = " xmlns='" + NSClient + "'"
	case "stream":
		declared = " xmlns:stream='" + NSStreams + "'"
	default:
		return raw
	}
	at := tag.Tag.Start + len("<") + len(tag.Name.Qualified())
	return session.Span{Start: at, End: at}.Replaced(raw, declared)
}

// InStream is the opposite: what a message of WebSocket holds, as a stream of RFC 6120 has it.
// Elements need no change there.
func InStream(kind Kind, raw []byte) []byte {
	if kind != Opened && kind != Closed {
		return raw
	}
	tag, _ := ParseTag(raw, nil)
	switch {
	case tag == nil || tag.Name.Space != NSFraming:
		return raw
	case kind == Closed:
		return []byte("</stream:stream>")
	}
	return appendHeader([]byte("<?xml version='1.0'?><stream:stream xmlns='"+NSClient+"' xmlns:stream='"+NSStreams+"'"), tag, ">")
}

// appendHeader ends the tag of a stream header with what another one says.
func appendHeader(b []byte, tag *session.Element, end string) []byte {
	for i := range tag.Attrs {
		if a := &tag.Attrs[i]; a.Name.Local != "xmlns" && (a.Name.Prefix == "" || a.Name.Prefix == "xml") {
			b = append(b, " "+a.Name.Qualified()+"='"+session.EscapeXML(a.Value)+"'"...)
		}
	}
	return append(b, end...)
}
