package decode

import (
	"regexp"
	"slices"
	"strings"
)

// instruction reports what is wrong with <?…?>: in XMPP it can only be the XML
// declaration, at the very beginning.
func (p *parser) instruction(pi string, from int) {
	to := from + len(pi)
	inner := pi[len("<?") : len(pi)-len("?>")]
	target := inner
	if i := strings.IndexAny(inner, " \t\r\n"); i >= 0 {
		target = inner[:i]
	}
	what := "a processing instruction: XMPP allows none but the XML declaration"
	if target == "xml" {
		p.declaration(inner[len(target):], from, to)
		if !p.inside && (from == 0 || p.raw[:from] == bom) {
			return
		}
		what = "an XML declaration may stand at the very beginning alone"
	}
	p.fault("X02", refRestricted, from, to, "%s", what)
	switch {
	case strings.EqualFold(target, "xml"), !isName(target):
		p.fault("X05", refWellFormed, from, to, "a processing instruction may not be called %q", target)
	case strings.Contains(target, ":"):
		p.fault("X06", refWellFormed, from, to, "a processing instruction may not be called %q, with a colon", target)
	}
	p.chars(inner, from+len("<?"))
}

// The parts of an XML declaration, in the order in which they have to stand (XML 1.0
// §2.8), and what their values look like.
var declared = []pseudo{
	{"version", regexp.MustCompile(`^1\.[0-9]+$`)},
	{"encoding", regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)},
	{"standalone", regexp.MustCompile(`^(?:yes|no)$`)},
}

type pseudo struct {
	name  string
	value *regexp.Regexp
}

// declaration looks at what stands between <?xml and ?>.
func (p *parser) declaration(rest string, from, to int) {
	wrong := func(format string, args ...any) { p.fault("X05", refWellFormed, from, to, format, args...) }
	next := 0 // in declared
	for {
		spaced := strings.TrimLeft(rest, " \t\r\n")
		if spaced == "" {
			break
		}
		name, value, after, ok := pseudoAttr(spaced)
		if !ok {
			wrong("the XML declaration has a part that is not of the form name='value'")
			return
		}
		if len(spaced) == len(rest) {
			wrong("the XML declaration has no white space before %q", name)
		}
		rest = after
		i := slices.IndexFunc(declared, func(d pseudo) bool { return d.name == name })
		switch {
		case i < 0:
			wrong("the XML declaration has %q, which it may not", name)
			continue
		case i < next:
			wrong("the XML declaration has %q twice, or too late: version, encoding and standalone follow each other", name)
		case next == 0 && i > 0:
			wrong("the XML declaration does not begin with its version")
		}
		next = i + 1
		p.declaredValue(name, value, declared[i].value.MatchString(value), from, to)
	}
	if next == 0 {
		wrong("the XML declaration has no version")
	}
}

// declaredValue looks at the value of one part.
func (p *parser) declaredValue(name, value string, fits bool, from, to int) {
	switch {
	case name == "version" && value != "1.0":
		p.fault("X10", "RFC 6120 §11.8", from, to, "the XML declaration says version %q, XMPP uses XML 1.0", value)
	case name == "encoding" && !strings.EqualFold(value, "utf-8"):
		p.fault("X07", refEncoding, from, to, "the XML declaration says encoding %q, XMPP is UTF-8 only", value)
	case name == "standalone":
		p.fault("X09", "RFC 6120 §11.5", from, to, "the XML declaration has standalone, which XMPP does not use")
	}
	if !fits {
		p.fault("X05", refWellFormed, from, to, "the XML declaration says %s %q, which is none", name, value)
	}
}

// pseudoAttr takes name='value' from the beginning of s.
func pseudoAttr(s string) (name, value, after string, ok bool) {
	const space = " \t\r\n"
	end := strings.IndexAny(s, space+"=")
	if end <= 0 {
		return "", "", "", false
	}
	name = s[:end]
	rest, ok := strings.CutPrefix(strings.TrimLeft(s[end:], space), "=")
	if rest = strings.TrimLeft(rest, space); !ok || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", "", "", false
	}
	value, after, ok = strings.Cut(rest[1:], rest[:1])
	return name, value, after, ok
}
