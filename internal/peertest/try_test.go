package peertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// row is a line of xmppscope try --json.
type row struct {
	Name, Result, Why string
}

// try runs a client against an experiment, and returns what came of it, what the client
// printed, and the capture of the run.
func try(t *testing.T, name string, args ...string) (r row, printed string, rec recording) {
	t.Helper()
	dir := t.TempDir()
	cmd := command(t, append([]string{"try", name, "--json", "--window", "6s", "--keep", dir}, args...)...)
	out, _ := cmd.Output() // whether it was bad is in what was printed
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	log, err := os.ReadFile(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, name+".pcapng")
	for _, file := range []string{kept, filepath.Join(dir, name+".log")} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a file that holds secrets: %v, %v", info, err)
		}
	}
	events, err := command(t, "print", "--json", kept).Output()
	if err != nil {
		t.Fatal(err)
	}
	return r, string(log), decode(t, events)
}

// tries are experiments with what comes of them, what the client's own log has to say to
// that, and what it has not.
type tries []struct{ name, result, why, log, not string }

func (all tries) run(t *testing.T, client []string, args ...string) {
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			r, printed, _ := try(t, tt.name, append(append(args, "--"), client...)...)
			if r.Result != tt.result || !strings.Contains(r.Why, tt.why) {
				t.Errorf("%s: %s; want %s: %s", r.Result, r.Why, tt.result, tt.why)
			}
			if !regexp.MustCompile("(?s)" + tt.log).MatchString(printed) {
				t.Errorf("the client's own log has no %q:\n%s", tt.log, printed)
			}
			if tt.not != "" && regexp.MustCompile("(?s)"+tt.not).MatchString(printed) {
				t.Errorf("the client's own log has %q:\n%s", tt.not, printed)
			}
		})
	}
}

// TestTrySlixmpp: a bot with slixmpp that reconnects.
func TestTrySlixmpp(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "slixmpp")
	bot, err := filepath.Abs("testdata/bot.py")
	if err != nil {
		t.Fatal(err)
	}
	client := []string{"/usr/bin/python3", bot}
	tries{
		{"tcp-drop-after-bind", "good", "it came back after", "session_start.*disconnected.*session_resumed", ""},
		{"resume-client", "good", "and took up its session", "session_start.*disconnected.*session_resumed", "session_start.*session_start"},
		{"resume-server", "weak", "it did not notice within", "session_start", "disconnected"},
		{"sasl-failure-temporary", "weak", "it tried again on the same connection and logged in, with SCRAM-SHA-1 after SCRAM-SHA-256", "failed_auth.*session_start", "disconnected"},
		{"stream-error-conflict", "bad", "it came back after", "session_start.*stream_error.*disconnected", ""},
		{"split-bytes", "good", "it logged in", "session_start", "disconnected"},
		{"big-stanza", "good", "it answered the ping", "session_start", "disconnected"},
		{"plus-stripped", "bad", "it went on with PLAIN after SCRAM-SHA-256", "failed_auth", ""},
	}.run(t, client)

	s := xmpptest.StartProsody(t)
	t.Run("prosody", func(t *testing.T) {
		tries{
			{"resume-client", "good", "and took up its session", "session_start.*disconnected.*session_resumed", "session_start.*session_start"},
			{"stream-error-reset", "good", "it came back after", "session_start.*stream_error.*disconnected", ""},
		}.run(t, client, "--upstream", s.StartTLS, "--upstream-ca", s.CAFile, "--jid", xmpptest.AliceJID, "--password-file", passwordOf(t))
	})
}

// TestTryGoSendxmpp: a client that does not reconnect, takes PLAIN, and checks that there is TLS.
func TestTryGoSendxmpp(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "go-sendxmpp")
	script := `HOME=$PWD exec go-sendxmpp -d -u "$TRY_JID" -p "$(cat "$TRY_PASSWORD_FILE")" -j "$TRY_HOST:$TRY_PORT" -l`
	tries{
		{"no-starttls", "good", "it went no further", "refusing to authenticate over unencrypted", "<auth"},
		{"sasl-failure-temporary", "weak", "it gave up; it ended with exit code 1", "temporary-auth-failure", ""},
		{"half-close", "bad", "it keeps a connection on which nothing can come", "unexpected EOF.*unexpected EOF", ""},
		{"split-bytes", "good", "it logged in", "b\nb\no\nb\n|b\no\nb\n", ""}, // it prints what it reads
	}.run(t, []string{"sh", "-c", script})
}

// TestTryProfanity: a client for a terminal that reconnects after a pause.
func TestTryProfanity(t *testing.T) {
	t.Parallel()
	xmpptest.Need(t, "profanity")
	script := `export HOME=$PWD XDG_CONFIG_HOME=$PWD/config XDG_DATA_HOME=$PWD/data TERM=xterm
mkdir -p config/profanity data/profanity
printf '[alice]\nenabled=true\njid=%s\npassword=%s\nserver=%s\nport=%s\ntls.policy=force\nresource=prof\n' \
  "$TRY_JID" "$(cat "$TRY_PASSWORD_FILE")" "$TRY_HOST" "$TRY_PORT" >data/profanity/accounts
printf '[connection]\nreconnect=1\n' >config/profanity/profrc
touch prof.log
tail -f prof.log &
exec script -qec 'profanity -l DEBUG -f prof.log -a alice' /dev/null >/dev/null
`
	tries{
		{"resume-client", "good", "and took up its session", `SENT: <resume.*RECV: <resumed`, ""},
		{"no-starttls", "good", "it went no further", `RECV: <features.*TLS is not supported, but set as mandatory`, `SENT: <auth`},
	}.run(t, []string{"sh", "-c", script})
}

// TestTryWebSocket: a bot with xmpp.js over WebSocket, which reconnects by itself.
func TestTryWebSocket(t *testing.T) {
	xmpptest.Need(t, "xmpp.js")
	s := xmpptest.StartProsody(t)
	bot, err := filepath.Abs("testdata/bot.cjs")
	if err != nil {
		t.Fatal(err)
	}
	tries{
		{"resume-client", "good", "and took up its session", "online.*disconnect.*resumed", "online.*online"},
		{"stream-error-conflict", "bad", "it came back after", "online.*error conflict.*disconnect.*online", ""},
		{"sasl-failure-temporary", "weak", "it did not come back", "failed temporary-auth-failure", "online"},
		{"no-starttls", "n/a", "the server offers no STARTTLS, as in WebSocket", "online", "disconnect"},
	}.run(t, []string{"env", "NODE_PATH=" + filepath.Join(os.Getenv("XMPPSCOPE_NPM"), "node_modules"), "node", bot},
		"--start", "15s", "--upstream", "ws://"+s.HTTP, "--upstream-ca", s.CAFile, "--jid", xmpptest.AliceJID, "--password-file", passwordOf(t))
}
