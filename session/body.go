package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Body says what kind of event it is, and holds what only that kind has. Each is
// a small struct; its name is the one used in JSON, filters and the inspector.
type Body interface{ Name() string }

// The kinds of event. A body's fields are its "detail" object in JSON.
type (
	// DNSAnswered: a name was looked up, for the way to the server.
	DNSAnswered struct {
		Question string        `json:"question"`          // kind and name: "SRV _xmpp-client._tcp.example.net", "A xmpp.example.net"
		Server   string        `json:"server"`            // who was asked: "IP:port", or SystemResolver
		Answers  []string      `json:"answers,omitempty"` // as a zone file has them: "10 0 5222 xmpp.example.net", "192.0.2.1"
		Aliases  []string      `json:"aliases,omitempty"` // names (CNAME) that the answers were found under in place of the one asked for
		Problem  string        `json:"problem,omitempty"` // why there is no answer, in words; "" also where there simply is no record
		Took     time.Duration `json:"took_ns"`
	}
	// TCPTried: an address of the server was tried, and is not the one that is used.
	TCPTried struct {
		Target  string        `json:"target"`         // "HOST:PORT" as it was named
		Address string        `json:"address"`        // "IP:port"
		Lost    bool          `json:"lost,omitempty"` // another address answered first (RFC 8305 §5)
		Reason  string        `json:"reason"`         // in words
		Took    time.Duration `json:"took_ns"`
	}
	// TCPOpened: a leg is connected. Peer is the client's address, or the server's.
	TCPOpened struct {
		Local  string `json:"local"`            // our address on this leg, "IP:port"
		Peer   string `json:"peer"`             // theirs
		Target string `json:"target,omitempty"` // server leg: "host:port" as it was asked for
		Via    string `json:"via,omitempty"`    // server leg: who named it: "--upstream", ViaSRV and a record
		Direct bool   `json:"direct,omitempty"` // TLS from the first byte (XEP-0368)
		// Order is that in which SRV records of both kinds have servers tried (XEP-0368 §3), in
		// words; nil where there is one kind alone.
		Order []string `json:"order,omitempty"`
		// Through is the proxy that Target was reached through, "socks5://HOST:PORT"; Peer is its
		// address then.
		Through string        `json:"through,omitempty"`
		Took    time.Duration `json:"took_ns,omitempty"` // server leg: to connect, that of the address that is used
		// Captured says that xmppscope was not there: a capture of one wire was read,
		// the client leg reaches to the server, and Local is the server's address.
		Captured bool `json:"captured,omitempty"`
		Joined   bool `json:"joined,omitempty"` // the capture begins in the middle of the connection
		// Taken, of the client's leg: it was going elsewhere, and was brought here on its way, as
		// its next connections will be.
		Taken bool `json:"taken,omitempty"`
	}
	// TCPFailed: the server could not be reached.
	TCPFailed struct {
		Target string `json:"target"`         // what we tried, "HOST:PORT" or a domain
		Reason string `json:"reason"`         // in words
		Hint   string `json:"hint,omitempty"` // what to do next
	}
	// TCPHalfClosed: a peer has finished sending (FIN); it may still receive.
	TCPHalfClosed struct{}
	// TCPClosed: a leg is gone.
	TCPClosed struct {
		By     string `json:"by"`               // "client", "server" or "xmppscope"
		Reason string `json:"reason,omitempty"` // "connection reset", "" for an ordinary end
	}

	// TLSEstablished: the handshake of a leg is done.
	TLSEstablished struct{ TLSFacts }
	// TLSFailed: a handshake failed, or a peer refused right after it.
	TLSFailed struct {
		TLSFacts
		Class  string `json:"class"`           // see the Class… constants
		Guilty string `json:"guilty"`          // who refused: "client", "server" or "xmppscope"
		Alert  string `json:"alert,omitempty"` // "unknown_ca (48)", "" if none was sent
		Reason string `json:"reason"`          // who refused whom and why, in words
		Hint   string `json:"hint,omitempty"`  // what to do next
		Err    string `json:"error,omitempty"` // crypto/tls's own words
	}
	// TLSLocked: a capture of TLS cannot be decrypted; what follows is unknown.
	TLSLocked struct {
		Reason string `json:"reason"`         // what is missing, in words
		Hint   string `json:"hint,omitempty"` // what to do next
		// Bare says that nothing came inside it, as far as can be seen from outside: the
		// connection ended in the handshake, or right after it.
		Bare bool `json:"bare,omitempty"`
	}
	// TLSSecret: one line of a key log (NSS format). Not numbered. In a Trail it may be
	// several, or none: then no secrets have come.
	TLSSecret struct {
		Line string `json:"line"`
	}
	// WireBytes: bytes of a leg as TCP carried them. Not numbered.
	WireBytes struct{ Remarks }
	// WirePacket: a packet of the session as others have captured it. Raw is the
	// frame as far as it was captured, Size its length on the wire. Not numbered.
	WirePacket struct {
		On    Interface `json:"on"`
		Stamp uint64    `json:"stamp"` // when, in units of On.Resolution
		Remarks
	}

	// StreamOpened: a stream header, the start tag alone with what stood before it.
	StreamOpened struct{}
	// StreamElement: a whole first-level element.
	StreamElement struct{}
	// StreamWhitespace: one byte of white space between elements.
	StreamWhitespace struct{}
	// StreamClosed: the end tag of the stream.
	StreamClosed struct{}
	// StreamPartial: an element that had not ended when the bytes did.
	StreamPartial struct{}
	// StreamRaw: bytes that are no element, of a direction that is opaque.
	StreamRaw struct {
		// Between says that the direction is not: they stand between elements, where
		// nothing but white space may, and what follows is read on.
		Between bool `json:"between,omitempty"`
	}

	// HTTPRequest: the head of a request of HTTP, which WebSocket and BOSH begin with.
	HTTPRequest struct {
		Method    string   `json:"method"`
		Target    string   `json:"target"` // as it is written: "/xmpp-websocket"
		Host      string   `json:"host,omitempty"`
		WebSocket bool     `json:"websocket,omitempty"` // it asks for it
		Protocols []string `json:"protocols,omitempty"` // of WebSocket, as asked for
		Origin    string   `json:"origin,omitempty"`
		Type      string   `json:"type,omitempty"` // of the body
	}
	// HTTPResponse: the head of an answer.
	HTTPResponse struct {
		Status     int      `json:"status"`
		Text       string   `json:"text,omitempty"`
		Asked      bool     `json:"asked,omitempty"`     // WebSocket was asked for
		WebSocket  bool     `json:"websocket,omitempty"` // and follows
		Protocols  []string `json:"protocols,omitempty"` // of WebSocket: what the server has chosen
		Extensions string   `json:"extensions,omitempty"`
		Location   string   `json:"location,omitempty"`
		Type       string   `json:"type,omitempty"`    // of the body
		Unasked    bool     `json:"unasked,omitempty"` // no request waits for it
	}
	// HTTPBody: a body of HTTP that is none of XMPP's.
	HTTPBody struct {
		Type    string `json:"type,omitempty"`
		Coding  string `json:"coding,omitempty"` // that was taken off, if it could be
		Problem string `json:"problem,omitempty"`
	}
	// WebSocketFrame: a control frame, or what is the matter with others.
	WebSocketFrame struct {
		Op      string `json:"op"`             // "text", "close", "ping", …
		Code    int    `json:"code,omitempty"` // of a close (RFC 6455 §7.4)
		Reason  string `json:"reason,omitempty"`
		Problem string `json:"problem,omitempty"`
		Breach  string `json:"breach,omitempty"` // the check that it breaks: "W05"
	}
	// BOSHBody: the start tag of a <body/> of BOSH that opens no stream. What is in it follows.
	BOSHBody struct {
		SID       string `json:"sid,omitempty"`
		RID       string `json:"rid,omitempty"`
		Type      string `json:"type,omitempty"` // "terminate", "error"
		Condition string `json:"condition,omitempty"`
	}
	// RelayDoor: what the client said before its own first byte, or how it came to be known
	// where it belongs: a proxy's handshake, which is no part of what it says.
	RelayDoor struct {
		Door   string `json:"door"`             // "SOCKS5", "HTTP CONNECT", "PROXY"
		Target string `json:"target,omitempty"` // "host:port" that it asked for
		User   string `json:"user,omitempty"`   // who it said it is
		Client string `json:"client,omitempty"` // where it comes from, as a balancer says: "IP:port"
		Failed bool   `json:"failed,omitempty"` // the connection ends here
		Reason string `json:"reason,omitempty"` // in words, where there is more to say
	}
	// RelayOpaque: a direction is no longer understood. A relay passes it on as it is.
	RelayOpaque struct {
		Reason string `json:"reason"`
		At     int64  `json:"at"` // offset in the plaintext of the direction
	}
	// RelayDropped: bytes that were not passed on.
	RelayDropped struct {
		Reason string `json:"reason"`
	}
	// RelaySent: bytes that we sent in someone's place.
	RelaySent struct {
		Reason string `json:"reason"`
		By     string `json:"by,omitempty"` // the rule, or who asked for it
	}
	// RelayEdited: an element went on as another, whose bytes are the event's, or not at all,
	// or was meant to and passed as it came. Of is the number of the event in which it came.
	RelayEdited struct {
		Of     uint64 `json:"of"`
		Reason string `json:"reason"`
		By     string `json:"by,omitempty"` // the rule, "" where the reason says it
		Passed bool   `json:"passed,omitempty"`
	}
	// RelayBent: something was done to the connection, or to the time of an element, on
	// purpose, or was said of it alone (Noted). Of is the number of the event in which the
	// element came, 0 if there is none.
	RelayBent struct {
		Of     uint64 `json:"of,omitempty"`
		Reason string `json:"reason"`       // what was done
		By     string `json:"by,omitempty"` // the rule, or who asked for it
		Noted  bool   `json:"noted,omitempty"`
	}
	// RelayTimeout: someone kept the other waiting for too long.
	RelayTimeout struct {
		Waiting string        `json:"waiting"` // who was waiting for what
		After   time.Duration `json:"after_ns"`
	}
	// RelayVerdict: a verdict that was reached later, as when a password was given after
	// the login. It stands in the event's notes, and the newest one of a session holds.
	RelayVerdict struct {
		Replaces uint64 `json:"replaces"` // Seq of the event that bears the one before
	}
	// RelayLimit: a limit of the run was reached, or it no longer holds. It is an event
	// of session 0, which is the run.
	RelayLimit struct {
		Limit  string `json:"limit"`          // "sessions", "descriptors" or "accept"
		Over   bool   `json:"over,omitempty"` // it no longer holds
		Reason string `json:"reason"`         // in words
		Hint   string `json:"hint,omitempty"` // what to do next
	}
	// LogLost: something is missing. Of a direction: bytes that the proxy has seen and
	// could not keep, or that a capture lacks. Of no direction: events that were given up.
	LogLost struct {
		Events int64 `json:"events"`
		Bytes  int64 `json:"raw_bytes"`
		// Captured says that the capture lacks them, which others have recorded.
		Captured bool   `json:"captured,omitempty"`
		Cause    string `json:"cause,omitempty"` // why, in words
	}

	// RelayBacklog: explaining is behind what is seen. Of the run, and never in a file.
	RelayBacklog struct {
		Waiting int64         `json:"waiting_bytes"` // what has been seen and not been explained
		Behind  time.Duration `json:"behind_ns"`     // since when the oldest of it waits
	}
)

