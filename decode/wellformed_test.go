package decode_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestPieces: each piece makes a document well-formed or not by itself.
func TestPieces(t *testing.T) {
	for doc, good := range pieces() {
		if wrong := notWellFormed(doc); (wrong == "") != good {
			t.Errorf("%q is well-formed: %v; said: %q", doc, good, wrong)
		}
	}
}

// pieces are documents with one piece each, and whether they are well-formed.
func pieces() map[string]bool {
	docs := map[string]bool{}
	add := func(good, bad []string, format ...string) {
		for _, f := range format {
			for _, piece := range good {
				docs[fmt.Sprintf(f, piece)] = true
			}
			for _, piece := range bad {
				docs[fmt.Sprintf(f, piece)] = false
			}
		}
	}
	add(goodDeclarations, badDeclarations, "%s<a/>")
	add(goodNames, badNames, "<%[1]s></%[1]s>", "<%s/>", "<a %s='1'/>")
	add(goodSpace, badSpace, "<a b='c'%s/>", "<a></a%s>", "<a%s></a>")
	add(goodBetween, badBetween, "<a b='c'%sd='e'/>", "<a%sd='e'/>")
	add(goodBindings, badBindings, "<a %s/>")
	add(goodText, badText, "<a>%s</a>", "<a>x%s<b/></a>")
	add(goodValues, badValues, "<a b='%s'/>")
	return docs
}

// lenient are documents that xmllint takes for well-formed although an attribute
// stands twice: libxml2 passes over declarations of the prefix xml.
var lenient = regexp.MustCompile(`xmlns:xml='[^']+'[^<]*xmlns:xml=`)

// TestWellFormed: what xmppscope takes for well-formed XML, with well-formed
// namespaces, is what xmllint takes for it. The documents are put together of pieces
// for each production of XML 1.0 and Namespaces in XML, good ones more often than bad.
func TestWellFormed(t *testing.T) {
	xmpptest.Need(t, "xmllint")
	docs := slices.Sorted(maps.Keys(pieces()))
	for i := range 4000 {
		d := documents{rnd: rand.New(rand.NewPCG(uint64(i), 1871))}
		docs = append(docs, d.document())
	}
	wrong := xmllint(t, docs)
	good := 0
	for i, doc := range docs {
		ours := notWellFormed(doc)
		if ours == "" {
			good++
		}
		if theirs := wrong[docName(i)]; (ours == "") != (theirs == "") && !lenient.MatchString(doc) {
			t.Errorf("%q\nxmppscope: %s\nxmllint: %s", doc, ours, theirs)
		}
	}
	if good < len(docs)/4 || good > len(docs)*3/4 {
		t.Errorf("%d of %d documents are well-formed: that tests one side alone", good, len(docs))
	}
}

func docName(i int) string { return fmt.Sprintf("%04d.xml", i) }

