package capture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"xmppscope/session"
)

func TestForPath(t *testing.T) {
	var all []string
	for _, want := range Formats() {
		all = append(all, want.Ext)
		for _, path := range []string{"a" + want.Ext, "/b/c" + strings.ToUpper(want.Ext)} {
			if f, err := ForPath(path); err != nil || f.Ext != want.Ext {
				t.Errorf("%s: %q, %v", path, f.Ext, err)
			}
		}
	}
	for _, path := range []string{"a.doc", "b"} {
		_, err := ForPath(path)
		if err == nil || !strings.Contains(err.Error(), strings.Join(all, ", ")) {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, false, Options{}); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Fatalf("error is %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Fatalf("the file holds %q", b)
	}
	f, err := Create(path, true, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	if b, _ := os.ReadFile(path); bytes.Contains(b, []byte("precious")) {
		t.Error("the old contents are still there")
	}
	if f.Secrets() {
		t.Error("a blanked recording is said to hold secrets")
	}
}

func TestSameFile(t *testing.T) {
	dir := t.TempDir()
	path, other, link := filepath.Join(dir, "x.jsonl"), filepath.Join(dir, "y.jsonl"), filepath.Join(dir, "z.jsonl")
	for _, p := range []string{path, other} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]bool{
		path: true, link: true, dir + "/./x.jsonl": true, filepath.Join(dir, "new.jsonl"): false, "": false,
	} {
		if got := SameFile(p, other, filepath.Join(dir, "gone"), path); got != want {
			t.Errorf("%q: %v", p, got)
		}
	}
	if SameFile(path) || SameFile(path, other) {
		t.Error("two different files are one")
	}
}

func TestSecretsAreSaid(t *testing.T) {
	for _, format := range Formats() {
		f, err := Create(filepath.Join(t.TempDir(), "x"+format.Ext), false, Options{})
		if err != nil {
			t.Fatal(err)
		}
		events := mixed(t)
		if file := saved(t, f, events); f.Secrets() != holdsSecrets(file) {
			t.Errorf("%s: Secrets is %v", format.Ext, f.Secrets())
		}
	}
}

// holdsSecrets says whether a file has the password or the keys of mixed.
func holdsSecrets(file []byte) bool {
	for _, secret := range []string{password, plainPayload(), "TRAFFIC_SECRET", "CLIENT_RANDOM"} {
		if bytes.Contains(file, []byte(secret)) {
			return true
		}
	}
	return false
}

// TestWholeAfterEachWrite reads the file from disk after each event, as if the
// process had been killed there.
func TestWholeAfterEachWrite(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(0)
	b.nasty()
	for _, format := range those(readable) {
		ext := format.Ext
		path := filepath.Join(t.TempDir(), "x"+ext)
		f, err := Create(path, false, Options{Reveal: true})
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, e := range b.events {
			if err := f.Write(e); err != nil {
				t.Fatal(err)
			}
			if session.Numbered(e.Body) {
				want++
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := replay(file)
			if err != nil || len(got) != want {
				t.Fatalf("%s: %d events of %d, error %v", ext, len(got), want, err)
			}
			if ext == ".xml" {
				wellFormed(t, file)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("%s: second Close: %v", ext, err)
		}
		if err := f.Write(b.events[0]); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: write after Close: %v", ext, err)
		}
	}
}

func wellFormed(t *testing.T, file []byte) {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(file))
	for {
		if _, err := dec.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
}

// TestPacketsFollowByThemselves: a packet that waits for its explanation is
// written soon, without a further event.
func TestPacketsFollowByThemselves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcapng")
	f, err := Create(path, false, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	flushed := make(chan struct{}, 1)
	f.flusher = told{f.flusher, flushed}
	if err := f.Write(wireEvent(1, session.ClientLeg, session.C2S, "<nobody-explains-me/>")); err != nil {
		t.Fatal(err)
	}
	<-flushed
	if b, err := os.ReadFile(path); err != nil || !bytes.Contains(b, []byte("nobody-explains-me")) {
		t.Errorf("the packet is not in the file (%v)", err)
	}
}

type told struct {
	Flusher
	done chan struct{}
}

func (f told) Flush() error {
	err := f.Flusher.Flush()
	f.done <- struct{}{}
	return err
}

func TestWriteErrorNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	f, err := Create(path, false, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.file.Close()
	e := opened(1, session.ClientLeg, session.TCPOpened{})
	first := f.Write(e)
	if first == nil || !strings.Contains(first.Error(), path) {
		t.Errorf("error is %v", first)
	}
	if again := f.Write(e); again != first {
		t.Errorf("second error is %v", again)
	}
}

// TestNoRegularFile: a pipe takes a recording too, with its end tag at the end.
func TestNoRegularFile(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x, err := newXML(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Write(opened(1, session.ClientLeg, session.TCPOpened{})); err != nil {
		t.Fatal(err)
	}
	if err := x.(Closer).Close(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	file, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, file)
	if !bytes.HasSuffix(file, []byte(xmlEnd)) {
		t.Errorf("file ends with %q", file[len(file)-20:])
	}
}

// TestCreateWhole: an export has its name when it is whole, and what was there before
// stays until then.
func TestCreateWhole(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "x.jsonl"), filepath.Join(dir, "link.jsonl")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateWhole(path, false, Options{}); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Fatalf("a file that is there: %v", err)
	}
	if _, err := CreateWhole(filepath.Join(dir, "none", "x.jsonl"), false, Options{}); err == nil || strings.Contains(err.Error(), unfinished) {
		t.Errorf("no folder: %v", err)
	}
	is := func(want string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%v, it holds %q", err, got)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 2 {
			t.Errorf("%v, there are %v", err, files)
		}
	}
	for _, end := range []func(*File) error{func(f *File) error { f.Discard(); return nil }, (*File).Close} {
		f, err := CreateWhole(link, true, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "before" {
			t.Errorf("%v, it holds %q", err, got)
		}
		if f.Path() != link {
			t.Errorf("it is called %s", f.Path())
		}
		if err := end(f); err != nil {
			t.Fatal(err)
		}
		if f.Discard(); err == nil && f.Close() != nil {
			t.Error("a second end is an error")
		}
	}
	is(`{"format"`)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
}
