package decode

import (
	"strings"
	"unicode/utf8"

	"github.com/xdg-go/stringprep"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// PasswordForm is one way in which software turns a password into bytes.
type PasswordForm struct {
	Password string
	Fault    string // what the peer did that uses this form: "did not normalise …"; "" if it is right
}

// faultUnprepared is the fault of who hashes a password as it was typed.
const faultUnprepared = "did not normalise (SASLprep) the password"

// PasswordForms lists what a peer may have made of a password, all different, the
// right one first: that of SASLprep (RFC 4013, asked for by RFC 5802 §2.2 and RFC
// 4616 §2). If SASLprep forbids the password there is no right form, and the first
// is the password as it is.
func PasswordForms(password string) []PasswordForm {
	var out []PasswordForm
	add := func(form, fault string) {
		for _, f := range out {
			if f.Password == form {
				return
			}
		}
		out = append(out, PasswordForm{form, fault})
	}
	if prepared, err := stringprep.SASLprep.Prepare(password); err == nil {
		add(prepared, "")
	} else {
		add(password, "")
	}
	add(password, faultUnprepared)
	add(norm.NFKC.String(password), "normalised the password with NFKC only, not with SASLprep")
	if prepared, err := precis.OpaqueString.String(password); err == nil {
		add(prepared, "prepared the password as PRECIS has it (RFC 8265), not with SASLprep")
	}
	add(norm.NFC.String(password), "normalised the password with NFC, not with SASLprep")
	add(norm.NFD.String(password), "took the password apart (NFD), where SASLprep puts it together")
	if latin, ok := Latin1(password); ok {
		add(latin, "encoded the password in ISO 8859-1, not in UTF-8")
	}
	add(strings.TrimSpace(password), "cut off white space around the password")
	add(password+"\n", "put a line feed behind the password, as from a file")
	return out
}

// SamePassword compares a password that was sent as it is with the account's. It is for
// the server to prepare it (RFC 4616 §2), so all that become the same are.
func SamePassword(forms []PasswordForm, sent string) Check {
	c := CheckForms(forms, func(own string) bool { return own == sent })
	if c.Fault = ""; c.Result != Differs {
		return c
	}
	if PasswordForms(sent)[0].Password == forms[0].Password {
		c.Result = Fits
	}
	return c
}

// Latin1 encodes text in ISO 8859-1, if that can be done.
func Latin1(text string) (string, bool) {
	out := make([]byte, 0, utf8.RuneCountInString(text))
	for _, r := range text {
		if r > 0xff {
			return "", false
		}
		out = append(out, byte(r))
	}
	return string(out), true
}
