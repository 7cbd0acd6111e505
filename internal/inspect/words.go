package inspect

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

// Who is the best name for a session that is known so far.
func Who(o *session.Overview) string {
	switch {
	case o.JID != "":
		return o.JID
	case o.User != "" && o.Domain != "" && !strings.Contains(o.User, "@"):
		return o.User + "@" + o.Domain
	case o.User != "":
		return o.User
	case o.Domain != "":
		return o.Domain
	case o.Client != "":
		return o.Client
	}
	return fmt.Sprintf("session %d", o.ID)
}

// Account is the bare JID that a session logs in with, "" while it is not known.
func Account(o *session.Overview) string {
	bare := session.BareJID(o.JID)
	switch {
	case strings.Contains(o.User, "@"):
		return o.User
	case o.User != "" && o.Domain != "":
		return o.User + "@" + o.Domain
	}
	if strings.Contains(bare, "@") {
		return bare
	}
	return ""
}

// Number is a number for a person: 8,520.
func Number(n int) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Count is a number with its noun: "1 event", "8,520 events".
func Count(n int, noun string) string {
	return Number(n) + " " + session.Noun(n, noun)
}
