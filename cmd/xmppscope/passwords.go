package main

import (
	"fmt"
	"os"
	"strings"

	"xmppscope/internal/idn"
)

// passwords are those of --password-file, by account; the JID of a component is a
// domain. They are held in memory only, to check what clients and
// servers compute from them.
type passwords map[string]string

// readPasswords reads JID=FILE pairs; the password is the first line of the file.
func readPasswords(pairs []string) (passwords, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	out := passwords{}
	for _, pair := range pairs {
		jid, file, ok := strings.Cut(pair, "=")
		if !ok || jid == "" || file == "" {
			return nil, fmt.Errorf("--password-file %q: want JID=FILE", pair)
		}
		if !strings.ContainsAny(jid, "@.") {
			return nil, fmt.Errorf("--password-file %q: %q is no bare JID: want user@domain=FILE, or domain=FILE for a component", pair, jid)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--password-file: %w", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		out[account(jid)] = strings.TrimSuffix(line, "\r")
	}
	return out, nil
}

// find is decode.State.Passwords: the user of a login is the localpart or the
// whole bare JID, as clients have it. A component has no user.
func (p passwords) find(user, domain string) (string, bool) {
	switch {
	case user == "":
		user = domain
	case !strings.Contains(user, "@"):
		user += "@" + domain
	}
	password, ok := p[account(user)]
	return password, ok
}

// account is the bare JID that all ways to write one have in common.
func account(jid string) string {
	local, domain, ok := strings.Cut(strings.ToLower(jid), "@")
	if !ok {
		local, domain = "", local
	}
	if d, err := idn.Parse(domain); err == nil {
		domain = d.ASCII
	}
	return local + "@" + domain
}
