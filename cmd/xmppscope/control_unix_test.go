//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestAllowControlNeedsAPI: programs come over the api.
func TestAllowControlNeedsAPI(t *testing.T) {
	cmd := scope(t, t.TempDir(), "proxy", "--plain", "--allow-control", "--listen", "127.0.0.1:0")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), "add --api 127.0.0.1:0") {
		t.Errorf("exit %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

// TestMCPNeedsTheToken: an assistant gets hold of what passes only with it.
func TestMCPNeedsTheToken(t *testing.T) {
	cmd := scope(t, t.TempDir(), "mcp", "--allow-control", "http://127.0.0.1:1", "login.pcapng")
	cmd.Stdin = strings.NewReader("")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), "XMPPSCOPE_CONTROL_TOKEN") {
		t.Errorf("exit %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

// TestControlOverTheAPI: a program holds, edits, puts in, bends and brings rules.
func TestControlOverTheAPI(t *testing.T) {
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	cmd, stdout, problems, addr := startHeard(t, []string{"proxy", "--json", "--api", "127.0.0.1:0", "--allow-control", "--listen", "127.0.0.1:0", "--upstream", upstream.Addr().String(), "--ca-dir", t.TempDir()})
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	go io.Copy(io.Discard, stdout)
	at, token := "", ""
	for token == "" && problems.Scan() {
		if m := regexp.MustCompile(`http://\S+`).FindString(problems.Text()); m != "" {
			at = m
		}
		if m := regexp.MustCompile(`token of control: (\S+)`).FindStringSubmatch(problems.Text()); m != nil {
			token = m[1]
		}
	}
	go func() {
		for problems.Scan() {
		}
	}()
	post := func(verb, body string) (out map[string]any) {
		t.Helper()
		req, err := http.NewRequest("POST", at+"/api/v1/control/"+verb, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s %s: %d %s", verb, body, resp.StatusCode, text)
		}
		return out
	}
	defer http.DefaultClient.CloseIdleConnections()
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const header = "<stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
	io.WriteString(client, header)
	server, err := upstream.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, c := range []net.Conn{client, server} {
		c.SetDeadline(time.Now().Add(30 * time.Second))
	}
	read := func(c net.Conn, want string) {
		t.Helper()
		got := make([]byte, len(want))
		if n, err := io.ReadFull(c, got); string(got) != want {
			t.Fatalf("read %q, %v, want %q", got[:n], err, want)
		}
	}
	read(server, header)
	io.WriteString(server, header)
	read(client, header)

	post("break", `{"when":"name == \"auth\" || name == \"message\""}`)
	io.WriteString(client, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAGh1bnRlcjI=</auth>")
	held := func() map[string]any {
		t.Helper()
		for range 10_000 {
			if all, _ := post("held", "")["held"].([]any); len(all) > 0 {
				return all[0].(map[string]any)
			}
		}
		t.Fatal("nothing is held")
		return nil
	}
	h := held()
	if text, _ := json.Marshal(h); bytes.Contains(text, []byte("AGFsaWNlAGh1bnRlcjI=")) || h["redacted"] != true {
		t.Errorf("the password is shown: %s", text)
	}
	post("decide", `{"id":1,"do":"edit","xml":"<message/>"}`)
	read(server, "<message/>")

	injected := make(chan map[string]any)
	go func() {
		injected <- post("inject", `{"dir":"c2s","template":"ping","fields":{"id":"p1"},"ms":10000}`)
	}()
	read(server, "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
	io.WriteString(server, "<iq type='result' id='p1'/><presence/>")
	read(client, "<presence/>")
	if answer := (<-injected)["answer"]; answer != "<iq type='result' id='p1'/>" {
		t.Errorf("answer: %v", answer)
	}
	post("unbreak", `{}`)
	if names := post("rules", `{"toml":"[gone]\ndo = 'drop'\nwhen = 'name == \"presence\"'"}`)["names"]; len(names.([]any)) != 1 {
		t.Errorf("rules: %v", names)
	}
	io.WriteString(client, "<presence/><message/>")
	read(server, "<message/>")
	post("bend", `{"do":"reset-client"}`)
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the client's connection is not reset")
	}
	var story map[string]any
	var text []byte
	for until := time.Now().Add(30 * time.Second); story["ended"] != true && time.Now().Before(until); { // it is explained meanwhile
		req, _ := http.NewRequest("GET", at+"/api/v1/sessions/0/story", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err := json.Unmarshal(text, &story); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(text, []byte("api")) || !bytes.Contains(text, []byte("touched")) {
		t.Errorf("the story says nothing of it: %s", text)
	}
}
