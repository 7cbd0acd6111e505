package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"xmppscope/capture"
	"xmppscope/session"
)

// Where people and places stand in a dialogue, found without the code that hides
// them.
var (
	jidAttr   = regexp.MustCompile(`\s(?:to|from|jid|by)=["']([^"']+)["']`)
	idAttr    = regexp.MustCompile(`\s(?:id|previd)=["']([^"']{6,})["']`)
	jidText   = regexp.MustCompile(`<(?:[a-z]+:)?jid[^>/]*>([^<]+)</`)
	resource  = regexp.MustCompile(`<resource[^>/]*>([^<]+)</`)
	wroteText = regexp.MustCompile(`<(?:body|subject|nick|status|name|text|FN|NICKNAME|EMAIL|USERID|username|desc)\b[^>/]*>([^<]+)</`)
)

// wordsOfTheProtocol stand in namespaces, in our sentences, in the formats or
// among the pseudonyms, and are names in some transcripts too.
var wordsOfTheProtocol = regexp.MustCompile(`^(?i:google\.com|.{0,3}|xmppscope|echo|work|home|chat|test|user|phone|this|that|none|hello|away|session|client|server|name|node|data|text|item|info|message|presence|resource|stream|online|pubsub|body|room|admin|auth1|bind-1|sess_1|roster|version|balcony|talk|other|192\.0\.2\.[0-9]+|[0-9]+)$`)

// peopleOf are the names, hosts, identifiers and texts of a dialogue.
func peopleOf(events []session.Event) map[string]string {
	out := map[string]string{}
	jid := func(s string) {
		bare, res, _ := strings.Cut(s, "/")
		local, domain, ok := strings.Cut(bare, "@")
		if !ok {
			local, domain = "", bare
		}
		out[s], out[bare], out[local], out[domain], out[res] = "JID", "JID", "local part", "domain", "resource"
	}
	for _, e := range events {
		raw := string(e.Raw)
		for _, m := range jidAttr.FindAllStringSubmatch(raw, -1) {
			jid(m[1])
		}
		for _, m := range jidText.FindAllStringSubmatch(raw, -1) {
			jid(m[1])
		}
		for _, m := range idAttr.FindAllStringSubmatch(raw, -1) {
			out[m[1]] = "id"
		}
		for _, m := range resource.FindAllStringSubmatch(raw, -1) {
			out[m[1]] = "resource"
		}
		for _, m := range wroteText.FindAllStringSubmatch(raw, -1) {
			out[m[1]] = "text"
		}
		for _, n := range e.Notes {
			switch n.Name {
			case "authcid", "username", "authzid":
				jid(n.Value)
			}
		}
		switch b := e.Body.(type) {
		case session.TLSEstablished:
			out[b.SNI], out[b.Domain] = "SNI", "domain"
			for _, c := range b.Chain {
				out[c.Subject], out[c.SHA256], out[c.Serial] = "subject", "hash", "serial"
			}
		case session.TCPOpened:
			host, _, _ := strings.Cut(b.Peer, ":")
			out[host], out[b.Target] = "address", "target"
		}
	}
	for value := range out {
		if wordsOfTheProtocol.MatchString(strings.TrimSpace(value)) {
			delete(out, value)
		}
	}
	return out
}

// TestHuntPeople looks for every name, address and text in files that should hold
// pseudonyms.
func TestHuntPeople(t *testing.T) {
	o := captureOptions(false)
	o.Pseudonymise = true
	where := func(file []byte) []byte { // in a namespace it names nobody
		return bytes.ReplaceAll(file, []byte("http://jabber.org/"), nil)
	}
	searches := hunt(t, func(capture.Format) capture.Options { return o }, peopleOf, where)
	if searches < 5_000/every {
		t.Errorf("only %d searches", searches)
	}
	t.Logf("%d searches", searches)
}