// Remarks are the comments on a packet in the file that it was read from.
type Remarks struct {
	Comments []string `json:"comments,omitempty"`
	// Explained says that xmppscope has written them: with the explanations of what
	// the packet carried among them, which need not be added again.
	Explained bool `json:"explained,omitempty"`
}

// Words say what is missing; dir is the event's direction.
func (l LogLost) Words(dir Dir) string {
	var what string
	switch {
	case l.Captured:
		return fmt.Sprintf("%s of what the %s sent are missing from the capture", Plural(int(l.Bytes), "byte"), dir.Sender())
	case dir != NoDir:
		what = fmt.Sprintf("%s of what the %s sent passed and were not kept", Plural(int(l.Bytes), "byte"), dir.Sender())
	default:
		what = fmt.Sprintf("%s were lost", Plural(int(l.Events), "event"))
	}
	if l.Cause != "" {
		what += ": " + l.Cause
	}
	return what
}

func (DNSAnswered) Name() string      { return "dns:answered" }
func (TCPTried) Name() string         { return "tcp:tried" }
func (TCPOpened) Name() string        { return "tcp:opened" }
func (TCPFailed) Name() string        { return "tcp:failed" }
func (TCPHalfClosed) Name() string    { return "tcp:half-closed" }
func (TCPClosed) Name() string        { return "tcp:closed" }
func (TLSEstablished) Name() string   { return "tls:established" }
func (TLSFailed) Name() string        { return "tls:failed" }
func (TLSLocked) Name() string        { return "tls:locked" }
func (TLSSecret) Name() string        { return "tls:secret" }
func (WireBytes) Name() string        { return "wire:bytes" }
func (WirePacket) Name() string       { return "wire:packet" }
func (StreamOpened) Name() string     { return "stream:opened" }
func (StreamElement) Name() string    { return "stream:element" }
func (StreamWhitespace) Name() string { return "stream:whitespace" }
func (StreamClosed) Name() string     { return "stream:closed" }
func (StreamPartial) Name() string    { return "stream:partial" }
func (StreamRaw) Name() string        { return "stream:raw" }
func (HTTPRequest) Name() string      { return "http:request" }
func (HTTPResponse) Name() string     { return "http:response" }
func (HTTPBody) Name() string         { return "http:body" }
func (WebSocketFrame) Name() string   { return "websocket:frame" }
func (BOSHBody) Name() string         { return "bosh:body" }
func (RelayDoor) Name() string        { return "relay:door" }
func (RelayOpaque) Name() string      { return "relay:opaque" }
func (RelayDropped) Name() string     { return "relay:dropped" }
func (RelaySent) Name() string        { return "relay:sent" }
func (RelayEdited) Name() string      { return "relay:edited" }
func (RelayBent) Name() string        { return "relay:bent" }
func (RelayTimeout) Name() string     { return "relay:timeout" }
func (RelayVerdict) Name() string     { return "relay:verdict" }
func (RelayLimit) Name() string       { return "relay:limit" }
func (LogLost) Name() string          { return "log:lost" }
func (RelayBacklog) Name() string     { return "relay:backlog" }

