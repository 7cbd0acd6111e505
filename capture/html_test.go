package capture

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"xmppscope/session"
)

// evil is what someone would send to whoever reads a report.
const evil = `</pre></details><script>document.title="PWNED"</script><img src=http://evil.invalid/i onerror="document.title='PWNED'">` +
	`<a href="javascript:document.title='PWNED'">x</a><style>@import url(http://evil.invalid/c)</style><link rel=stylesheet href=http://evil.invalid/l>` +
	`<iframe src=http://evil.invalid/f></iframe><svg onload=document.title='PWNED'><meta http-equiv=refresh content="0;url=http://evil.invalid/r">` +
	"{{.}} ${7*7} \u202e \x1b[2J \x00 ]]> --> &lt;script&gt; \" onmouseover=\"document.title='PWNED'"

// evilEvents have it wherever the wire can reach.
func evilEvents(t *testing.T) []session.Event {
	b := newBuilder(t, 1)
	b.login(tls.VersionTLS13)
	b.nasty()
	facts := session.TLSFacts{
		Version: evil, Suite: evil, SNI: evil, ALPN: evil, Domain: evil, Bindings: map[string]string{evil: evil}, Unminted: []string{evil},
		Chain:   []session.Certificate{{Subject: evil, Issuer: evil, DNS: []string{evil}, SHA256: evil, Key: evil}},
		Verdict: &session.Verification{Problem: evil}, Hello: &session.ClientHello{Suites: []string{evil}, SNI: evil},
	}
	notes := []session.Note{
		{Rule: evil, Severity: session.Error, Name: evil, Value: evil, Text: evil, Ref: evil},
		{Rule: evil, Severity: session.Warning, Text: evil, Ref: evil},
		{Rule: "core-header", Name: "to", Value: evil}, {Name: "jid", Value: evil}, {Name: "mechanism", Value: evil}, {Name: "authcid", Value: evil, Holds: session.User},
		{Rule: session.RuleVerdict, Severity: session.Error, Name: session.FieldVerdict, Value: evil, Text: evil},
	}
	step := &session.Step{N: 90, ID: evil, Title: evil, Text: evil, Ref: evil}
	for _, body := range []session.Body{
		session.TLSFailed{TLSFacts: facts, Reason: evil, Hint: evil, Err: evil}, session.TLSEstablished{TLSFacts: facts},
		session.TCPOpened{Local: evil, Peer: evil, Target: evil, Via: evil}, session.TCPFailed{Target: evil, Reason: evil},
		session.StreamOpened{}, session.StreamElement{}, session.RelayOpaque{Reason: evil}, session.Unknown{Kind: evil},
	} {
		b.add(session.Event{
			Seen: session.Seen{Leg: session.ServerLeg, Dir: session.C2S, Body: body, Raw: []byte("<a b='" + evil + "'>" + evil), Name: "stream", Origin: evil, Size: 5000}, Said: session.Said{Done: true, Space: evil, Summary: evil, Step: step, Notes: notes},
		})
		b.add(session.Event{Seen: session.Seen{Leg: session.ServerLeg, Dir: session.S2C, Body: body, Raw: []byte(evil), Name: evil, Size: 9, Truncated: true}, Said: session.Said{Done: true, Space: evil, Summary: evil, Notes: notes}})
	}
	b.hang()
	return b.events
}

// allowed are the elements of a report with the attributes they may have.
var allowed = map[string][]string{
	"html": {"lang"}, "head": nil, "body": nil, "main": nil, "header": {"class"}, "title": nil, "style": nil,
	"meta":    {"charset", "http-equiv", "content", "name"},
	"section": {"class", "id", "aria-label"}, "article": {"class", "id"}, "div": {"class"}, "p": {"class"}, "span": {"class"},
	"h1": nil, "h2": nil, "h3": nil, "h4": nil, "code": {"class"}, "cite": nil, "pre": {"class"}, "ul": {"class"}, "li": nil,
	"a":     {"href", "class", "aria-label"},
	"table": {"class"}, "caption": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"scope", "class"}, "td": {"class"},
	"details": {"class", "id"}, "summary": nil,
	"svg": {"class", "height", "role", "aria-label"}, "defs": nil, "path": {"d"},
	"marker": {"class", "id", "viewBox", "refX", "refY", "markerWidth", "markerHeight", "orient"},
	"text":   {"class", "x", "y", "text-anchor"}, "line": {"class", "x1", "x2", "y1", "y2", "marker-start", "marker-end"},
	"tspan":  {"class"},
	"circle": {"cx", "cy", "r"}, "rect": {"class", "x", "width", "height", "rx"},
}

