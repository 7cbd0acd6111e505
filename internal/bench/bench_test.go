package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the tests' own binary be the children too.
func TestMain(m *testing.M) {
	if was, err := runChild(os.Args[1:]); was {
		exit(err)
	}
	os.Exit(m.Run())
}

func TestParseStatus(t *testing.T) {
	const text = "Name:\txmppscope\nVmPeak:\t 1254432 kB\nVmHWM:\t   17404 kB\nVmRSS:\t   15324 kB\nThreads:\t7\n"
	got, err := parseStatus(text)
	if want := (status{resident: 15324, peak: 17404}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "Name:\tzombie\n", strings.Replace(text, "17404 kB", "17404 MB", 1), strings.Replace(text, "15324", "much", 1)} {
		if got, err := parseStatus(bad); err == nil {
			t.Errorf("%q is taken as %+v", bad, got)
		}
	}
}

// TestTable: a ratio is that to the base in the same round, not of the medians; what is
// nowhere measured has no row, and JSON has what the text has.
func TestTable(t *testing.T) {
	table := newTable("bare", []string{"direct", "bare", "watching"}, 3)
	table.addWork("mixed stanzas", []metric{{"MB/s", 0, true}, {"its CPU, ms a MB", 1, false}, {"lost", 0, false}})
	for round, v := range [][3]float64{{900, 100, 50}, {1000, 400, 100}, {1100, 300, 270}} {
		table.set("mixed stanzas", "direct", round, figures{"MB/s": v[0]})
		table.set("mixed stanzas", "bare", round, figures{"MB/s": v[1], "its CPU, ms a MB": 2})
		if round != 1 {
			table.set("mixed stanzas", "watching", round, figures{"MB/s": v[2], "its CPU, ms a MB": 10})
		}
	}
	var got strings.Builder
	if err := table.write(&got); err != nil {
		t.Fatal(err)
	}
	want := `
                         direct  bare    watching
mixed stanzas
  MB/s              1000 (3.67)   300  160 (0.70)
  its CPU, ms a MB            –   2.0        10.0
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got.String()); diff != "" {
		t.Error(diff)
	}
	if cells := table.cells(); len(cells) != 5 || !math.IsNaN(float64(cells[2].Rounds[1])) {
		t.Errorf("as JSON it is %+v", cells)
	}
}

func TestReport(t *testing.T) {
	table := newTable("bare", []string{"bare"}, 2)
	table.addWork("echo", []metric{{"p50, µs", 0, true}})
	table.set("echo", "bare", 1, figures{"p50, µs": 200})
	o := &options{rounds: 2}
	var text, machines bytes.Buffer
	if err := o.report(&text, table, newTable(shark, nil, 2)); err != nil || !strings.HasPrefix(text.String(), machine(2)) || !strings.Contains(text.String(), "p50, µs   200") {
		t.Errorf("%v, and it reads:\n%s", err, text.String())
	}
	o.json = true
	if err := o.report(&machines, table, newTable(shark, nil, 2)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine string
		Cells   []struct {
			Column string
			Median float64
			Rounds []*float64
		}
	}
	if err := json.Unmarshal(machines.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Cells) != 1 || got.Machine != machine(2) || got.Cells[0].Median != 200 || got.Cells[0].Rounds[0] != nil || *got.Cells[0].Rounds[1] != 200 {
		t.Errorf("as JSON it is %s", machines.String())
	}
}

func TestMachine(t *testing.T) {
	if got := machine(3); !strings.Contains(got, "CPUs (") || !strings.Contains(got, "go1.") || !strings.HasSuffix(got, "rounds: 3.") {
		t.Errorf("the machine is %q", got)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-quick", "-bulk", "7.5", "-rows", "up,idle", "-columns", "bare,saving", "-against", "/old", "-offline", "5,6"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 1 || o.sizes.bulk != 7_500_000 || o.sizes.idle != 200 || o.against != "/old" ||
		!slices.Equal(o.works, []string{"up", "idle"}) || !slices.Equal(o.columns, []string{"bare", "saving"}) || !slices.Equal(o.offline, []int{5, 6}) {
		t.Errorf("got %+v", o)
	}
	if o, err := parseFlags(nil, io.Discard); err != nil || o.rounds != 5 || o.sizes.bulk != 500_000_000 || o.sizes.idle != 5000 {
		t.Errorf("without flags: %+v, %v", o, err)
	}
	if o, err := parseFlags([]string{"-rows", "soak", "-soak", "3m", "-rate", "1.5"}, io.Discard); err != nil || o.sizes.soak != 3*time.Minute || o.sizes.rate != 1_500_000 || slices.Contains(usual(t), soakName) {
		t.Errorf("a soak: %+v, %v", o, err)
	}
	for _, bad := range []string{"-rows=sideways", "-soak=0s", "-rate=0", "-columns=mitmproxy", "-offline=many", "-rounds=0", "up", "-loud"} {
		var said bytes.Buffer
		if _, err := parseFlags([]string{bad}, &said); err == nil || said.Len() == 0 {
			t.Errorf("%s: %v, and it is said %q", bad, err, said.String())
		}
	}
}

// usual are the works that are done where none is named.
func usual(t *testing.T) []string {
	o, err := parseFlags(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return o.works
}

// TestTraffic: the load is the same each time, about as large as it is said to be, and
// well-formed.
func TestTraffic(t *testing.T) {
	for _, from := range []sender{fromClient, fromServer} {
		traffic := newTraffic(from, 2_000_000)
		if !bytes.Equal(traffic.text, newTraffic(from, 2_000_000).text) {
			t.Errorf("%s: it differs from time to time", from)
		}
		if mean := len(traffic.text) / len(traffic.ends); mean < 620 || mean > 720 {
			t.Errorf("%s: a stanza has %d bytes on the average", from, mean)
		}
		begin := 0
		for _, end := range traffic.ends {
			wellFormed(t, traffic.text[begin:end])
			begin = end
		}
	}
	if s := small(12345); len(s) != smallSize {
		t.Errorf("a small stanza has %d bytes", len(s))
	} else {
		wellFormed(t, s)
	}
	if s := huge(100_000); len(s) < 100_000 || len(s) > 101_000 {
		t.Errorf("a stanza of 100,000 bytes has %d", len(s))
	} else {
		wellFormed(t, s)
	}
}

// wellFormed checks that it is one element that carries the load's mark.
func wellFormed(t *testing.T, stanza []byte) {
	t.Helper()
	var element struct {
		ID   string `xml:"id,attr"`
		Rest []byte `xml:",innerxml"`
	}
	d := xml.NewDecoder(bytes.NewReader(stanza))
	if err := d.Decode(&element); err != nil || d.InputOffset() != int64(len(stanza)) || !strings.HasPrefix(element.ID, idMark) {
		t.Fatalf("%.200s: id %q, %v", stanza, element.ID, err)
	}
}

// TestTrafficIsCutBetweenStanzas: what is sent are whole stanzas, however often the
// text begins anew.
func TestTrafficIsCutBetweenStanzas(t *testing.T) {
	traffic := &traffic{text: []byte("<a/><bb/><c/>"), ends: []int{4, 9, 13}}
	for _, c := range []struct {
		wanted, size int64
		stanzas      int
	}{{1, 4, 1}, {4, 4, 1}, {5, 9, 2}, {13, 13, 3}, {14, 17, 4}, {36, 39, 9}} {
		if size, stanzas := traffic.cut(c.wanted); size != c.size || stanzas != c.stanzas {
			t.Errorf("%d bytes are cut to %d, with %d stanzas, want %d, %d", c.wanted, size, stanzas, c.size, c.stanzas)
		}
	}
}

// TestFlowCompares: bytes that arrive otherwise than they were sent are an error, and
// so are bytes that do not arrive.
func TestFlowCompares(t *testing.T) {
	traffic := newSmall(10)
	size := int64(5 * len(traffic.text))
	for name, between := range map[string]func(to io.Writer, from io.Reader){
		"":        func(to io.Writer, from io.Reader) { io.Copy(to, from) },
		"differs": func(to io.Writer, from io.Reader) { io.Copy(to, &changed{from, 7000}) },
		"arrived": func(to io.Writer, from io.Reader) { io.CopyN(to, from, 7000) },
	} {
		a, b := net.Pipe()
		c, d := net.Pipe()
		go func() {
			between(c, b)
			b.Close()
			c.Close()
		}()
		err := traffic.flow(wire{a}, wire{d}, size, smallSize)
		switch {
		case name == "" && err != nil:
			t.Errorf("undisturbed: %v", err)
		case name != "" && (err == nil || errors.Is(err, io.EOF) && name == "differs"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFlowIsPaced: what is sent at a rate takes as long as that says, at least.
func TestFlowIsPaced(t *testing.T) {
	traffic := newSmall(100)
	traffic.rate = int64(10 * len(traffic.text))
	a, b := net.Pipe()
	began := time.Now()
	if err := traffic.flow(wire{a}, wire{b}, int64(len(traffic.text)), smallSize); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 95*time.Millisecond {
		t.Errorf("a tenth of a second's traffic took %v", took)
	}
}

// changed changes the byte at an offset.
type changed struct {
	io.Reader
	at int
}

func (c *changed) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.at >= 0 && c.at < n {
		p[c.at] ^= 1
	}
	c.at -= n
	return n, err
}

func TestCountEvents(t *testing.T) {
	const text = `{"format":"xmppscope","version":1}
{"session":1,"kind":"stream:element","name":"iq","step":{"n":16,"id":"bind-result","title":""},"raw":"<iq id='bind-1'/>"}
{"session":1,"kind":"stream:element","name":"message","raw":"<message id='bench-00000001'/>"}
{"session":1,"kind":"stream:element","name":"message","raw":"<message id='bench-00000002'><body>\"kind\":\"log:lost\"</body></message>"}
{"session":1,"kind":"log:lost","events":4}
`
	got, err := countEvents(strings.NewReader(text))
	if want := (recorded{stanzas: 2, logins: 1, lost: 1}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestTurned(t *testing.T) {
	all := []string{"a", "b", "c"}
	for round, want := range []string{"abc", "bca", "cab", "abc"} {
		if got := strings.Join(turned(all, round), ""); got != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
	}
}
