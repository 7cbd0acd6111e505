package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"

	"github.com/pires/go-proxyproto"

	"xmppscope/session"
)

// proxyHeader is the header of the PROXY protocol, version 1 or 2, which a load balancer
// puts in front of a client's first byte to say where the client is. Anybody can write one,
// so it is taken off only when that is asked for (Options.ProxyHeaders).
type proxyHeader struct{}

const (
	headerV1 = "PROXY "
	headerV2 = "\r\n\r\n\x00\r\nQUIT\n"
	// mostV1 is the longest header of version 1, its line end included (§2.1).
	mostV1 = 107
	// headV2 is the length of what says how long a header of version 2 is (§2.2).
	headV2 = 16
)

func isProxyHeader(p []byte) (yes, wait bool) {
	if yes, wait = beginsWith(p, headerV1); yes || wait {
		return yes, wait
	}
	return beginsWith(p, headerV2)
}

func (proxyHeader) next(p []byte) (step, bool) {
	var n int
	if p[0] == headerV1[0] {
		if n = bytes.IndexByte(p[:min(len(p), mostV1)], '\n') + 1; n == 0 {
			if len(p) < mostV1 {
				return step{}, false
			}
			n = mostV1
		}
	} else {
		if len(p) < headV2 {
			return step{}, false
		}
		n = headV2 + int(binary.BigEndian.Uint16(p[headV2-2:]))
		if len(p) < n && n <= maxDoor {
			return step{}, false
		}
		n = min(n, len(p))
	}
	h, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(p[:n]), n))
	if err != nil {
		return refused(nil, "the header of the PROXY protocol cannot be read: "+session.ShortLine(err.Error()))
	}
	said := session.RelayDoor{Reason: "the header names no client: it is the balancer's own connection"}
	if h.SourceAddr != nil && !h.Command.IsLocal() {
		said = session.RelayDoor{Client: h.SourceAddr.String()}
	}
	return step{read: n, said: said, over: true}, true
}

func (proxyHeader) reached(error) []byte { return nil }
