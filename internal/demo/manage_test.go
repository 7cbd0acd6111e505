package demo

import (
	"strings"
	"testing"
)

// startManaged starts a server with stream management.
func startManaged(t *testing.T) *Server {
	t.Helper()
	sc, err := Find("scram")
	if err != nil {
		t.Fatal(err)
	}
	sc.Managed = true
	s, err := StartServer(sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestResume: a session whose connection is gone, or replaced, is taken up: what the client
// has not acknowledged comes again.
func TestResume(t *testing.T) {
	for name, leaves := range map[string]bool{"gone": true, "replaced": false} {
		t.Run(name, func(t *testing.T) {
			s := startManaged(t)
			a := dial(t, s).tls().login("a")
			a.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
			enabled := a.until("/>")
			_, id, _ := strings.Cut(enabled, " id='")
			id, _, _ = strings.Cut(id, "'")
			if id == "" {
				t.Fatalf("no id in %s", enabled)
			}
			a.send("<message to='bob@xmpp.example' type='chat'><body>one</body></message><r xmlns='urn:xmpp:sm:3'/>")
			a.until("echo: one</body></message>")
			a.until("<a xmlns='urn:xmpp:sm:3' h='1'/>")
			a.send("<a xmlns='urn:xmpp:sm:3' h='1'/><message to='bob@xmpp.example' type='chat'><body>two</body></message>")
			a.until("echo: two</body></message>")
			if leaves {
				a.conn.Close()
			}
			b := dial(t, s).tls()
			b.plain(s.scenario.Password)
			b.until("<success xmlns='" + nsSASL + "'/>")
			b.send(b.header())
			if features := b.until("</stream:features>"); !strings.Contains(features, "<sm xmlns='urn:xmpp:sm:3'/>") {
				t.Errorf("stream management is not offered: %s", features)
			}
			b.send("<resume xmlns='urn:xmpp:sm:3' previd='nobody' h='0'/>")
			b.until("</failed>")
			b.send("<resume xmlns='urn:xmpp:sm:3' previd='" + id + "' h='1'/>")
			if got := b.until("echo: two</body></message>"); !strings.Contains(got, "<resumed xmlns='urn:xmpp:sm:3' previd='"+id+"' h='2'/>") || strings.Contains(got, "echo: one") {
				t.Errorf("it was resumed with %s", got)
			}
			b.send("<message to='bob@xmpp.example' type='chat'><body>three</body></message>")
			b.until("echo: three</body></message>")
		})
	}
}
