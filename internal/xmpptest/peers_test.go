package xmpptest_test

import (
	"testing"

	"xmppscope/internal/xmpptest"
)

// The peers are held against each other with nothing between them, so that a
// failure of theirs is not taken for one of ours.
func TestPeersAlone(t *testing.T) {
	for _, start := range []func(testing.TB) *xmpptest.PeerServer{xmpptest.StartProsody, xmpptest.StartEjabberd} {
		server := start(t)
		bob := xmpptest.StartBob(t, server)
		for _, client := range xmpptest.PeerClients() {
			t.Run(server.Name+"/"+client.Name, func(t *testing.T) {
				says := "no one between us, says " + client.Name
				ran := client.Run(t, xmpptest.Login{Addr: server.StartTLS, CAFile: server.CAFile, Says: says})
				if !ran.OK {
					t.Fatalf("could not log in:\n%s", ran.Output)
				}
				bob.Expect(t, says)
				if ran := client.Run(t, xmpptest.Login{Addr: server.StartTLS, Says: says}); ran.OK {
					t.Errorf("logged in to a server it does not trust:\n%s", ran.Output)
				}
				if ran := client.Run(t, xmpptest.Login{Addr: server.StartTLS, CAFile: server.CAFile, Password: "wrong", Says: says}); ran.OK {
					t.Errorf("logged in with a wrong password:\n%s", ran.Output)
				}
			})
		}
	}
}
