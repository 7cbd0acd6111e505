package inspect

import (
	"fmt"
	"time"

	"xmppscope/session"
)

// Table is some facts of an event below a heading.
type Table struct {
	Title   string
	Facts   []session.Fact
	Short   bool                  // their labels are short
	Verdict *session.Verification // of its fact session.FactVerified
}

// Tables are what an event holds beyond XML: facts of a connection or a handshake,
// certificates.
func Tables(e *session.Event) []Table {
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		return tlsTables(&b.TLSFacts)
	case session.TLSFailed:
		refusal := known("Refusal", "by", b.Guilty, "alert", b.Alert, "class", b.Class, "error", b.Err)
		return append([]Table{refusal}, tlsTables(&b.TLSFacts)...)
	case session.TCPOpened:
		peer, local, direct := "peer", "our end", ""
		if b.Captured { // of the two ends none is ours
			peer, local = "client", "server"
		}
		if b.Direct {
			direct = "from the first byte (XEP-0368)"
		}
		return []Table{known("Connection", peer, b.Peer, local, b.Local, "asked", b.Target, "named by", b.Via, "through", b.Through, "took", took(b.Took), "TLS", direct)}
	case session.DNSAnswered:
		t := known("DNS", "question", b.Question, "asked", b.Server, "took", took(b.Took))
		for _, a := range b.Answers {
			t.Facts = append(t.Facts, session.Fact{Label: "answer", Value: a})
		}
		for _, a := range b.Aliases {
			t.Facts = append(t.Facts, session.Fact{Label: "by way of", Value: a})
		}
		return []Table{t}
	case session.TCPTried:
		return []Table{known("Attempt", "address", b.Address, "for", b.Target, "took", took(b.Took))}
	}
	return nil
}

// known is a table of labels and values, without those of which nothing is known.
func known(title string, pairs ...string) Table {
	t := Table{Title: title, Short: true}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			t.Facts = append(t.Facts, session.Fact{Label: pairs[i], Value: pairs[i+1]})
		}
	}
	return t
}

func took(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return session.ShortTime(d)
}

// tlsTables are the facts of a handshake.
func tlsTables(f *session.TLSFacts) []Table {
	out := []Table{{Title: "TLS", Facts: f.Facts(), Verdict: f.Verdict}}
	if f.Hello != nil {
		out = append(out, Table{Title: "Offered by the client of this leg", Facts: f.Hello.Facts()})
	}
	for i := range f.Chain {
		title := "Certificate: leaf"
		if i > 0 {
			title = fmt.Sprintf("Certificate: %d above the leaf", i)
		}
		out = append(out, Table{Title: title, Facts: f.Chain[i].Facts()})
	}
	for i := range f.Client {
		out = append(out, Table{Title: fmt.Sprintf("Certificate of the client: %d", i+1), Facts: f.Client[i].Facts()})
	}
	return out
}

// Trouble is why a connection or a handshake failed, and what to do next; both are
// "" for other events.
func Trouble(e *session.Event) (reason, hint string) {
	switch b := e.Body.(type) {
	case session.TLSFailed:
		return b.Reason, b.Hint
	case session.TCPFailed:
		return b.Reason, b.Hint
	case session.DNSAnswered:
		return b.Problem, ""
	case session.TCPTried:
		return b.Reason, ""
	}
	return "", ""
}
