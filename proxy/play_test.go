package proxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// A dialogue is a file of lines: ">> …" is an input, the "<< …" lines below it
// are what the relay has to do then, all of it and in this order. "record" is what
// becomes of what it records, forwards or keeps. Lines that
// begin with "#" are comments; "follow" says that the server depends on the
// stream's "to".
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(string(script))
			if err != nil {
				t.Fatal(err)
			}
			xmpptest.Golden(t, file, got)
		})
	}
}

// TestPlayCanFail: a harness that cannot fail proves nothing.
func TestPlayCanFail(t *testing.T) {
	got, err := play(">> data c2s \"<a/>\"\n<< close server\n")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "<< close") || !strings.Contains(got, "<< connect") {
		t.Errorf("played:\n%s", got)
	}
	if _, err := play(">> nonsense\n"); err == nil {
		t.Error("nonsense was played")
	}
}

// play runs the inputs of a dialogue and returns it with what really happened.
func play(script string) (string, error) {
	fixed := !strings.Contains(script, "follow\n")
	r := NewRelay(fixed, Limits{})
	r.headers = strings.Contains(script, "headers\n")
	var b strings.Builder
	cutter := decode.NewCutter(func(e session.Seen) { fmt.Fprintf(&b, "<< %s\n", printEvent(&e)) })
	for _, line := range strings.SplitAfter(script, "\n") {
		if strings.HasPrefix(line, "<< ") {
			continue
		}
		b.WriteString(line)
		command, ok := strings.CutPrefix(strings.TrimSpace(line), ">> ")
		if !ok {
			continue
		}
		in, err := parseInput(command)
		if err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
		if in == (Secured{}) {
			cutter.Secured()
		}
		for _, a := range r.Handle(in) {
			switch a := a.(type) {
			case Forward:
				cutter.Take(session.Seen{Dir: a.Dir, Body: session.StreamBytes{}, Raw: a.Bytes})
			case Keep:
				cutter.Take(session.Seen{Dir: a.Dir, Body: session.StreamBytes{}, Raw: a.Bytes})
				continue
			case Enter:
				if a.Took == 0 { // it came to the point at once
					continue
				}
			case Record:
				cutter.Take(a.Event)
				continue
			case Close: // as the legs' tcp:closed do
				for _, dir := range both {
					cutter.Finish(dir)
				}
				for piece, ok := cutter.Rest(); ok; piece, ok = cutter.Rest() {
					piece.Events(func(e session.Seen) { fmt.Fprintf(&b, "<< %s\n", printEvent(&e)) })
				}
			}
			fmt.Fprintf(&b, "<< %s\n", printAction(a))
		}
	}
	return b.String(), nil
}

func parseInput(command string) (Input, error) {
	verb, rest, _ := strings.Cut(command, " ")
	word, text, _ := strings.Cut(rest, " ")
	dir := map[string]session.Dir{"c2s": session.C2S, "s2c": session.S2C}[word]
	switch verb {
	case "data":
		s, err := strconv.Unquote(text)
		return Data{dir, []byte(s)}, err
	case "ended":
		return Ended{Dir: dir}, nil
	case "cut":
		return Ended{Dir: dir, Cut: true}, nil
	case "reset":
		return Ended{Dir: dir, Err: errors.New("connection reset")}, nil
	case "broken":
		return Broken{dir}, nil
	case "connected":
		return Connected{}, nil
	case "connect-failed":
		return ConnectFailed{errors.New("connection refused")}, nil
	case "quiet":
		return Quiet{}, nil
	case "secured":
		return Secured{}, nil
	case "secure-failed":
		return SecureFailed{}, nil
	case "handshaking":
		return Handshaking{map[string]tlsintercept.Wait{"hello": tlsintercept.WaitHello, "server": tlsintercept.WaitServer, "client": tlsintercept.WaitClient}[word]}, nil
	case "waited":
		d, err := time.ParseDuration(word)
		return Waited{For: d, Age: d}, err
	case "stopped":
		return Stopped{}, nil
	}
	return nil, fmt.Errorf("unknown input %q", verb)
}

var freshID = regexp.MustCompile(`id='[0-9a-f]{24}'`)

func quote(b []byte) string {
	return freshID.ReplaceAllString(strings.ReplaceAll(strconv.Quote(string(b)), `\"`, `"`), "id='FRESH'")
}

func printAction(a Action) string {
	switch a := a.(type) {
	case Connect:
		if a.Named != nil {
			return fmt.Sprintf("connect to %s, named by %s", a.Named, a.Named.By)
		}
		return fmt.Sprintf("connect %q", a.Domain) + onlyIf(a.Sealed, " untouched")
	case Answer:
		return "answer " + quote(a.Bytes)
	case Enter:
		return fmt.Sprintf("enter behind %d bytes", a.Took)
	case Pass:
		return fmt.Sprintf("pass %s %s", a.Dir, quote(a.Bytes))
	case Forward:
		return fmt.Sprintf("forward %s %s", a.Dir, quote(a.Bytes))
	case Quiesce:
		return "quiesce"
	case Secure:
		return fmt.Sprintf("secure %q early %s direct %v", a.Domain, quote(a.Early), a.Direct)
	case Send:
		return fmt.Sprintf("send %s %s", a.Dir, quote(a.Bytes))
	case Finish:
		return "finish " + a.Dir.String() + onlyIf(a.Cut, " without close_notify")
	case Close:
		return "close by " + a.By + onlyIf(a.Reset, ", reset")
	}
	return fmt.Sprintf("%T", a)
}

func onlyIf(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

func printEvent(e *session.Seen) string {
	out := fmt.Sprintf("record %s %s %s", e.Kind(), e.Leg, e.Dir)
	if e.Origin != "" {
		out += " by " + e.Origin
	}
	if e.Raw != nil {
		out += " " + quote(e.Raw)
	}
	switch b := e.Body.(type) {
	case session.RelayDoor:
		out += " (" + b.Words() + ")"
	case session.RelayDropped:
		out += " (" + b.Reason + ")"
	case session.RelayOpaque:
		out += " (" + b.Reason + ")"
	case session.RelayTimeout:
		out += " (" + b.Waiting + ")"
	}
	return out
}
