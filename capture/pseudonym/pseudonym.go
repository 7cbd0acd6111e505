// Package pseudonym replaces who and what a recording is about, so that it can be
// handed to others.
package pseudonym

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// Names replaces who and what a recording is about: account names,
// resources, domains, hosts, addresses, identifiers and everything that people
// have written. The same name becomes the same pseudonym wherever it stands, so
// that the explanations still hold: alice@example.com is user1@domain1.example in
// the stanza, in the certificate and in the sentence about both.
//
// What is known to be part of the protocol stays; all else goes. Secrets are
// blanked as well. It works on one event at a time, and its memory is bounded: of
// more than maxNames names of a kind the later ones are not remembered, and get a
// fresh pseudonym each time.
//
// It is not for use by several goroutines at once.
type Names struct {
	key    [32]byte // of the identifiers
	tables map[string]map[string]string
	counts map[string]int
	kept   map[string]bool // words of the protocol that were seen
	pairs  []pair          // of the event at hand
	forms  map[byte][]pair // as sentences may have them, by their first byte
	formed int             // pairs that are in forms
}

// pair is what was replaced in the event at hand.
type pair struct{ old, new string }

const maxNames = 100_000

// Tables of names, and what their pseudonyms begin with.
const (
	tableUser     = "user"
	tableResource = "resource"
	tableDomain   = "domain"
	tableHost     = "host" // a label in front of a domain
	tableName     = "name" // in a certificate
	tableIPv4     = "IPv4 address"
	tableIPv6     = "IPv6 address"
)

// New makes an empty table: pseudonyms are per recording.
func New() *Names {
	n := &Names{tables: map[string]map[string]string{}, counts: map[string]int{}, kept: map[string]bool{}}
	rand.Read(n.key[:]) // never fails
	return n
}

// Event is the event under pseudonyms, secrets blanked. The one given is not
// changed.
func (n *Names) Event(e session.Event) session.Event {
	e = session.Blank(e)
	e.Redacted = true
	n.pairs, n.forms, n.formed = n.pairs[:0], nil, 0
	e.Body = n.body(e.Body)
	if e.Origin != session.OriginSelf {
		e.Origin = ""
	}
	e.Notes = slices.Clone(e.Notes)
	for i := range e.Notes {
		n.typed(&e.Notes[i])
	}
	n.raw(&e)
	e.Space = n.namespace(e.Space)
	e.Summary = n.sentence(e.Summary)
	for i := range e.Notes {
		n.note(&e.Notes[i])
	}
	return e
}

// number gives a name of a table its pseudonym.
func (n *Names) number(table, name string, format func(int) string) string {
	if p, ok := n.tables[table][name]; ok {
		return p
	}
	n.counts[table]++
	p := format(n.counts[table])
	if len(n.tables[table]) < maxNames {
		if n.tables[table] == nil {
			n.tables[table] = map[string]string{}
		}
		n.tables[table][name] = p
	}
	return p
}

func (n *Names) named(table, name string) string {
	return n.number(table, strings.ToLower(name), func(i int) string { return table + strconv.Itoa(i) })
}

// replaced remembers what was replaced, for the sentences about it.
func (n *Names) replaced(old, new string) string {
	if old != "" && old != new {
		n.pairs = append(n.pairs, pair{old, new})
	}
	return new
}

var kindWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 -]{0,30}$`)

// text is the placeholder of what someone has written.
func (n *Names) text(kind, s string) string {
	if strings.TrimSpace(s) == "" {
		return s
	}
	if !kindWord.MatchString(kind) {
		kind = "text"
	}
	sum := sha256.Sum256([]byte(s))
	return n.replaced(s, n.number("text "+kind, string(sum[:]), func(i int) string {
		return fmt.Sprintf("[%s #%d, %d characters]", kind, i, utf8.RuneCountInString(s))
	}))
}

// id is the pseudonym of an identifier: the same for the same one, and nobody can
// tell which it was.
func (n *Names) id(s string) string {
	if s == "" {
		return ""
	}
	return n.replaced(s, "id-"+n.hash(s, 8))
}

// hash is so many hex digits that stand for s.
func (n *Names) hash(s string, digits int) string {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write([]byte(s))
	sum := hex.EncodeToString(mac.Sum(nil))
	for len(sum) < digits {
		sum += sum
	}
	return sum[:digits]
}

// user is the pseudonym of a login name, which may be a whole JID.
func (n *Names) user(s string) string {
	if s == "" {
		return ""
	}
	if strings.Contains(s, "@") {
		return n.jid(s)
	}
	return n.replaced(s, n.named(tableUser, s))
}

func (n *Names) resource(s string) string {
	if s == "" {
		return ""
	}
	return n.replaced(s, n.named(tableResource, s))
}

// jid is the pseudonym of an address (RFC 7622 §3.1), part by part.
func (n *Names) jid(s string) string {
	bare, resource, hasResource := strings.Cut(s, "/")
	local, domain, hasLocal := strings.Cut(bare, "@")
	if !hasLocal {
		local, domain = "", bare
	}
	out := n.host(domain)
	if hasLocal {
		out = n.user(local) + "@" + out
	}
	if hasResource {
		out += "/" + n.resource(resource)
	}
	return n.replaced(s, out)
}

// usual are names of hosts that say what a host is for, and not whose it is.
var usual = regexp.MustCompile(`^(?:_.*|xmpp[0-9]*|jabber|im|chat|conference|conferences|muc|rooms?|groups?|pubsub|proxy[0-9]*|upload|share|files|search|users|vjud|echo|component|www|mail|turn|stun|host[0-9]*)$`)

// host is the pseudonym of a domain, a host or an address, with or without port.
func (n *Names) host(s string) string {
	if s == "" {
		return ""
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return n.replaced(s, netip.AddrPortFrom(n.address(a.Addr()), a.Port()).String())
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return n.replaced(s, n.address(a).String())
	}
	if name, port, ok := strings.Cut(s, ":"); ok && isNumber(port) {
		return n.host(name) + ":" + port
	}
	return n.replaced(s, n.domain(strings.ToLower(strings.TrimSuffix(s, "."))))
}

// domain puts a host below the domain it belongs to, where that is known.
func (n *Names) domain(s string) string {
	known := n.tables[tableDomain]
	if p, ok := known[s]; ok {
		return p
	}
	label, parent, ok := strings.Cut(s, ".")
	if !ok || !strings.Contains(parent, ".") && known[parent] == "" {
		return n.newDomain(s)
	}
	_, parentKnown := known[parent]
	if !parentKnown && !usual.MatchString(label) && !n.below(parent) {
		return n.newDomain(s)
	}
	if label != "*" && !usual.MatchString(label) {
		label = n.named(tableHost, label)
	}
	return label + "." + n.domain(parent)
}

// below says whether a name lies under a domain that is known.
func (n *Names) below(s string) bool {
	for ok := true; ok; _, s, ok = strings.Cut(s, ".") {
		if n.tables[tableDomain][s] != "" {
			return true
		}
	}
	return false
}

func (n *Names) newDomain(s string) string {
	return n.number(tableDomain, s, func(i int) string { return "domain" + strconv.Itoa(i) + ".example" })
}

// address gives addresses of the ranges that are there for documentation
// (RFC 5737, RFC 3849), and of benchmarks (RFC 2544) when those are used up.
func (n *Names) address(a netip.Addr) netip.Addr {
	table := tableIPv6
	if a = a.WithZone("").Unmap(); a.Is4() {
		table = tableIPv4
	}
	return netip.MustParseAddr(n.number(table, a.String(), func(i int) string {
		switch {
		case table == tableIPv6:
			return fmt.Sprintf("2001:db8::%x:%x", i>>16&0xffff, i&0xffff)
		case i < 255:
			return fmt.Sprintf("192.0.2.%d", i)
		}
		return fmt.Sprintf("198.%d.%d.%d", 18+i>>16&1, i>>8&0xff, i&0xff)
	}))
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
