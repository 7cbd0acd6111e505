package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-order", Title: "The order of negotiation", Ref: "RFC 6120 §4.3",
		New: func() decode.Explainer { return &order{} },
	})
}

// order follows how a stream is opened, secured and opened again.
type order struct {
	sight
	login     attempt
	closed    [3]bool // the direction's stream has been closed, and no new one begun
	owed      bool    // the server has yet to send the features of its newest stream
	offered   bool    // it has sent some in this stream
	asked     bool    // and the client has sent an element since
	complete  bool    // negotiation is over
	bound     bool    // a resource is bound on this connection
	resumed   bool    // SASL2 has resumed a session: no features follow
	sasl2     bool    // SASL2 has succeeded: the stream goes on, with features at once
	atOnce    bool    // and those features have not come yet
	refused   bool    // the server has refused to start TLS
	proceeded bool    // it has agreed to, and TLS is not up yet
	failed    bool    // a TLS handshake has failed
	fresh     bool    // TLS is up, and the client has not opened a stream in it
	reopen    [3]bool // SASL has succeeded, and this side has not opened a new stream
}

// Explain implements decode.Explainer.
func (o *order) Explain(s *decode.Seen) (notes []session.Note) {
	if !o.clear(s) {
		return nil
	}
	switch s.Event.Body.(type) {
	case session.TLSEstablished:
		*o = order{fresh: true, bound: o.bound}
	case session.TLSFailed:
		o.failed, o.proceeded = true, false
	case session.StreamOpened:
		notes = o.opened(s)
	case session.StreamElement:
		notes = o.element(s)
	case session.StreamClosed:
		notes = o.ended(s)
	}
	o.login.see(s)
	return notes
}

func (o *order) opened(s *decode.Seen) (notes []session.Note) {
	dir := s.Event.Dir
	tag := session.Span{}
	if s.Root != nil {
		tag = s.Root.Tag
	}
	switch {
	case o.closed[dir]:
		notes = append(notes, decode.Breach("S24", tag,
			"the %s opens a stream on a connection on which it has closed one: a restart replaces the old stream without closing it", dir.Sender()))
	case dir == session.C2S && o.sasl2 && !o.bound:
		notes = append(notes, decode.Finding("A23", "XEP-0388 §2.6.1", session.Error, tag, "the client opens a new stream after SASL2 has let it in; there the stream goes on"))
	case dir == session.C2S && o.bound && s.State.Framing() == decode.BOSH && s.Root != nil && s.Root.Attr("sid") == "": // another session
	case dir == session.C2S && o.bound:
		notes = append(notes, decode.Breach("B04", tag, "the client opens a new stream after binding its resource; binding needs no restart"))
	}
	o.closed[dir], o.reopen[dir], o.refused, o.proceeded, o.resumed = false, false, false, false, false
	o.sasl2, o.atOnce = false, false
	if dir == session.C2S {
		if o.fresh = false; s.State.Framing() == decode.BOSH {
			o.reopen[session.S2C] = false // it answers with features, in a body like any other
		}
		return notes
	}
	o.owed = promisesFeatures(s.State)
	o.offered, o.asked, o.complete = false, false, false
	return notes
}

// promisesFeatures says whether features must follow a header of the server.
func promisesFeatures(state *decode.State) bool {
	c, s := state.Header[session.C2S], state.Header[session.S2C]
	if c == nil || s == nil || roleOf(state) == componentStream {
		return false
	}
	major, _, _ := version(c.Version)
	answer, _, _ := version(s.Version)
	return major >= 1 && answer >= 1
}

func (o *order) element(s *decode.Seen) (notes []session.Note) {
	dir, name, tag := s.Event.Dir, s.Root.Name, s.Root.Tag
	isError := name.Space == decode.NSStreams && name.Local == "error"
	if o.proceeded {
		o.proceeded = false
		notes = append(notes, decode.Breach("T05", tag,
			"the %s sends %q in the clear after proceed, where only TLS may follow", dir.Sender(), name.Local))
	}
	if dir == session.C2S {
		notes = append(notes, o.fromClient(s)...)
	} else {
		notes = append(notes, o.fromServer(s, isError)...)
	}
	o.learn(s)
	return notes
}

