package capture

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"xmppscope/session"
)

func TestMarkdownSentence(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"the server has spoken": "the server has spoken",
		`it has "from"; the next (RFC 6120 §6.4.2)`:             "it has `from`; the next (RFC 6120 §6.4.2)",
		"logged in as a@b.example/x, in 8ms":                    "logged in as `a@b.example/x`, in 8ms",
		"password = [password #1, 13 characters]: is no pass":   "password `=` `[password #1, 13 characters]`: is no pass",
		"@admin see #12 and https://evil.invalid/x www.evil.de": "`@admin` see `#12` and `https://evil.invalid/x` `www.evil.de`",
		"**bold** _it_ ~~x~~ ![i](u) <b>":                       "`**bold**` `_it_` `~~x~~` !`[i]`(u) `<b>`",
		"commit deadbeef and GH-12, 1. x":                       "commit `deadbeef` and `GH-12`, `1.` x",
		"a `tick` and ``` three":                                "a `` `tick` `` and ```` ``` ```` three",
		"SASL2 with Bind 2 saves; a\nnew\tline |":               "SASL2 with Bind 2 saves; `a␊new␉line` `¦`",
		`"unbalanced and "" empty`:                              "`unbalanced and ` empty",
		"\"\x1b[2J\u202e\"":                                     "`␛[2J\\u202e`",
	} {
		if got := mdSentence(in); got != want {
			t.Errorf("%q is\n%s, want\n%s", in, got, want)
		}
	}
}

