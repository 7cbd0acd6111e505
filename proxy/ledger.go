package proxy

import (
	"fmt"
	"maps"
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
func (l *ledger) came(p *decode.Piece) {
	if l.counts[p.Dir] && isStanza(p) {
		l.sent[p.Dir]++
	}
}

// went takes a piece that its receiver gets. note follows.
func (l *ledger) went(p *decode.Piece) {
	if isStanza(p) {
		if l.counts[p.Dir] {
			l.got[p.Dir]++
		}
		return
	}
	e := managed(p)
	if e == nil {
		return
	}
	switch name := e.Name.Local; {
	case name == "enable" && p.Dir == session.C2S:
		l.begin(session.C2S)
	case name == "enabled" && p.Dir == session.S2C:
		l.begin(session.S2C)
		if l.id = e.Attr("id"); string(p.Local()) == "success" { // it was asked for with the login (XEP-0386)
			l.begin(session.C2S)
		}
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
func (l *ledger) right(p *decode.Piece) (xml []byte, why string) {
	e := managed(p)
	if e == nil {
		return nil, ""
	}
	h, err := strconv.ParseUint(e.Attr("h"), 10, 32)
	if err != nil {
		return nil, ""
	}
	switch name := e.Name.Local; {
	case name == "resume" && p.Dir == session.C2S && l.recall != nil:
		if before := l.recall(e.Attr("previd")); before != nil {
			l.counts, l.sent, l.got, l.resume = before.counts, before.sent, before.got, e.Attr("previd")
			l.marks = [3][]shift{nil, slices.Clone(before.marks[1]), slices.Clone(before.marks[2])}
		}
	case name == "resumed" && p.Dir == session.S2C && l.resume != "":
		defer l.goOn(session.C2S, uint32(h))
	case name == "a", name == "failed":
	default:
		return nil, ""
	}
	from := p.Dir.Opposite()
	sent := l.translate(from, uint32(h))
	if sent == uint32(h) {
		return nil, ""
	}
	at := e.AttrSpan("h")
	return at.Replaced(p.Raw, strconv.FormatUint(uint64(sent), 10)), fmt.Sprintf(
		"stream management is kept right: of the %s's stanzas %d have arrived, with what xmppscope has put in and without what it has taken out; it sent %d up to there", from.Sender(), h, sent)
}

// isStanza says whether a piece is one that is counted.
func isStanza(p *decode.Piece) bool {
	return p.Kind == decode.Element && session.IsStanza(string(p.Name))
}

// managed is the element of stream management that a piece is, or that it holds where it
// belongs to a login with SASL2; nil if it is none.
func managed(p *decode.Piece) *session.Element {
	if p.Kind != decode.Element || p.Truncated {
		return nil
	}
	name := string(p.Local())
	switch name {
	case "a", "enable", "enabled", "resume", "resumed", "failed", "authenticate", "success":
	default:
		return nil
	}
	root, _ := decode.Parse(p.Raw, nil)
	switch {
	case root == nil:
	case root.Name.Space == decode.NSSM3, root.Name.Space == decode.NSSM2:
		return root
	case name == "authenticate":
		return root.Child(decode.NSSM3, "resume")
	case name == "success":
		for _, inside := range []string{"resumed", "failed"} {
			if e := root.Child(decode.NSSM3, inside); e != nil {
				return e
			}
		}
		if bound := root.Child(decode.NSBind2, "bound"); bound != nil {
			return bound.Child(decode.NSSM3, "enabled")
		}
	}
	return nil
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
