package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// got is a frame as a test compares it.
type got struct {
	Kind    Kind
	Raw     string
	Name    string
	Tag     string
	Size    int64
	Problem string
}

// scanAll feeds chunks and returns all frames.
func scanAll(chunks ...[]byte) []got {
	var s Scanner
	var out []got
	add := func(f Frame) {
		g := got{Kind: f.Kind, Raw: string(f.Raw), Name: string(f.Name), Tag: string(f.Tag), Size: f.Size}
		if f.Problem != nil {
			g.Problem = fmt.Sprintf("%s at %d", f.Problem.Reason, f.Problem.At)
		}
		out = append(out, g)
	}
	for _, c := range chunks {
		for len(c) > 0 {
			n, f, ok := s.Next(c)
			if ok {
				add(f)
			}
			c = c[n:]
		}
	}
	if f, ok := s.Finish(); ok {
		add(f)
	}
	return out
}

func brief(frames []got) string {
	var b strings.Builder
	for _, g := range frames {
		fmt.Fprintf(&b, "%s %q", [...]string{"?", "opened", "element", "space", "closed", "partial", "raw", "stray"}[g.Kind], g.Raw)
		if g.Problem != "" {
			fmt.Fprintf(&b, " (%s)", g.Problem)
		}
		b.WriteString("\n")
	}
	return b.String()
}

const hdr = `<stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`

// rawHdr is what is left of hdr where it made no sense.
const rawHdr = `raw "` + `stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
`

