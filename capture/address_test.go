package capture

import "testing"

// TestBeginsHTTP: Wireshark takes port 5222 for XML, so HTTP is shown on its own port.
func TestBeginsHTTP(t *testing.T) {
	for first, want := range map[string]bool{
		"GET /xmpp-websocket HTTP/1.1\r\nHost: a.example\r\n": true, "POST /http-bind HTTP/1.0\r\n\r\n": true,
		"<?xml version='1.0'?>\r\n<stream:stream>": false, "GET /xmpp": false, "": false, "\x16\x03\x01": false,
	} {
		if beginsHTTP([]byte(first)) != want {
			t.Errorf("%q: %v", first, !want)
		}
	}
}
