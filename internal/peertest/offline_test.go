//go:build unix

package peertest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// offlineStanzas is how many stanzas the capture of BenchmarkOffline has.
const offlineStanzas = 100_000

// BenchmarkOffline decodes one capture of 100,000 stanzas with xmppscope and with
// tshark, in turns. Its figures are the times of whole runs, what xmppscope has gained
// (x-faster), and how much of tshark's memory it takes (of-its-memory).
func BenchmarkOffline(b *testing.B) {
	xmpptest.Need(b, "tshark")
	scope, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "stanzas.pcap")
	if err := writeStanzas(file); err != nil {
		b.Fatal(err)
	}
	shark := []string{"-n", "-r", file, "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch",
		"-e", "xmpp.from", "-e", "xmpp.to", "-e", "xmpp.id"}
	for name, args := range map[string][]string{"json": {"print", "--json", file}, "text": {"print", file}, "check": {"check", file}} {
		b.Run(name, func(b *testing.B) {
			var ours, theirs usage
			for b.Loop() {
				ours.add(b, scope, args)
				theirs.add(b, "tshark", shark)
			}
			n := float64(b.N)
			b.ReportMetric(ours.wall.Seconds()*1000/n, "ms")
			b.ReportMetric(ours.cpu.Seconds()*1000/n, "cpu-ms")
			b.ReportMetric(float64(ours.memory)/1024, "MiB")
			b.ReportMetric(theirs.wall.Seconds()*1000/n, "tshark-ms")
			b.ReportMetric(float64(theirs.memory)/1024, "tshark-MiB")
			b.ReportMetric(theirs.wall.Seconds()/ours.wall.Seconds(), "x-faster")
			b.ReportMetric(float64(ours.memory)/float64(theirs.memory), "of-its-memory")
		})
	}
}

// usage is what runs of a program have taken.
type usage struct {
	wall, cpu time.Duration // in all
	memory    int64         // the most that one run held, in KiB
}

// add runs a program to its end; what it prints is read and thrown away, as a pipe's
// reader would.
func (u *usage) add(b *testing.B, name string, args []string) {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(cmd.Environ(), "HOME="+b.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	u.wall += time.Since(began)
	u.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	u.memory = max(u.memory, int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss))
}

// writeStanzas writes a capture of one connection with stanzas of everyday kinds, a
// packet each, between a client and a server.
func writeStanzas(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriter(f)
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	w := newWiretap(buffered, 5222, func() time.Time {
		at = at.Add(time.Millisecond)
		return at
	})
	send := func(from session.Dir, format string, args ...any) {
		w.saw(from, fmt.Appendf(nil, format, args...))
	}
	const client, server = session.C2S, session.S2C
	const header = " version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	for i, features := range []string{"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms>", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"} {
		send(client, "<stream:stream to='capulet.example'"+header)
		send(server, "<stream:stream from='capulet.example' id='b0c5c7d0-%d-4a6e-9d3f-0f4c3f1f5d5e'"+header, i)
		send(server, "<stream:features>%s</stream:features>", features)
		if i == 0 {
			send(client, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
			send(server, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
		}
	}
	send(client, "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	send(server, "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>juliet@capulet.example/balcony</jid></bind></iq>")
	for i := range offlineStanzas {
		switch i % 4 {
		case 0:
			send(client, "<message to='romeo%d@montague.example' id='m%d' type='chat'><body>Art thou not Romeo, and a Montague? (%d)</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>", i%50, i, i)
		case 1:
			send(server, "<presence from='nurse%d@capulet.example/chamber' to='juliet@capulet.example/balcony'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>", i%50)
		case 2:
			send(client, "<iq to='capulet.example' type='get' id='p%d'><ping xmlns='urn:xmpp:ping'/></iq>", i)
		case 3:
			send(server, "<iq from='capulet.example' to='juliet@capulet.example/balcony' type='result' id='p%d'/>", i-1)
		}
	}
	if w.err != nil {
		return w.err
	}
	return buffered.Flush()
}
