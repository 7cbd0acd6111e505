package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

func sniffPcap(prefix []byte) bool { return packet.Sniff(prefix) && !packet.IsNG(prefix) }

var errFirst = errors.New("one packet is enough")

// foreignPcap is foreign for a .pcap file: the first packet tells.
func foreignPcap(prefix []byte) (foreign, sure bool) {
	if !sniffPcap(prefix) {
		return false, len(prefix) >= 4
	}
	foreign = true
	err := packet.Each(bytes.NewReader(prefix), func(p *packet.Packet) error {
		if line, ok := new(syslogReader).next(p); ok {
			h, err := parseHeader(line)
			foreign = err != nil || h.Format != session.FormatName
		}
		return errFirst
	})
	return foreign, err == errFirst
}

// readPcap emits the events that stand in a file as messages of syslog. What the
// connections in it carried is in them.
func readPcap(r io.Reader, emit func(session.Event) error) error {
	var messages syslogReader
	var lines lines
	err := packet.Each(r, func(p *packet.Packet) error {
		line, ok := messages.next(p)
		if !ok {
			return nil
		}
		e, err := lines.event(line)
		if err != nil {
			return &Truncated{Ext: ".pcap", Offset: p.Offset, Err: err}
		}
		if e == nil {
			return nil
		}
		return emit(*e)
	})
	var damaged *packet.Damaged
	switch isDamaged := errors.As(err, &damaged); {
	case !lines.header && (isDamaged || err == nil):
		return fmt.Errorf("capture: %w", ErrForeign)
	case isDamaged:
		return &Truncated{Ext: ".pcap", Offset: damaged.Offset, Err: damaged.Err}
	}
	return err
}
