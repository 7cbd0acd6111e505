package replay_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

const opening = `C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='stream-1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
`

// TestIterationsAreBounded: a server that asks for any number of iterations keeps nobody busy.
func TestIterationsAreBounded(t *testing.T) {
	s := scoreOf(t, opening+`S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>biwsbj1hbGljZSxyPWFiYw==</auth>
S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1hYmNkLHM9QUFBQSxpPTQwOTY=</challenge>
C: <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yz1iaXdzLHI9YWJjZCxwPUFBQUE=</response>
S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1BQUFB</success>
`)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	a, b := xmpptest.Loopback(t)
	go func() {
		defer b.Close()
		r := bufio.NewReader(b)
		until(r, "<stream:stream")
		io.WriteString(b, "<stream:stream from='x.test' id='1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>")
		var auth strings.Builder
		for !strings.HasSuffix(auth.String(), "</auth>") {
			c, err := r.ReadByte()
			if err != nil {
				return
			}
			auth.WriteByte(c)
		}
		first, _ := base64.StdEncoding.DecodeString(regexp.MustCompile(`>([^<]+)</auth>`).FindStringSubmatch(auth.String())[1])
		nonce := regexp.MustCompile(`r=([^,]+)`).FindStringSubmatch(string(first))[1]
		fmt.Fprintf(b, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</challenge>", base64.StdEncoding.EncodeToString([]byte("r="+nonce+"x,s=AAAA,i=2000000")))
		io.Copy(io.Discard, r)
	}()
	var departed told
	if err := s.Client(t.Context(), a, options("sesame", nil, &departed)); err != nil {
		t.Fatal(err)
	}
	if len(departed.list) != 1 || !strings.Contains(departed.list[0], "2000000 iterations") {
		t.Errorf("told: %q", departed.list)
	}
}

// TestNoPasswordInTheClearElsewhere: nor by a login before SASL, nor as it was recorded.
func TestNoPasswordInTheClearElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		dialogue, never string
		verbatim        bool
	}{
		"iq-auth":          {opening + "C: <iq type='set' id='1'><query xmlns='jabber:iq:auth'><username>alice</username><password>old</password><resource>r</resource></query></iq>\nS: <iq type='result' id='1'/>\n", "<password>", false},
		"iq-auth verbatim": {opening + "C: <iq type='set' id='1'><query xmlns='jabber:iq:auth'><username>alice</username><password>old</password><resource>r</resource></query></iq>\nS: <iq type='result' id='1'/>\n", "<password>", true},
		"register":         {opening + "C: <iq type='set' id='1'><query xmlns='jabber:iq:register'><username>alice</username><password>old</password></query></iq>\nS: <iq type='result' id='1'/>\n", "<password>", false},
		"PLAIN verbatim":   {clear, "<auth", true},
	} {
		s := scoreOf(t, c.dialogue)
		if err := s.Ready(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, inClear := range []bool{false, true} {
			a, b := xmpptest.Loopback(t)
			go s.Server(t.Context(), b, options("sesame", nil, &told{}))
			w := &wired{Conn: a}
			o := options("sesame", nil, &told{})
			o.Verbatim, o.InClear = c.verbatim, inClear
			err := s.Client(t.Context(), w, o)
			sent := strings.Contains(string(w.sent), c.never)
			if sent != inClear || !inClear && (err == nil || !strings.Contains(err.Error(), "--in-clear")) {
				t.Errorf("%s, in clear %v: %v, and sent\n%s", name, inClear, err, w.sent)
			}
		}
	}
}
