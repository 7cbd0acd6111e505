package tls

import (
	"bytes"
	stdtls "crypto/tls"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// TestCuts: what is told does not depend on how the bytes were cut.
func TestCuts(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS10, stdtls.VersionTLS12, stdtls.VersionTLS13} {
		talk := converse(t, asking(version), serving(version))
		want := replay(keysOf(t, talk.keys.Bytes()), talk.chunks)
		whole(t, want)
		var single []chunk
		for _, c := range talk.chunks {
			for i := range c.data {
				single = append(single, chunk{c.dir, c.data[i : i+1]})
			}
		}
		if got := replay(keysOf(t, talk.keys.Bytes()), single); !slices.Equal(got.order, want.order) || got.plain[1].String() != want.plain[1].String() || got.plain[2].String() != want.plain[2].String() {
			t.Errorf("%s: byte by byte: %s\nwant %s", stdtls.VersionName(version), got, want)
		}
		// One cut at every position of the handshake, on either side of the rest.
		for n, c := range talk.chunks[:min(len(talk.chunks), 6)] {
			for i := 1; i < min(len(c.data), 3000); i += 7 {
				cut := slices.Clone(talk.chunks[:n])
				cut = append(cut, chunk{c.dir, c.data[:i]}, chunk{c.dir, c.data[i:]})
				whole(t, replay(keysOf(t, talk.keys.Bytes()), append(cut, talk.chunks[n+1:]...)))
			}
		}
	}
}

// TestOneDirectionAfterTheOther: TCP's loss can delay either direction for long.
func TestOneDirectionAfterTheOther(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		talk := converse(t, asking(version), serving(version))
		for _, first := range []session.Dir{session.C2S, session.S2C} {
			got := replay(keysOf(t, talk.keys.Bytes()), []chunk{{first, talk.of(first)}, {first.Opposite(), talk.of(first.Opposite())}})
			facts := whole(t, got)
			if facts.Version == "" || facts.Hello == nil || facts.Resumed {
				t.Errorf("%s first: %s", first, got)
			}
		}
	}
}

// TestLateSecrets: secrets that come behind the bytes open them all the same, and
// what waits for them is bounded.
func TestLateSecrets(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		talk := converse(t, asking(version), serving(version))
		for when := range talk.chunks {
			keys, s := new(Keys), new(seen)
			c := NewConn(keys, s.take)
			for i, k := range talk.chunks {
				if i == when {
					keys.Add(talk.keys.Bytes())
				}
				c.Feed(k.dir, k.data, begin.Add(time.Duration(i)*time.Millisecond))
			}
			c.Close()
			whole(t, s)
			if keys.held != 0 {
				t.Errorf("%d bytes are held", keys.held)
			}
		}
		keys, s := new(Keys), new(seen)
		c := NewConn(keys, s.take)
		for range 100 {
			for _, k := range talk.chunks {
				c.Feed(k.dir, k.data, begin)
			}
			if keys.held > mostKept {
				t.Fatalf("%d bytes are held", keys.held)
			}
		}
		if len(s.locked) != 1 || !strings.Contains(s.locked[0], "they did not come") || len(s.established) != 1 {
			t.Errorf("%s", s)
		}
	}
}

