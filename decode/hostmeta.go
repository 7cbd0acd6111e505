package decode

import (
	"encoding/json"
	"encoding/xml"
)

// Relations of links in a host-meta that lead to XMPP (XEP-0156 §3).
const (
	RelWebSocket = "urn:xmpp:alt-connections:websocket"
	RelBOSH      = "urn:xmpp:alt-connections:xbosh"
)

// MetaLink is where a host-meta leads, in both its forms (RFC 6415 §2, §3).
type MetaLink struct {
	Rel  string `json:"rel" xml:"rel,attr"`
	Href string `json:"href" xml:"href,attr"`
}

// ReadHostMeta gives the links of a host-meta, in XML or in JSON.
func ReadHostMeta(text []byte, inJSON bool) ([]MetaLink, error) {
	var doc struct {
		Links []MetaLink `json:"links" xml:"Link"`
	}
	read := xml.Unmarshal
	if inJSON {
		read = json.Unmarshal
	}
	err := read(text, &doc)
	return doc.Links, err
}
