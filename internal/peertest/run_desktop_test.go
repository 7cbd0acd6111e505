package peertest

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
)

// TestRunDesktop: clients with windows log in as the others of TestRun do. As they bring a
// whole desktop along, they are there only where all peers are asked for.
func TestRunDesktop(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"gajim", "dino"} {
		t.Run(client, func(t *testing.T) {
			s := xmpptest.StartProsody(t)
			_, records := xmpptest.StartNameServer(t, zoneOf(t, s, true, true))
			p := place{uid: nobody, resolv: records, server: s, flags: []string{"--json"}}
			w, saved := p.wrapped(t)
			cmd := w.Desktop(t, client)
			var printed bytes.Buffer // the client's words, and ours
			cmd.Stderr = &printed
			events, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
			defer late.Stop()
			bound := false
			for line := bufio.NewScanner(events); !bound && line.Scan(); {
				bound = strings.Contains(line.Text(), `"bind-result"`)
			}
			cmd.Process.Signal(syscall.SIGTERM)
			io.Copy(io.Discard, events)
			cmd.Wait()
			if !bound {
				t.Fatalf("it has not logged in:\n%s", &printed)
			}
			if got := seen(t, saved).ladder(1); len(got) < len(directRungs) || !slices.Equal(got[:len(directRungs)], directRungs) {
				t.Errorf("the ladder is %s", strings.Join(got, " "))
			}
			nothingLeft(t, w.Home)
		})
	}
}
