package idn

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string][2]string{
		"example.net":                  {"example.net", "example.net"},
		"Example.NET.":                 {"example.net", "example.net"},
		"localhost":                    {"localhost", "localhost"},
		"my_host.intern":               {"my_host.intern", "my_host.intern"},
		"bücher.example":               {"xn--bcher-kva.example", "bücher.example"},
		"BÜCHER。example":               {"xn--bcher-kva.example", "bücher.example"},
		"xn--bcher-kva.example":        {"xn--bcher-kva.example", "bücher.example"},
		"xn--zzzzz--.example":          {},                                          // ends with a hyphen
		"xn--99999.example":            {"xn--99999.example", "xn--99999.example"},  // no Punycode: stays
		"xn--a-ecp.example":            {"xn--a-ecp.example", "xn--a-ecp.example"},  // decodes to something else than it came from, or to upper case
		"bu\u0308cher.example":         {"xn--bcher-kva.example", "bücher.example"}, // decomposed
		"ｂücher.example":               {"xn--bcher-kva.example", "bücher.example"}, // full width
		"XN--BCHER-KVA.example":        {"xn--bcher-kva.example", "bücher.example"},
		"straße.example":               {"xn--strae-oqa.example", "straße.example"}, // IDNA 2008: not "strasse"
		"☃.example":                    {"xn--n3h.example", "☃.example"},
		"l·l.example":                  {"xn--ll-0ea.example", "l·l.example"},
		"نامه\u200cای.example":         {"xn--mgba3gch31f060k.example", "نامه\u200cای.example"},          // a joiner where it belongs (RFC 5892 A.1)
		"xn--bcher-kva8445foa.example": {"xn--bcher-kva8445foa.example", "xn--bcher-kva8445foa.example"}, // brackets: stays
		"r3---sn-a.example":            {"r3---sn-a.example", "r3---sn-a.example"},
		"例え.テスト":                       {"xn--r8jz45g.xn--zckzah", "例え.テスト"}, // reserved test names of IDNA
		"127.0.0.1":                    {"127.0.0.1", "127.0.0.1"},
		"127.0.0.1.":                   {"127.0.0.1", "127.0.0.1"},
		"[::1]":                        {"::1", "[::1]"},
		"2001:DB8::0:1":                {"2001:db8::1", "[2001:db8::1]"},
	} {
		d, err := Parse(in)
		if want == ([2]string{}) {
			if err == nil {
				t.Errorf("%q: got %+v, want an error", in, d)
			}
			continue
		}
		if err != nil || d.ASCII != want[0] || d.Unicode != want[1] {
			t.Errorf("%q: got %q %q %v, want %q", in, d.ASCII, d.Unicode, err, want)
		}
		if again, err := Parse(d.Unicode); err != nil || again != d {
			t.Errorf("%q: its U-labels give %+v, %v", in, again, err)
		}
	}
}

// hostile are texts that a "to" may hold and that no certificate may name.
var hostile = []string{
	"", ".", "..", "a..b", ".a", " ", "a b", "a\x00b", "example.net\x00.evil.test", "a\nb", "a\x1b[31m",
	"*.example.net", "*", "a/b", "user@example.net", "example.net/resource", "example.net:5222",
	"-a.example", "a-.example", "\xff\xfe", "a\u202eb", "a\u200bb", "[::1", "fe80::1%eth0", "[]", "‥",
	"xn--", "xn--.example", "a.xn--", "ｘn--", "℀", "½", "1⁄2", "a\u200cb", "a\u00adb", "a\ufe0fb", "\u0308a", "1נ", "a\u0378",
	strings.Repeat("a", 64) + ".example", strings.Repeat("ü", 60), strings.Repeat("a.", 130) + "b",
	strings.Repeat("x", 10<<10), strings.Repeat("ü", 10<<10),
}

func TestHostileDomains(t *testing.T) {
	for _, in := range hostile {
		d, err := Parse(in)
		if in == "[::1" { // a bracket too few still names an address
			continue
		}
		if err == nil {
			t.Errorf("%q: got %+v, want an error", in, d)
			continue
		}
		if text := err.Error(); len(text) > 500 || strings.ContainsAny(text, "\x00\n\x1b\u202e\u200b") {
			t.Errorf("%q: the error is not fit to be shown: %q", in, text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("xn--bcher-kva.example")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		if d.ASCII == "" || !isASCII(d.ASCII) || len(d.ASCII) > maxDomain {
			t.Fatalf("%q: %+v", s, d)
		}
		for _, form := range []string{d.ASCII, d.Unicode} {
			if again, err := Parse(form); err != nil || again != d {
				t.Fatalf("%q: %q of %+v gives %+v, %v", s, form, d, again, err)
			}
		}
	})
}