// Bodies has one value of every kind that leaves the Spool, for reading events back and
// for tests that want to see them all. A new kind is added to the types above and here.
var Bodies = []Body{
	DNSAnswered{}, TCPTried{}, TCPOpened{}, TCPFailed{}, TCPHalfClosed{}, TCPClosed{},
	TLSEstablished{}, TLSFailed{}, TLSLocked{}, TLSSecret{}, WireBytes{}, WirePacket{},
	StreamOpened{}, StreamElement{}, StreamWhitespace{}, StreamClosed{}, StreamPartial{}, StreamRaw{},
	HTTPRequest{}, HTTPResponse{}, HTTPBody{}, WebSocketFrame{}, BOSHBody{},
	RelayDoor{}, RelayOpaque{}, RelayDropped{}, RelaySent{}, RelayEdited{}, RelayBent{}, RelayTimeout{}, RelayVerdict{}, RelayLimit{}, LogLost{}, RelayBacklog{},
}

// Numbered says whether events of this kind have a Seq and a place in JSON.
// Packets, ciphertext and keys do not: they go to packet captures only.
func Numbered(b Body) bool {
	switch b.(type) {
	case WireBytes, WirePacket, TLSSecret, StreamBytes, StreamMark:
		return false
	}
	return true
}

// OfRun says whether events of this kind may be of no session but of the run: their
// session is 0.
func OfRun(kind string) bool {
	switch kind {
	case RelayLimit{}.Name(), RelayBacklog{}.Name(), LogLost{}.Name(), DNSAnswered{}.Name():
		return true
	}
	return false
}