// TestNoSecrets: what the clear tells is told, and why there is no more.
func TestNoSecrets(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS10, stdtls.VersionTLS12, stdtls.VersionTLS13} {
		talk := converse(t, asking(version), serving(version))
		none := new(Keys)
		none.Complete(true)
		got := replay(none, talk.chunks)
		if !slices.Equal(got.order, []string{"locked", "tls:established"}) {
			t.Fatalf("%s", got)
		}
		f := got.established[0]
		if f.Version != stdtls.VersionName(version) || f.Suite == "" || f.Group == "" || f.SNI != domain || (version < stdtls.VersionTLS13) != (len(f.Chain) == 1) {
			t.Errorf("%+v", f)
		}
		label, _, _ := strings.Cut(talk.keys.String(), " ")
		if !strings.Contains(got.locked[0], "no secrets for client random ") || version < stdtls.VersionTLS13 && !strings.Contains(got.locked[0], label) {
			t.Errorf("%q", got.locked)
		}
		// Those of another connection do not help, nor do wrong ones.
		wrong := bytes.Clone(talk.keys.Bytes())
		for line := range bytes.Lines(wrong) {
			if last := &line[len(line)-2]; *last == '0' {
				*last = '1'
			} else {
				*last = '0'
			}
		}
		got = replay(keysOf(t, wrong), talk.chunks)
		if len(got.locked) != 1 || !strings.Contains(got.locked[0], "do not fit") {
			t.Errorf("wrong secrets: %s", got)
		}
	}
}

// gapped is a talk in which bytes of one direction are missing.
func gapped(keys *Keys, chunks []chunk, dir session.Dir, from, to int) *seen {
	s := new(seen)
	c := NewConn(keys, s.take)
	at := 0
	for _, k := range chunks {
		if k.dir != dir {
			c.Feed(k.dir, k.data, begin)
			continue
		}
		a, b := min(max(from-at, 0), len(k.data)), min(max(to-at, 0), len(k.data))
		if a > 0 {
			c.Feed(dir, k.data[:a], begin)
		}
		c.Gap(dir, int64(b-a))
		if b < len(k.data) {
			c.Feed(dir, k.data[b:], begin)
		}
		at += len(k.data)
	}
	c.Close()
	return s
}

// TestGaps: wherever bytes are missing behind the handshake, what follows the
// records that they were of is decrypted.
func TestGaps(t *testing.T) {
	for _, suite := range []struct{ version, id uint16 }{
		{stdtls.VersionTLS10, stdtls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
		{stdtls.VersionTLS12, stdtls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
		{stdtls.VersionTLS12, stdtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		{stdtls.VersionTLS12, stdtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
		{stdtls.VersionTLS13, stdtls.TLS_AES_128_GCM_SHA256},
	} {
		talk := converse(t, asking(suite.version, suite.id), serving(suite.version, suite.id))
		end := len(talk.of(session.C2S))
		rng := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			// The client's third line takes several records; the last is close_notify.
			from := end - 50000 + rng.IntN(40000)
			to := from + 1 + rng.IntN(9000)
			got := gapped(keysOf(t, talk.keys.Bytes()), talk.chunks, session.C2S, from, to)
			plain := got.plain[session.C2S].String()
			text := said(session.C2S)
			// With TLS 1.0 the record behind the gap is lost as well: its IV was in there.
			closed := got.closed[session.C2S] == 1 || suite.version == stdtls.VersionTLS10
			if len(got.locked) > 0 || got.lost[session.C2S] == 0 || !closed || got.plain[session.S2C].String() != said(session.S2C) {
				t.Fatalf("%04x without %d to %d of %d: %s", suite.id, from, to, end, got)
			}
			if missing := len(text) - len(plain); missing <= 0 || missing > 3*(to-from)+3*(1<<14) {
				t.Errorf("%04x without %d to %d: %d bytes of plaintext are missing", suite.id, from, to, missing)
			}
		}
	}
}

// TestMidStream: a connection that was joined after its handshake cannot be
// decrypted, and that is said.
func TestMidStream(t *testing.T) {
	talk := converse(t, asking(stdtls.VersionTLS13), serving(stdtls.VersionTLS13))
	s := new(seen)
	c := NewConn(keysOf(t, talk.keys.Bytes()), s.take)
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		c.Gap(dir, -1)
		all := talk.of(dir)
		c.Feed(dir, all[len(all)/2:], begin)
	}
	c.Close()
	if len(s.locked) != 1 || !strings.Contains(s.locked[0], "not in the capture") || len(s.failed)+len(s.established) > 0 {
		t.Errorf("%s", s)
	}
}
