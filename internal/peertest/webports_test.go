package peertest

import (
	"os/exec"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestUpstreamPath: with a path in --upstream a client may ask for what it likes, in the clear
// and with TLS: the server is asked for that path, and the ladder is the same.
func TestUpstreamPath(t *testing.T) {
	xmpptest.Need(t, "curl")
	s := xmpptest.StartProsody(t)
	for scheme, upstream := range map[string]string{"http": s.HTTP, "https": s.HTTPS} {
		t.Run(scheme, func(t *testing.T) {
			scope := startScope(t, scheme+"://"+upstream+"/http-bind", s.CAFile, "--insecure-upstream", "--reveal")
			out, err := exec.Command("curl", "-sSk", "--http1.1", "--data-binary", boshBody, scheme+"://"+scope.Addr+"/whatever").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "<stream:features") {
				t.Errorf("%v: %s", err, out)
			}
			scope.until(t, "end of the client's connection", 1, clientGone)
			r := scope.stop(t)
			if got := r.step("features-1"); len(got) != 1 {
				t.Errorf("the offer is told %d times", len(got))
			}
			if told := r.find(func(e *event) bool {
				return e.Kind == "relay:bent" && strings.Contains(e.Summary, "the server is asked for /http-bind at "+upstream)
			}); len(told) != 1 {
				t.Errorf("that requests are changed is told %d times", len(told))
			}
		})
	}
}

// boshBody asks for a session of BOSH.
const boshBody = "<body xmlns='http://jabber.org/protocol/httpbind' to='peers.test' rid='1' hold='1' wait='1' ver='1.6' xml:lang='en' xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>"

// TestWiresharkReadsHTTP: what a capture of XMPP in HTTP shows, in the clear and with TLS, is
// HTTP to Wireshark, without any option.
func TestWiresharkReadsHTTP(t *testing.T) {
	xmpptest.Need(t, "tshark", "curl")
	s := xmpptest.StartProsody(t)
	for scheme, upstream := range map[string]string{"http": s.HTTP, "https": s.HTTPS} {
		t.Run(scheme, func(t *testing.T) {
			scope := startScope(t, scheme+"://"+upstream, s.CAFile, "--insecure-upstream", "--reveal")
			for _, args := range [][]string{
				{"--data-binary", boshBody, scheme + "://" + scope.Addr + "/http-bind"},
				{"-m", "2", "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "-H", "Sec-WebSocket-Protocol: xmpp", scheme + "://" + scope.Addr + "/xmpp-websocket"},
			} {
				out, err := exec.Command("curl", append([]string{"-sSk", "--http1.1"}, args...)...).CombinedOutput()
				t.Logf("%v: %s", err, out)
			}
			scope.until(t, "end of the client's connections", 2, clientGone)
			scope.stop(t)
			asked, upgraded := map[string]bool{}, map[string]bool{}
			for _, f := range tshark(t, scope.Saved, []string{"frame.interface_name", "http.request.method", "http.response.code"}) {
				asked[f["frame.interface_name"]+" "+f["http.request.method"]] = true
				upgraded[f["frame.interface_name"]+" "+f["http.response.code"]] = true
			}
			for _, leg := range []string{"client-leg", "server-leg"} {
				if !asked[leg+" POST"] || !asked[leg+" GET"] || !upgraded[leg+" 200"] || !upgraded[leg+" 101"] {
					t.Errorf("%s: %v, %v", leg, asked, upgraded)
				}
			}
			if out, err := command(t, "print", scope.Saved).CombinedOutput(); err != nil || !strings.Contains(string(out), "POST /http-bind") {
				t.Errorf("print: %v\n%s", err, out)
			}
		})
	}
}
