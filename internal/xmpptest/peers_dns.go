package xmpptest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// StartNameServer is StartDNS on the port of DNS (which takes root), at an address of
// loopback of its own. It returns the path of a resolv.conf that names it, too.
func StartNameServer(t testing.TB, zone string) (d *DNS, resolvConf string) {
	t.Helper()
	var packets net.PacketConn
	var streams net.Listener
	for try := 0; streams == nil; try++ {
		at := fmt.Sprintf("127.%d.%d.%d:53", 64+rand.IntN(64), rand.IntN(250), 1+rand.IntN(250))
		var err error
		if packets, err = net.ListenPacket("udp", at); err == nil {
			if streams, err = net.Listen("tcp", at); err != nil {
				packets.Close()
			}
		}
		if err != nil && try > 20 {
			t.Fatalf("xmpptest: no address for a name server: %v", err)
		}
	}
	d = serveDNS(t, zone, packets, streams)
	host, _, _ := net.SplitHostPort(d.Addr)
	resolvConf = filepath.Join(peerDir(t), "resolv.conf")
	peerWrite(t, resolvConf, []byte("nameserver "+host+"\n"))
	for path, mode := range map[string]os.FileMode{filepath.Dir(resolvConf): 0o755, resolvConf: 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return d, resolvConf
}
