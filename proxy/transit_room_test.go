package proxy

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
)

// TestTransitRoom: a connection that has said little takes little memory, as long as it may last.
func TestTransitRoom(t *testing.T) {
	const conns = 200
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	var all sync.WaitGroup
	var ends []net.Conn
	for range conns {
		client, ours := net.Pipe()
		server, far := net.Pipe()
		ends = append(ends, client, server, far)
		all.Go(func() { new(Transit).first(netip.AddrPort{}, ours, server) })
		client.Write([]byte("<")) // it has been read then
	}
	took := (heap() - before) / conns
	for _, c := range ends {
		c.Close()
	}
	all.Wait()
	if took > maxHeld/2 {
		t.Errorf("each takes %d bytes", took)
	}
}

// TestTransitLong: what is known by more bytes than come at once is known all the same.
func TestTransitLong(t *testing.T) {
	client, ours := net.Pipe()
	server, far := net.Pipe()
	defer far.Close()
	defer server.Close()
	said := make([]byte, 20<<10)
	for i := range said {
		said[i] = ' '
	}
	said = append([]byte("<?xml version='1.0'?>"), said...)
	said = append(said, "<stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"...)
	go client.Write(said)
	early, xmpp := new(Transit).first(netip.AddrPort{}, ours, server)
	client.Close()
	if !xmpp || string(early) != string(said) {
		t.Errorf("of %d bytes %d are read, XMPP: %v", len(said), len(early), xmpp)
	}
}
