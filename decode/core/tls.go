package core

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-tls", Title: "TLS handshakes", Ref: "RFC 6120 §5.4.3",
		Match: decode.NoElement().And(func(s *decode.Seen) bool { return tlsFacts(s.Event.Body) != nil }),
		New:   decode.Stateless(explainTLS),
	})
}

func tlsFacts(b session.Body) *session.TLSFacts {
	switch b := b.(type) {
	case session.TLSEstablished:
		return &b.TLSFacts
	case session.TLSFailed:
		return &b.TLSFacts
	}
	return nil
}

func explainTLS(s *decode.Seen) []session.Note {
	facts := tlsFacts(s.Event.Body)
	notes := tlsFields(facts)
	if failed, ok := s.Event.Body.(session.TLSFailed); ok {
		return append(append(notes, tlsFailure(failed)...), certificateNotes(s, facts)...)
	}
	notes = append(notes, tlsWhose(s, facts))
	notes = append(notes, oldVersion(facts)...)
	notes = append(notes, sniNotes(s.Event.Leg, facts)...)
	return append(notes, certificateNotes(s, facts)...)
}

// tlsFields are the facts of the handshake, by the names that filters use.
func tlsFields(f *session.TLSFacts) (notes []session.Note) {
	for _, x := range []struct {
		name, value, text string
		holds             session.Holds
	}{
		{"tls-version", f.Version, "the version of TLS that both sides agreed on", session.Word},
		{"cipher-suite", f.Suite, "how the connection is encrypted", session.Word},
		{"group", f.Group, "how the two sides agreed on keys", session.Word},
		{"alpn", f.ALPN, "the protocol that both sides named inside the handshake", session.Word},
		{"sni", f.SNI, "the name that the client of this leg asked for", session.Host},
	} {
		if x.value != "" {
			notes = append(notes, field("RFC 8446 §4.1", x.name, x.value, session.Span{}, x.text).Is(x.holds).Classed(session.Elsewhere))
		}
	}
	return notes
}

// tlsWhose says who shook hands with whom.
func tlsWhose(s *decode.Seen, f *session.TLSFacts) session.Note {
	who := "the client and xmppscope have TLS between them"
	switch {
	case s.State.Captured:
		who = "the client and the server have TLS between them"
	case s.Event.Leg == session.ServerLeg:
		who = "xmppscope and the server have TLS between them"
	}
	how := "after a full handshake"
	if f.Resumed {
		how = "after resuming an earlier TLS session"
	}
	if f.Took > 0 {
		how += " of " + session.ShortTime(f.Took)
	}
	return decode.Explain("RFC 6120 §5.4.3.3", session.Span{}, "%s, %s", who, how)
}

// oldVersion is check T10.
func oldVersion(f *session.TLSFacts) []session.Note {
	switch f.Version {
	case "TLS 1.0", "TLS 1.1", "SSL 3.0", "SSLv3":
		return []session.Note{decode.Breach("T10", session.Span{}, "%s is deprecated: TLS 1.2 is the least that should be used", f.Version)}
	}
	for _, weak := range []string{"_RC4_", "_NULL_", "_EXPORT_", "_3DES_"} {
		if strings.Contains(f.Suite+"_", weak) {
			return []session.Note{decode.Finding("T10", "RFC 9325 §4", session.Warning, session.Span{}, "%s is a weak cipher suite", f.Suite)}
		}
	}
	return nil
}

func sniNotes(leg session.Leg, f *session.TLSFacts) []session.Note {
	switch {
	case leg == session.ClientLeg && f.Hello != nil && f.Hello.SNI == "":
		text := "the client named no server in its ClientHello (no SNI), as most do under STARTTLS"
		if f.Domain != "" {
			text += fmt.Sprintf("; the certificate is for the stream's \"to\", %q", f.Domain)
		}
		return []session.Note{decode.Explain("RFC 6066 §3", session.Span{}, "%s", text)}
	case leg == session.ServerLeg && f.SNIFrom == "certificate":
		n := decode.Explain("XEP-0368 §2", session.Span{}, "the client named no domain: it sent no SNI, which direct TLS requires; xmppscope took %q from the server's certificate", f.Domain)
		n.Severity = session.Warning
		return []session.Note{n}
	case leg == session.ServerLeg && f.SNIFrom != "" && f.SNIFrom != "client":
		return []session.Note{decode.Explain("RFC 6066 §3", session.Span{}, "no SNI was sent by the client, so upstream got %q (from %s)", f.SNI, f.SNIFrom)}
	case f.SNI != "" && f.Domain != "" && !strings.EqualFold(f.SNI, f.Domain):
		n := decode.Explain("RFC 6120 §13.7.2", session.Span{}, "the client asked TLS for %q, but the stream is for %q", f.SNI, f.Domain)
		n.Severity = session.Warning
		return []session.Note{n}
	}
	return nil
}