// inspect parses a report as a browser does and returns its ids and the text of
// its elements, having checked that nothing in it can run, fetch or lead away.
func inspect(t *testing.T, file []byte) (ids map[string]bool, doc *html.Node) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	ids = map[string]bool{}
	var links []string
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment: %q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		attrs, ok := allowed[n.Data]
		if !ok {
			t.Fatalf("an element %q", n.Data)
		}
		for _, a := range n.Attr {
			if !slices.Contains(attrs, a.Key) {
				t.Fatalf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
			switch a.Key {
			case "href":
				if !strings.HasPrefix(a.Val, "#") {
					t.Fatalf("a link to %q", a.Val)
				}
				links = append(links, a.Val[1:])
			case "id":
				if ids[a.Val] {
					t.Errorf("two elements have the id %q", a.Val)
				}
				ids[a.Val] = true
			case "content":
				if strings.Contains(a.Val, "evil") {
					t.Errorf("content is %q", a.Val)
				}
			}
		}
	}
	for _, l := range links {
		if !ids[l] {
			t.Errorf("a link to %q, which is not there", l)
		}
	}
	return ids, doc
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestReportIsInert(t *testing.T) {
	for name, pretty := range map[string]session.Pretty{"plain": nil, "pretty": func(raw []byte) iter.Seq[session.Line] {
		return slices.Values([]session.Line{{{Syntax: session.SyntaxTag, Text: string(raw)}, {Syntax: session.SyntaxSecret, Text: "x"}}})
	}} {
		t.Run(name, func(t *testing.T) {
			file := record(t, ".html", Options{Tool: evil, Reveal: true, Pretty: pretty}, evilEvents(t))
			_, doc := inspect(t, file)
			if safe := session.Safe(string(file)); safe != string(file) {
				t.Error("the report steers the screen of its reader")
			}
			if !strings.Contains(text(doc), `<script>document.title="PWNED"</script>`) {
				t.Error("what was sent is not shown")
			}
		})
	}
}

// reportFile writes a report as --save does, and returns what is in it after
// each event and at the end.
func reportFile(t *testing.T, events []session.Event) (each [][]byte, final []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.html")
	f, err := Create(path, false, Options{})
	if err != nil {
		t.Fatal(err)
	}
	read := func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for i, e := range events {
		if err := f.Write(e); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 { // as its timer does
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		each = append(each, read())
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".x*"))
	if err != nil || len(left) != 1 || len(hidden) != 0 {
		t.Errorf("the folder holds %q %q, %v", left, hidden, err)
	}
	return each, read()
}

// TestReportWholeAfterEachWrite opens what a kill -9 after each event would leave.
func TestReportWholeAfterEachWrite(t *testing.T) {
	events := mixed(t)
	each, final := reportFile(t, events)
	var want []string
	for i, e := range events {
		if session.Numbered(e.Body) {
			want = append(want, fmt.Sprintf("s%de%d", e.Session, e.Seq))
		}
		if i%7 != 0 && i != len(events)-1 {
			continue
		}
		ids, _ := inspect(t, each[i])
		for _, id := range want {
			if !ids[id] {
				t.Fatalf("after event %d: %s is not there", i, id)
			}
		}
		if !bytes.HasSuffix(each[i], []byte(pageEnd)) {
			t.Fatalf("after event %d it ends with %q", i, each[i][len(each[i])-40:])
		}
	}
	inspect(t, final)
	// At the end all is in the order in which it is read.
	at := 0
	for _, mark := range []string{
		`class="index"`, `id="session-0"`, `id="session-1"`, `class="ladder"`, `id="s1e1"`, `id="s1e20"`, `id="session-2"`, `id="s2e1"`, `id="session-3"`, `id="s3e1"`,
	} {
		i := bytes.Index(final[at:], []byte(mark))
		if i < 0 {
			t.Fatalf("%s does not come next", mark)
		}
		at += i
	}
	if bytes.Contains(final, []byte(password)) || bytes.Contains(final, []byte(plainPayload())) {
		t.Error("the report holds the password")
	}
}

// TestReportPrefixes: whatever a cut leaves is a document that can be read.
func TestReportPrefixes(t *testing.T) {
	_, final := reportFile(t, evilEvents(t))
	for n := len(pageHead()); n < len(final); n += 401 {
		doc, err := html.Parse(bytes.NewReader(final[:n]))
		if err != nil || doc == nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		for d := range doc.Descendants() {
			if d.Type == html.ElementNode && allowed[d.Data] == nil && !slices.Contains([]string{"head", "body", "main", "title", "style", "h1", "h2", "h3", "h4", "cite", "pre", "li", "caption", "thead", "tbody", "tr", "summary", "defs"}, d.Data) {
				t.Fatalf("cut at %d: an element %q", n, d.Data)
			}
		}
	}
}

