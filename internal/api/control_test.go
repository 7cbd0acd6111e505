package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"xmppscope/internal/api"
)

// noWire is a Control that does nothing, and remembers what was asked for last.
type noWire struct {
	asked any
	many  int // so many large elements are held
}

func (n *noWire) Held() api.Held {
	if n.many > 0 {
		large := api.HeldElement{Dir: "c2s", XML: "<a>" + strings.Repeat("<", 64<<10) + "</a>"}
		return api.Held{Held: slices.Repeat([]api.HeldElement{large}, n.many)}
	}
	return api.Held{Held: []api.HeldElement{{ID: 1, Session: 1, Dir: "c2s", Since: time.Now(), XML: "<a/>"}}, Breakpoints: []api.Breakpoint{{ID: 1, When: "true"}}}
}
func (n *noWire) Decide(d api.Decision) error {
	if n.asked = d; d.ID == 7 {
		return errors.New("element 7 is not held")
	}
	return nil
}
func (n *noWire) Break(_ context.Context, b api.Breakpoint) (api.Breakpoint, error) {
	n.asked = b
	return b, nil
}
func (n *noWire) Unbreak(id int) bool { n.asked = id; return true }
func (n *noWire) Inject(_ context.Context, i api.Injection) (api.Injected, error) {
	n.asked = i
	return api.Injected{XML: i.XML}, nil
}
func (n *noWire) Bend(b api.Bend) error { n.asked = b; return nil }
func (n *noWire) Rules(_ context.Context, r api.Rules) (api.Rules, error) {
	n.asked = r
	return r, nil
}

// post sends a request that does something.
func (b *bench) post(path, token, body string) (int, string) {
	b.Helper()
	w := b.ask(path, func(req *http.Request) {
		req.Method, req.Body = "POST", io.NopCloser(strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+token)
	})
	return w.Code, w.Body.String()
}

// checkControl: a route that does something wants the token of control, and answers what it
// says.
func (b *bench) checkControl(path string, answers *jsonschema.Resolved) {
	b.Helper()
	if code, text := b.post(path, b.token, "{}"); code != 403 || !strings.Contains(text, "--allow-control") {
		b.Errorf("%s with the token to look: %d %s", path, code, text)
	}
	if w := b.ask(path, nil); w.Code != 405 {
		b.Errorf("GET %s: %d", path, w.Code)
	}
	code, text := b.post(path, b.control, "{}")
	var v any
	if err := json.Unmarshal([]byte(text), &v); code != 200 || err != nil {
		b.Fatalf("%s: %d %s", path, code, text)
	}
	if err := answers.Validate(v); err != nil {
		b.Errorf("%s answers what is not described: %v: %s", path, err, text)
	}
	for _, wrong := range []string{"{", `{"nonsense":1}`, "[]", `"x"`} {
		if code, text := b.post(path, b.control, wrong); code != 400 {
			b.Errorf("%s with %s: %d %s", path, wrong, code, text)
		}
	}
}

// TestHeldIsBounded: however much is held, an answer is not larger than a page.
func TestHeldIsBounded(t *testing.T) {
	b := newBench(t, api.Options{Control: &noWire{many: 5000}})
	code, text := b.post("/api/v1/control/held", b.control, "{}")
	var got api.Held
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
		t.Fatal(code, err)
	}
	if len(text) > 16<<20 || len(got.Held) == 0 || len(got.Held)+got.More != 5000 {
		t.Errorf("%d bytes, %d elements and %d more", len(text), len(got.Held), got.More)
	}
}

// TestControl: what is asked for arrives, and what is wrong is told.
func TestControl(t *testing.T) {
	wire := new(noWire)
	b := newBench(t, api.Options{Control: wire})
	code, text := b.post("/api/v1/control/decide", b.control, `{"id":3,"do":"edit","xml":"<b/>"}`)
	if want := (api.Decision{ID: 3, Do: "edit", XML: "<b/>"}); code != 200 || wire.asked != want {
		t.Errorf("%d %s, asked %+v", code, text, wire.asked)
	}
	if code, text := b.post("/api/v1/control/decide", b.control, `{"id":7}`); code != 400 || !strings.Contains(text, "element 7 is not held") {
		t.Errorf("%d %s", code, text)
	}
	if w := b.ask("/api/v1/status", func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+b.control) }); w.Code != 200 {
		t.Errorf("with the token of control one may not look: %d", w.Code)
	}
	if code, _ := b.post("/api/v1/control/decide", b.control, `{"xml":"`+strings.Repeat("x", 3<<20)+`"}`); code != 400 {
		t.Errorf("3 MB were taken: %d", code)
	}
	none := newBench(t, api.Options{})
	if code, text := none.post("/api/v1/control/held", none.control, ""); code != 403 || !strings.Contains(text, "--allow-control") {
		t.Errorf("without control: %d %s", code, text)
	}
}

// TestAssistantControls: an assistant gets the verbs only where it may, and they arrive.
func TestAssistantControls(t *testing.T) {
	wire := new(noWire)
	running := newBench(t, api.Options{Control: wire})
	server := httptest.NewServer(running.handler)
	defer server.Close()
	remote, err := api.NewRemote(server.URL, running.control)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, api.Options{Remote: remote})
	s := b.assistant(nil)
	if got := s.InitializeResult().Instructions; !strings.Contains(got, "control_") || strings.Contains(got, "Nothing can be changed") {
		t.Error(got)
	}
	text, ok := call(t, s, "control_decide", map[string]any{"id": 3, "do": "drop"})
	if want := (api.Decision{ID: 3, Do: "drop"}); !ok || wire.asked != want {
		t.Errorf("%s, asked %+v", text, wire.asked)
	}
	if text, ok := call(t, s, "control_held", map[string]any{}); !ok || !strings.Contains(text, "is data from the network") {
		t.Errorf("%s", text)
	}
	if text, ok := call(t, s, "control_decide", map[string]any{"id": 7, "do": "drop"}); ok || !strings.Contains(text, "element 7 is not held") {
		t.Errorf("%s", text)
	}
	if text, ok := call(t, newBench(t, api.Options{}).assistant(nil), "control_held", map[string]any{}); ok {
		t.Errorf("without leave: %s", text)
	}
	for _, address := range []string{"http://example.net:80", "127.0.0.1:80", "https://127.0.0.1:80", "http://127.0.0.1"} {
		if _, err := api.NewRemote(address, "x"); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
	if _, err := api.NewRemote(server.URL, ""); err == nil {
		t.Error("it needs no token")
	}
}
