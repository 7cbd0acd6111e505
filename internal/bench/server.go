package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// server is the load's own server on a free port of 127.0.0.1. It lets clients log in
// and hands their streams over.
type server struct {
	account  *account
	cert     *tls.Certificate
	listener net.Listener
	deadline time.Time  // of all its connections
	loggedIn func(wire) // called for each stream, in a goroutine of its own

	done  sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
	err   error // the first login that went wrong
}

func startServer(a *account, cert *tls.Certificate, deadline time.Time, loggedIn func(wire)) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{account: a, cert: cert, listener: l, deadline: deadline, loggedIn: loggedIn}
	s.done.Go(s.accept)
	return s, nil
}

func (s *server) addr() string { return s.listener.Addr().String() }

func (s *server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		conn.SetDeadline(s.deadline)
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		s.done.Go(func() { s.serve(conn) })
	}
}

func (s *server) serve(conn net.Conn) {
	w, err := s.account.serverLogin(conn, s.cert)
	if err == nil {
		s.loggedIn(w)
		return
	}
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// problem is the first login that went wrong, if any did.
func (s *server) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// close ends the server, with all its connections.
func (s *server) close() {
	s.listener.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// farewell answers the end of a stream and closes it.
func farewell(w wire) {
	if _, err := w.await(endOfStream); err == nil {
		w.say(endOfStream)
	}
	w.Close()
}

// logOut ends a stream from the client's side and waits for the server's end.
func logOut(w wire) error {
	defer w.Close()
	if _, err := w.ask(endOfStream, endOfStream); err != nil {
		return err
	}
	rest, err := io.ReadAll(w)
	if err == nil && len(rest) > 0 {
		err = errors.New("bench: more came behind the end of a stream")
	}
	return err
}
