package xmpptest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone is what a name server of a test knows: by type and name without the dot at its end,
// such as "SRV _xmpp-client._tcp.peers.test", the records as a zone file has them.
type Zone map[string][]string

// StartDNS starts a name server for the length of the test, on an address of loopback of
// its own and the port of DNS (which takes root), over UDP and TCP. It returns the path of
// a resolv.conf that names it.
func StartDNS(t testing.TB, zone Zone) (resolvConf string) {
	t.Helper()
	var udp net.PacketConn
	var tcp net.Listener
	for try := 0; tcp == nil; try++ {
		at := fmt.Sprintf("127.%d.%d.%d:53", 64+rand.IntN(64), rand.IntN(250), 1+rand.IntN(250))
		var err error
		if udp, err = net.ListenPacket("udp", at); err == nil {
			if tcp, err = net.Listen("tcp", at); err != nil {
				udp.Close()
			}
		}
		if err != nil && try > 20 {
			t.Fatalf("xmpptest: no address for a name server: %v", err)
		}
	}
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	go func() {
		room := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(room)
			if err != nil {
				return
			}
			if answer := zone.answer(room[:n]); answer != nil {
				udp.WriteTo(answer, from)
			}
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go zone.serve(c)
		}
	}()
	host, _, _ := net.SplitHostPort(tcp.Addr().String())
	resolvConf = filepath.Join(peerDir(t), "resolv.conf")
	peerWrite(t, resolvConf, []byte("nameserver "+host+"\n"))
	if err := os.Chmod(filepath.Dir(resolvConf), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(resolvConf, 0o644); err != nil {
		t.Fatal(err)
	}
	return resolvConf
}

func (z Zone) serve(c net.Conn) {
	defer c.Close()
	for {
		var head [2]byte
		if _, err := readFull(c, head[:]); err != nil {
			return
		}
		query := make([]byte, int(head[0])<<8|int(head[1]))
		if _, err := readFull(c, query); err != nil {
			return
		}
		answer := z.answer(query)
		c.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...))
	}
}

func readFull(c net.Conn, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = c.Read(p[n:])
		n += k
	}
	return n, err
}

func (z Zone) answer(query []byte) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	known := false
	for key := range z {
		_, of, _ := strings.Cut(key, " ")
		known = known || of == name || strings.HasSuffix(of, "."+name)
	}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range z[strings.TrimPrefix(q.Type.String(), "Type")+" "+name] {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 60}, Body: record(q.Type, text),
		})
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

func record(kind dnsmessage.Type, text string) dnsmessage.ResourceBody {
	switch kind {
	case dnsmessage.TypeSRV:
		var b dnsmessage.SRVResource
		var target string
		fmt.Sscan(text, &b.Priority, &b.Weight, &b.Port, &target)
		b.Target = dnsmessage.MustNewName(target + ".")
		return &b
	case dnsmessage.TypeAAAA:
		return &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(text).As16()}
	case dnsmessage.TypeCNAME:
		return &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(text + ".")}
	}
	return &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()}
}