// IsPlaintext says whether the event's Raw is plaintext of its direction: the
// Raws of such events of one direction, joined, are what that side sent.
func IsPlaintext(b Body) bool {
	switch b.(type) {
	case StreamOpened, StreamElement, StreamWhitespace, StreamClosed, StreamPartial, StreamRaw, RelayDropped:
		return true
	}
	return false
}

// MetaPath is where a domain says where XMPP over WebSocket and BOSH is (XEP-0156 §3); the
// document in JSON has ".json" behind it (RFC 6415 §3).
const MetaPath = "/.well-known/host-meta"

// IsMeta says whether a path of HTTP is MetaPath, in either form.
func IsMeta(path string) bool { return path == MetaPath || path == MetaPath+".json" }

// Path is that of the target, without its query.
func (b HTTPRequest) Path() string {
	path, _, _ := strings.Cut(b.Target, "?")
	return path
}

// AsksWhere says whether the request is for a host-meta.
func (b HTTPRequest) AsksWhere() bool { return IsMeta(b.Path()) }

// Words say what is asked for.
func (b HTTPRequest) Words() string {
	words := b.Method + " " + b.Target
	if b.WebSocket {
		words += ", to speak WebSocket"
		if len(b.Protocols) > 0 {
			words += " (" + strings.Join(b.Protocols, ", ") + ")"
		}
	}
	return words
}

