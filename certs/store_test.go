package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func pemOf(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: der}) }

func mustOpen(t *testing.T, dir string) *CA {
	t.Helper()
	ca, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestOpenMakesAndKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "ca")
	first := mustOpen(t, dir)
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, secretFile): 0o600, filepath.Join(dir, leafFile): 0o600, first.RootFile(): 0o644} {
			if got := mode(t, path); got != want {
				t.Errorf("%s has mode %04o, want %04o", path, got, want)
			}
		}
	}
	if err := os.Remove(first.RootFile()); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, dir)
	if first.Fingerprint() != second.Fingerprint() {
		t.Error("a second start made another root")
	}
	a, _, _ := first.Mint("example.net", nil)
	b, _, _ := second.Mint("example.net", nil)
	if !a.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(b.Leaf.PublicKey) {
		t.Error("the key of the leaves did not survive")
	}
	if err := verify(second, a.Certificate, "example.net", time.Now()); err != nil {
		t.Error(err)
	}
	copied, err := os.ReadFile(second.RootFile())
	if err != nil || !bytes.Equal(copied, second.RootPEM()) || bytes.Contains(copied, []byte("PRIVATE")) {
		t.Errorf("the copy of the root was not re-made: %v\n%s", err, copied)
	}
	left, _ := filepath.Glob(filepath.Join(dir, newPrefix+"*"))
	if len(left) > 0 {
		t.Errorf("unfinished files stay: %q", left)
	}
}

func TestEmptyFolderIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir)
	if got := mode(t, dir); runtime.GOOS != "windows" && got != 0o700 {
		t.Errorf("mode %04o", got)
	}
}

// spoil changes a good CA folder; the error of the next Open must hold all the words.
var spoil = map[string]struct {
	do    func(t *testing.T, dir string)
	words []string
	unix  bool
}{
	"folder open to others":  {func(t *testing.T, dir string) { chmod(t, dir, 0o755) }, []string{"chmod 700", "0755"}, true},
	"secret open to others":  {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, secretFile), 0o644) }, []string{secretFile, "chmod 600", "rotate"}, true},
	"leaf key open to group": {func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, leafFile), 0o640) }, []string{leafFile, "chmod 600", "0640"}, true},
	"garbled":                {func(t *testing.T, dir string) { put(t, dir, secretFile, []byte("hello")) }, []string{secretFile, "damaged", "private key", "xmppscope ca rotate --ca-dir"}, false},
	"empty":                  {func(t *testing.T, dir string) { put(t, dir, secretFile, nil) }, []string{"damaged", "rotate"}, false},
	"cut": {func(t *testing.T, dir string) {
		b, _ := os.ReadFile(filepath.Join(dir, secretFile))
		put(t, dir, secretFile, b[:len(b)-40])
	}, []string{"damaged", "private key"}, false},
	"garbled DER": {func(t *testing.T, dir string) {
		b, _ := os.ReadFile(filepath.Join(dir, secretFile))
		_, key := pem.Decode(b)
		put(t, dir, secretFile, append(pemOf([]byte("no certificate")), key...))
	}, []string{"damaged", "x509"}, false},
	"key of another CA": {func(t *testing.T, dir string) {
		b, _ := os.ReadFile(filepath.Join(dir, secretFile))
		_, key := pem.Decode(b)
		other, err := NewMemory()
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, secretFile, append(other.RootPEM(), key...))
	}, []string{"damaged", "does not belong"}, false},
	"a leaf as root": {func(t *testing.T, dir string) {
		ca := mustOpen(t, dir)
		cert, _, _ := ca.Mint("example.net", nil)
		der, err := x509.MarshalPKCS8PrivateKey(ca.leafKey)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, secretFile, append(pemOf(cert.Certificate[0]), pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der})...))
	}, []string{"damaged", "CA:TRUE"}, false},
	"a folder as secret": {func(t *testing.T, dir string) {
		remove(t, filepath.Join(dir, secretFile))
		if err := os.Mkdir(filepath.Join(dir, secretFile), 0o700); err != nil {
			t.Fatal(err)
		}
	}, []string{secretFile, "is not a file"}, false},
	"garbled leaf key": {func(t *testing.T, dir string) { put(t, dir, leafFile, []byte("-----BEGIN")) }, []string{leafFile, "damaged", "remove it"}, false},
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestSpoiltFolders(t *testing.T) {
	for name, s := range spoil {
		if s.unix && runtime.GOOS == "windows" { // it has no such modes
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "my ca")
			mustOpen(t, dir)
			s.do(t, dir)
			_, err := Open(dir)
			if err == nil {
				t.Fatal("opened")
			}
			for _, word := range append(s.words, dir) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not say %q: %v", word, err)
				}
			}
			if strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestForeignFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "letter.txt", []byte("dear"))
	before := mode(t, dir)
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), "letter.txt") || !strings.Contains(err.Error(), "--ca-dir") {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 || mode(t, dir) != before {
		t.Error("the folder was changed")
	}
	file := filepath.Join(dir, "letter.txt")
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as folder: %v", err)
	}
}

