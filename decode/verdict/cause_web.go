package verdict

import (
	"slices"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { propose("12 HTTP", overHTTP) }

// webAnswer is an answer of HTTP, and what is the matter with it.
type webAnswer struct {
	session.HTTPResponse
	seq    uint64
	faults []fault
}

// left is that somebody closed the connection after this answer, before XMPP had begun.
func (w *webAnswer) left(by string) Cause {
	cause := Cause{ID: "left-after-http", What: by + " closed the connection after HTTP (" + w.Words() + "), before a stream was opened in it", Advice: "look into the log of who left"}
	if w.HTTPResponse.WebSocket {
		cause.ID, cause.What = "left-before-open", by+" closed the connection when WebSocket was up, before a stream was opened in it: the client begins with <open/> (RFC 7395 §3.4)"
	}
	return cause
}

// webFrame is a frame of WebSocket with which something is the matter.
type webFrame struct {
	session.WebSocketFrame
	dir    session.Dir
	seq    uint64
	faults []fault
}

// webAdvice is what to do about a breach, by its check.
var webAdvice = map[string]string{
	"W02": "point the client at the server's address for XMPP over WebSocket (Prosody: /xmpp-websocket, ejabberd: /ws or /websocket), and let it ask for the protocol \"xmpp\"",
	"W07": "check the address (scheme, host, port and path) that the client is given, and what the server's log says of the request",
	"H01": "let the client count its requests up by one, and send each again that was not answered",
	"H02": "let the client begin the stream anew after the login, by a body with xmpp:restart='true'",
	"H04": "let the client use its keys from the last to the first, each once",
	"H06": "check the address that the client is given, and what the server's log says of the request",
}

// overHTTP is about logins by WebSocket and BOSH that HTTP, or a frame, has ended.
func overHTTP(c *scene) []Cause {
	if !c.In.IsZero() || c.state.Joined {
		return nil
	}
	if head := c.state.Header[session.C2S]; head != nil && head.Framing == decode.BOSH && head.Count == 1 && head.Version == "" {
		return []Cause{{ID: "bosh-no-version", Guilty: Client, Weight: Shown, Evidence: []Evidence{{c.last.seq, "H03"}},
			What:   "the client speaks BOSH and does not say xmpp:version='1.0', so the server takes it for one from before XMPP 1.0 and offers it no way to log in",
			Advice: "let the client send xmpp:version='1.0' (with xmlns:xmpp='urn:xmpp:xbosh') in its first body, and take the features from the next answer if the first has none"}}
	}
	over := c.heardWeb()
	if over == nil {
		return nil
	}
	var out []Cause
	add := func(id string, guilty Side, faults []fault) {
		if i := slices.IndexFunc(faults, func(f fault) bool { return webAdvice[f.Rule] != "" }); i >= 0 {
			f := faults[i]
			out = append(out, Cause{ID: id + "-" + f.Rule, Guilty: guilty, What: f.Text, Advice: webAdvice[f.Rule], Weight: Shown, Evidence: []Evidence{f.Evidence}})
		}
	}
	if w := over.answer; w != nil && (!c.spoke[session.S2C] || w.seq > c.answer.seq) {
		add("http", Server, w.faults)
	}
	if f := over.frame; f != nil {
		switch {
		case len(f.faults) > 0 && f.Breach != "":
			out = append(out, Cause{ID: "websocket-" + f.Breach, Guilty: sideOf(f.dir), What: f.Problem, Advice: "let the " + f.dir.Sender() + " be mended: its WebSocket is wrong", Weight: Likely, Evidence: []Evidence{f.faults[0].Evidence}})
		case f.Code > 1001:
			out = append(out, Cause{ID: "websocket-closed", Guilty: sideOf(f.dir.Opposite()), Weight: Likely, Evidence: []Evidence{{Seq: f.seq}},
				What: "the " + f.dir.Sender() + " ended it: " + f.Words(), Advice: "look what the " + f.dir.Opposite().Sender() + " said right before it"})
		}
	}
	add("bosh", Client, over.body)
	return out
}

// sideOf is who sends in a direction.
func sideOf(dir session.Dir) Side {
	if dir == session.C2S {
		return Client
	}
	return Server
}
