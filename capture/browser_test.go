package capture

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
)

// watcher is the proxy that a browser under test has to ask for everything. It
// serves nothing and keeps what was asked for.
type watcher struct {
	net.Listener
	mu    sync.Mutex
	asked []string
	done  sync.WaitGroup
}

func newWatcher(t *testing.T) *watcher {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{Listener: l}
	w.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.done.Go(func() {
				defer c.Close()
				c.SetReadDeadline(time.Now().Add(10 * time.Second))
				head := make([]byte, 4096)
				n, _ := c.Read(head)
				line, _, _ := strings.Cut(string(head[:n]), "\r\n")
				w.mu.Lock()
				w.asked = append(w.asked, line)
				w.mu.Unlock()
			})
		}
	})
	return w
}

// stop ends it and gives the requests that name a part of a host.
func (w *watcher) stop(host string) (out []string) {
	w.Close()
	w.done.Wait()
	for _, line := range w.asked {
		if strings.Contains(line, host) {
			out = append(out, line)
		}
	}
	return out
}

// browse opens a file in headless Chromium, as wide as a phone, and returns the
// document as the browser has it, what it has to say, and what it asked for.
func browse(t *testing.T, file string) (dom, console string, asked []string) {
	t.Helper()
	xmpptest.Need(t, "chromium")
	w := newWatcher(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+profile(t),
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-extensions",
		"--enable-logging=stderr", "--window-size=360,800", "--virtual-time-budget=3000",
		"--proxy-server="+w.Addr().String(), "--proxy-bypass-list=<-loopback>", "--dump-dom", "file://"+file)
	cmd.WaitDelay = 10 * time.Second
	var out, problems strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, problems.String())
	}
	for line := range strings.Lines(problems.String()) {
		if strings.Contains(line, "CONSOLE") {
			console += line
		}
	}
	return out.String(), console, w.stop("evil.invalid")
}

// profile is a folder for a browser. What its processes still write there at
// the end is no failure of a test.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "xmppscope-browser-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// written is a file with these contents.
func written(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBrowserOpensReport: scripts in stanzas stay text, nothing is fetched, and
// the browser has nothing to complain about.
func TestBrowserOpensReport(t *testing.T) {
	file := written(t, "report.html", string(record(t, ".html", Options{Reveal: true}, evilEvents(t))))
	dom, console, asked := browse(t, file)
	if console != "" {
		t.Errorf("the console says\n%s", console)
	}
	if len(asked) > 0 {
		t.Errorf("the report asked for %q", asked)
	}
	if !strings.Contains(dom, "<title>xmppscope report</title>") || !strings.Contains(dom, "&lt;script&gt;document.title") {
		t.Errorf("the browser has\n%.2000s", dom)
	}
	inspect(t, []byte(dom))
}

// TestBrowserTestCanFail: the same watch sees a page that is not inert.
func TestBrowserTestCanFail(t *testing.T) {
	dom, console, asked := browse(t, written(t, "bad.html", "<!DOCTYPE html><title>x</title><script>nonsense(</script>"+strings.ReplaceAll(evil, "http-equiv=refresh", "")))
	if !strings.Contains(dom, "PWNED") || console == "" || len(asked) == 0 {
		t.Errorf("nothing is noticed: %q, %q, %.300q", console, asked, dom)
	}
}

// widthProbe is put beside a report, in a frame as wide as a small phone, and
// says in its title how wide the report would like to be.
const widthProbe = `<!DOCTYPE html><title>?</title><iframe id=f src="report.html" style="border:0;width:360px;height:800px"></iframe>
<script>f.onload=()=>{const d=f.contentDocument.documentElement;document.title="wants "+d.scrollWidth+" of "+d.clientWidth}</script>`

// TestBrowserFitsAPhone: no sideways scrolling at 360 pixels.
func TestBrowserFitsAPhone(t *testing.T) {
	xmpptest.Need(t, "chromium")
	events := append(mixed(t), evilEvents(t)...)
	file := written(t, "report.html", string(record(t, ".html", Options{}, events)))
	probe := filepath.Join(filepath.Dir(file), "probe.html")
	if err := os.WriteFile(probe, []byte(widthProbe), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+profile(t),
		"--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom", "file://"+probe).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "<title>wants 360 of 360</title>") {
		t.Errorf("the report %.200s", out)
	}
}
