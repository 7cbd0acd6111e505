package certs

import (
	"strings"
	"testing"
)

func TestParseDomain(t *testing.T) {
	for in, want := range map[string][2]string{
		"example.net":           {"example.net", "example.net"},
		"Example.NET.":          {"example.net", "example.net"},
		"localhost":             {"localhost", "localhost"},
		"my_host.intern":        {"my_host.intern", "my_host.intern"},
		"bücher.example":        {"xn--bcher-kva.example", "bücher.example"},
		"BÜCHER。example":        {"xn--bcher-kva.example", "bücher.example"},
		"xn--bcher-kva.example": {"xn--bcher-kva.example", "bücher.example"},
		"xn--zzzzz--.example":   {},                                         // ends with a hyphen
		"xn--99999.example":     {"xn--99999.example", "xn--99999.example"}, // no Punycode: stays
		"xn--a-ecp.example":     {"xn--a-ecp.example", "xn--a-ecp.example"}, // decodes to something else than it came from, or to upper case
		"例え.テスト":                {"xn--r8jz45g.xn--zckzah", "例え.テスト"},       // reserved test names of IDNA
		"127.0.0.1":             {"127.0.0.1", "127.0.0.1"},
		"127.0.0.1.":            {"127.0.0.1", "127.0.0.1"},
		"[::1]":                 {"::1", "[::1]"},
		"2001:DB8::0:1":         {"2001:db8::1", "[2001:db8::1]"},
	} {
		d, err := ParseDomain(in)
		if want == ([2]string{}) {
			if err == nil {
				t.Errorf("%q: got %+v, want an error", in, d)
			}
			continue
		}
		if err != nil || d.ASCII != want[0] || d.Unicode != want[1] {
			t.Errorf("%q: got %q %q %v, want %q", in, d.ASCII, d.Unicode, err, want)
		}
		if again, err := ParseDomain(d.Unicode); err != nil || again != d {
			t.Errorf("%q: its U-labels give %+v, %v", in, again, err)
		}
	}
}

// hostile are texts that a "to" may hold and that no certificate may name.
var hostile = []string{
	"", ".", "..", "a..b", ".a", " ", "a b", "a\x00b", "example.net\x00.evil.test", "a\nb", "a\x1b[31m",
	"*.example.net", "*", "a/b", "user@example.net", "example.net/resource", "example.net:5222",
	"-a.example", "a-.example", "\xff\xfe", "a\u202eb", "a\u200bb", "[::1", "fe80::1%eth0", "[]", "‥",
	strings.Repeat("a", 64) + ".example", strings.Repeat("ü", 60), strings.Repeat("a.", 130) + "b",
	strings.Repeat("x", 10<<10), strings.Repeat("ü", 10<<10),
}

func TestHostileDomains(t *testing.T) {
	for _, in := range hostile {
		d, err := ParseDomain(in)
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

// The sample strings of RFC 3492 §7.1 that hold no upper case, and a few names.
var punycode = map[string]string{
	"ليهمابتكلموشعربي؟":            "egbpdaj6bu4bxfgehfvwxn",
	"他们为什么不说中文":                    "ihqwcrb4cv8a8dqg056pqjye",
	"なぜみんな日本語を話してくれないのか":           "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa",
	"почемужеонинеговорятпорусски": "b1abfaaepdrnnbgefbadotcwatmq2g4l",
	"3年b組金八先生":                     "3b-ww4c5e180e575a65lsy2b",
	"bücher":                       "bcher-kva",
	"ü":                            "tda",
	"-> $1.00 <--":                 "-> $1.00 <--",
}

func TestPunycode(t *testing.T) {
	for plain, coded := range punycode {
		if got := encodePunycode(plain); got != coded && got != coded+"-" {
			t.Errorf("encode %q: got %q, want %q", plain, got, coded)
		}
		if isASCII(plain) {
			continue
		}
		if got, ok := decodePunycode(coded); !ok || got != plain {
			t.Errorf("decode %q: got %q %v, want %q", coded, got, ok, plain)
		}
	}
}

func FuzzParseDomain(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("xn--bcher-kva.example")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDomain(s)
		if err != nil {
			return
		}
		if d.ASCII == "" || !isASCII(d.ASCII) || len(d.ASCII) > maxDomain {
			t.Fatalf("%q: %+v", s, d)
		}
		if again, err := ParseDomain(d.ASCII); err != nil || again.ASCII != d.ASCII {
			t.Fatalf("%q: its A-labels %q give %+v, %v", s, d.ASCII, again, err)
		}
	})
}
