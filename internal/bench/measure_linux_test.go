package main

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// tiny is a run of the smallest sizes, with a build of this source.
func tiny(t *testing.T) (*options, *setup, []*scope) {
	t.Helper()
	o, err := parseFlags([]string{"-quick", "-dir", t.TempDir(), "-bulk", "0.3", "-burst", "0.3", "-huge", "0.3",
		"-small", "300", "-echo", "20", "-logins", "9", "-idle", "9", "-limit", "1m"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSetup(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	builds, err := o.builds(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return o, s, builds
}

// TestEveryColumn does every work once, tiny, through every column. All bytes are
// compared on the way; what saving has written holds every stanza and every login.
func TestEveryColumn(t *testing.T) {
	o, s, builds := tiny(t)
	table := o.online(t.Context(), s, builds, func(err error) { t.Error(err) })
	if got := strings.Join(table.columns, " "); got != "direct bare watching plain saving" {
		t.Fatalf("columns: %s", got)
	}
	for _, r := range table.rows {
		for _, c := range table.columns {
			v := r.values[c][0]
			switch {
			case c == "direct" && !slices.Contains([]string{perSecond, recordRate, loginRate, p50, p99, hugeTime}, r.name),
				c == "bare" && r.name == explained,
				c != "saving" && slices.Contains([]string{lostEvents, missing, notThere}, r.name):
				if !math.IsNaN(v) {
					t.Errorf("%s, %s, %s: %v, where nothing can be measured", r.work, r.name, c, v)
				}
			case slices.Contains([]string{lostEvents, missing, notThere}, r.name):
				if v != 0 {
					t.Errorf("%s, %s, %s: %v", r.work, r.name, c, v)
				}
			case math.IsNaN(v), v <= 0 && r.name != explained && r.name != idleKB:
				t.Errorf("%s, %s, %s: %v", r.work, r.name, c, v)
			}
		}
	}
}

// TestAgainst: another build has columns of its own.
func TestAgainst(t *testing.T) {
	o, s, builds := tiny(t)
	o.scope, o.against = builds[0].path, builds[0].path
	o.works, o.columns = []string{"echo"}, []string{"bare", "watching"}
	builds, err := o.builds(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	table := o.online(t.Context(), s, builds, func(err error) { t.Error(err) })
	if got := strings.Join(table.columns, " "); got != "bare watching against:watching" {
		t.Errorf("columns: %s", got)
	}
	for _, c := range table.columns {
		if !(table.rows[0].values[c][0] > 0) {
			t.Errorf("%s: %v", c, table.rows[0].values[c])
		}
	}
}

// TestOffline has a small capture read by what there is.
func TestOffline(t *testing.T) {
	xmpptest.Need(t, "tshark")
	o, s, builds := tiny(t)
	all := readers(builds)
	table := newTable(shark, []string{shark, "check"}, 1)
	if err := s.offline(t.Context(), table, all, []int{500}, o.limit, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	for _, r := range table.rows {
		for c, v := range r.values {
			if !(v[0] > 0) {
				t.Errorf("%s, %s: %v", r.name, c, v)
			}
		}
	}
	// What is read is what was meant.
	file := filepath.Join(s.dir, "again.pcap")
	if err := writeCapture(file, 500); err != nil {
		t.Fatal(err)
	}
	held, err := builds[0].read(t.Context(), s, file)
	if want := (recorded{stanzas: 500, logins: 1}); err != nil || held != want {
		t.Errorf("the capture holds %+v, %v, want %+v", held, err, want)
	}
}

// TestCPUTime: the clock of a process goes forward while it works.
func TestCPUTime(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now := before; now == before; {
		if now, err = cpuTime(os.Getpid()); err != nil || now < before {
			t.Fatalf("%v after %v: %v", now, before, err)
		}
	}
	if held, err := memory(os.Getpid()); err != nil || held.resident <= 0 || held.peak < held.resident/2 {
		t.Errorf("memory: %+v, %v", held, err)
	}
	if _, err := memory(1 << 30); err == nil {
		t.Error("a process that is not there has memory")
	}
}

// TestTerminal: what is written to the terminal can be read, and it has its size.
func TestTerminal(t *testing.T) {
	master, slave, err := openTerminal(120, 40)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	cmd := (&setup{dir: t.TempDir()}).command("stty", "size")
	cmd.Stdin, cmd.Stdout, cmd.SysProcAttr = slave, slave, ownTerminal()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("40 120"))
	if _, err := io.ReadFull(master, got); err != nil || string(got) != "40 120" {
		t.Errorf("got %q, %v", got, err)
	}
	slave.Close()
}
