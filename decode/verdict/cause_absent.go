package verdict

import (
	"slices"
	"strings"
)

// silence is something that servers do without saying why: what is missing, and why that
// is likely so.
type silence struct {
	server string // "" for all
	is     func(c *scene, offered []string) bool
	why    string
}

func lacks(prefix string) func(*scene, []string) bool {
	return func(_ *scene, offered []string) bool {
		return !slices.ContainsFunc(offered, func(m string) bool { return strings.HasPrefix(m, prefix) })
	}
}

func onlyOneSCRAM(_ *scene, offered []string) bool {
	n := 0
	for _, m := range offered {
		if strings.HasPrefix(m, "SCRAM-") && !strings.HasSuffix(m, "-PLUS") {
			n++
		}
	}
	return n == 1
}

// silences are tried in order; what is so for one server stands before what is so for all.
var silences = []silence{
	{"openfire", lacks("SCRAM-"), "Openfire leaves SCRAM out where what checks its passwords (LDAP, for example) cannot do it"},
	{"openfire", lacks("EXTERNAL"), "Openfire offers EXTERNAL only to clients whose certificate it trusts"},
	{"ejabberd", onlyOneSCRAM, "ejabberd with hashed passwords offers the one SCRAM that it has keys for (auth_scram_hash), and no DIGEST-MD5"},
	{"prosody", onlyOneSCRAM, "Prosody keeps keys for one SCRAM hash (password_hash): the other variants are missing for that"},
	{"tigase", lacks("SCRAM-"), "Tigase leaves SCRAM out where the domain's way of storing passwords does not fit"},
	{"", onlyOneSCRAM, "servers with hashed passwords offer only the SCRAM that they have keys for"},
}

// absent says what a mechanism that the client looks for in vain may be missing for; "" if
// nothing is known.
func (c *scene) absent(offered []string) string {
	for _, s := range silences {
		if (s.server == "" || s.server == c.server) && s.is(c, offered) {
			return s.why
		}
	}
	return ""
}