// Words say what is answered.
func (b HTTPResponse) Words() string {
	words := strconv.Itoa(b.Status)
	if b.Text != "" {
		words += " " + b.Text
	}
	if b.WebSocket {
		words += ": WebSocket from here on"
		if len(b.Protocols) > 0 {
			words += " (" + strings.Join(b.Protocols, ", ") + ")"
		}
	}
	if b.Location != "" {
		words += ", to " + b.Location
	}
	return words
}

// Words say what the body is.
func (b HTTPBody) Words() string {
	words := "a body"
	if b.Type != "" {
		words += " of " + b.Type
	}
	if b.Problem != "" {
		words += ": " + b.Problem
	}
	return words
}

// Words say what the frame is.
func (b WebSocketFrame) Words() string {
	switch {
	case b.Problem != "":
		return b.Problem
	case b.Code > 0:
		words := "WebSocket close " + strconv.Itoa(b.Code)
		if b.Reason != "" {
			words += ": " + b.Reason
		}
		return words
	}
	return "WebSocket " + b.Op
}

// Words say which body it is.
func (b BOSHBody) Words() string {
	words := "body"
	for _, part := range [][2]string{{"rid", b.RID}, {"type", b.Type}, {"condition", b.Condition}} {
		if part[1] != "" {
			words += " " + part[0] + " " + part[1]
		}
	}
	return words
}

// Words say how a client came.
func (b RelayDoor) Words() string {
	var said []string
	user := ""
	if b.User != "" {
		user = ", as " + strconv.Quote(b.User) + ","
	}
	switch {
	case b.Client != "":
		said = append(said, "a PROXY header says that the client is "+b.Client)
	case b.Target != "":
		said = append(said, "the client came by "+b.Door+user+" and asked for "+b.Target)
	case b.Reason != "" && b.Door != "":
		return b.Door + ": " + b.Reason
	}
	if b.Reason != "" {
		said = append(said, b.Reason)
	}
	return strings.Join(said, ": ")
}

// VerdictSummary is what a list says of a RelayVerdict.
const VerdictSummary = "the verdict, with the password known"

// SystemResolver is DNSAnswered.Server where the system was asked.
const SystemResolver = "the system's resolver"

// Words say what came of the question.
func (d DNSAnswered) Words() string {
	kind, name, _ := strings.Cut(d.Question, " ")
	var what string
	switch {
	case d.Problem != "":
		what = "no answer to " + d.Question + ": " + d.Problem
	case len(d.Answers) == 0:
		what = name + " has no " + kind + " record"
	case kind == "SRV":
		what = d.Question + ": " + strings.Join(d.Answers, "; ")
	default:
		what = name + " is " + strings.Join(d.Answers, ", ")
	}
	if len(d.Aliases) > 0 {
		what += ", by way of " + strings.Join(d.Aliases, ", ")
	}
	return what
}

// Words say what became of the address.
func (t TCPTried) Words() string {
	if t.Lost {
		return t.Address + " was tried too: " + t.Reason
	}
	return t.Address + " was tried in vain: " + t.Reason
}

// ViaSRV stands in TCPOpened.Via before the name of an SRV record.
const ViaSRV = "SRV "
