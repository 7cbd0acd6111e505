package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"xmppscope/session"
)

// recorded is a capture of three events.
func recorded(t *testing.T, ext string) []byte {
	t.Helper()
	var events []session.Event
	for i := range 3 {
		raw := []byte("<message><body>hello</body></message>")
		events = append(events, session.Event{
			Seen: session.Seen{Session: 1, Seq: uint64(i + 1), At: time.Unix(1_700_000_000, 0).UTC(), Dir: session.C2S, Leg: session.ClientLeg,
				Body: session.StreamElement{}, Name: "message", Raw: raw, Size: int64(len(raw))}, Said: session.Said{Done: true, Summary: "message"},
		})
	}
	return saved(t, filepath.Join(t.TempDir(), "x"+ext), captureOptions(false), events)
}

// TestUnreadable: what is wrong with a file is said in words for a person, and what
// to do about it.
func TestUnreadable(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(recorded(t, ".jsonl"))
	z.Close()
	broken := func(ext string) []byte {
		file := recorded(t, ext)
		copy(file[bytes.LastIndex(file, []byte("message")):], "\x00\x00\x00\x00")
		return file
	}
	short := func(file []byte, n int) []byte { return file[:len(file)-n] }
	for _, c := range []struct {
		name       string
		file       []byte
		said, hint string // a hint: nothing could be read, and that is an error
	}{
		{"cut.jsonl", short(recorded(t, ".jsonl"), 20), `^cut.jsonl is cut off at byte \d+, after 2 events that could be read$`, ""},
		{"cut.xml", short(recorded(t, ".xml"), 30), `^cut.xml is cut off at byte \d+, after 2 events that could be read$`, ""},
		{"open.xml", short(recorded(t, ".xml"), 5), `^open.xml is cut off at byte \d+, after 3 events that could be read$`, ""},
		{"cut.pcapng", short(recorded(t, ".pcapng"), 10), `^cut.pcapng is cut off at byte \d+, after \d events? that could be read$`, ""},
		{"cut.pcap", short(recorded(t, ".pcap"), 3), `(?m)^cut.pcap is cut off at byte \d+, after \d+ events? that could be read$`, ""},
		{"bad.jsonl", broken(".jsonl"), `^bad.jsonl is damaged at byte \d+, after 2 events that could be read: invalid character`, ""},
		{"bad.xml", broken(".xml"), `^bad.xml is damaged at byte \d+, after \d events that could be read: XML syntax error`, ""},
		{"tiny.pcapng", recorded(t, ".pcapng")[:10], `^tiny.pcapng is cut off at byte 0, before anything could be read$`, "record again"},
		{"empty.pcapng", nil, `^empty.pcapng is empty: nothing was recorded in it$`, "record again"},
		{"notes", []byte("hello"), `^notes is not a capture that xmppscope can read: it begins with "hello"$`, "these can be read, gzip or not: .jsonl .pcap .pcapng .xml"},
		{"report.html", recorded(t, ".html"), `^report.html is not a capture that xmppscope can read: it begins with`, "name the capture it was made from"},
		{"head.gz", packed.Bytes()[:5], `^head.gz cannot be unpacked: .* cut off or damaged$`, "again"},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Chdir(filepath.Dir(path))
		var lines []string
		in := &inputFlags{tell: func(format string, args ...any) {
			lines = append(lines, strings.TrimPrefix(fmt.Sprintf(format, args...), "warning: "))
		}}
		err := in.read(t.Context(), []string{c.name}, func(session.Event) error { return nil })
		said := strings.Join(lines, "\n")
		if c.hint != "" {
			var h hinted
			if !errors.As(err, &h) || !strings.Contains(h.hint, c.hint) {
				t.Errorf("%s: %v has the hint %q, want %q", c.name, err, h.hint, c.hint)
				continue
			}
			if code := report(new(bytes.Buffer), err); code != exitUsage {
				t.Errorf("%s: exit code %d", c.name, code)
			}
			said, err = inWords(err), nil
		}
		if err != nil || !regexp.MustCompile(c.said).MatchString(said) {
			t.Errorf("%s: %v, %q, want %q", c.name, err, said, c.said)
		}
	}
}

// TestWhoReadsUsMayLeave: "print FILE | head" says nothing of a broken pipe; a full disk is told.
func TestWhoReadsUsMayLeave(t *testing.T) {
	for why, told := range map[error]bool{syscall.EPIPE: false, syscall.ENOSPC: true} {
		var out bytes.Buffer
		code := report(&out, &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: why})
		if code != exitFailed || out.Len() > 0 != told {
			t.Errorf("%v: exit code %d, %q", why, code, out.String())
		}
	}
}

// TestCannotListen: what the hint says goes by why nobody can listen there.
func TestCannotListen(t *testing.T) {
	for why, hint := range map[syscall.Errno]string{
		syscall.EADDRINUSE:    "another program may have the port: choose another one with --api ADDRESS:PORT (port 0 picks a free one)",
		syscall.EADDRNOTAVAIL: "this machine has no such address: choose",
		syscall.EACCES:        "ports below 1024 take root: choose",
	} {
		err := listenError("--api", "192.0.2.1:80", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", why)})
		var out bytes.Buffer
		if code := report(&out, err); code != exitFailed || !strings.HasPrefix(out.String(), "xmppscope: cannot listen on 192.0.2.1:80: "+why.Error()+"\n") || !strings.Contains(out.String(), hint) {
			t.Errorf("exit code %d, %s", code, &out)
		}
	}
}