var scanCases = []struct{ name, in, want string }{
	{"header with declaration", "<?xml version='1.0'?>\n" + hdr, "opened \"<?xml version='1.0'?>\\n" + hdr + "\"\n"},
	{"white space before the header belongs to it", "\r\n" + hdr, `opened "\r\n` + hdr + "\"\n"},
	{"elements and keep-alives", hdr + " <a/>\n\n<b><c x='>'/></b>", `opened "` + hdr + `"
space " "
element "<a/>"
space "\n"
space "\n"
element "<b><c x='>'/></b>"
`},
	{"restart", hdr + "<success/><?xml version='1.0'?>" + hdr + "<x/></stream:stream>", `opened "` + hdr + `"
element "<success/>"
opened "<?xml version='1.0'?>` + hdr + `"
element "<x/>"
closed "</stream:stream>"
`},
	{"an element named stream is no restart", hdr + "<stream xmlns='x'><y/></stream>", `opened "` + hdr + `"
element "<stream xmlns='x'><y/></stream>"
`},
	{"CDATA and comments inside", hdr + "<a><![CDATA[</a>]]]]><!-- </a> - -- --></a>", `opened "` + hdr + `"
element "<a><![CDATA[</a>]]]]><!-- </a> - -- --></a>"
`},
	{"comment between", hdr + "<!-- x --><a/>", `opened "` + hdr + `"
stray "<!-- x -->"
element "<a/>"
`},
	{"comment in front", "<!-- x -->\n<?xml version='1.0'?>" + hdr + "<a/>", `stray "<!-- x -->"
opened "\n<?xml version='1.0'?>` + hdr + `"
element "<a/>"
`},
	{"comment behind the declaration", "<?xml version='1.0'?><!-- x -->" + hdr, `opened "<?xml version='1.0'?><!-- x -->` + hdr + `"
`},
	{"text between", hdr + "94<a/> 9\x004&amp; ]]><b/>\u00e9", `opened "` + hdr + `"
stray "94"
element "<a/>"
space " "
stray "9\x00"
stray "4&amp; ]]>"
element "<b/>"
stray "é"
`},
	{"text between that is long", hdr + strings.Repeat("x", rawBlock) + "\n\ny\n<a/>", `opened "` + hdr + `"
stray "` + strings.Repeat("x", rawBlock) + `"
space "\n"
space "\n"
stray "y\n"
element "<a/>"
`},
	{"each element ends with a NUL", hdr + "<a/>\x00<b/>\x00", `opened "` + hdr + `"
element "<a/>"
stray "\x00"
element "<b/>"
stray "\x00"
`},
	{"CDATA and instructions between", hdr + "<![CDATA[<b>]]><?c d?><a/>", `opened "` + hdr + `"
stray "<![CDATA[<b>]]>"
stray "<?c d?>"
element "<a/>"
`},
	{"a second declaration", hdr + "<?xml version='1.0'?>\n<a/><?xml version='1.0'?> 94<b/>", `opened "` + hdr + `"
element "<?xml version='1.0'?>\n<a/>"
stray "<?xml version='1.0'?> "
stray "94"
element "<b/>"
`},
	{"byte order mark between", hdr + "\ufeff<a/>\ufeff" + hdr, `opened "` + hdr + `"
stray "\ufeff"
element "<a/>"
stray "\ufeff"
opened "` + hdr + `"
`},
	{"a part of a byte order mark", "\xef\xbb" + hdr, `raw "\xef\xbb<" (not well-formed: "<" where only an element may stand at 2)
` + rawHdr},
	{"text that is no text", hdr + "94\x16\x03\x01<a/>", `opened "` + hdr + `"
raw "94\x16" (not well-formed: byte 0x16 (as a TLS record begins) where only an element may stand at 102)
raw "\x03\x01<a/>"
`},
	{"text behind the end", hdr + "</stream:stream>bye", `opened "` + hdr + `"
closed "</stream:stream>"
stray "bye"
`},
	{"text behind a declaration in front", "<?xml version='1.0'?>94" + hdr, `raw "<?xml version='1.0'?>9" (not well-formed: "9" where only an element may stand at 21)
raw "4` + hdr + `"
`},
	{"element with no stream", "<a><b/></a><c/>", "element \"<a><b/></a>\"\nelement \"<c/>\"\n"},
	{"wrong end tag", hdr + "<a><b></a>x\ny", `opened "` + hdr + `"
raw "<a><b></a" (not well-formed: an end tag that does not match <b> at 108)
raw ">"
raw "x\n"
raw "y"
`},
	{"not XML", "GET / HTTP/1.1\r\nHost: x\r\n", `raw "G" (not well-formed: "G" where only an element may stand at 0)
raw "ET / HTTP/1.1\r\n"
raw "Host: x\r\n"
`},
	{"DTD", "<!DOCTYPE a><a/>", `raw "<!D" (not well-formed: a declaration (<!…): XMPP allows no DTD at 2)
raw "OCTYPE a>"
raw "<a/>"
`},
	{"tag in a tag", hdr + "<a <b>", `opened "` + hdr + `"
raw "<a <" (not well-formed: "<" inside a tag at 103)
raw "b>"
`},
	{"cut off", hdr + "<a><b", "opened \"" + hdr + "\"\npartial \"<a><b\"\n"},
	{"nothing open", "</a>", "raw \"</a>\" (not well-formed: an end tag, but nothing is open at 3)\n"},
	{"goodbye without a stream", "</stream:stream>", "closed \"</stream:stream>\"\n"},
	{"goodbye twice", hdr + "</stream:stream></stream:stream>", `opened "` + hdr + `"
closed "</stream:stream>"
closed "</stream:stream>"
`},
	{"byte order mark", "\ufeff" + hdr, "opened \"\\ufeff" + hdr + "\"\n"},
	{"empty stream", "<stream/>", "opened \"<stream/>\"\n"},
	{"prefixed", hdr + "<x:proceed xmlns:x='urn:ietf:params:xml:ns:xmpp-tls' />\x16\x03", `opened "` + hdr + `"
element "<x:proceed xmlns:x='urn:ietf:params:xml:ns:xmpp-tls' />"
raw "\x16" (not well-formed: byte 0x16 (as a TLS record begins) where only an element may stand at 155)
raw "\x03"
`},
}

func TestScan(t *testing.T) {
	for _, c := range scanCases {
		t.Run(c.name, func(t *testing.T) {
			whole := scanAll([]byte(c.in))
			if d := cmp.Diff(c.want, brief(whole)); d != "" {
				t.Fatalf("frames (-want +got):\n%s", d)
			}
			for cut := range len(c.in) {
				parts := scanAll([]byte(c.in[:cut]), []byte(c.in[cut:]))
				if d := cmp.Diff(whole, parts); d != "" {
					t.Fatalf("cut at %d (-whole +cut):\n%s", cut, d)
				}
			}
			if d := cmp.Diff(whole, scanAll(bytes.SplitAfter([]byte(c.in), nil)...)); d != "" {
				t.Fatalf("byte by byte (-whole +bytes):\n%s", d)
			}
		})
	}
}

