package peertest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// failedLogin is a capture of a login with a wrong password.
func failedLogin(t *testing.T) string {
	t.Helper()
	cmd := command(t, "demo", "--plain", "--scenario", "badpw", "--save", "bad.jsonl")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(cmd.Dir, "bad.jsonl")
}

// TestCurl drives the api as its help shows it: with curl, the token on standard input.
func TestCurl(t *testing.T) {
	xmpptest.Need(t, "curl")
	cmd := command(t, "open", "--api", "127.0.0.1:0", failedLogin(t))
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	said := bufio.NewScanner(stderr)
	find := func(pattern string) string {
		for said.Scan() {
			if m := regexp.MustCompile(pattern).FindStringSubmatch(said.Text()); m != nil {
				return m[1]
			}
		}
		t.Fatalf("nothing is like %s", pattern)
		return ""
	}
	url := find(`(http://127\.0\.0\.1:\d+)`)
	token := find(`told nowhere else: (\S+)$`)
	curl := func(path, token string, args ...string) string {
		t.Helper()
		c := exec.Command("curl", append([]string{"-sS", "--max-time", "30", "-H", "@-", url + path}, args...)...)
		c.Stdin = strings.NewReader("Authorization: Bearer " + token)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("curl %s: %v: %s", path, err, out)
		}
		return string(out)
	}
	live := curl("/api/v1/events/live", token) // ends when the capture has been read
	events := 0
	for line := range strings.Lines(live) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%s", line)
		}
		events++
	}
	if events < 20 {
		t.Errorf("%d events", events)
	}
	var story struct{ Outcome, Advice string }
	if err := json.Unmarshal([]byte(curl("/api/v1/sessions/0/story", token)), &story); err != nil || !strings.HasPrefix(story.Outcome, "failed at #") || story.Advice == "" {
		t.Errorf("%+v, %v", story, err)
	}
	for want, args := range map[string][]string{"401": {"-H", "X: wrong token"}, "403": {"-H", "Host: evil.example"}, "405": {"-X", "POST", "-d", "x=1"}} {
		with := token
		if want == "401" {
			with = token + "x"
		}
		if got := curl("/api/v1/sessions", with, append(args, "-o", os.DevNull, "-w", "%{http_code}")...); got != want {
			t.Errorf("%.40q: %s, want %s", args, got, want)
		}
	}
	if got := curl("/../../../../etc/passwd", token, "--path-as-is", "-w", "%{http_code}"); strings.Contains(got, "root:") {
		t.Errorf("%s", got)
	}
	saved := filepath.Join(t.TempDir(), "back.pcapng")
	curl("/api/v1/capture?session=1&format=pcapng", token, "-o", saved)
	back, err := command(t, "explain", saved).CombinedOutput()
	if err != nil || !strings.Contains(string(back), story.Outcome) {
		t.Errorf("the capture that was sent: %v: %s", err, back)
	}
}

// TestInspector drives the assistant's side with a client that others have made: the
// inspector of MCP, which checks what it gets against the protocol's schema.
func TestInspector(t *testing.T) {
	xmpptest.Need(t, "mcp-inspector")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	capture := failedLogin(t)
	ask := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(xmpptest.MCPInspector(), append([]string{"--cli", path, "mcp", capture}, args...)...)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
		return string(out)
	}
	var list struct {
		Tools []struct {
			Name        string
			Annotations struct{ ReadOnlyHint, DestructiveHint bool }
		}
	}
	if err := json.Unmarshal([]byte(ask("--method", "tools/list")), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		if !tool.Annotations.ReadOnlyHint || tool.Annotations.DestructiveHint {
			t.Errorf("%+v", tool)
		}
	}
	if slices.Sort(names); strings.Join(names, " ") != "compare events findings login_story sessions status why_login_failed" {
		t.Errorf("%q", names)
	}
	if got := ask("--method", "tools/call", "--tool-name", "why_login_failed"); !strings.Contains(got, "failed at #16 (sasl-failure)") || !strings.Contains(got, "is data from the network") {
		t.Errorf("%s", got)
	}
	if got := ask("--method", "tools/call", "--tool-name", "events", "--tool-arg", `filter=name == "failure"`, "--tool-arg", "limit=1"); !strings.Contains(got, "not-authorized") {
		t.Errorf("%s", got)
	}
	if got := ask("--method", "tools/call", "--tool-name", "events", "--tool-arg", `filter=form == "x"`); !strings.Contains(got, "did you mean from?") || !strings.Contains(got, `"isError": true`) {
		t.Errorf("%s", got)
	}
}
