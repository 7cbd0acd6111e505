// Package attach lets the same user look at a run of xmppscope from another terminal: over
// a Unix socket of that user alone, what the run has seen and sees is a recording of JSON
// Lines, secrets in the clear.
//
// Each who looks reads the run's Log at a pace of its own. One that goes, hangs or reads
// slowly is not noticed by the run.
package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"xmppscope/internal/ownership"
	"xmppscope/session"
)

// Bounds of who may look.
const (
	maxLookers = 16
	patience   = 30 * time.Second // with one that takes nothing
	drain      = 2 * time.Second  // of what they have not read when the run ends

	maxNamesakes = 16 // runs of one process number
)

// ErrNowhere says that this system has no such sockets.
var ErrNowhere = errors.New("attach: it works on Linux and macOS only: this system does not say who is at the other end of a socket")

// Ext is the extension of sockets.
const Ext = ".sock"

// Hello is the first line of what is sent: the header of a recording, and what is looked at.
type Hello struct {
	session.Header
	Title string `json:"title"` // "xmppscope demo: …"
	PID   int    `json:"pid"`
}

// Server is the socket of a run.
type Server struct {
	path     string
	listener *net.UnixListener
	log      *session.Log
	giveWay  func()
	self     int // the user that may look
	hello    []byte
	full     []byte // in its place, for one too many
	room     chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc
	looking  sync.WaitGroup
	ended    sync.WaitGroup
}

// Listen makes a socket for this process, in a folder that is this user's alone. What it
// sends is written in goroutines that call giveWay first, so that the relay goes before.
func Listen(log *session.Log, tool, title string, giveWay func()) (*Server, error) {
	return listen(log, tool, title, giveWay, os.Geteuid())
}

func listen(log *session.Log, tool, title string, giveWay func(), self int) (*Server, error) {
	if !supported {
		return nil, ErrNowhere
	}
	of := Hello{session.NewHeader(tool, time.Now(), true), title, os.Getpid()}
	hello, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	of.Refused = fmt.Sprintf("%d look at this run already, and no more can: close one of them", maxLookers)
	full, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	var why error
	for _, folder := range folders() {
		l, path, err := listenIn(folder)
		if err != nil {
			why = errors.Join(why, err)
			continue
		}
		s := &Server{path: path, listener: l, log: log, giveWay: giveWay, self: self, hello: append(hello, '\n'), full: append(full, '\n'), room: make(chan struct{}, maxLookers)}
		s.ctx, s.cancel = context.WithCancel(context.Background())
		s.ended.Go(s.accept)
		return s, nil
	}
	return nil, why
}

func listenIn(folder string) (*net.UnixListener, string, error) {
	if err := ownership.MakePrivate(folder); err != nil {
		return nil, "", fmt.Errorf("attach: %w", err)
	}
	l, path, err := listenAs(filepath.Join(folder, strconv.Itoa(os.Getpid())))
	if err != nil {
		return nil, "", fmt.Errorf("attach: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // nobody else gets into the folder meanwhile
		l.Close()
		return nil, "", fmt.Errorf("attach: %w", err)
	}
	return l, path, nil
}

// listenAs makes a socket of this name, or with a number behind it where another process
// listens there: in another container a process may have our number.
func listenAs(name string) (*net.UnixListener, string, error) {
	path := name + Ext
	for n := 2; ; n++ {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if !errors.Is(err, errInUse) {
			return l, path, err
		}
		if _, err := greet(path); errors.Is(err, errRefused) && os.Remove(path) == nil { // of a process that is gone
			n--
			continue
		}
		if n > maxNamesakes {
			return nil, "", err
		}
		path = name + "-" + strconv.Itoa(n) + Ext
	}
}

// Path is where the socket is.
func (s *Server) Path() string { return s.path }

// Close lets those who look take what there is, for a moment, and removes the socket.
func (s *Server) Close() {
	s.listener.Close() // removes it, too
	s.ended.Wait()
	over := time.AfterFunc(drain, s.cancel)
	defer over.Stop()
	s.looking.Wait()
	s.cancel()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no file descriptor is left, or so
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return
			}
		}
		select {
		case s.room <- struct{}{}:
		default:
			if own(conn, s.self) == nil {
				conn.SetWriteDeadline(time.Now().Add(time.Second)) // a new socket has room for a line
				conn.Write(s.full)
			}
			conn.Close()
			continue
		}
		s.looking.Go(func() {
			defer func() { <-s.room }()
			defer conn.Close()
			s.giveWay()
			if own(conn, s.self) == nil {
				s.send(conn)
			}
		})
	}
}

