package capture

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

func TestParseRotate(t *testing.T) {
	for in, want := range map[string]Rotate{
		"100MB": {Size: 100_000_000}, "64MiB": {Size: 64 << 20}, "1h": {Every: time.Hour}, "1h30m, 2GB": {Size: 2_000_000_000, Every: 90 * time.Minute}, "65kiB": {Size: 65 << 10},
	} {
		if got, err := ParseRotate(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "MB", "100", "1kB", "0MB", "-1h", "5ms", "1h,2h", "1MB,2MB", "99999999999999999999GB", "1h,", "1TB"} {
		if got, err := ParseRotate(in); err == nil {
			t.Errorf("%q is %+v", in, got)
		}
	}
}

// rotated writes events into files of at least 64 KiB, and returns their paths.
func rotated(t *testing.T, ext string, o Options, events []session.Event) []string {
	t.Helper()
	dir := t.TempDir()
	f, err := CreateRotating(filepath.Join(dir, "x"+ext), false, o, Rotate{Size: minRotate})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := f.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	last := f.Path()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 || files[len(files)-1] != last {
		t.Fatalf("the files are %q, the last %q, %v", files, last, err)
	}
	return files
}

// long is a session that goes on, with much in it, beside a short one.
func long(t *testing.T) []session.Event {
	b := newBuilder(t, 1)
	b.login(tls.VersionTLS12)
	events := append([]session.Event(nil), b.events...)
	events = append(events, full(t, 2, 0)...)
	mark := len(b.events)
	for range 30 {
		b.say(said{dir: session.S2C, raw: "<message><body>" + strings.Repeat("0123456789", 1000) + "</body></message>", name: "message", space: "jabber:client"})
	}
	b.hang()
	return append(events, b.events[mark:]...)
}

// TestRotation: every file opens alone and knows the sessions under way, and
// together they hold everything.
func TestRotation(t *testing.T) {
	events := long(t)
	for _, f := range those(readable) {
		ext := f.Ext
		t.Run(ext, func(t *testing.T) {
			type number struct {
				session int
				seq     uint64
			}
			seen := map[number]session.Event{}
			files := rotated(t, ext, Options{Reveal: true}, events)
			for i, path := range files {
				file, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				got, err := replay(file)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				steps := map[int]bool{}
				for _, e := range got {
					seen[number{e.Session, e.Seq}] = e
					if e.Step != nil && e.Session == 1 {
						steps[e.Step.N] = true
					}
				}
				if len(steps) != 16 {
					t.Errorf("file %d knows %d steps of the login", i+1, len(steps))
				}
				if i > 0 && len(got) > 0 && got[0].Kind() != "tcp:opened" {
					t.Errorf("file %d begins with %s", i+1, got[0].Kind())
				}
				for _, e := range got {
					if i == len(files)-1 && e.Session == 2 {
						t.Fatalf("file %d repeats a session that has ended", i+1)
					}
				}
			}
			for _, want := range numbered(events) {
				if diff := cmp.Diff(want, seen[number{want.Session, want.Seq}], sameEvent); diff != "" {
					t.Fatalf("%d.%d: %.1000s", want.Session, want.Seq, diff)
				}
			}
		})
	}
}

// TestRotationRepeatsKeys: the secrets of sessions under way stand in each file.
func TestRotationRepeatsKeys(t *testing.T) {
	for i, path := range rotated(t, ".pcapng", Options{}, long(t)) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		keys := 0
		_, err = Read(file, func(e session.Event) error {
			if e.Kind() == "tls:secret" && e.Session == 1 {
				keys++
			}
			return nil
		})
		file.Close()
		if err != nil || keys < 2 {
			t.Errorf("file %d has %d keys, %v", i+1, keys, err)
		}
	}
}

