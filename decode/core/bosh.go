package core

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// last is the highest rid of the session before this request, on whatever connection. One
// that has no sid yet is this connection's own.
func (b *bosh) last(s *decode.Seen, rid uint64) uint64 {
	sid := s.Root.Attr("sid")
	before := b.rid
	b.rid = max(b.rid, rid)
	if sid == "" {
		return 0
	}
	var last uint64
	s.State.Run.BOSH.Update(strings.Clone(sid), func(old decode.BOSHSession, ok bool) decode.BOSHSession {
		if !ok {
			old = decode.BOSHSession{RID: before, Session: s.Event.Session}
		}
		last = old.RID
		old.Many = old.Many || old.Session != s.Event.Session
		b.many = old.Many
		old.RID = max(old.RID, rid)
		return old
	})
	return last
}

// bosh follows a session of BOSH, on all of its connections.
type bosh struct {
	rid   uint64 // the highest
	open  int    // requests without an answer
	key   string // what the next key's digest has to be, "" if there are none
	many  bool   // connections that are sessions of their own carry requests, too
	told  bool   // that there are too many requests
	often bool   // that they come too often

	// As the server allows, 0 where it does not say:
	requests   int
	inactivity time.Duration // without a request that waits
	polling    time.Duration // between two empty requests
	maxPause   time.Duration

	asked time.Time     // when the newest request came
	empty bool          // it holds nothing
	quiet time.Time     // since when no request waits
	pause time.Duration // how long the client has asked to be left alone
}

func (b *bosh) body(s *decode.Seen) []session.Note {
	if s.Event.Dir == session.C2S {
		return b.request(s)
	}
	return b.answer(s)
}

// request is H01, and H03 to H05.
func (b *bosh) request(s *decode.Seen) (notes []session.Note) {
	root := s.Root
	rid, err := strconv.ParseUint(root.Attr("rid"), 10, 64)
	span := root.AttrSpan("rid")
	last := b.last(s, rid)
	switch {
	case err != nil || rid >= 1<<53:
		notes = append(notes, decode.Breach("H01", root.Tag, "the body has the rid %q; it has to be a whole number below 2^53", root.Attr("rid")))
	case last > 0 && rid == last:
		notes = append(notes, decode.Finding("H01", "XEP-0124 §14.3", session.Notice, span, "the client sends request %d again, as after a broken connection", rid))
	case last > 0 && rid > last+1:
		notes = append(notes, decode.Breach("H01", span, "rid %d follows %d: %s missing, and the server waits for it", rid, last, session.Plural(int(min(rid-last-1, 1<<30)), "request")+isAre(rid-last-1)))
	case last > 0 && rid < last:
		notes = append(notes, decode.Finding("H01", "XEP-0124 §14.3", session.Notice, span, "rid %d comes after %d", rid, last))
	}
	restarts := attrOf(root, decode.NSXBOSH, "restart") == "true"
	switch opens := root.Attr("sid") == ""; {
	case opens:
		notes = append(notes, decode.Explain("XEP-0124 §7.1", root.Tag, "the client asks for a session of BOSH: requests of HTTP that the server keeps waiting until it has something to say"))
		if attrOf(root, decode.NSXBOSH, "version") == "" {
			notes = append(notes, decode.Breach("H03", root.Tag, "the client does not say xmpp:version='1.0': the server takes it for a client from before XMPP 1.0, and offers it no features"))
		}
		*b = bosh{rid: rid}
	case restarts:
		notes = append(notes, decode.Explain("XEP-0206 §5", root.Tag, "the client begins the stream anew after the login"))
	}
	notes = append(notes, b.keys(root)...)
	notes = append(notes, b.idle(s)...)
	return append(notes, b.active(s)...)
}

