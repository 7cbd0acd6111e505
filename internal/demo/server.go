package demo

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
)

// Server is the embedded XMPP server of a scenario. It takes STARTTLS and, on the
// same port, TLS from the first byte (XEP-0368).
type Server struct {
	scenario  Scenario
	authority *Authority
	config    *tls.Config
	listener  net.Listener
	done      sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool     // all that are open
	online map[string]*serverEnd // by full JID: those that have bound
	kept   map[string]*serverEnd // by id: those that can be resumed (XEP-0198)
}

// StartServer starts the scenario's server on a free port of 127.0.0.1.
func StartServer(sc Scenario) (*Server, error) {
	ca, err := NewAuthority("CA of the embedded server, demo only")
	if err != nil {
		return nil, err
	}
	leaf, err := ca.Issue(sc.Domain, "conference."+sc.Domain)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo: server: %w", err)
	}
	s := &Server{
		scenario:  sc,
		authority: ca,
		config:    &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12},
		listener:  ln,
		conns:     map[net.Conn]bool{},
		online:    map[string]*serverEnd{},
		kept:      map[string]*serverEnd{},
	}
	s.done.Go(s.accept)
	return s, nil
}

// Addr is where the server listens, "127.0.0.1:PORT".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Authority is the CA that whoever connects must trust to accept the server's certificate.
func (s *Server) Authority() *Authority { return s.authority }

// Close ends the server and all its sessions and waits until they are gone.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := s.listener.Close()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.done.Go(func() { s.serve(c) })
	}
}

// serve holds one session from its first byte to the end of its connection.
func (s *Server) serve(c net.Conn) {
	s.mu.Lock()
	closed := s.closed
	s.conns[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	if closed {
		return
	}
	first, conn, err := peek(c)
	if err != nil {
		return
	}
	end := &serverEnd{server: s, link: newLink(conn)}
	const handshakeRecord = 0x16 // RFC 8446 §5.1
	if first == handshakeRecord && end.secure(conn) != nil {
		return
	}
	if end.run(); end.id == "" || end.closed {
		s.forget(end)
	}
	end.link.end()
	end.link.drain()
}

// bind gives a session its full JID and makes it reachable. Google Talk made
// every resource unique; others only where it is taken.
func (s *Server) bind(end *serverEnd, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if resource == "" {
		resource = "demo"
	}
	jid := end.user + "/" + resource
	if s.scenario.Google {
		jid += hexID(4)
	}
	if _, taken := s.online[jid]; taken {
		jid += "-" + hexID(4)
	}
	s.online[jid] = end
	end.jid = jid
}

func (s *Server) forget(end *serverEnd) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.online, end.jid)
	delete(s.kept, end.id)
}

// sessions are those whose full JID is "to", or all of the account if it is bare.
func (s *Server) sessions(to string) []*serverEnd {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end := s.online[to]; end != nil {
		return []*serverEnd{end}
	}
	var out []*serverEnd
	for jid, end := range s.online {
		if strings.HasPrefix(jid, to+"/") {
			out = append(out, end)
		}
	}
	return out
}
