package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"xmppscope/session"
)

// failing is a listener whose Accept fails with these errors first.
type failing struct {
	net.Listener
	mu     sync.Mutex
	errors []error
}

func (f *failing) Accept() (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errors) > 0 {
		err := f.errors[0]
		f.errors = f.errors[1:]
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	return f.Listener.Accept()
}

// limits are the events of the run, one a line.
func limits(events []session.Seen) (out []string) {
	for _, e := range events {
		if b, ok := e.Body.(session.RelayLimit); ok && e.Session == 0 {
			line := b.Limit + ": " + b.Reason
			if b.Over {
				line = "over " + line
			}
			out = append(out, line)
		}
	}
	return out
}

// TestAcceptFails: when descriptors or memory run out the run goes on, and says so
// once, and once more when it is over.
func TestAcceptFails(t *testing.T) {
	b := newUnstarted(t)
	b.listen = func(l net.Listener) net.Listener {
		return &failing{Listener: l, errors: []error{syscall.EMFILE, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS}}
	}
	b.start(t)
	c := b.dial(t)
	mustWrite(t, c, clientHdr)
	mustRead(t, b.accept(t), clientHdr)
	events := b.events()
	said := limits(events)
	want := []string{"descriptors: no file descriptor is left", "accept: new connections cannot be accepted for now", "over accept: new connections are accepted again"}
	if !slices.EqualFunc(said, want, strings.HasPrefix) {
		t.Errorf("said %q", said)
	}
	checkSeq(t, ofSession(events, 0))
	checkSeq(t, ofSession(events, 1))
	if n := len(ofSession(events, 1)); n == 0 {
		t.Error("the session after it has another number")
	}
}

func ofSession(events []session.Seen, n int) (out []session.Seen) {
	for _, e := range events {
		if e.Session == n {
			out = append(out, e)
		}
	}
	return out
}

// TestListenerFails: an error that will not pass ends the run.
func TestListenerFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	spool := session.NewSpool(session.SpoolOptions{})
	defer spool.Close()
	err = Serve(context.Background(), &failing{Listener: l, errors: []error{syscall.EINVAL}}, Options{Spool: spool})
	if !errors.Is(err, syscall.EINVAL) {
		t.Errorf("ended with %v", err)
	}
}

// TestMaxSessions: one too many is closed at once, which is said; when there is room
// again the next one is relayed.
func TestMaxSessions(t *testing.T) {
	b := newUnstarted(t)
	b.options.MaxSessions = 2
	b.start(t)
	go func() {
		for {
			s, err := b.upstream.Accept()
			if err != nil {
				return
			}
			io.WriteString(s, serverHdr)
			go func() {
				io.Copy(io.Discard, s)
				s.Close()
			}()
		}
	}()
	enter := func() (c net.Conn, err error) {
		c = b.dial(t)
		io.WriteString(c, clientHdr) // which may be closed already
		if _, err = io.ReadFull(c, make([]byte, len(serverHdr))); err != nil {
			c.Close()
		}
		return c, err
	}
	first, err1 := enter()
	_, err2 := enter()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := enter(); err == nil {
			t.Error("a third session got in")
		}
	}
	first.Close()
	for {
		if _, err := enter(); err == nil {
			break // the first has ended by now
		}
	}
	said := limits(b.events())
	if len(said) != 2 || !strings.HasPrefix(said[0], "sessions: 2 sessions under way at once") || !strings.HasPrefix(said[1], "over sessions: new connections are accepted again; ") {
		t.Errorf("said %q", said)
	}
}

// TestDescriptorsBoundSessions: there are never more sessions than descriptors for them.
func TestDescriptorsBoundSessions(t *testing.T) {
	n := descriptors()
	if n == 0 { // not known on this system
		n = 4 * DefaultSessions
	}
	for asked, want := range map[int]int{0: min(DefaultSessions, n/2), 1: 1, 1 << 30: n / 2} {
		if got := newDoor(asked, nil).most; got < 1 || got > want {
			t.Errorf("asked for %d: %d sessions, with %d descriptors", asked, got, n)
		}
	}
}

// TestDialWithoutDescriptors: what ran out is named, not the server.
func TestDialWithoutDescriptors(t *testing.T) {
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)},
		&net.OpError{Op: "dial", Err: &net.DNSError{UnwrapErr: syscall.EMFILE, Name: "x.example"}},
		&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.ENFILE)},
	} {
		reason, hint := explainDial(err)
		if !strings.Contains(reason, "no file descriptor is left") || !strings.Contains(hint, "ulimit -n") || !strings.Contains(hint, "--max-sessions") {
			t.Errorf("%v: %q, %q", err, reason, hint)
		}
	}
}