// seconds is an attribute that says so many, 0 if it does not.
func seconds(root *session.Element, name string) time.Duration {
	n, err := strconv.ParseUint(root.Attr(name), 10, 24)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// idle is H08 and H09: how long no request waits at the server.
func (b *bosh) idle(s *decode.Seen) (notes []session.Note) {
	root, at := s.Root, s.Event.At
	allowed := max(b.inactivity, b.pause)
	if b.open == 0 && !b.quiet.IsZero() && b.inactivity > 0 && at.Sub(b.quiet) > allowed {
		what := "inactivity"
		if b.pause > b.inactivity {
			what = "pause"
		}
		notes = append(notes, decode.Breach("H09", root.Tag, "no request has waited at the server for %s, and it ends a session after %s (%s)", session.ShortTime(at.Sub(b.quiet)), session.ShortTime(allowed), what))
	}
	b.pause, b.quiet = 0, time.Time{}
	asks := seconds(root, "pause")
	if asks == 0 {
		return notes
	}
	b.pause = asks
	span := root.AttrSpan("pause")
	notes = append(notes, decode.Explain("XEP-0124 §10", span, "the client pauses: it will ask for nothing for up to %s, and the server answers all that waits and keeps the session meanwhile", session.ShortTime(asks)))
	switch {
	case b.many: // the server's word may have come on another
	case b.maxPause == 0 && b.inactivity > 0:
		notes = append(notes, decode.Breach("H08", span, "the client pauses for %s, and the server has not said that a client may (maxpause)", session.ShortTime(asks)))
	case b.maxPause > 0 && asks > b.maxPause:
		notes = append(notes, decode.Breach("H08", span, "the client pauses for %s, and the server allows %s (maxpause)", session.ShortTime(asks), session.ShortTime(b.maxPause)))
	}
	return notes
}

// active is H05 and H10: how many requests there are at once, and how fast empty ones come.
func (b *bosh) active(s *decode.Seen) (notes []session.Note) {
	root, at := s.Root, s.Event.At
	b.open++
	since, before := at.Sub(b.asked), b.empty
	first := b.asked.IsZero()
	b.asked, b.empty = at, strings.HasSuffix(s.Raw(), "/>")
	if root.Attr("sid") == "" || root.Attr("type") == "terminate" || root.Attr("pause") != "" {
		b.empty = false
		return nil
	}
	if b.requests > 0 && b.open > b.requests && !b.told {
		b.told = true
		notes = append(notes, decode.Breach("H05", root.Tag, "%d requests wait for an answer, and the server allows %d: it may end the session (policy-violation)", b.open, b.requests))
	}
	restarts := attrOf(root, decode.NSXBOSH, "restart") == "true"
	crowds := b.open == b.requests && b.requests > 1 // all that it may have waits, and it has nothing to say
	polls := before && b.open == 1                   // it asks again at once
	if b.polling > 0 && b.empty && !first && !restarts && (crowds || polls) && since < b.polling && !b.often {
		b.often = true
		notes = append(notes, decode.Breach("H10", root.Tag, "an empty request comes %s after the one before, and the server wants %s between them (polling): it may end the session (policy-violation)", session.ShortTime(since), session.ShortTime(b.polling)))
	}
	return notes
}

func isAre(n uint64) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// keys is H04: each key is what the digest of the next one is (XEP-0124 §15).
func (b *bosh) keys(root *session.Element) (notes []session.Note) {
	key, next := root.Attr("key"), root.Attr("newkey")
	switch {
	case b.key != "" && key == "" && !b.many:
		notes = append(notes, decode.Breach("H04", root.Tag, "the body has no key, and the session is guarded by them: the server ends it (item-not-found)"))
	case key != "" && b.key != "":
		if sum := sha1.Sum([]byte(key)); !b.many && hex.EncodeToString(sum[:]) != strings.ToLower(b.key) {
			notes = append(notes, decode.Breach("H04", root.AttrSpan("key"), "the key does not fit the one before, whose value is its SHA-1: the server ends the session (item-not-found)"))
		}
	}
	switch {
	case next != "":
		b.key = strings.Clone(next)
	case key != "":
		b.key = strings.Clone(key)
	}
	return notes
}

func (b *bosh) answer(s *decode.Seen) (notes []session.Note) {
	root := s.Root
	if b.open = max(0, b.open-1); b.open == 0 {
		b.quiet = s.Event.At
	}
	if n, err := strconv.Atoi(root.Attr("requests")); err == nil {
		b.requests = n
	}
	if r := s.Request; r != nil {
		notes = append(notes, decode.Explain("XEP-0124 §14", root.Tag, "the answer to request %s, %s after it", r.ID, session.ShortTime(s.Event.RTT)))
	}
	if sid := root.Attr("sid"); sid != "" && s.Event.Kind() == "stream:opened" {
		b.inactivity, b.polling, b.maxPause = seconds(root, "inactivity"), seconds(root, "polling"), seconds(root, "maxpause")
		notes = append(notes, decode.Explain("XEP-0124 §7.2", root.Tag, "the server makes a session, and names it by its sid: it may go on over any number of connections"))
	}
	typ, condition := root.Attr("type"), root.Attr("condition")
	switch {
	case typ == "terminate" && condition != "":
		notes = append(notes, decode.Breach("H06", root.AttrSpan("condition"), "the server ends the session: %s%s", condition, boshConditions[condition]))
	case typ == "error":
		notes = append(notes, decode.Finding("H06", "XEP-0124 §17.3", session.Warning, root.Tag, "something went wrong on the way, and the client has to send its requests again"))
	}
	return notes
}

// boshConditions are those of XEP-0124 §17.2.
var boshConditions = map[string]string{
	"bad-request":              " (the request cannot be read)",
	"host-gone":                " (the server does not serve that domain any more)",
	"host-unknown":             " (the server does not serve that domain)",
	"improper-addressing":      " (the request has no \"to\")",
	"internal-server-error":    " (something has gone wrong at the server)",
	"item-not-found":           " (there is no such session any more, a rid was out of its window, or a key did not fit)",
	"other-request":            " (another request has ended it)",
	"policy-violation":         " (too many requests, or too fast)",
	"remote-connection-failed": " (the connection manager cannot reach the XMPP server)",
	"remote-stream-error":      " (the XMPP server has ended the stream)",
	"see-other-uri":            " (the session is to be had elsewhere)",
	"system-shutdown":          " (it is being shut down)",
	"undefined-condition":      "",
}