func tlsFailure(f session.TLSFailed) []session.Note {
	n := field("RFC 6120 §5.4.3.2", "failure", f.Class, session.Span{}, f.Reason).Is(session.Word).Classed(session.Elsewhere)
	n.Severity = session.Error
	if f.Class == session.ClassOtherLeg {
		n.Severity = session.Notice // the error is on the other leg
	}
	notes := []session.Note{n}
	if f.Alert != "" {
		notes = append(notes, field("RFC 8446 §6", "alert", f.Alert, session.Span{}, "what "+guilty(f.Guilty)+" said before it hung up"+alertMeaning(f.Alert)).Is(session.Word).Classed(session.Elsewhere))
	}
	if f.Hint != "" {
		notes = append(notes, field("", "hint", f.Hint, session.Span{}, "").Classed(session.Elsewhere))
	}
	return notes
}

func guilty(who string) string {
	if who == "client" || who == "server" {
		return "the " + who
	}
	return who
}

// certificateNotes shows the chain, what it was held against, and what came of it.
func certificateNotes(s *decode.Seen, f *session.TLSFacts) (notes []session.Note) {
	for i, c := range f.Chain {
		notes = append(notes, field("RFC 6120 §13.7.1", "certificate", certificateLine(c), session.Span{}, certificateRole(i, len(f.Chain))).Is(session.Sentence).Classed(session.Elsewhere))
	}
	if len(f.Chain) > 0 {
		if s.Event.Leg == session.ServerLeg || s.State.Captured { // ours lives short on purpose
			notes = append(notes, expiry(s.Event.At, f.Chain[0])...)
		}
	}
	notes = append(notes, clientNotes(s, f)...)
	if f.Verdict != nil {
		notes = append(notes, verdict(f))
	}
	if len(f.Unminted) > 0 {
		notes = append(notes, decode.Explain("RFC 6120 §13.7.2", session.Span{},
			"the server's certificate also has %s; the one shown to the client does not, because xmppscope's CA is limited to %q", decode.Quotes(f.Unminted), f.Domain))
	}
	return notes
}

func certificateRole(i, n int) string {
	switch {
	case i == 0:
		return "the certificate of the peer itself"
	case i == n-1:
		return "the last certificate of the chain that was sent"
	}
	return "an intermediate certificate"
}

func certificateLine(c session.Certificate) string {
	parts := []string{c.Subject}
	for _, names := range []struct {
		kind   string
		values []string
	}{{"DNS", c.DNS}, {"SRV", c.SRV}, {"XMPP", c.XMPP}, {"IP", c.IP}} {
		if len(names.values) > 0 {
			parts = append(parts, names.kind+" "+strings.Join(names.values, " "))
		}
	}
	parts = append(parts, "issued by "+c.Issuer)
	if !c.NotAfter.IsZero() {
		parts = append(parts, "valid until "+c.NotAfter.UTC().Format(time.DateOnly))
	}
	if c.Key != "" {
		parts = append(parts, c.Key)
	}
	return strings.Join(parts, "; ")
}

func expiry(at time.Time, c session.Certificate) []session.Note {
	left := c.NotAfter.Sub(at)
	if c.NotAfter.IsZero() || left <= 0 || left > 14*24*time.Hour {
		return nil // the verdict speaks of what has expired
	}
	n := decode.Explain("RFC 5280 §4.1.2.5", session.Span{}, "the certificate expires in %s", session.Plural(int(left.Hours()/24), "day"))
	n.Severity = session.Notice
	return []session.Note{n}
}

// verdict is check T11: does the chain fit the JID's domain?
func verdict(f *session.TLSFacts) session.Note {
	v := f.Verdict
	how := "the certificate is not valid for %q: %s"
	switch {
	case v.OK:
		return decode.Explain("RFC 6120 §13.7.2", session.Span{}, "the certificate is valid for %q (%s)", f.Domain, v.By)
	case v.Ignored:
		how = "the certificate is not valid for %q, and xmppscope was told to go on: %s"
	case v.Recorded && v.Class == session.ClassUnknownCA:
		how = "the certificate names %q; whether it is to be trusted cannot be told here: %s (--upstream-ca FILE names a CA)"
	case v.By != "":
		how = "the certificate names %q, but it cannot be trusted: %s"
	}
	return decode.Finding("T11", "RFC 6120 §13.7.2", v.Severity(), session.Span{}, how, f.Domain, v.Problem)
}
