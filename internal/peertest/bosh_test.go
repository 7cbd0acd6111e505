package peertest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"xmppscope/internal/xmpptest"
)

// TestBOSH: a client of BOSH, which has several connections, logs in through us, and is one
// session: live, in the recording, and in a capture of its packets alone. Nothing that one of
// its connections lacks is held against it.
func TestBOSH(t *testing.T) {
	prosody, ejabberd := xmpptest.StartProsody(t), xmpptest.StartEjabberd(t)
	bobs := map[*xmpptest.PeerServer]*xmpptest.Bob{prosody: xmpptest.StartBob(t, prosody), ejabberd: xmpptest.StartBob(t, ejabberd)}
	stanza := func(t *testing.T, url string, l xmpptest.Login) xmpptest.Ran {
		return xmpptest.WebClient(t, "stanza", "bosh", url, l)
	}
	script := func(t *testing.T, url string, l xmpptest.Login) xmpptest.Ran { return xmpptest.BOSHClient(t, url, l) }
	for _, c := range []struct {
		name, scheme string
		server       *xmpptest.PeerServer
		run          func(*testing.T, string, xmpptest.Login) xmpptest.Ran
		conns        int // at least
		mechanism    []string
	}{
		{"stanza", "http", prosody, stanza, 2, []string{"sasl-auth", "sasl-challenge", "sasl-response", "sasl-success"}},
		{"script", "http", prosody, script, 3, []string{"sasl-auth", "sasl-success"}},
		{"script in TLS", "https", prosody, script, 3, []string{"sasl-auth", "sasl-success"}},
		{"script, ejabberd", "http", ejabberd, script, 3, []string{"sasl-auth", "sasl-success"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.server
			upstream := "http://" + s.HTTP
			if c.scheme == "https" {
				upstream = "tls://" + s.HTTPS
			}
			scope := startScope(t, upstream, s.CAFile, "--reveal")
			says := "in bodies, " + t.Name()
			ran := c.run(t, c.scheme+"://"+scope.Addr+"/http-bind", xmpptest.Login{CAFile: scope.CAFile, Says: says})
			if !ran.OK {
				t.Fatalf("it could not log in:\n%s", ran.Output)
			}
			bobs[s].Expect(t, says)
			scope.until(t, "end of the session", 1, func(e *event) bool { return clientGone(e) && !e.Beside })
			r := scope.stop(t)
			checkRead(t, r, scope.Saved)
			checkBOSH(t, r, c.conns, c.mechanism)

			packets, keys := filepath.Join(t.TempDir(), "packets.pcap"), filepath.Join(t.TempDir(), "keys.keylog")
			checkPackets(t, scope.Saved, packets, r)
			if out, err := command(t, "export", "-o", keys, scope.Saved).CombinedOutput(); err != nil && c.scheme == "https" {
				t.Fatalf("export: %v\n%s", err, out)
			}
			args := []string{"print", "--json", "--reveal", packets}
			if c.scheme == "https" {
				args = slices.Insert(args, 3, "--keylog", keys)
			}
			out, err := command(t, args...).Output()
			if err != nil {
				t.Fatalf("print: %v", err)
			}
			again := decode(t, out)
			checkBOSH(t, again, c.conns, c.mechanism)
			// What crosses on its way may have come in another order at the client's side; what a
			// side says has one, the server's on each connection.
			said := func(r recording) (all []string) {
				for _, e := range r.events {
					if e.Raw != nil && !strings.HasPrefix(e.Kind, "http:") {
						all = append(all, fmt.Sprint(e.Dir, e.Conn > 0, *e.Raw))
					}
				}
				slices.SortStableFunc(all, func(a, b string) int {
					voice := func(s string) string {
						if strings.HasPrefix(s, "c2s") {
							return "c2s"
						}
						return s[:len("s2cfalse")]
					}
					return strings.Compare(voice(a), voice(b))
				})
				return all
			}
			if a, b := said(r), said(again); !slices.Equal(a, b) {
				t.Errorf("of the packets it reads\n%s\nand not\n%s", strings.Join(b, "\n"), strings.Join(a, "\n"))
			}
		})
	}
}

