package peertest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"xmppscope/capture/packet"
)

// dump is a capture in the making.
type dump struct {
	addr string             // where the client has to go, so that it is captured
	file string             // what comes of it
	stop func(t *testing.T) // ends it, once the client's connection has ended in it
}

// startDump has dumpcap capture what goes to the server at addr, and returns when
// it has begun. Where dumpcap may not, a tap records.
func startDump(t *testing.T, file, addr string) dump {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dumpcap", "-i", "lo", "-f", "tcp port "+port, "-w", file)
	if said, ok := begun(t, cmd); !ok {
		t.Logf("dumpcap may not capture on lo here, so a tap records: %s", said)
		return startWiretap(t, file, addr)
	}
	return dump{addr, file, func(t *testing.T) { stopDumpcap(t, cmd, file) }}
}

// begun starts dumpcap and waits until it captures, or has said why it does not.
func begun(t *testing.T, cmd *exec.Cmd) (said string, ok bool) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		return err.Error(), false // on some machines it is for members of a group
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "File: ") {
			return said, true
		}
	}
	cmd.Wait()
	return said, false
}

func stopDumpcap(t *testing.T, cmd *exec.Cmd, file string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !complete(file); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the end of the connection was not captured")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // by the signal, or well
}

// complete says whether there is a connection in a capture that has ended.
func complete(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	ended := false
	packet.Read(f, packet.Options{}, func(e *packet.Event) error {
		ended = ended || e.Kind == packet.Closed
		return nil
	})
	return ended
}
