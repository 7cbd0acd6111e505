package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"xmppscope/session"
)

// Bounds of what clients of the Server may take. None of them is on the relay's way: a
// client that reads slowly keeps a connection of its own waiting, and is let go.
const (
	maxConnections = 64
	maxAnswers     = 4  // that are worked out at once: the wire needs the CPUs too
	maxStreams     = 16 // that wait for events
	maxHeader      = 16 << 10
)

// slowest is how long a request may take to come, and a part of an answer to be taken.
var slowest = 15 * time.Second

// Token is what a client has to show, once it was made for it. It is kept as a digest.
type Token struct{ digest [sha256.Size]byte }

// NewToken makes a token, and the text that the person gets, once.
func NewToken() (t Token, text string) {
	var random [32]byte
	rand.Read(random[:]) // never fails
	text = base64.RawURLEncoding.EncodeToString(random[:])
	return Token{sha256.Sum256([]byte(text))}, text
}

// fits says whether a text is that of the token, in a time that tells nothing.
func (t Token) fits(text string) bool {
	digest := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(digest[:], t.digest[:]) == 1
}

// Listen listens on an address, "127.0.0.1:PORT" or "[::1]:PORT". One that others can
// reach is refused: what passes here is readable.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%q: want 127.0.0.1:PORT", addr)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("%q: others can reach this address, or nobody: want 127.0.0.1:PORT; ssh -L takes it elsewhere", addr)
	}
	if host == "localhost" { // whatever a resolver says it is
		addr = strings.Replace(addr, host, "127.0.0.1", 1)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return netutil.LimitListener(l, maxConnections), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Serve answers programs that show the token, until ctx is done. When it returns, nobody
// reads from the Log any more. Each goroutine that answers calls giveWay first, so that the
// relay goes before.
func Serve(ctx context.Context, l net.Listener, m *Model, t Tokens, giveWay func()) error {
	at := atWork{next: Handler(m, t), giveWay: giveWay}
	defer at.end()
	s := &http.Server{
		Handler: &at, ReadHeaderTimeout: slowest, ReadTimeout: slowest, IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    silent,
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// atWork counts the requests that are being answered.
type atWork struct {
	next    http.Handler
	giveWay func()
	mu      sync.Mutex
	ended   bool
	now     sync.WaitGroup
}

func (a *atWork) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a.mu.Lock()
	if a.ended {
		a.mu.Unlock()
		return
	}
	a.now.Add(1)
	a.mu.Unlock()
	defer a.now.Done()
	a.giveWay()
	a.next.ServeHTTP(w, req)
}

// end waits for those that are under way: their connections are closed.
func (a *atWork) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.now.Wait()
}

// Tokens are what clients have to show: to look, and, if control is allowed, to do something;
// with that they may look too.
type Tokens struct {
	Look    Token
	Control *Token // nil: nobody may
}

// Handler answers requests that show the token.
func Handler(m *Model, t Tokens) http.Handler {
	mux := http.NewServeMux()
	answers, streams := make(chan struct{}, maxAnswers), make(chan struct{}, maxStreams)
	for _, r := range routes() {
		room := answers
		if r.waits {
			room = streams
		}
		mux.HandleFunc("GET "+r.path, func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, m, room) })
		mux.HandleFunc(r.path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "nothing can be changed here", "use GET")
		})
	}
	for _, r := range acts() {
		mux.HandleFunc("POST "+r.path, func(w http.ResponseWriter, req *http.Request) { r.serveAct(w, req, m, streams) })
		mux.HandleFunc(r.path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", "POST")
			refuse(w, http.StatusMethodNotAllowed, "this does something", "use POST")
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing at this path", "GET /openapi.json says what there is")
	})
	return guard(mux, t)
}

// guard lets through what comes from this machine, is meant for us, and shows the token.
func guard(next http.Handler, t Tokens) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		scheme, given, _ := strings.Cut(req.Header.Get("Authorization"), " ")
		bearer := strings.EqualFold(scheme, "Bearer") // RFC 9110 §11.1
		control := t.Control != nil && t.Control.fits(given)
		if control {
			req = req.WithContext(context.WithValue(req.Context(), mayControl{}, true))
		}
		switch {
		case !isLoopback(hostOf(req.Host)): // a page whose name was made to lead here (DNS rebinding)
			refuse(w, http.StatusForbidden, "the Host header names no loopback address", "use the address that was printed")
		case len(req.Header.Values("Origin")) > 0: // a page of a browser; we serve none
			refuse(w, http.StatusForbidden, "no page of a browser has anything to ask here", "")
		case len(req.Header.Values("Authorization")) > 1 || !bearer || !control && !t.Look.fits(given):
			h.Set("WWW-Authenticate", `Bearer realm="xmppscope"`)
			refuse(w, http.StatusUnauthorized, "the token is missing or wrong", "send the token that was printed at the start: Authorization: Bearer TOKEN")
		default:
			next.ServeHTTP(w, req)
		}
	})
}

// hostOf is a Host header without its port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// enter takes a place for an answer, which leave gives back. Where there is none it is refused.
func enter(w http.ResponseWriter, room chan struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "too much is asked for at once", "ask again")
		return false
	}
}

func leave(room chan struct{}) { <-room }

func (r *route) serve(w http.ResponseWriter, req *http.Request, m *Model, room chan struct{}) {
	if !enter(w, room) {
		return
	}
	defer leave(room)
	v, err := r.read(req)
	if err != nil {
		refuseFor(w, err)
		return
	}
	if r.stream == nil {
		out, err := r.answer(m, req.Context(), v)
		if err != nil {
			refuseFor(w, err)
			return
		}
		reply(w, http.StatusOK, out)
		return
	}
	w.Header().Set("Content-Type", r.media)
	s := &sender{ctx: req.Context(), w: w, header: w.Header(), control: http.NewResponseController(w)}
	s.control.SetReadDeadline(time.Time{}) // the request has come; an answer may take as long as the run
	switch err := r.stream(m, s, v); {
	case err == nil:
	case !s.begun:
		refuseFor(w, err)
	default:
		panic(http.ErrAbortHandler) // so that the client sees that it is not whole
	}
}

// sender is who gets a streamed answer. One that does not take it is given up.
type sender struct {
	ctx     context.Context
	w       http.ResponseWriter
	header  http.Header
	control *http.ResponseController
	begun   bool
	failed  error
}

func (s *sender) Write(p []byte) (int, error) {
	s.begun = true
	s.control.SetWriteDeadline(time.Now().Add(slowest))
	n, err := s.w.Write(p)
	s.failed = err
	return n, err
}

// line sends a line, and says whether more is wanted.
func (s *sender) line(p []byte) bool {
	_, err := s.Write(append(p, '\n'))
	return err == nil
}

// flush sends what has been written; also the head of an answer that has no line yet.
func (s *sender) flush() {
	s.begun = true
	s.control.SetWriteDeadline(time.Now().Add(slowest))
	s.control.Flush()
}

func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowest))
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

func refuse(w http.ResponseWriter, status int, why, hint string) {
	reply(w, status, Problem{session.SafeLine(why), session.SafeLine(hint)})
}

func refuseFor(w http.ResponseWriter, err error) {
	w.Header().Del("Content-Disposition")
	refuse(w, statusOf(err), err.Error(), "GET /openapi.json says what can be asked")
}