func TestScanNothingBehindATurn(t *testing.T) {
	in := []byte(hdr + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\x16\x03\x01")
	var s Scanner
	n, _, _ := s.Next(in)
	m, f, ok := s.Next(in[n:])
	if !ok || s.TurnAfter(2, &f) != BeginsTLS {
		t.Fatalf("frame %q, ok %v: want a turn", f.Raw, ok)
	}
	if rest := in[n+m:]; string(rest) != "\x16\x03\x01" {
		t.Errorf("left for TLS: %q", rest)
	}
}

func TestScanBoundsMemory(t *testing.T) {
	var s Scanner
	feed := func(b []byte) (frames []Frame) {
		for len(b) > 0 {
			n, f, ok := s.Next(b)
			if ok {
				f.Raw = bytes.Clone(f.Raw)
				frames = append(frames, f)
			}
			b = b[n:]
		}
		return frames
	}
	feed([]byte(hdr + "<message><body>"))
	block := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	const blocks = 800 // 50 MiB
	for range blocks {
		feed(block)
		if c := cap(s.buf); c > 2*MaxFrame {
			t.Fatalf("the scanner holds %d bytes", c)
		}
	}
	frames := feed([]byte("</body></message><a/>"))
	if len(frames) != 2 {
		t.Fatalf("%d frames", len(frames))
	}
	f := frames[0]
	if !f.Truncated || len(f.Raw) != MaxFrame || f.Size != int64(blocks*len(block)+len("<message><body></body></message>")) {
		t.Errorf("truncated %v, kept %d, size %d", f.Truncated, len(f.Raw), f.Size)
	}
	if string(frames[1].Raw) != "<a/>" {
		t.Errorf("after it: %q", frames[1].Raw)
	}
	deep := bytes.Repeat([]byte("<aaaaaaaaaaaaaaaa>"), 1<<16)
	feed(deep)
	if len(s.names) > maxNames || len(s.starts) > maxDepth {
		t.Errorf("names %d bytes, %d levels", len(s.names), len(s.starts))
	}
}

// TestScanLongNames: a name that is longer than what is kept of it is still one name,
// wherever it is cut.
func TestScanLongNames(t *testing.T) {
	for _, size := range []int{maxNames - 1, maxNames, maxNames + 1, 1 << 20} {
		long := strings.Repeat("n", size)
		in := hdr + "<" + long + "></" + long + "><a><" + long + "/><b></b></a><c/>"
		whole := scanAll([]byte(in))
		if len(whole) != 4 || whole[3].Raw != "<c/>" {
			t.Fatalf("%d: %d frames, the last of them %.40q", size, len(whole), whole[len(whole)-1].Raw)
		}
		for _, chunk := range []int{1000, 4096, maxNames, maxNames + 1} {
			if parts := scanAll(slices.Collect(slices.Chunk([]byte(in), chunk))...); !cmp.Equal(whole, parts) {
				t.Errorf("%d: cut in chunks of %d, the frames differ", size, chunk)
			}
		}
	}
}

// FuzzFrames: the frames, joined, are the input, and do not depend on its cuts.
func FuzzFrames(f *testing.F) {
	for _, c := range scanCases {
		f.Add([]byte(c.in), uint64(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		whole := scanAll(in)
		var joined strings.Builder
		for _, g := range whole {
			joined.WriteString(g.Raw)
		}
		if joined.String() != string(in) {
			t.Fatalf("joined frames %q, input %q", joined.String(), in)
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		var chunks [][]byte
		for rest := in; len(rest) > 0; {
			n := 1 + rnd.IntN(min(len(rest), 8))
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		if d := cmp.Diff(whole, scanAll(chunks...)); d != "" {
			t.Fatalf("chunked (-whole +chunks):\n%s", d)
		}
	})
}
