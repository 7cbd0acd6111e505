package peertest

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// malformed are documents in the manner of an XML conformance suite: what is not
// well-formed, what XMPP forbids, and what is allowed but strange. A stream header
// stands before each unless it begins with one of its own.
var malformed = map[string]string{
	"name with digit":         "<1a/>",
	"name with space":         "< a/>",
	"name with hyphen":        "<-a/>",
	"name with two colons":    "<a:b:c/>",
	"name empty prefix":       "<:a/>",
	"name empty local":        "<a:/>",
	"name non-ascii":          "<é/><日本 語='1'/>",
	"name combining":          "<\u0300a/>",
	"name huge":               "<" + strings.Repeat("n", 300_000) + "/>",
	"attribute huge":          "<a b='" + strings.Repeat("v", 1_000_000) + "'/>",
	"attributes many":         "<a" + manyAttributes(5000) + "/>",
	"attribute twice":         "<a b='1' b='2'/>",
	"attribute twice by ns":   "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
	"attribute no value":      "<a b/>",
	"attribute no quotes":     "<a b=c/>",
	"attribute mixed quotes":  "<a b='c\"/><d/>",
	"attribute no space":      "<a b='1'c='2'/>",
	"attribute with lt":       "<a b='<'/>",
	"attribute with newline":  "<a b='\n\t'/>",
	"end tag wrong":           "<a><b></a></b>",
	"end tag case":            "<a></A>",
	"end tag attribute":       "<a></a b='1'>",
	"end tag alone":           "</a>",
	"end tag space":           "<a></ a>",
	"tag unfinished":          "<a b='1' ",
	"tag in tag":              "<a <b/>>",
	"tag slash":               "<a/ >",
	"entity unknown":          "<a>&nope;</a>",
	"entity without end":      "<a>&amp</a>",
	"entity bare":             "<a>&</a><b c='&'/>",
	"entity empty":            "<a>&;</a>",
	"reference nul":           "<a>&#0;</a>",
	"reference surrogate":     "<a>&#xD800;</a>",
	"reference huge":          "<a>&#x110000;&#99999999999999999999;</a>",
	"reference bad digit":     "<a>&#xZZ;&#12a;</a>",
	"reference in name":       "<a&#98;/>",
	"doctype":                 "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
	"doctype laughs":          "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><l>&c;</l>",
	"doctype external":        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
	"doctype unfinished":      "<!DOCTYPE a [<!ENTITY",
	"element declaration":     "<!ELEMENT a ANY>",
	"pi":                      "<?php echo 1 ?><a/>",
	"pi in element":           "<a><?b c?></a>",
	"pi xml twice":            "<?xml version='1.0'?><?xml version='1.0'?><a/>",
	"pi empty":                "<??><a/>",
	"pi unfinished":           "<?b",
	"comment":                 "<!-- hello --><a/>",
	"comment double dash":     "<!-- a -- b --><a/>",
	"comment short":           "<!--><a/>",
	"comment three dashes":    "<!--- a ---><a/>",
	"comment unfinished":      "<!-- never ends",
	"comment in tag":          "<a <!-- x --> />",
	"cdata":                   "<a><![CDATA[ </a> ]]></a>",
	"cdata nested":            "<a><![CDATA[ <![CDATA[ ]]> ]]></a>",
	"cdata brackets":          "<a><![CDATA[]]]]]]></a>",
	"cdata lower case":        "<a><![cdata[x]]></a>",
	"cdata outside":           "<![CDATA[x]]><a/>",
	"cdata end in text":       "<a>]]></a>",
	"cdata unfinished":        "<a><![CDATA[",
	"text outside":            "hello <a/> world",
	"nul":                     "<a>\x00</a>\x00",
	"nul in tag":              "<a\x00b='1'/>",
	"control characters":      "<a>\x01\x02\x0b\x1b[31m\x7f</a>",
	"noncharacters":           "<a>\uFFFE\uFFFF</a>",
	"utf8 bad":                "<a>\xff\xfe\xc0\x80</a>",
	"utf8 overlong":           "<a>\xe0\x80\xaf\xf0\x80\x80\xaf</a>",
	"utf8 surrogate":          "<a>\xed\xa0\x80\xed\xb0\x80</a>",
	"utf8 cut":                "<a>\xe2\x82</a><\xc3/>",
	"utf8 too high":           "<a>\xf4\x90\x80\x80</a>",
	"latin1":                  "<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'><a>\xe9</a>",
	"bom":                     "\ufeff<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><a/>",
	"bom inside":              "<a>\ufeff</a>\ufeff<b/>",
	"utf16 little":            utf16("<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><a/>", false),
	"utf16 big":               utf16("<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><a/>", true),
	"prefix unbound":          "<x:a/><b y:c='1'/>",
	"prefix xml":              "<xml:a/><a xml:space='odd'/>",
	"prefix xmlns":            "<xmlns:a/><a xmlns:xmlns='u'/>",
	"prefix xml rebound":      "<a xmlns:xml='urn:other'/>",
	"prefix to xml namespace": "<a xmlns:b='http://www.w3.org/XML/1998/namespace'/>",
	"prefix undeclared":       "<a xmlns:b='u'><c xmlns:b=''/></a>",
	"namespace relative":      "<a xmlns='../x'/><b xmlns=''/>",
	"stream in element":       "<a><stream:stream xmlns:stream='http://etherx.jabber.org/streams'/></a>",
	"stream closed twice":     "</stream:stream></stream:stream><a/>",
	"stream closed early":     "<a></stream:stream>",
	"two roots":               "</stream:stream><other><a/></other>",
	"deep":                    strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000),
	"deep unfinished":         strings.Repeat("<a>", 100_000),
	"deep prefixes":           strings.Repeat("<a xmlns:p='u'>", 20_000),
	"wide":                    "<a>" + strings.Repeat("<b/>", 100_000) + "</a>",
	"text huge":               "<a>" + strings.Repeat("text ", 400_000) + "</a>",
	"white space":             strings.Repeat(" \n\t\r", 5000) + "<a/>",
	"only lt":                 strings.Repeat("<", 1000),
	"only gt":                 strings.Repeat(">", 1000),
	"binary":                  string(noise()),
	"tls without starttls":    "\x16\x03\x01\x02\x00\x01\x00",
	"http":                    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a")
		b.WriteString(strings.Repeat("b", i%7))
		b.WriteString(strings.Repeat("c", i/7%50))
		b.WriteString("='1'")
	}
	return b.String()
}