func TestRotationByTime(t *testing.T) {
	dir := t.TempDir()
	f, err := CreateRotating(filepath.Join(dir, "[x].jsonl"), false, Options{}, Rotate{Every: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	e := session.Event{Seen: session.Seen{Session: 1, Seq: 1, At: start, Body: session.StreamElement{}}, Said: session.Said{Done: true}}
	for range 2 {
		if err := f.Write(e); err != nil {
			t.Fatal(err)
		}
		f.begun = f.begun.Add(-time.Hour) // an hour goes by
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 2 || filepath.Base(files[1]) != "[x]-00002.jsonl" {
		t.Errorf("files are %q", files)
	}
	if _, err := CreateRotating(filepath.Join(dir, "[x].jsonl"), false, Options{}, Rotate{Every: time.Hour}); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("files that are there: %v", err)
	}
	if _, err := CreateRotating(filepath.Join(dir, "x"), true, Options{}, Rotate{Every: time.Hour}); err == nil {
		t.Error("a path without a format is taken")
	}
}

// TestWiresharkReadsRotated: no file has anything to complain about, and the
// elements of the session under way are in each.
func TestWiresharkReadsRotated(t *testing.T) {
	xmpptest.Need(t, "tshark")
	files := rotated(t, ".pcapng", Options{}, long(t))
	for i, path := range append(files[:2:2], files[len(files)-1]) {
		peer(t, "capinfos", path)
		expectNone(t, path)
		if got := tshark(t, path, `frame.interface_name == "decoded" && xmpp.auth`, "frame.number"); len(got) == 0 {
			t.Errorf("file %d has no login", i+1)
		}
	}
}

// TestWiresharkReadsRedacted: what is left is what xmppscope has decoded.
func TestWiresharkReadsRedacted(t *testing.T) {
	xmpptest.Need(t, "tshark")
	for _, o := range []Options{{Redact: true}, {Pseudonymise: true}} {
		for _, format := range those(func(f Format) bool { return f.Packets }) {
			ext := format.Ext
			path := filepath.Join(t.TempDir(), "x"+ext)
			f, err := Create(path, false, o)
			if err != nil {
				t.Fatal(err)
			}
			if f.Secrets() || f.Wire() {
				t.Errorf("%s: Secrets is %v, Wire %v", ext, f.Secrets(), f.Wire())
			}
			for _, e := range full(t, 1, tls.VersionTLS13) {
				if err := f.Write(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			peer(t, "capinfos", path)
			expectNone(t, path)
			if got := tshark(t, path, "xmpp.auth", "xmpp.auth"); len(got) != 1 {
				t.Errorf("%s: auth is %q", ext, got)
			}
			if got := tshark(t, path, "tls", "frame.number"); len(got) != 0 {
				t.Errorf("%s: there is TLS in it", ext)
			}
		}
	}
}

// TestWiresharkTakesKeyLog: our key log decrypts a capture that has no keys.
func TestWiresharkTakesKeyLog(t *testing.T) {
	xmpptest.Need(t, "tshark")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		events := full(t, 1, version)
		keys := save(t, ".keylog", events)
		var without []session.Event
		for _, e := range events {
			if e.Kind() != "tls:secret" {
				without = append(without, e)
			}
		}
		file := save(t, ".pcapng", without)
		filter := `frame.interface_name != "decoded" && xmpp.auth`
		if got := tshark(t, file, filter, "frame.number"); len(got) != 0 {
			t.Errorf("decrypted without keys: %q", got)
		}
		out := peer(t, "tshark", "-n", "-r", file, "-o", "tls.keylog_file:"+keys, "-Y", filter, "-T", "fields", "-e", "frame.number")
		if n := len(strings.Fields(out)); n != 2 {
			t.Errorf("%s: %d packets with the login are decrypted, want one on each leg", tls.VersionName(version), n)
		}
	}
}

func TestOptionsThatContradict(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"x.html", Options{Reveal: true, Redact: true}}, {"x.xml", Options{Reveal: true, Pseudonymise: true}},
		{"x.keylog", Options{Redact: true}}, {"x.keylog", Options{Pseudonymise: true}},
	} {
		if f, err := Create(filepath.Join(dir, c.name), false, c.o); err == nil || f != nil {
			t.Errorf("%s with %+v: %v", c.name, c.o, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 0 {
		t.Errorf("%q were made", files)
	}
}

// TestAttach: what another program is given can be read back.
func TestAttach(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Attach(w, "standard output.pcapng", Options{})
	if err != nil {
		t.Fatal(err)
	}
	events := full(t, 1, tls.VersionTLS13)
	wrote := make(chan error, 1)
	go func() {
		for _, e := range events {
			if err := f.Write(e); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- f.Close()
	}()
	var got []session.Event
	_, err = Read(r, func(e session.Event) error {
		if session.Numbered(e.Body) {
			got = append(got, e)
		}
		return nil
	})
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbered(events), got, sameEvent); err != nil || diff != "" || f.Written() == 0 {
		t.Errorf("%v, %d bytes, %.1000s", err, f.Written(), diff)
	}
}

// TestRotatedFilesAlwaysOpen: whenever one looks, each file that has its name has
// what it begins with, so that kill -9 leaves none that does not open.
func TestRotatedFilesAlwaysOpen(t *testing.T) {
	events := long(t)
	for _, f := range Formats() {
		t.Run(f.Ext, func(t *testing.T) {
			dir := t.TempDir()
			file, err := CreateRotating(filepath.Join(dir, "x"+f.Ext), false, Options{}, Rotate{Every: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			done, looked := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(looked)
				for over := false; !over; {
					select {
					case <-done:
						over = true
					default:
					}
					named, _ := filepath.Glob(filepath.Join(dir, "x-*"+f.Ext))
					for _, path := range named[max(0, len(named)-2):] {
						if info, err := os.Stat(path); err != nil || info.Size() == 0 && f.Ext != ".txt" && f.Ext != ".md" {
							t.Errorf("%s: %v, or empty", path, err)
						}
					}
				}
			}()
			for i, e := range events {
				if i%4 == 0 {
					file.begun = file.begun.Add(-time.Hour) // an hour goes by
				}
				if err := file.Write(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			close(done)
			<-looked
			if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestRotationThatFails: where no further file can be made, the last one is whole.
func TestRotationThatFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "x-00002.html", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := CreateRotating(filepath.Join(dir, "x.html"), true, Options{}, Rotate{Every: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range full(t, 1, 0) {
		if e.Body == (session.TCPClosed{By: "client"}) {
			f.begun = f.begun.Add(-time.Hour)
		}
		if err = f.Write(e); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "x-00002.html") {
		t.Errorf("the error is %v", err)
	}
	if again := f.Close(); again == nil {
		t.Error("Close has no error")
	}
	file, err := os.ReadFile(filepath.Join(dir, "x-00001.html"))
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(file)), "</html>") {
		t.Errorf("%v, the report ends with %q", err, file[max(0, len(file)-50):])
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
