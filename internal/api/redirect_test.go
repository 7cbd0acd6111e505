package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"xmppscope/internal/api"
)

// TestTheTokenGoesNowhereElse: who answers at the address may not send the token on.
func TestTheTokenGoesNowhereElse(t *testing.T) {
	got := ""
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { got = req.Header.Get("Authorization") }))
	defer elsewhere.Close()
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer there.Close()
	remote, err := api.NewRemote(there.URL, "the-token")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, api.Options{Remote: remote})
	if text, ok := call(t, b.assistant(nil), "control_held", map[string]any{}); ok || got != "" {
		t.Errorf("%s; elsewhere came %q", text, got)
	}
}