// TestReportIsBounded: what stands on top does not grow with what comes after.
func TestReportIsBounded(t *testing.T) {
	r := new(report)
	for i := 1; i <= 5000; i++ {
		r.apply(&session.Event{
			Seen: session.Seen{Session: 1, Seq: uint64(i), At: start, Body: session.StreamElement{}, Dir: session.C2S}, Said: session.Said{Done: true, Step: &session.Step{N: i, ID: "sasl-auth"},
				Notes: []session.Note{{Rule: "x", Severity: session.Warning, Text: fmt.Sprint("finding ", i)}, {Rule: "y", Severity: session.Error, Text: "again"}}},
		})
	}
	if len(r.rungs) != maxRungs || len(r.Steps) != maxRungs || r.more != 5000-maxRungs {
		t.Errorf("%d rungs, %d steps, %d more", len(r.rungs), len(r.Steps), r.more)
	}
	if len(r.findings) != maxFindings || r.unlisted != 5001-maxFindings || r.events != 5000 {
		t.Errorf("%d findings, %d more, %d events", len(r.findings), r.unlisted, r.events)
	}
	if worst := r.worstFirst()[0]; worst.Rule != "y" || worst.Count != 5000 {
		t.Errorf("the worst is %+v", worst)
	}
}

// TestReportOpensQuickly: a long session is whole at its beginning and where
// something new is found; the rest is a line each, and Full has all of it.
func TestReportOpensQuickly(t *testing.T) {
	events := full(t, 1, tls.VersionTLS13)
	events, end := events[:len(events)-4], events[len(events)-4:]
	for i := range 6000 {
		e := session.Event{
			Seen: session.Seen{Session: 1, Seq: uint64(1000 + i), At: start, Body: session.StreamElement{}, Dir: session.S2C, Name: "message", Raw: []byte("<message>" + strings.Repeat("x", 1000) + "</message>"), Size: 1019}, Said: session.Said{Done: true, Summary: fmt.Sprintf("message %d <b>", i)},
		}
		if i == 5000 || i == 5001 {
			e.Notes = []session.Note{{Rule: "x", Severity: session.Warning, Text: "look at this"}}
		}
		events = append(events, e)
	}
	events = append(events, end...)
	short, whole := record(t, ".html", Options{}, events), record(t, ".html", Options{Full: true}, events)
	if len(short) > maxWhole+2<<20 || len(whole) < len(short)*3/2 {
		t.Errorf("the short report has %d bytes, the whole one %d", len(short), len(whole))
	}
	for _, want := range []string{`id="s1e1000"`, `id="s1e6000"`, `href="#s1e6000"`, "← message 5999 &lt;b&gt;", "message 5001 &lt;b&gt; [warning]", "events are a line each", "--full"} {
		if !bytes.Contains(short, []byte(want)) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, bad := range []string{`id="s1e6001"`, `id="s1e6999"`} {
		if bytes.Contains(short, []byte(bad)) || !bytes.Contains(whole, []byte(bad)) {
			t.Errorf("%q stands in the wrong one", bad)
		}
	}
	if bytes.Contains(whole, []byte("a line each")) {
		t.Error("the whole report says that it is not")
	}
	inspect(t, short)
}

func TestReportOfNothing(t *testing.T) {
	file := record(t, ".html", Options{}, nil)
	_, doc := inspect(t, file)
	if !strings.Contains(text(doc), "No session has begun yet") {
		t.Errorf("the report says %q", text(doc))
	}
}

// TestPhases: a phase lasts from the end of the one before to its own last event.
func TestPhases(t *testing.T) {
	r := new(report)
	add := func(ms int, n int, id string, leg session.Leg, body session.Body) {
		e := session.Event{Seen: session.Seen{Session: 1, Seq: 1, At: start.Add(time.Duration(ms) * time.Millisecond), Leg: leg, Body: body}, Said: session.Said{Done: true}}
		if id != "" {
			e.Step = &session.Step{N: n, ID: id}
		}
		r.apply(&e)
	}
	c, s := session.ClientLeg, session.ServerLeg
	add(0, 0, "", c, session.TCPOpened{})
	add(5, 0, "", s, session.TCPOpened{})
	add(6, 1, "stream-open-1", c, session.StreamOpened{})
	add(9, 2, "features-1", s, session.StreamElement{})
	add(10, 3, "starttls", c, session.StreamElement{})
	add(12, 4, "proceed", s, session.StreamElement{})
	add(30, 5, "tls", s, session.TLSEstablished{})
	add(42, 5, "tls", c, session.TLSEstablished{})
	add(50, 6, "sasl-auth", c, session.StreamElement{})
	add(900, 0, "", c, session.StreamElement{})
	ms := time.Millisecond
	want := []session.Stretch{
		{Name: "connect to the server", From: 0, Took: 5 * ms, First: 0, Last: 0},
		{Name: "stream and features", From: 5 * ms, Took: 4 * ms, First: 1, Last: 2},
		{Name: "STARTTLS", From: 9 * ms, Took: 3 * ms, First: 3, Last: 4},
		{Name: "TLS handshake", From: 12 * ms, Took: 30 * ms, First: 5, Last: 5},
		{Name: "authentication", From: 42 * ms, Took: 8 * ms, First: 6, Last: 6},
	}
	if diff := cmp.Diff(want, r.Stretches()); diff != "" {
		t.Error(diff)
	}
	views, total := phaseViews(r.Stretches())
	if last := views[4]; total != "50ms" || last.X != 84 || last.W != 16 || last.Steps != "6" || views[1].Steps != "1–2" {
		t.Errorf("of %s: %+v", total, views)
	}
}