// xmllint returns the first error in each document, by its name.
func xmllint(t *testing.T, docs []string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--noout", "--nonet"}
	for i, doc := range docs {
		args = append(args, docName(i))
		if err := os.WriteFile(filepath.Join(dir, docName(i)), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("xmllint", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	wrong := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\d+\.xml):\d+: (\w+ error : .*)$`).FindAllStringSubmatch(string(out), -1) {
		if wrong[m[1]] == "" {
			wrong[m[1]] = m[2]
		}
	}
	return wrong
}

// notWellFormed is what xmppscope finds, "" if nothing. What XMPP alone forbids does
// not count.
func notWellFormed(doc string) (wrong string) {
	var s decode.Scanner
	explain := decode.NewSession(nil, new(session.Book))
	explain.Explain(session.Event{Body: session.TCPOpened{}})
	elements := 0
	for rest := []byte(doc); len(rest) > 0; {
		n, f, ok := s.Next(rest)
		rest = rest[n:]
		if !ok {
			return "there is an element that does not end"
		}
		if f.Problem != nil {
			return f.Problem.Reason
		}
		if f.Kind == decode.Element {
			elements++
		}
		for _, note := range explain.Explain(f.Event(session.C2S)).Notes {
			switch note.Rule {
			case "X04", "X05", "X06", "X07":
				return note.Rule + " " + note.Text
			}
		}
	}
	if elements != 1 {
		return "there is not one element"
	}
	return ""
}

// documents makes documents.
type documents struct {
	rnd *rand.Rand
	b   strings.Builder
}

// pick writes one of the good pieces, and now and then one of the bad ones.
func (d *documents) pick(good, bad []string) {
	if len(bad) > 0 && d.rnd.IntN(25) == 0 {
		good = bad
	}
	d.b.WriteString(good[d.rnd.IntN(len(good))])
}

func (d *documents) document() string {
	if d.rnd.IntN(3) == 0 {
		d.pick(goodDeclarations, badDeclarations)
	}
	d.element(3)
	return d.b.String()
}

func (d *documents) element(deep int) {
	name := d.name()
	d.b.WriteString("<" + name)
	for range d.rnd.IntN(4) {
		d.attribute()
	}
	d.pick(goodSpace, badSpace)
	if deep == 0 || d.rnd.IntN(4) == 0 {
		d.b.WriteString("/>")
		return
	}
	d.b.WriteString(">")
	for range d.rnd.IntN(4) {
		if d.rnd.IntN(2) == 0 {
			d.element(deep - 1)
		} else {
			d.pick(goodText, badText)
		}
	}
	d.b.WriteString("</" + name)
	d.pick(goodSpace, badSpace)
	d.b.WriteString(">")
}

func (d *documents) name() string {
	before := d.b.Len()
	d.pick(goodNames, badNames)
	name := d.b.String()[before:]
	whole := d.b.String()[:before]
	d.b.Reset()
	d.b.WriteString(whole)
	return name
}

func (d *documents) attribute() {
	d.pick(goodBetween, badBetween)
	if d.rnd.IntN(3) == 0 {
		d.pick(goodBindings, badBindings)
		return
	}
	d.b.WriteString(d.name())
	d.pick([]string{"=", "=", " = ", "\n="}, []string{"", "==", ":="})
	quote := [...]string{"'", "\""}[d.rnd.IntN(2)]
	d.b.WriteString(quote)
	d.pick(goodValues, badValues)
	d.b.WriteString(quote)
}

// The pieces.
var (
	goodDeclarations = []string{
		`<?xml version='1.0'?>`, `<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version = '1.0' encoding = 'utf-8' ?>`, "<?xml\nversion='1.0'\tstandalone='yes'?>\n",
		`<?xml version='1.0' encoding='UTF-8' standalone="no"?> `, "\ufeff", "\ufeff<?xml version='1.0'?>", " ", "<!-- c -->", "<?p?>",
	}
	badDeclarations = []string{
		`<?xml VERSION='1.0'?>`, `<?xml encoding='utf-8'?>`, `<?xml?>`, `<?xml ?>`, `<?xml encoding='utf-8' version='1.0'?>`, `<?xml version='1.0' version='1.0'?>`,
		`<?xml version='1.0' colour='red'?>`, `<?xml version='1.0'encoding='utf-8'?>`, ` <?xml version='1.0'?>`, `<?xml version='1.0' standalone='maybe'?>`,
		`<?xml version='1.0' standalone='yes' encoding='utf-8'?>`, `<?xml version='1.0' encoding=''?>`, `<?xml version=1.0?>`, `<?xml version='1.0"?>`, `<?xml version?>`,
		`<?XML version='1.0'?>`, `<?Xml version='1.0'?>`, `<?xml version=''?>`, `<?xml version='1.0' encoding='utf-8?>`, `<?xml version=' 1.0'?>`, `<?xml version='1.0' standalone='YES'?>`,
		`<?xml version='1.0' encoding='-utf-8'?>`, `<?xml version='1.0'?><?xml version='1.0'?>`, `<?xml version='1.0' ='1.0'?>`, `<?xml version='1.0' encoding?>`,
		"<?xml\fversion='1.0'?>", `<?xml  version='1.0' ??>`, `<?xmlversion='1.0'?>`, `x`,
	}
	goodNames = []string{
		"a", "a", "b", "B", "c", "d", "_", "a1", "a-b", "a.b", "a_", "\u00e9", "\u00c0\u00d6\u00d8\u00f6\u00f8\u02ff", "\u0370\u037d\u037f\u1fff", "\u200c\u200d", "\u2070\u218f", "\u2c00\u2fef",
		"\u3001\ud7ff", "\uf900\ufdcf\ufdf0\ufffd", "\U00010000\U000effff", "a\u00b7", "a\u0300\u036f", "a\u203f\u2040", "xml:a", "x", "xmla", "m0",
	}
	badNames = []string{
		"1", "12", "-a", ".a", "a@", "@", "a#", "#", "$", "a$", "a%", "a*", "a+", "a,", "(a)", "a|b", "a~", "a^", "a`", "{a}", "a[", `a\`, "a\fb", "a\vb", "a\x00", "a\x1b", "a\x7f",
		"\u0300a", "\u00b7", "\u036f", "\u203f", "\u00d7", "a\u00d7", "a\u00f7", "a\u037e", "\u037e", "a\u2000", "a\u200b", "a\u200e", "\u206f", "a\u2190", "a\u2bff", "a\u2ff0", "\u3000", "a\u3000", "a\ue000",
		"a\ufdd0", "a\ufffe", "a\uffff", "\U000f0000", "a\U0010ffff", "a\u00a0", "a\u0085", "a\xff", "\xc3", "a\xc0\x80", "a\xed\xa0\x80", "p:a", "p:b", "q:a", ":a", "a:", "a:b:c", "a::b", "p:1", "p:-", "p:\u0300", "",
	}
	goodSpace    = []string{"", "", "", "", " ", "\n", "\t\r"}
	badSpace     = []string{"\f", "\u00a0", "\u0085", "\v"}
	goodBetween  = []string{" ", "\n", "\t ", "\r\n"}
	badBetween   = []string{"", "\f", "\u00a0", "\u0085"}
	goodBindings = []string{
		"xmlns='u'", "xmlns=''", "xmlns:p='u'", "xmlns:p='v'", "xmlns:q='u'", `xmlns:q = "w"`, "xmlns:xml='http://www.w3.org/XML/1998/namespace'", "xml:lang='de'", "xml:space='default'",
		"xmlns:r='u' r:a=''", "xmlns:p='u' p:a='1' a='1'", "xmlns:\u00e9='u'",
	}
	badBindings = []string{
		"xmlns:p=''", "xmlns:xmlns='u'", "xmlns:xml='u'", "xmlns:p='http://www.w3.org/XML/1998/namespace'", "xmlns='http://www.w3.org/XML/1998/namespace'", "xmlns:p='http://www.w3.org/2000/xmlns/'",
		"xmlns='http://www.w3.org/2000/xmlns/'", "xmlns:xmlns='http://www.w3.org/2000/xmlns/'", "xmlns:='u'", "xmlns:1='u'", "xmlns:p:q='u'", "xmlns='u' xmlns='u'", "xmlns:p='u' xmlns:p='v'",
		"xmlns:p='u' xmlns:q='u' p:a='' q:a=''", "xmlns:p='u' p:a='' p:a=''", "xmlns:p='&#x75;' xmlns:q='u' p:a='' q:a=''", "p:a=''", "xmlns:xml=''", "xmlns", "xmlns:p",
	}
	goodText = []string{
		"x", "", "&lt;&gt;&amp;&apos;&quot;", "&#65;", "&#x41;", "&#x10FFFF;", "&#xaBc;", "&#0000000000000000000000000000000000000000000000000065;", "&#9;&#10;&#13;", "]] >", "]]&gt;", ">", "'", "\"", "\r\n", "\t", "\x7f", "\u0085",
		"\u2028", "\ufffd", "\ufdd0", "\U0010ffff", "\u00e9", "<![CDATA[]]>", "<![CDATA[<b>&]]]]>", "<![CDATA[ ]]>]]<![CDATA[ ]]>", "<!-- c -->", "<!---->", "<!-- - -->", "<?p?>", "<?p q?>", "<?p ? > ?>", "<?xml-s t?>", "\ufeff",
	}
	badText = []string{
		"&", "& ", "&amp", "&;", "&nope;", "&#;", "&#x;", "&#X41;", "&#0;", "&#8;", "&#xD800;", "&#xDFFF;", "&#xFFFE;", "&#xFFFF;", "&#x110000;", "&#99999999999999999999;", "&#-65;", "&#+65;", "&#x_41;", "&#4 1;", "&1a;", "&a b;", "&a@;",
		"]]>", "x]]]>", "\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\ufffe", "\uffff", "\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80", "<![CDATA[\x01]]>", "<![CDATA[\xff]]>", "<![cdata[]]>", "<![CDATA []]>",
		"<!-- -- -->", "<!--- --->", "<!-- \x01 -->", "<!-- \xff -->", "<? p?>", "<??>", "<?p:q?>", "<?1?>", "<?p@?>", "<?xml?>", "<?xml version='1.0'?>", "<?XML?>", "<?p \x01?>", "<?p/q?>", "<!ELEMENT a ANY>", "<!>", "</>", "<>", "< a/>", "<1/>", "<xmlns:a/>",
	}
	goodValues = []string{"", "1", ">", "&lt;", "&amp;&quot;&apos;", "&#10;", "\n\t\r\n", "\u00e9", "]]>", "u", "--", "\x7f"}
	badValues  = []string{"<", "&", "&b;", "&#0;", "\x01", "\x00", "\xff", "\ufffe", "&#xFFFF;", "&lt", "a'\"b"}
)
