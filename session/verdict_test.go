package session

import "testing"

// TestVerdictsParts: a sentence is read as it was made, and with little room the cause comes
// before the account of the error.
func TestVerdictsParts(t *testing.T) {
	for _, c := range []struct {
		verdict   Verdict
		condition string
		brief     string
	}{
		{Verdict{16, "sasl-failure", `the server refused the login of "a" (not-authorized), in its own words "no: \"you\": go"`, "the password is wrong: it is proven"}, "not-authorized",
			`#16: the password is wrong: it is proven (the server refused the login of "a" (not-authorized), in its own words "no: \"you\": go")`},
		{Verdict{7, "stream-error", "the upstream is no XMPP server", "it speaks SSH; the client answers with invalid-xml"}, "invalid-xml",
			"#7: the upstream is no XMPP server: it speaks SSH; the client answers with invalid-xml"},
		{Verdict{3, "tls", "TLS failed", "the client does not know the CA"}, "distrust", "#3: TLS failed: the client does not know the CA"},
		{Verdict{5, "stream-error", "the server ended the stream with host-gone", ""}, "host-gone", "#5: the server ended the stream with host-gone"},
		{Verdict{What: "logged in as a@b by PLAIN"}, "", "logged in as a@b by PLAIN"},
	} {
		sentence := c.verdict.String()
		if got := ReadVerdict(sentence); got != c.verdict {
			t.Errorf("%s\nis read as %+v", sentence, got)
		}
		o := Overview{Verdict: sentence}
		o.Cause = &Refusal{Condition: c.condition}
		if got := o.Brief(); got != c.brief {
			t.Errorf("%s\nis in brief %s\nwant        %s", sentence, got, c.brief)
		}
	}
}