// send sends what is seen to one who looks, until nothing more comes or it is gone.
func (s *Server) send(conn *net.UnixConn) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s.looking.Go(func() { // it has nothing to say: when its side ends, it is gone
		conn.Read(make([]byte, 1))
		cancel()
	})
	write := func(p []byte) bool {
		conn.SetWriteDeadline(time.Now().Add(patience))
		_, err := conn.Write(p)
		return err == nil && ctx.Err() == nil
	}
	if !write(s.hello) {
		return
	}
	var block []byte
	for at := 0; ; {
		events, next := s.log.Since(ctx, at)
		if len(events) == 0 {
			return
		}
		block = block[:0]
		for i := range events {
			if !session.Numbered(events[i].Body) {
				continue
			}
			with, err := session.AppendJSON(block, events[i])
			if err != nil {
				continue
			}
			block = append(with, '\n')
		}
		if len(block) > 0 && !write(block) {
			return
		}
		if at = next; cap(block) > 4<<20 {
			block = nil
		}
	}
}

// Run is a run of xmppscope that can be looked at.
type Run struct {
	Path string
	Hello
}

// Runs finds the runs of this user. Sockets that nobody is behind any more are removed.
func Runs() ([]Run, error) {
	if !supported {
		return nil, ErrNowhere
	}
	var out []Run
	for _, folder := range folders() {
		info, err := os.Lstat(folder)
		if err != nil || ownership.Foreign(info) != nil { // what another has laid there is not touched
			continue
		}
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			path := filepath.Join(folder, entry.Name())
			if filepath.Ext(path) != Ext {
				continue
			}
			hello, err := greet(path)
			switch {
			case err == nil:
				out = append(out, Run{path, hello})
			case errors.Is(err, errRefused):
				os.Remove(path)
			}
		}
	}
	slices.SortFunc(out, func(a, b Run) int { return a.Created.Compare(b.Created) })
	return out, nil
}

// greet reads the first line of what a run sends.
func greet(path string) (hello Hello, err error) {
	conn, err := Dial(path)
	if err != nil {
		return hello, err
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(time.Second))
	if err := json.NewDecoder(conn).Decode(&hello); err != nil {
		return hello, fmt.Errorf("attach: %s: %w", path, err)
	}
	hello.Refused = "" // it is a run all the same
	return hello, hello.Check()
}

// Dial connects to the socket of a run, if this user's process is at the other end. What is
// read from it is a recording of JSON Lines.
func Dial(path string) (*net.UnixConn, error) { return dial(path, os.Geteuid()) }

func dial(path string, self int) (*net.UnixConn, error) {
	if !supported {
		return nil, ErrNowhere
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	if err := own(conn, self); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// own is an error unless a process of this user is at the other end.
func own(conn *net.UnixConn, self int) error {
	uid, err := peerUID(conn)
	if err != nil {
		return fmt.Errorf("attach: who is at the other end is not known: %w", err)
	}
	if uid != self {
		return fmt.Errorf("attach: user %d is at the other end, and not this one", uid)
	}
	return nil
}

// folders are where sockets may lie, the best first.
func folders() (out []string) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		out = append(out, filepath.Join(dir, "xmppscope"))
	}
	if dir, err := os.UserCacheDir(); err == nil {
		out = append(out, filepath.Join(dir, "xmppscope", "run"))
	}
	return append(out, filepath.Join(os.TempDir(), "xmppscope-"+strconv.Itoa(os.Geteuid())))
}

// IsSocket says whether a path may be that of a run.
func IsSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket && strings.HasSuffix(path, Ext)
}