func TestExpiredRootAndRotate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	old, err := openAt(dir, time.Now().Add(-rootLife))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "expired") || !strings.Contains(err.Error(), "xmppscope ca rotate --ca-dir "+dir) {
		t.Fatalf("got %v", err)
	}
	fresh, kept, err := Rotate(dir)
	if err != nil || len(kept) != 3 || fresh.Fingerprint() == old.Fingerprint() {
		t.Fatalf("rotate: %v, kept %q", err, kept)
	}
	if again := mustOpen(t, dir); again.Fingerprint() != fresh.Fingerprint() {
		t.Error("the new root was not kept")
	}
	blocks, err := readSecret(kept[1])
	if err != nil || !bytes.Equal(find(blocks, pemCert), old.RootDER()) {
		t.Errorf("the old root was not kept: %v", err)
	}
	if text, _ := os.ReadFile(fresh.RootFile()); !bytes.Equal(text, fresh.RootPEM()) {
		t.Error("the copy is that of the old root")
	}
	if _, err := openAt(dir, time.Now().Add(-48*time.Hour)); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("a root from the future: %v", err)
	}
}

func TestRotateRepairs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	mustOpen(t, dir)
	put(t, dir, secretFile, []byte("rubbish"))
	if _, kept, err := Rotate(dir); err != nil || len(kept) != 3 {
		t.Fatalf("%v, kept %q", err, kept)
	}
	mustOpen(t, dir)
}

// TestLostKey: the copy of a root without its key is not the first use.
func TestLostKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my ca")
	old := mustOpen(t, dir)
	remove(t, filepath.Join(dir, secretFile))
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), "root.crt is here but its key ca.pem is not: put it back, or make a new CA with: xmppscope ca rotate --ca-dir '"+dir+"'") {
		t.Fatalf("got %v", err)
	}
	if text, _ := os.ReadFile(old.RootFile()); !bytes.Equal(text, old.RootPEM()) {
		t.Error("the copy of the root was changed")
	}
	fresh, kept, err := Rotate(dir)
	if err != nil || len(kept) != 2 || fresh.Fingerprint() == old.Fingerprint() {
		t.Fatalf("rotate: %v, kept %q", err, kept)
	}
	if text, _ := os.ReadFile(kept[0]); !bytes.Equal(text, old.RootPEM()) {
		t.Error("the copy of the old root was not kept")
	}
	if again := mustOpen(t, dir); again.Fingerprint() != fresh.Fingerprint() {
		t.Error("the new root was not kept")
	}
}

func TestRotateLeavesForeignFolders(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o755)
	for _, name := range []string{"letter.txt", publicFile} {
		put(t, dir, name, []byte("dear"))
	}
	if _, kept, err := Rotate(dir); err == nil || len(kept) > 0 || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("got %v, kept %q", err, kept)
	}
	remove(t, filepath.Join(dir, "letter.txt"))
	if _, err := Open(dir); err == nil {
		t.Error("opened")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 || runtime.GOOS != "windows" && mode(t, dir) != 0o755 {
		t.Errorf("the folder was changed: %v", entries)
	}
}

func TestGoroutinesAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	var wg sync.WaitGroup
	found := make([]*CA, 16)
	for i := range found {
		wg.Go(func() {
			ca, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			found[i] = ca
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, ca := range found {
		public := ca.leafKey.Public().(interface{ Equal(crypto.PublicKey) bool })
		if ca.Fingerprint() != found[0].Fingerprint() || !public.Equal(found[0].leafKey.Public()) {
			t.Fatal("two CAs were made")
		}
	}
}

const childDir = "XMPPSCOPE_TEST_CA_DIR"

// TestMain lets the test binary stand in for a second xmppscope.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		ca, err := Open(dir)
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(ca.Fingerprint())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestProcessesAtOnce(t *testing.T) {
	dir := t.TempDir() // empty, and 0755: to be taken over by one while others look
	chmod(t, dir, 0o755)
	var wg sync.WaitGroup
	prints := make([]string, 6)
	for i := range prints {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childDir+"="+dir)
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("process %d: %v %v", i, err, err.(*exec.ExitError).Stderr)
			}
			prints[i] = string(out)
		})
	}
	wg.Wait()
	for _, p := range prints {
		if p != prints[0] || p != mustOpen(t, dir).Fingerprint() {
			t.Fatalf("two CAs were made: %q", prints)
		}
	}
}

func TestGuides(t *testing.T) {
	path := "/home/o'neil/my ca/root.crt"
	seen := map[string]bool{}
	for _, g := range Guides(path) {
		if g.For == "" || g.Text == "" || strings.Contains(g.Text, "{") || seen[g.For] {
			t.Errorf("guide %q: %q", g.For, g.Text)
		}
		if g.Kind != GuideSystem && g.Kind != GuideVariable && g.Kind != GuideClient {
			t.Errorf("guide %q has kind %q", g.For, g.Kind)
		}
		seen[g.For] = true
	}
	for _, g := range Guides(path) {
		if g.For == "Debian, Ubuntu" && !strings.Contains(g.Text, `'/home/o'\''neil/my ca/root.crt'`) {
			t.Errorf("the path is not quoted: %s", g.Text)
		}
		if g.For == "slixmpp" && !strings.Contains(g.Text, `"`+path+`"`) {
			t.Errorf("the path is not a Python string: %s", g.Text)
		}
	}
	if _, err := DefaultDir(); err != nil {
		t.Error(err)
	}
}