// checkBOSH checks that a recording holds one login by BOSH on several connections.
func checkBOSH(t *testing.T, r recording, conns int, mechanism []string) {
	t.Helper()
	want := slices.Concat([]string{"stream-open-1", "stream-reply-1", "features-1"}, mechanism, []string{"stream-open-2", "features-2", "bind-request", "bind-result"})
	ladder := r.ladder(1)
	if len(ladder) > 0 && ladder[0] == "tls" {
		ladder = ladder[1:]
	}
	if len(ladder) < len(want) || !slices.Equal(ladder[:len(want)], want) {
		t.Errorf("the ladder is\n%v\nand not\n%v", ladder, want)
	}
	var last uint64
	on, ends, answered := map[int]bool{}, 0, 0
	for i := range r.events {
		e := &r.events[i]
		if e.Session != 1 {
			t.Errorf("there is a session %d: %s", e.Session, line(e))
		}
		on[e.Conn] = true
		if clientGone(e) && !e.Beside {
			if ends++; i < len(r.events)-2 {
				t.Errorf("it ends at event %d of %d", e.Seq, len(r.events))
			}
		}
		if e.Conn > 0 && (e.Kind == "tcp:opened" || e.Kind == "tls:established") && !e.Beside {
			t.Errorf("it begins once more: %s", line(e))
		}
		if e.Dir == "s2c" && e.Answers > 0 && e.Name != "iq" {
			answered++
		}
		if _, attr, ok := strings.Cut(text(e), " rid="); ok && e.Dir == "c2s" && (e.Kind == "bosh:body" || e.Kind == "stream:opened") {
			rid, _ := strconv.ParseUint(attr[1:1+strings.IndexAny(attr[1:], `'"`)], 10, 64)
			if last > 0 && rid != last+1 {
				t.Errorf("rid %d comes after %d", rid, last)
			}
			last = rid
		}
		for _, n := range e.Notes {
			if n.Severity == "error" && (n.Rule == "H01" || n.Rule == "H04" || n.Rule == "H08" || n.Rule == "H09" || n.Rule == "A11" || n.Rule == "B01" || n.Rule == "M01") {
				t.Errorf("%d/%d: %s: %s", e.Session, e.Seq, n.Rule, n.Text)
			}
		}
	}
	if len(on) < conns || ends != 1 || answered < 5 {
		t.Errorf("%d connections, it ends %d times, and %d bodies are answers", len(on), ends, answered)
	}
}

// text is what an event holds.
func text(e *event) string {
	if e.Raw == nil {
		return ""
	}
	return *e.Raw
}

// checkPackets writes the packets of the client's leg into a file, and checks that to tshark they
// are of as many connections as the client has had.
func checkPackets(t *testing.T, saved, out string, r recording) {
	t.Helper()
	xmpptest.Need(t, "tshark")
	from, err := os.Open(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	ng, err := pcapgo.NewNgReader(from, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var pcap bytes.Buffer
	w := pcapgo.NewWriterNanos(&pcap)
	if err := w.WriteFileHeader(1<<18, layers.LinkTypeRaw); err != nil {
		t.Fatal(err)
	}
	for {
		packet, info, err := ng.ReadPacketData()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if on, err := ng.Interface(info.InterfaceIndex); err != nil || on.Name != "client-leg" {
			continue
		}
		if err := w.WritePacket(info, packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(out, pcap.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	opened := len(r.find(func(e *event) bool { return e.Kind == "tcp:opened" && e.Leg == "client" }))
	streams := map[string]bool{}
	for _, f := range tshark(t, out, []string{"tcp.stream", "tcp.analysis.lost_segment", "tcp.analysis.retransmission"}) {
		streams[f["tcp.stream"]] = true
		if f["tcp.analysis.lost_segment"] != "" || f["tcp.analysis.retransmission"] != "" {
			t.Errorf("tshark finds fault with connection %s", f["tcp.stream"])
		}
	}
	if len(streams) != opened {
		t.Errorf("tshark sees %d connections, and there were %d", len(streams), opened)
	}
}