// outside is the Markdown without what stands in code.
func outside(md string) string {
	fenced := regexp.MustCompile("(?ms)^(`{3,})[a-z]*\n.*?\n(`{3,})$")
	md = fenced.ReplaceAllString(md, "")
	md = regexp.MustCompile(`(?s)<code>.*?</code>`).ReplaceAllString(md, "")
	var b strings.Builder
	for line := range strings.Lines(md) {
		for {
			at := strings.IndexByte(line, '`')
			if at < 0 {
				break
			}
			n := 1
			for at+n < len(line) && line[at+n] == '`' {
				n++
			}
			run := line[at : at+n]
			rest := line[at+n:]
			end := regexp.MustCompile("(^|[^`])" + run + "($|[^`])").FindStringIndex(rest)
			if end == nil {
				break
			}
			b.WriteString(line[:at])
			line = rest[min(len(rest), strings.Index(rest[end[0]:], run)+end[0]+n):]
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestMarkdownIsInert(t *testing.T) {
	md := string(record(t, ".md", Options{Tool: evil, Reveal: true}, evilEvents(t)))
	if session.Safe(md) != md {
		t.Error("the text steers a terminal")
	}
	rest := outside(md)
	for _, bad := range []string{"@", "://", "www", "evil", "script", "javascript", "img", "iframe"} {
		if i := strings.Index(rest, bad); i >= 0 {
			t.Errorf("%q stands outside of code: …%.120q", bad, rest[max(0, i-60):])
		}
	}
}

// TestMarkdownFence: a body full of fences does not end its own.
func TestMarkdownFence(t *testing.T) {
	for _, body := range []string{"```\n</details>\n@all", "`````", "a\n~~~\n", "x```"} {
		got := mdFence("xml", body)
		lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		fence := strings.TrimSuffix(lines[0], "xml")
		if lines[len(lines)-1] != fence || strings.Contains(strings.Join(lines[1:len(lines)-1], "\n"), fence) {
			t.Errorf("%q becomes\n%s", body, got)
		}
	}
}

// TestMarkdownFitsAnIssue: however long the session.
func TestMarkdownFitsAnIssue(t *testing.T) {
	events := full(t, 1, tls.VersionTLS13)
	end := events[len(events)-1]
	for i := range 5000 {
		e := session.Event{
			Seen: session.Seen{Session: 1, Seq: uint64(1000 + i), At: start, Body: session.StreamElement{}, Dir: session.C2S, Name: "message", Raw: []byte("<message>" + strings.Repeat("x", 3000) + "</message>"), Size: 3019}, Said: session.Said{Done: true, Summary: "message from @everyone"},
		}
		if i%2 == 0 {
			e.Notes = []session.Note{{Rule: "x", Severity: session.Notice, Text: "look at this"}}
		}
		events = append(events, e)
	}
	md := string(record(t, ".md", Options{}, append(events, end)))
	if len(md) > 65_000 {
		t.Errorf("the section has %d bytes", len(md))
	}
	for _, want := range []string{"more are left out, to fit an issue", "more steps are left out", "and 2499 more times", "| 10 | "} {
		if !strings.Contains(md, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestMarkdownOfManySessions fits an issue too: the first are told, then there is
// a line each, then a number.
func TestMarkdownOfManySessions(t *testing.T) {
	var events []session.Event
	login := full(t, 1, tls.VersionTLS13)
	for id := range 700 {
		for _, e := range login {
			e.Session = id + 1
			events = append(events, e)
		}
	}
	md := string(record(t, ".md", Options{}, events))
	if len(md) > 65_000 {
		t.Errorf("the document has %d bytes", len(md))
	}
	for _, want := range []string{"### Session 1:", "### Session 2:", "- session 20: ", "more sessions are left out, to fit an issue"} {
		if !strings.Contains(md, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestMarkdownTail: sessions in progress are there, and not twice at the end.
func TestMarkdownTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.md")
	f, err := Create(path, false, Options{})
	if err != nil {
		t.Fatal(err)
	}
	read := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, e := range mixed(t) {
		if err := f.Write(e); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(read(), "### Session "); got == 0 {
			t.Fatal("there is no session")
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	md := read()
	for _, want := range []string{"### Session 1:", "### Session 2:", "### Session 3:"} {
		if strings.Count(md, want) != 1 {
			t.Errorf("%q is there %d times", want, strings.Count(md, want))
		}
	}
	if strings.Contains(md, password) || strings.Contains(md, plainPayload()) {
		t.Error("the password is there")
	}
}

// TestGitHubRendersMarkdown: with the renderer of a tracker, nothing in it is a
// link, a picture, a script or a mention, and the tables hold.
func TestGitHubRendersMarkdown(t *testing.T) {
	events := append(evilEvents(t), full(t, 2, tls.VersionTLS12)...)
	file := save(t, ".md", events)
	out := peer(t, "cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tasklist", file)
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for n := range doc.Descendants() {
		switch n.Type {
		case html.ElementNode:
			kinds[n.Data]++
			for _, a := range n.Attr {
				if a.Key != "align" && a.Key != "class" {
					t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
				}
			}
		case html.TextNode:
			inCode := false
			for p := range n.Ancestors() {
				inCode = inCode || p.Data == "code" || p.Data == "pre"
			}
			if !inCode && regexp.MustCompile(`@|://|www|#[0-9]|evil|[0-9a-f]{7}|\*|\||`+"`").MatchString(n.Data) {
				t.Errorf("outside of code: %q", n.Data)
			}
		}
	}
	for kind := range kinds {
		if !strings.Contains(" html head body p em strong code pre h3 ul li table thead tbody tr th td details summary ", " "+kind+" ") {
			t.Errorf("an element %q", kind)
		}
	}
	if kinds["details"] < 20 || kinds["h3"] != 2 || kinds["table"] < 4 {
		t.Errorf("elements are %v", kinds)
	}
}

// TestMarkdownKeepsNamesTogether: an address and a name of a certificate are one piece of
// code each.
func TestMarkdownKeepsNamesTogether(t *testing.T) {
	for said, want := range map[string]string{
		"it was issued by CN=Some other CA, its chain ends at CN=Root,O=A B": "it was issued by `CN=Some other CA`, its chain ends at `CN=Root`,`O=A B`",
		"the server's certificate (CN=a.example) is self-signed":             "the server's certificate (`CN=a.example`) is self-signed",
		"name its TLS port with --upstream tls://HOST:PORT.":                 "name its TLS port with `--upstream` `tls://HOST:PORT`.",
		"connected to xmpp.example.net:5222: at once":                        "connected to `xmpp.example.net:5222`: at once",
		"at #13: the login": "at `#13`: the login",
	} {
		if got := mdSentence(said); got != want {
			t.Errorf("%s is written as\n%s, want\n%s", said, got, want)
		}
	}
}

// TestMarkdownKeepsLittle: of very many sessions in progress it keeps no more than a
// document could have, and counts the rest.
func TestMarkdownKeepsLittle(t *testing.T) {
	var out bytes.Buffer
	w, err := newMarkdown(&out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const sessions = 3000
	for id := range sessions {
		for seq := range 5 {
			e := session.Event{Seen: session.Seen{Session: id + 1, Seq: uint64(seq + 1), At: start, Dir: session.C2S, Leg: session.ClientLeg, Body: session.StreamElement{}, Raw: bytes.Repeat([]byte("<a/>"), 200)}, Said: session.Said{Done: true}}
			e.Notes = []session.Note{{Rule: "x", Severity: session.Warning, Text: "it is so"}}
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := w.(*markdownWriter)
	kept := 0
	for _, s := range m.live {
		kept += s.kept()
	}
	if kept != m.kept || kept < mdKept || kept > mdKept+mdDetails {
		t.Errorf("%d bytes are kept, and %d counted", kept, m.kept)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "ession "); n < 10 || !strings.Contains(out.String(), "more sessions are left out") || out.Len() > mdLimit+mdEnd+1000 {
		t.Errorf("%d sessions in %d bytes", n, out.Len())
	}
}
