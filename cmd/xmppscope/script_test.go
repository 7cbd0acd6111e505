package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"xmppscope/internal/demo"
	"xmppscope/viewer"
)

// demoClient is a program for scripts: it logs in as the demo's client does, where the action
// says, with a scenario of the demo.
func demoClient() {
	scenario, err := demo.Find(os.Args[1])
	pem, err2 := os.ReadFile(os.Getenv("XMPPSCOPE_CA"))
	roots := x509.NewCertPool()
	if err != nil || err2 != nil || !roots.AppendCertsFromPEM(pem) {
		fmt.Fprintln(os.Stderr, err, err2)
		os.Exit(2)
	}
	if err := demo.RunClient(context.Background(), scenario, net.JoinHostPort(os.Getenv("XMPPSCOPE_HOST"), os.Getenv("XMPPSCOPE_PORT")), roots, 0); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"xmppscope": main, "demo-client": demoClient})
}

// TestScripts runs testdata/*.txtar: command lines with what they print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			captures, err := filepath.Abs("../../capture/passive/testdata")
			if err != nil {
				return err
			}
			env.Setenv("CAPTURES", captures)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ladder": ladder, "occupy": occupy, "mode": mode, "same": same, "chmod-dir": chmodDir, "backwards": backwards, "tcp-only": tcpOnly, "free": free, "listening": listening, "gone": gone,
		},
	})
}

// ladder FILE OUT writes the distinct steps of a JSON Lines file, "n id" a line.
func ladder(ts *testscript.TestScript, neg bool, args []string) {
	var out strings.Builder
	last := 0
	eachEvent(ts, args[0], func(e map[string]any) {
		step, ok := e["step"].(map[string]any)
		if !ok || int(step["n"].(float64)) <= last {
			return
		}
		last = int(step["n"].(float64))
		fmt.Fprintf(&out, "%d %s\n", last, step["id"])
	})
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o600))
}

func eachEvent(ts *testscript.TestScript, file string, do func(map[string]any)) {
	lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(file)))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e map[string]any
		ts.Check(json.Unmarshal(lines.Bytes(), &e))
		if _, isEvent := e["kind"]; isEvent {
			do(e)
		}
	}
	ts.Check(lines.Err())
}

// same A B says whether two JSON Lines files hold the same events.
func same(ts *testscript.TestScript, neg bool, args []string) {
	list := func(file string) string {
		var out strings.Builder
		eachEvent(ts, file, func(e map[string]any) {
			b, err := json.Marshal(e)
			ts.Check(err)
			out.Write(append(b, '\n'))
		})
		return out.String()
	}
	a, b := list(args[0]), list(args[1])
	if a == "" {
		ts.Fatalf("%s holds no events", args[0])
	}
	if (a == b) == neg {
		ts.Fatalf("same is %v:\n%s\n%s", a == b, a, b)
	}
}

// backwards FILE OUT writes a little-endian .pcap with its packets in reverse order.
func backwards(ts *testscript.TestScript, neg bool, args []string) {
	repack(ts, args, func(packets [][]byte) [][]byte {
		slices.Reverse(packets)
		return packets
	})
}

// tcpOnly FILE OUT writes a .pcap of ours without what is not TCP: without its events.
func tcpOnly(ts *testscript.TestScript, neg bool, args []string) {
	repack(ts, args, func(packets [][]byte) [][]byte {
		return slices.DeleteFunc(packets, func(p []byte) bool { return p[packetHeader+9] != 6 })
	})
}

const packetHeader = 16

// repack FILE OUT writes what becomes of the packets of a little-endian .pcap, each with
// its header.
func repack(ts *testscript.TestScript, args []string, do func([][]byte) [][]byte) {
	const fileHeader = 24
	file := []byte(ts.ReadFile(args[0]))
	var packets [][]byte
	for rest := file[fileHeader:]; len(rest) > 0; {
		n := packetHeader + int(binary.LittleEndian.Uint32(rest[8:]))
		packets = append(packets, rest[:n])
		rest = rest[n:]
	}
	out := append(file[:fileHeader:fileHeader], bytes.Join(do(packets), nil)...)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out, 0o600))
}

// occupy VAR listens on a free port until the script ends, and names it.
func occupy(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// free VAR names an address of loopback on which nobody listens.
func free(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], l.Addr().String())
}

// listening ADDR waits until somebody listens there.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for late := time.After(time.Minute); ; {
		if c, err := net.Dial("tcp", args[0]); err == nil {
			c.Close()
			return
		}
		select {
		case <-retry.C:
		case <-late:
			ts.Fatalf("nobody listens on %s", args[0])
		}
	}
}

// gone FILE wants the program whose number is in a file to have ended.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	if p, err := os.FindProcess(pid); err == nil && p.Signal(syscall.Signal(0)) == nil {
		ts.Fatalf("process %d is still there", pid)
	}
}

// mode FILE WANT compares permissions.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); (got == args[1]) == neg {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// chmod-dir MODE DIR changes permissions.
func chmodDir(ts *testscript.TestScript, neg bool, args []string) {
	var m uint32
	_, err := fmt.Sscanf(args[0], "%o", &m)
	ts.Check(err)
	ts.Check(os.Chmod(ts.MkAbs(args[1]), os.FileMode(m)))
}

// TestReadmeNamesEveryKey: the key table of the README is that of the inspector.
func TestReadmeNamesEveryKey(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range viewer.KeyTable() {
		if row := fmt.Sprintf("| `%s` | %s |", strings.ReplaceAll(k[0], "|", `\|`), k[1]); !strings.Contains(string(readme), row) {
			t.Errorf("the README lacks the row %s", row)
		}
	}
}
