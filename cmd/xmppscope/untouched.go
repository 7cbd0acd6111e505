package main

import (
	"bytes"
	"errors"
	"net"
	"os"

	"github.com/spf13/pflag"

	"xmppscope/capture/passive"
	"xmppscope/proxy"
	"xmppscope/session"
)

// untouchedFlags have TLS left as it is (--untouched).
type untouchedFlags struct {
	untouched bool
	keylog    string
}

func (u *untouchedFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&u.untouched, "untouched", false, "leave TLS as it is, and look into it with the secrets that the client logs: channel binding, EXTERNAL and pins hold, and the client needs no CA")
	f.StringVar(&u.keylog, "keylog", "", "the `file` to which the client logs its TLS secrets, as SSLKEYLOGFILE has it: for --untouched")
}

// hintNoKeys is what to do where a client logs no secrets.
const hintNoKeys = "let the client log its TLS secrets (SSLKEYLOGFILE=FILE, with node --tls-keylog=FILE) and name the file with --keylog FILE; or have TLS ended here: --untouched=false"

// whyUntouched is why TLS is left as it is where that was asked for.
const whyUntouched = "TLS is left as it is (--untouched)"

// open says how TLS is left as it is; nil if it is not.
func (u *untouchedFlags) open() (*proxy.Untouched, error) {
	if !u.untouched {
		if u.keylog != "" {
			return nil, usageError{hinted{errors.New("--keylog is for --untouched: where TLS is ended here no secrets of the client are needed"), "add --untouched; of captures, xmppscope open --keylog FILE"}}
		}
		return nil, nil
	}
	if u.keylog == "" {
		say(os.Stderr, "warning: without --keylog nothing is seen of what is inside TLS")
		say(os.Stderr, "hint: let the client log its secrets: SSLKEYLOGFILE=FILE, and --keylog FILE")
	}
	return &proxy.Untouched{Keys: proxy.NewKeyLog(u.keylog), Choose: func(net.Conn) string { return whyUntouched }}, nil
}

// untouched makes the events of a session whose TLS is left as it is: what the client's leg
// carries is read as a capture is.
type untouched struct {
	*passive.Live
	wire   bool // somebody wants the bytes below TLS
	record func(session.Seen)
}

// live begins one with the event that the client has connected.
func (x *explainer) live(e *explaining, opened *session.Seen, b session.TCPOpened) *untouched {
	add := func(seen session.Seen) { e.out = append(e.out, e.by.Explain(seen)) }
	return &untouched{
		Live: passive.NewLive(passive.LiveOptions{
			Session: opened.Session, Began: opened.At, Client: b.Peer, Server: b.Local,
			Hint: hintNoKeys, Secrets: x.wire, Verify: x.verify, Emit: add,
		}),
		wire: x.wire, record: add,
	}
}

// take takes what was seen next.
func (u *untouched) take(s session.Seen) {
	switch b := s.Body.(type) {
	case session.WireBytes:
		if s.Leg != session.ClientLeg { // the same once more
			return
		}
		if s.Truncated {
			u.Missing(s.At, s.Dir, s.Size)
			return
		}
		raw := bytes.Clone(s.Raw) // borrowed
		if u.wire {
			w := s
			w.Raw = raw
			u.record(w)
		}
		u.Bytes(s.At, s.Dir, raw)
	case session.TLSSecret:
		u.Keys(s.At, b.Line)
	case session.TCPHalfClosed:
		u.Ended(s.At, s.Dir)
	case session.TCPClosed:
		if s.Leg == session.ClientLeg {
			u.Close(s)
		}
	case session.StreamBytes, session.TLSLocked, session.LogLost: // of what is read here anew
	case session.TCPOpened:
		if s.Leg == session.ServerLeg {
			u.Record(s)
		}
	default:
		u.Record(s)
	}
}
