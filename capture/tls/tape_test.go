package tls

import (
	"bytes"
	stdtls "crypto/tls"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// recorded are the conversations in testdata: key log lines, and what each side
// sent in turn in hex.
var recorded = map[string]uint16{"tls10": stdtls.VersionTLS10, "tls12": stdtls.VersionTLS12, "tls13": stdtls.VersionTLS13}

// shortLines are spoken in recorded conversations.
var shortLines = []string{"<stream:stream to='example.net'>", "<stream:features/>", "<presence/>", "</stream:stream>"}

// TestTapes: recorded conversations are decrypted as they ever were.
func TestTapes(t *testing.T) {
	defer func(long []string) { lines = long }(lines)
	lines = shortLines
	for name, version := range recorded {
		if xmpptest.Update() {
			server := serving(version)
			server.Certificates = []stdtls.Certificate{ecCert()}
			talk := converse(t, asking(version), server)
			out := talk.keys.Bytes()
			for _, c := range talk.chunks {
				out = fmt.Appendf(out, "%s %x\n", c.dir, c.data)
			}
			if err := os.WriteFile(filepath.Join("testdata", name+".txt"), out, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		keys, chunks := readTape(t, name)
		facts := whole(t, replay(keysOf(t, keys), chunks))
		if facts.Version != stdtls.VersionName(version) || facts.SNI != domain || len(facts.Chain) != 1 || facts.Chain[0].Key != "ECDSA P-256" {
			t.Errorf("%s: %+v", name, facts)
		}
	}
}

func readTape(t testing.TB, name string) (keys []byte, chunks []chunk) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		first, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		dir := map[string]session.Dir{"c2s": session.C2S, "s2c": session.S2C}[first]
		if dir == session.NoDir {
			keys = append(keys, line...)
			continue
		}
		data, err := hex.DecodeString(rest)
		if err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, chunk{dir, data})
	}
	return keys, chunks
}

// FuzzConn: hostile bytes, in any cut and order and with any gap, do no harm. The
// input is a list of deeds of three bytes, done to a recorded conversation: so a
// short input gets behind the encryption.
func FuzzConn(f *testing.F) {
	type tape struct {
		keys []byte
		of   [3][]byte
	}
	var tapes []tape
	for _, name := range []string{"tls10", "tls12", "tls13"} {
		keys, chunks := readTape(f, name)
		t := tape{keys: keys}
		var deeds []byte
		for _, c := range chunks {
			t.of[c.dir] = append(t.of[c.dir], c.data...)
			deeds = append(deeds, byte(c.dir), byte(len(c.data)>>8), byte(len(c.data)))
		}
		f.Add(len(tapes), true, deeds)
		f.Add(len(tapes), false, append(deeds[:len(deeds):len(deeds)], 4<<2, 0, 0))
		tapes = append(tapes, t)
	}
	f.Add(0, true, []byte("\x0d\x00\x05<xml>"))
	f.Fuzz(func(t *testing.T, which int, before bool, deeds []byte) {
		tape := tapes[uint(which)%uint(len(tapes))]
		keys, s := new(Keys), new(seen)
		if before {
			keys.Add(tape.keys)
		}
		c := NewConn(keys, s.take)
		for len(deeds) >= 3 {
			dir, n := session.C2S, int(deeds[1])<<8|int(deeds[2])
			if deeds[0]&2 != 0 {
				dir = session.S2C
			}
			kind := deeds[0] >> 2
			deeds = deeds[3:]
			left := &tape.of[dir]
			n = min(n, len(*left))
			switch kind {
			case 0: // what was recorded
				c.Feed(dir, (*left)[:n], begin)
			case 1: // with one bit changed
				if hurt := bytes.Clone((*left)[:n]); n > 0 {
					hurt[n/2] ^= 0x10
					c.Feed(dir, hurt, begin)
				}
			case 2: // or missing
				c.Gap(dir, int64(n))
			case 3: // bytes of the input
				c.Feed(dir, deeds[:min(n, len(deeds))], begin)
				deeds = deeds[min(n, len(deeds)):]
				n = 0
			case 4:
				keys.Add(tape.keys)
			case 5:
				keys.Complete(true)
			case 6:
				c.End(dir)
			default:
				c.Gap(dir, -1)
			}
			*left = (*left)[n:]
		}
		c.Close()
		if keys.held != 0 || len(s.failed) > 1 || len(s.locked) > 1 || len(s.established) > 1 {
			t.Errorf("held %d: %s", keys.held, s)
		}
	})
}
