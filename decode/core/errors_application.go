package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

// Namespaces of conditions that say more than the defined one.
const (
	nsErrors       = "urn:xmpp:errors "
	nsPubSubErrors = "http://jabber.org/protocol/pubsub#errors "
	nsCommands     = "http://jabber.org/protocol/commands "
	nsJingleErrors = "urn:xmpp:jingle:errors:1 "
	nsJingleFT     = "urn:xmpp:jingle:apps:file-transfer:errors:0 "
	nsUpload       = "urn:xmpp:http:upload:0 "
	nsSMErrors     = "urn:xmpp:sm:3 "
)

// applicationConditions explains them by "namespace local" (RFC 6120 §4.9.4 and
// §8.3.4 leave them to extensions).
var applicationConditions = map[string]condition{
	nsErrors + "stanza-too-big":          {"XEP-0205", "a stanza is larger than the server takes", "a picture or a history in one stanza; send it in parts, or upload it"},
	nsErrors + "too-many-stanzas":        {"XEP-0205", "stanzas come faster than the server takes them", "a loop in the client, or a queue sent at once"},
	nsErrors + "resource-limit-exceeded": {"XEP-0205", "the account has as many connections as it may", "sessions that were lost and have not timed out yet, or a client that connects again and again"},

	nsPubSubErrors + "closed-node":                    {"XEP-0060 §6.1.3", "nobody may subscribe to the node any more", "its owner has closed it"},
	nsPubSubErrors + "configuration-required":         {"XEP-0060 §6.1.3", "the subscription has to be configured before it counts", "the options form was not filled in"},
	nsPubSubErrors + "invalid-jid":                    {"XEP-0060 §6.1.3", "the address to subscribe is not the sender's", "a bare JID where a full one was meant, or the other way round"},
	nsPubSubErrors + "invalid-options":                {"XEP-0060 §6.3", "the options of the subscription are not acceptable", "a field or value that the service does not know"},
	nsPubSubErrors + "invalid-payload":                {"XEP-0060 §7.1.3", "the item's content is not what the node takes", "another namespace than the node's type, or more than one element"},
	nsPubSubErrors + "invalid-subid":                  {"XEP-0060 §6.2.3", "there is no subscription with this id", "it was ended before, or the id belongs to another node"},
	nsPubSubErrors + "item-forbidden":                 {"XEP-0060 §7.1.3", "the node takes no content of this kind", "a rule of its owner"},
	nsPubSubErrors + "item-required":                  {"XEP-0060 §7.1.3", "the node wants an item, and none was sent", "an empty publish"},
	nsPubSubErrors + "jid-required":                   {"XEP-0060 §6.2.3", "the request does not say whose subscription it is about", "the jid attribute is missing"},
	nsPubSubErrors + "max-items-exceeded":             {"XEP-0060 §7.1.3", "the node holds as many items as it may", "old items have to go first"},
	nsPubSubErrors + "max-nodes-exceeded":             {"XEP-0060 §8.1", "the account owns as many nodes as it may", "old nodes have to go first"},
	nsPubSubErrors + "nodeid-required":                {"XEP-0060 §8.1", "the request names no node, and the service does not make up names", "the node attribute is missing"},
	nsPubSubErrors + "not-in-roster-group":            {"XEP-0060 §6.1.3", "the node is for contacts of a group, and the sender is not in it", "the owner's contact list decides"},
	nsPubSubErrors + "not-subscribed":                 {"XEP-0060 §6.2.3", "the sender has no subscription there", "it was never made, or has ended"},
	nsPubSubErrors + "payload-required":               {"XEP-0060 §7.1.3", "the item has no content, and the node wants some", "an item with an id alone"},
	nsPubSubErrors + "payload-too-big":                {"XEP-0060 §7.1.3", "the item is larger than the node takes", "an avatar or a list that has grown"},
	nsPubSubErrors + "pending-subscription":           {"XEP-0060 §6.1.3", "the subscription waits for the owner's approval", "asking again does not help"},
	nsPubSubErrors + "precondition-not-met":           {"XEP-0060 §7.1.5", "the node exists, and is not set up as the publisher demands (publish-options)", "it was made with another access model or length; configure the node, or delete it and publish anew"},
	nsPubSubErrors + "presence-subscription-required": {"XEP-0060 §6.1.3", "the node is for those who may see its owner's presence", "the two have not subscribed to each other"},
	nsPubSubErrors + "subid-required":                 {"XEP-0060 §6.2.3", "there are several subscriptions, and the request does not say which", "the subid attribute is missing"},
	nsPubSubErrors + "too-many-subscriptions":         {"XEP-0060 §6.1.3", "the sender has as many subscriptions as it may", "old ones have to go first"},
	nsPubSubErrors + "unsupported":                    {"XEP-0060", "the service lacks a feature", "its name stands in the attribute feature"},
	nsPubSubErrors + "unsupported-access-model":       {"XEP-0060 §8.1", "the service does not know this access model", "a typo, or a smaller service"},

	nsCommands + "bad-action":       {"XEP-0050 §4.4", "the command does not know this action", "next or prev where the stage has none"},
	nsCommands + "bad-locale":       {"XEP-0050 §4.4", "the command does not speak this language", "xml:lang of the request"},
	nsCommands + "bad-payload":      {"XEP-0050 §4.4", "the form that was handed in is not what the stage wants", "a field is missing or wrong"},
	nsCommands + "bad-sessionid":    {"XEP-0050 §4.4", "the command's session is not known", "the session id was left out or changed"},
	nsCommands + "malformed-action": {"XEP-0050 §4.4", "the action makes no sense", "a typo in the attribute action"},
	nsCommands + "session-expired":  {"XEP-0050 §4.4", "the command's session has timed out", "too long between two stages: begin again"},

	nsJingleErrors + "out-of-order":      {"XEP-0166", "the request does not fit the state of the call", "an answer that came late, or twice"},
	nsJingleErrors + "tie-break":         {"XEP-0166", "both sides did the same at the same time, and the other one's counts", "a call from both ends: wait for the other's request"},
	nsJingleErrors + "unknown-session":   {"XEP-0166", "the call is not known", "it has ended, or another device has it"},
	nsJingleErrors + "unsupported-info":  {"XEP-0166", "this kind of information about a call is not known there", "an extension that the other client lacks"},
	nsJingleErrors + "security-required": {"XEP-0166", "the other side wants the media encrypted", "the offer has no encryption that it knows"},

	nsJingleFT + "file-not-available": {"XEP-0234", "the file is not there any more", "it was moved or deleted"},
	nsJingleFT + "file-too-large":     {"XEP-0234", "the file is larger than the receiver takes", "its limit stands beside"},

	"urn:xmpp:blocking:errors blocked": {"XEP-0191", "the sender has blocked this contact", "unblock it first"},
	nsUpload + "file-too-large":        {"XEP-0363 §5", "the file is larger than the server takes", "max-file-size says how large it may be"},
	nsUpload + "retry":                 {"XEP-0363 §5", "the quota for uploads is used up for now", "the stamp says when to try again"},

	"urn:xmpp:sm:2 handled-count-too-high": tooHigh,
	nsSMErrors + "handled-count-too-high":  tooHigh,

	"http://jabber.org/protocol/compress processing-failed": {"XEP-0138 §4", "the compressed data could not be read", "it was damaged, or not compressed at all"},
	"urn:xmpp:reporting:1 abuse":                            {"XEP-0377", "the message counts as abuse", "a report of its receivers"},
}

var tooHigh = condition{"XEP-0198 §5", "more stanzas were acknowledged than were sent", "one side counts wrongly, or stanzas were added or dropped on the way"}

// applicationCondition explains the element beside the defined condition; ref is
// that of conditions that are not known here.
func applicationCondition(c *session.Element, ref string) session.Note {
	n := field(ref, "application-condition", c.Name.Local, c.Span, "a detail of "+decode.Quote(c.Name.Space)).Is(session.Word)
	known, ok := applicationConditions[c.Name.Space+" "+c.Name.Local]
	if !ok {
		return n
	}
	n.Ref, n.Text = known.ref, known.meaning+" ("+known.cause+")"
	for _, attr := range []string{"h", "send-count", "feature", "stamp"} {
		if v := c.Attr(attr); v != "" {
			n.Text += ", " + attr + "=" + decode.Quote(v)
		}
	}
	for _, limit := range []string{"max-file-size", "max-size"} {
		if part := c.Child("", limit); part != nil {
			n.Text += ", " + limit + "=" + decode.Quote(part.Text())
		}
	}
	return n
}
