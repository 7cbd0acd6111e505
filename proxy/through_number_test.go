package proxy

import "testing"

// TestRefuseNumbers: what systems take for an IPv4 address, though it is not written as one,
// is not handed to a proxy, which would connect to itself or to its neighbours.
func TestRefuseNumbers(t *testing.T) {
	r := &Resolver{Through: &Through{}}
	for host, refused := range map[string]bool{
		"127.1": true, "2130706433": true, "0x7f000001": true, "0177.0.0.1": true, "0X7F.1.": true, "a.example.127": true, "127.0.0.1.": true, "::ffff:127.0.0.1": true, "::ffff:169.254.169.254": true,
		"xmpp1.example": false, "1.example": false, "192.0.2.1": false, "a.0xample": false,
	} {
		if no := r.refuseNamed(Target{Host: host, Port: 5222}); (no != nil) != refused {
			t.Errorf("%q: %v", host, no)
		}
	}
	if no := r.refuseNamed(Target{Host: "127.1", Port: 5222, Given: true}); no != nil {
		t.Errorf("given by the person: %v", no)
	}
}
