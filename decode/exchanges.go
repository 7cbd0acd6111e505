package decode

import (
	"net/http"

	"xmppscope/session"
)

// exchanges pair the bodies of BOSH: an answer of HTTP is that to the oldest request on its
// connection (RFC 9112 §9.3.2).
type exchanges struct {
	sid string // of the newest request
	on  map[int32]*exchange
}

// exchange is what is under way on a connection.
type exchange struct {
	asked []*Request // oldest first; without a Seq until its body has come
	now   *Request   // whose answer is being told
}

func (st *State) exchanges() *exchanges {
	if st.bosh == nil {
		st.bosh = &exchanges{on: map[int32]*exchange{}}
	}
	return st.bosh
}

// SID is that of the newest request of BOSH, "" before.
func (st *State) SID() string {
	if st.bosh == nil {
		return ""
	}
	return st.bosh.sid
}

// answered follows HTTP, and returns the request that a body of BOSH answers; nil for what
// else there is.
func (st *State) answered(s *Seen) *Request {
	e := s.Event
	if st.bosh == nil {
		if b, ok := e.Body.(session.HTTPRequest); !ok || b.Method != http.MethodPost {
			return nil
		}
	}
	x := st.exchanges()
	on := x.on[e.Conn]
	switch b := e.Body.(type) {
	case session.HTTPRequest:
		if on == nil {
			on = new(exchange)
			x.on[e.Conn] = on
		}
		if len(on.asked) < maxAsked {
			on.asked = append(on.asked, new(Request))
		}
	case session.HTTPResponse:
		if on != nil && b.Status >= http.StatusOK && len(on.asked) > 0 {
			on.now, on.asked = on.asked[0], on.asked[1:]
		}
	case session.BOSHBody, session.StreamOpened:
		switch {
		case on == nil || s.Root == nil || s.Root.Name.Space != NSBOSH:
		case e.Dir == session.C2S && len(on.asked) > 0:
			*on.asked[len(on.asked)-1] = Request{Seq: e.Seq, At: e.At, Dir: e.Dir, ID: Keep(s.Root.Attr("rid"))}
		case e.Dir == session.S2C && on.now != nil && on.now.Seq > 0:
			r := on.now
			on.now = nil
			return r
		}
	case session.TCPClosed:
		delete(x.on, e.Conn)
	}
	return nil
}
