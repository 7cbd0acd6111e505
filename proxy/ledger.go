package proxy

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

// ledger keeps the counts of stream management (XEP-0198) right where xmppscope takes
// stanzas out or puts some in: each side counts what it has got, and is told of what it has
// sent. Both differ by what was done between them.
type ledger struct {
	counts [3]bool   // by direction: stanzas are counted
	sent   [3]uint32 // by its sender
	got    [3]uint32 // by its receiver
	marks  [3][]shift
	id     string               // by which the session can be resumed
	resume string               // an earlier one that is to be, and has a ledger
	recall func(string) *ledger // finds that
}

// shift says by how much more was sent than has arrived, from so many that have arrived on.
type shift struct{ from, by uint32 }

// maxShifts bounds how many are kept of a direction; older ones have been acknowledged.
const maxShifts = 4096

// matters says whether there is something to put right.
func (l *ledger) matters() bool { return len(l.marks[session.C2S])+len(l.marks[session.S2C]) > 0 }

// base says how many stanzas have been sent before anybody looked.
func (l *ledger) base(dir session.Dir, counts bool, sent uint32) {
	if !l.matters() {
		l.counts[dir], l.sent[dir], l.got[dir] = counts, sent, sent
	}
}

// came takes a piece as its sender has sent it.
func (l *ledger) came(p *decode.Piece, _ *decode.Stream) {
	if l.counts[p.Dir] && isStanza(p) {
		l.sent[p.Dir]++
	}
}

// went takes a piece that its receiver gets. note follows.
func (l *ledger) went(p *decode.Piece, s *decode.Stream) {
	if isStanza(p) {
		if l.counts[p.Dir] {
			l.got[p.Dir]++
		}
		return
	}
	if !isManaged(p, s) {
		return
	}
	e, _ := decode.ParseTag(p.Tag, nil)
	switch name := string(p.Local()); {
	case e == nil:
	case name == "enable" && p.Dir == session.C2S:
		l.begin(session.C2S)
	case name == "enabled" && p.Dir == session.S2C:
		l.begin(session.S2C)
		l.id = e.Attr("id")
	case name == "resume" && p.Dir == session.C2S:
		if h, err := strconv.ParseUint(e.Attr("h"), 10, 32); l.resume != "" && err == nil { // that one's counts go on
			l.goOn(session.S2C, uint32(h))
		}
	case name == "resumed" && p.Dir == session.S2C && l.resume != "":
		l.id, l.resume = l.resume, ""
	}
}

func (l *ledger) begin(dir session.Dir) {
	l.counts[dir], l.sent[dir], l.got[dir], l.marks[dir] = true, 0, 0, nil
}

// goOn has a direction go on from so many that have arrived.
func (l *ledger) goOn(dir session.Dir, got uint32) {
	l.counts[dir], l.got[dir], l.sent[dir] = true, got, l.translate(dir, got)
	l.marks[dir] = slices.DeleteFunc(l.marks[dir], func(m shift) bool { return int32(m.from-got) > 0 })
}

// note takes what was done, once it is done.
func (l *ledger) note(dir session.Dir) {
	by, before := l.sent[dir]-l.got[dir], uint32(0)
	marks := l.marks[dir]
	if n := len(marks); n > 0 {
		before = marks[n-1].by
	}
	if by == before || !l.counts[dir] {
		return
	}
	if n := len(marks); n > 0 && marks[n-1].from == l.got[dir] {
		marks[n-1].by = by
	} else {
		marks = append(marks, shift{l.got[dir], by})
	}
	if len(marks) > maxShifts {
		marks = slices.Clone(marks[maxShifts/2:])
	}
	l.marks[dir] = marks
}

// translate is how many of a direction's stanzas were sent, where so many have arrived.
func (l *ledger) translate(dir session.Dir, got uint32) uint32 {
	marks := l.marks[dir]
	for i := len(marks) - 1; i >= 0; i-- {
		if int32(got-marks[i].from) >= 0 {
			return got + marks[i].by
		}
	}
	return got
}

// right puts the count in a piece right: nil if it is. A receiver's h is of what it has got.
func (l *ledger) right(p *decode.Piece, s *decode.Stream) (xml []byte, why string) {
	if p.Kind != decode.Element || !bytes.Contains(p.Tag, []byte("h")) || !isManaged(p, s) {
		return nil, ""
	}
	e, _ := decode.ParseTag(p.Tag, nil)
	if e == nil {
		return nil, ""
	}
	switch name := string(p.Local()); {
	case name == "resume" && p.Dir == session.C2S && l.recall != nil:
		if before := l.recall(e.Attr("previd")); before != nil {
			l.counts, l.sent, l.got, l.resume = before.counts, before.sent, before.got, e.Attr("previd")
			l.marks = [3][]shift{nil, slices.Clone(before.marks[1]), slices.Clone(before.marks[2])}
		}
	case name == "resumed" && p.Dir == session.S2C && l.resume != "":
		defer func(h string) {
			if n, err := strconv.ParseUint(h, 10, 32); err == nil {
				l.goOn(session.C2S, uint32(n))
			}
		}(e.Attr("h"))
	case name == "a", name == "failed":
	default:
		return nil, ""
	}
	h, err := strconv.ParseUint(e.Attr("h"), 10, 32)
	if err != nil {
		return nil, ""
	}
	from := p.Dir.Opposite()
	sent := l.translate(from, uint32(h))
	if sent == uint32(h) {
		return nil, ""
	}
	return withCount(p.Raw, sent), fmt.Sprintf(
		"stream management is kept right: of the %s's stanzas %d have arrived, with what xmppscope has put in and without what it has taken out; it sent %d up to there", from.Sender(), h, sent)
}

var countAttr = regexp.MustCompile(`(\sh\s*=\s*)(?:'[^']*'|"[^"]*")`)

// withCount is an element with another h.
func withCount(raw []byte, h uint32) []byte {
	at := countAttr.FindSubmatchIndex(raw)
	if at == nil {
		return nil
	}
	return slices.Concat(raw[:at[3]], []byte("'"+strconv.FormatUint(uint64(h), 10)+"'"), raw[at[1]:])
}

// isStanza says whether a piece is one that is counted.
func isStanza(p *decode.Piece) bool {
	if p.Kind != decode.Element {
		return false
	}
	switch string(p.Name) {
	case "message", "presence", "iq":
		return true
	}
	return false
}

// isManaged says whether a piece belongs to stream management.
func isManaged(p *decode.Piece, s *decode.Stream) bool {
	if p.Kind != decode.Element {
		return false
	}
	switch string(p.Local()) {
	case "a", "enable", "enabled", "resume", "resumed", "failed":
		space := s.Space(p)
		return space == decode.NSSM3 || space == decode.NSSM2
	}
	return false
}

// maxLedgers bounds the ended sessions whose counts are kept for a resumption.
const maxLedgers = 256

// ledgers are those of sessions that may be resumed, by their id.
type ledgers struct {
	of    map[string]*ledger
	order []string
}

func (k *ledgers) keep(l *ledger) {
	if l.id == "" || !l.matters() {
		return
	}
	if k.of == nil {
		k.of = map[string]*ledger{}
	}
	if _, known := k.of[l.id]; !known {
		k.order = append(k.order, l.id)
	}
	k.of[l.id] = l
	if len(k.order) > maxLedgers {
		k.order = slices.Delete(k.order, 0, 1)
		maps.DeleteFunc(k.of, func(id string, _ *ledger) bool { return !slices.Contains(k.order, id) })
	}
}
