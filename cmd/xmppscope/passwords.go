package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"
	"golang.org/x/text/unicode/norm"

	"xmppscope/internal/idn"
)

// passwordFlag is --password-file.
type passwordFlag struct{ pairs []string }

func (p *passwordFlag) add(f *pflag.FlagSet) {
	f.StringArrayVar(&p.pairs, "password-file", nil, "`JID=FILE`: the account's password, to say which side of a failed login computed wrong; it is not kept (repeatable)")
}

// accounts are the passwords that are known in this run, by account: those of
// --password-file, and those typed in the inspector; the JID of a component is a domain.
// They are held in memory only. It may be used by several goroutines.
type accounts struct {
	mu    sync.Mutex
	known map[string]string
	given map[string]string // those of --password-file that nobody has asked for, as they were written
	asked map[string]bool   // who logged in without a password that is known
}

// maxAsked bounds the accounts that are remembered to be told.
const maxAsked = 10

// read takes in the pairs of --password-file; a password is the first line of its file.
func (a *accounts) read(p *passwordFlag) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, pair := range p.pairs {
		jid, file, ok := splitPair(pair)
		if !ok {
			return usageError{fmt.Errorf("--password-file %q: want JID=FILE", pair)}
		}
		if !strings.ContainsAny(jid, "@.") {
			return usageError{fmt.Errorf("--password-file %q: %q is no bare JID: want user@domain=FILE, or domain=FILE for a component", pair, jid)}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return usageError{fmt.Errorf("--password-file: %w", err)}
		}
		line, _, _ := strings.Cut(string(text), "\n")
		a.know(jid, strings.TrimSuffix(line, "\r"))
		if a.given == nil {
			a.given = map[string]string{}
		}
		a.given[account(jid)] = jid
	}
	return nil
}

// splitPair takes JID=FILE apart. A "=" may stand in the user's part of the JID, and in
// the file's name.
func splitPair(pair string) (jid, file string, ok bool) {
	if at := strings.IndexByte(pair, '@'); at >= 0 && !strings.ContainsAny(pair[:at], `"&'/:<>\`) {
		if i := strings.IndexByte(pair[at:], '='); i >= 0 {
			jid, file = pair[:at+i], pair[at+i+1:]
			return jid, file, file != ""
		}
	}
	jid, file, ok = strings.Cut(pair, "=")
	return jid, file, ok && jid != "" && file != ""
}

// any says whether a password is known.
func (a *accounts) any() bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.known) > 0
}

// learn keeps a password until the run ends.
func (a *accounts) learn(jid, password string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.know(jid, password)
}

func (a *accounts) know(jid, password string) {
	if a.known == nil {
		a.known = map[string]string{}
	}
	a.known[account(jid)] = password
}

// find is decode.State.Passwords: the user of a login is the localpart or the
// whole bare JID, as clients have it. A component has no user.
func (a *accounts) find(user, domain string) (string, bool) {
	key := accountOf(user, domain)
	a.mu.Lock()
	defer a.mu.Unlock()
	password, ok := a.known[key]
	if ok {
		delete(a.given, key)
	} else if len(a.given) > 0 && len(a.asked) < maxAsked {
		if a.asked == nil {
			a.asked = map[string]bool{}
		}
		a.asked[strings.TrimPrefix(key, "@")] = true
	}
	return password, ok
}

// lookUp is find for a session that was not asked for: it changes nothing about who is told
// of.
func (a *accounts) lookUp(user, domain string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	password, ok := a.known[accountOf(user, domain)]
	return password, ok
}

// accountOf is the account of a login.
func accountOf(user, domain string) string {
	switch {
	case user == "":
		user = domain
	case !strings.Contains(user, "@"):
		user += "@" + domain
	}
	return account(user)
}

// unused says which of the passwords that were given were for nobody.
func (a *accounts) unused() (lines []string) {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	why := "no login was seen that a password can be held against"
	if len(a.asked) > 0 {
		why = "those who logged in were " + strings.Join(slices.Sorted(maps.Keys(a.asked)), ", ")
	}
	for _, jid := range slices.Sorted(maps.Values(a.given)) {
		lines = append(lines, fmt.Sprintf("warning: the password given for %s was for nobody: %s", jid, why))
	}
	return lines
}

// account is the bare JID that all ways to write one have in common, in any case and form
// of Unicode (RFC 7622 §3.3, and RFC 6122 before it).
func account(jid string) string {
	local, domain, ok := strings.Cut(jid, "@")
	if !ok {
		local, domain = "", local
	}
	domain = strings.ToLower(domain)
	if d, err := idn.Parse(domain); err == nil {
		domain = d.ASCII
	}
	return norm.NFC.String(strings.ToLower(norm.NFKC.String(local))) + "@" + domain
}