func utf16(s string, big bool) string {
	out := []byte{0xff, 0xfe}
	if big {
		out = []byte{0xfe, 0xff}
	}
	for _, c := range []byte(s) {
		if big {
			out = append(out, 0, c)
		} else {
			out = append(out, c, 0)
		}
	}
	return string(out)
}

func noise() []byte {
	out := make([]byte, 4096)
	for i := range out {
		out[i] = byte(i*7 + i>>8)
	}
	return out
}

// TestMalformedFlowsOn: whatever either side says, every byte arrives at the other
// and so does what comes behind it; nothing is lost in the record, and nothing in
// it says that a rule broke.
func TestMalformedFlowsOn(t *testing.T) {
	const header = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='good.test' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>"
	server, conns := collector(t)
	s := startScope(t, server, writeAnyCA(t), "--reveal")
	type said struct{ client, server int64 }
	var want []said // by session
	for name, doc := range malformed {
		if !strings.Contains(doc, "<stream:stream xmlns") && !strings.HasPrefix(doc, "\xff\xfe") && !strings.HasPrefix(doc, "\xfe\xff") {
			doc = header + doc
		}
		for what, sent := range map[string][2]string{"client": {doc, header}, "server": {header, doc}} {
			want = append(want, said{int64(len(sent[0])), int64(len(sent[1]))})
			toServer, toClient := exchange(t, s.Addr, conns, sent[0], sent[1])
			if toServer != sent[0] || toClient != sent[1] {
				t.Errorf("%s, from the %s: the server got %d of %d bytes, the client %d of %d", name, what, len(toServer), len(sent[0]), len(toClient), len(sent[1]))
			}
		}
	}
	s.until(t, "end of all connections", len(want), clientGone)
	r := s.stop(t)
	recorded := make([]said, len(want))
	for i := range r.events {
		e := &r.events[i]
		if who := &recorded[e.Session-1]; strings.HasPrefix(e.Kind, "stream:") && e.Dir == "c2s" {
			who.client += e.Size
		} else if strings.HasPrefix(e.Kind, "stream:") {
			who.server += e.Size
		}
		for _, n := range e.Notes {
			if strings.Contains(n.Text, "a fault of xmppscope") {
				t.Errorf("%s: %s", line(e), n.Text)
			}
		}
	}
	for i := range want {
		if recorded[i] != want[i] {
			t.Errorf("session %d: recorded %+v bytes, %+v were sent", i+1, recorded[i], want[i])
		}
	}
}

// exchange has both sides of a relayed connection say something and finish, and
// returns what either got.
func exchange(t *testing.T, addr string, conns <-chan net.Conn, fromClient, fromServer string) (toServer, toClient string) {
	t.Helper()
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	deadline := time.Now().Add(patience)
	client.SetDeadline(deadline)
	got := make(chan string, 1)
	go func() {
		server := <-conns
		defer server.Close()
		server.SetDeadline(deadline)
		text := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(server)
			text <- b
		}()
		io.WriteString(server, fromServer)
		server.(*net.TCPConn).CloseWrite()
		got <- string(<-text)
	}()
	read := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		io.Copy(&b, client)
		read <- b.String()
	}()
	io.WriteString(client, fromClient)
	client.(*net.TCPConn).CloseWrite()
	return <-got, <-read
}

// collector is a server that hands out its connections.
func collector(t *testing.T) (addr string, conns <-chan net.Conn) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	out := make(chan net.Conn)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			out <- conn
		}
	}()
	return ln.Addr().String(), out
}

// writeAnyCA writes some CA for xmppscope to trust.
func writeAnyCA(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeCertificates(t, dir, newIssuer(t, "CA of nothing"))
	return dir + "/ca.pem"
}
