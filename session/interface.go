package session

// Interface is what packets were captured on, as pcapng describes it
// (draft-ietf-opsawg-pcapng §4.2). Values can be compared.
type Interface struct {
	ID          int    `json:"id"`   // 0, 1, …: tells those of one file apart
	Link        uint16 `json:"link"` // LINKTYPE_… number
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Filter      string `json:"filter,omitempty"` // in the language of libpcap
	OS          string `json:"os,omitempty"`
	Snap        uint32 `json:"snap,omitempty"`   // most bytes of a packet; 0 for all
	Resolution  uint8  `json:"resolution"`       // of time stamps, as the option if_tsresol has it
	Offset      int64  `json:"offset,omitempty"` // seconds to add to them
}
