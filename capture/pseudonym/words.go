package pseudonym

import (
	"regexp"
	"strings"
)

// What stays under pseudonyms: the words of the protocol. Everything that is not
// named here goes.

// known are the beginnings of namespaces that are public; those of others may
// name whose they are.
var known = []string{
	"jabber:", "urn:ietf:", "urn:xmpp:", "http://jabber.org/", "http://etherx.jabber.org/", "http://www.w3.org/",
	"vcard-temp", "storage:", "roster:", "urn:xmppscope:", "google:", "http://www.google.com/talk", "urn:cisco:", "http://affinix.com/jabber/",
	"http://xmpp.org/", "eu.siacs.conversations.", "http://prosody.im/", "https://prosody.im/", "urn:prosody:", "p1:", "msg_offline",
}

// spaceURI is what a namespace is made of: a sentence that begins like one is none.
var spaceURI = regexp.MustCompile(`^[A-Za-z0-9:/._#+-]{1,100}$`)

func isKnownSpace(s string) bool {
	if !spaceURI.MatchString(s) {
		return false
	}
	for _, k := range known {
		if strings.HasPrefix(s, k) {
			return true
		}
	}
	return false
}

// How an attribute or the text of an element is treated, by its name. What is in none
// of the sets becomes a placeholder. (Decoded fields say themselves what they hold.)
var (
	jidNames      = set("to from jid by initiator responder actor-jid conference-jid")
	hostNames     = set("host location domain sni realm server service target see-other-host rel-addr ip address")
	userNames     = set("username user authorization-identifier device-user")
	resourceNames = set("resource nick nickname")
	idNames       = set("id previd sid queryid origin-id stanza-id ver hash sha1 node key cid msgid tag device foundation ufrag")
	// spaceAttrs and spaceTexts may hold a namespace.
	spaceAttrs = set("xmlns var node type uri namespace cipher algo encryption event action profile method name ns for")
	spaceTexts = set("value namespace upgrade method feature")
	// keptAttrs have values that the protocol knows.
	keptAttrs = set(`type version lang mechanism h max resume code category ask subscription affiliation role status
		action algo algorithm encoding charset xmlns var senders creator media profile disposition method stamp utc
		seconds size width height priority count index autojoin approved component generation network port protocol
		channels clockrate maxptime ptime format allow`)
	// keptTexts hold a word or a number of the protocol.
	keptTexts = set("mechanism method show priority max count max-bytes max-size max-items upgrade encryption value-type")
)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// plain are the words of our own sentences that may also be someone's name. In a
// sentence they stay, because there they name nobody.
var plain = set(`a about after all an and any are as at be before but by can client connection direct element error events first
	for from has have here in inside into is it its leg login message name new no not of offers on one only or out over
	password peer presence relay request required resource result server session set so stream than that the them then
	there these they this tls to type user version was what when which who will with without xmpp xmppscope iq get chat available
	unavailable subscribe features success failure challenge response auth bind starttls proceed unknown none full plain talk google`)

// word is a value that the protocol may well have: a name in capitals, a number,
// a date, a token of lower-case words.
var word = regexp.MustCompile(`^(?:[A-Z0-9][A-Z0-9_-]{0,39}|[0-9]{1,6}(?:\.[0-9]{1,6})?|true|false|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9:]+))?|TLS [0-9.]+|[a-z]{1,12}(?:-[a-z]{1,12}){0,4}|[a-z]{2}(?:-[A-Z]{2})?|[ynp,=*]{1,6})$`)

// isWord says whether a value, which stands where the protocol has its own, may
// stay. Of several words each must be in capitals, as the names of mechanisms are.
func isWord(s string) bool {
	parts := strings.Fields(s)
	for _, part := range parts {
		if part = strings.Trim(part, ",;"); !word.MatchString(part) || len(parts) > 1 && !capitals.MatchString(part) {
			return strings.HasPrefix(s, "TLS ") && word.MatchString(s)
		}
	}
	return true
}