func (o *order) fromClient(s *decode.Seen) (notes []session.Note) {
	o.asked = true
	switch {
	case o.fresh:
		o.fresh = false
		notes = append(notes, decode.Breach("T07", s.Root.Tag,
			"the client's first words inside TLS are %q; it must open a new stream first", s.Root.Name.Local))
	case o.reopen[session.C2S]:
		o.reopen[session.C2S] = false
		if s.State.Framing() == decode.BOSH {
			o.reopen[session.S2C] = false
			if o.elsewhere(s) { // it may have begun anew on another connection
				break
			}
			notes = append(notes, decode.Breach("H02", s.Root.Tag,
				"the client goes on with %q after the server's success; it has to send a body with xmpp:restart='true' first", s.Root.Name.Local))
			break
		}
		notes = append(notes, decode.Breach("A11", s.Root.Tag,
			"the client goes on with %q after the server's success; it must open a new stream first", s.Root.Name.Local))
	}
	return notes
}

// elsewhere says whether other connections carry requests of the session of BOSH, too.
func (o *order) elsewhere(s *decode.Seen) bool {
	b, ok := s.State.Run.BOSH.Get(s.State.SID())
	return ok && b.Many
}

func (o *order) fromServer(s *decode.Seen, isError bool) (notes []session.Note) {
	tag := s.Root.Tag
	features := s.Root.Name.Space == decode.NSStreams && s.Root.Name.Local == "features"
	switch {
	case isError:
		o.owed, o.refused, o.atOnce = false, false, false
	case o.refused:
		o.refused = false
		notes = append(notes, decode.Breach("T04", tag,
			"the server goes on with %q after it refused to start TLS; it must close the stream", s.Root.Name.Local))
	case o.reopen[session.S2C]:
		o.reopen[session.S2C] = false
		notes = append(notes, decode.Breach("A11", tag,
			"the server goes on with %q after its success; it must wait for the client's new stream and open its own", s.Root.Name.Local))
	case o.atOnce && !features:
		o.atOnce = false
		notes = append(notes, decode.Finding("A23", "XEP-0388 §2.6.1", session.Error, tag,
			"the server sends %q before the features that have to follow its success at once", s.Root.Name.Local))
	case o.owed && !features:
		o.owed = false
		notes = append(notes, decode.Breach("S21", tag,
			"the server sends %q before the features that have to follow its header", s.Root.Name.Local))
	}
	if features {
		notes = append(notes, o.features(s)...)
	}
	return notes
}

// features is S23 and M05.
func (o *order) features(s *decode.Seen) (notes []session.Note) {
	switch {
	case o.resumed:
		notes = append(notes, decode.Breach("M05", s.Root.Tag,
			"the server sends features after it has resumed a session in the same step as the login; none follow there"))
	case s.Root.First() == nil: // they say that negotiation is complete, and may be repeated
	case o.complete, o.offered && !o.asked:
		notes = append(notes, decode.Breach("S23", s.Root.Tag,
			"the server sends features again, though nothing was restarted"))
	}
	o.owed, o.atOnce, o.resumed, o.offered, o.asked = false, false, false, true, false
	o.complete = o.complete || s.Root.First() == nil
	return notes
}

// learn notes what an element changes.
func (o *order) learn(s *decode.Seen) {
	if s.Event.Dir == session.C2S {
		return
	}
	if !s.IsStanza() {
		o.learnName(s)
	}
	if step := s.Event.Step; step != nil && (step.ID == "bind-result" || step.ID == "sm-resumed") {
		o.bound, o.complete = true, true
	}
}

// learnName notes what an element that is no stanza changes.
func (o *order) learnName(s *decode.Seen) {
	switch name := s.Root.Name; name.Space + " " + name.Local {
	case decode.NSTLS + " proceed":
		o.proceeded = !encrypted(s.State)
	case decode.NSTLS + " failure":
		o.refused = true
	case decode.NSCompress + " compressed": // a new stream follows, whatever stage it is
		o.bound, o.complete, o.sasl2, o.atOnce = false, false, false, false
	case decode.NSSASL + " success":
		o.reopen = [3]bool{session.C2S: !o.login.reopened, session.S2C: true}
	case decode.NSSASL2 + " success":
		o.complete, o.offered = false, false
		o.resumed = s.Root.Child("", "resumed") != nil
		o.sasl2, o.atOnce = true, !o.resumed
		o.bound = o.bound || s.Root.Child(decode.NSBind2, "bound") != nil
	}
}

// ended is T08, and notes the end of a stream.
func (o *order) ended(s *decode.Seen) (notes []session.Note) {
	if o.proceeded || o.failed {
		notes = append(notes, decode.Breach("T08", session.Span{},
			"the %s closes its stream in the clear after TLS has failed; the connection is to be closed without it", s.Event.Dir.Sender()))
	}
	o.closed[s.Event.Dir] = true
	o.owed, o.refused, o.proceeded = false, false, false
	return notes
}
