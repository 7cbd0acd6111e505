package xep_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/xep"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// explained is what is said of one element, with no stream around it.
func explained(raw string) session.Event {
	d := decode.NewSession(xmpptest.Rules(), new(session.Book))
	return d.Explain(session.Seen{Session: 1, Seq: 1, Leg: session.ServerLeg, Dir: session.S2C,
		Body: session.StreamElement{}, Raw: []byte(raw), Size: int64(len(raw))})
}

// names says whether a note of the event names the specification, or refers to it.
func names(e session.Event, spec string) bool {
	return slices.ContainsFunc(e.Notes, func(n session.Note) bool {
		rest, ok := strings.CutPrefix(n.Ref, spec)
		return ok && (rest == "" || rest[0] == ' ') || strings.Contains(n.Text, spec)
	})
}

// entry is a line of namespaces.txt.
type entry struct {
	spec, title string
	mark        byte
	name        string
}

func entries(t testing.TB) (out []entry) {
	text, err := os.ReadFile("namespaces.txt")
	if err != nil {
		t.Fatal(err)
	}
	var spec, title string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case strings.IndexByte(" -?~+*", line[0]) >= 0:
			out = append(out, entry{spec, title, line[0], line[1:]})
		default:
			parts := append(strings.Split(line, "\t"), "", "")
			spec, title = parts[0], parts[2]
		}
	}
	if len(out) < 900 {
		t.Fatalf("%d names in the table", len(out))
	}
	return out
}

// TestEveryNamespace: whatever the namespace, and wherever it turns up, the notes
// name the specification that it belongs to.
func TestEveryNamespace(t *testing.T) {
	shapes := map[string]string{
		"iq":        `<iq type='set' id='1' from='a@b/c'><x xmlns='NS'/></iq>`,
		"result":    `<iq type='result' id='1' from='a@b/c'><x xmlns='NS'><y/></x></iq>`,
		"message":   `<message from='a@b/c'><body>hi</body><x xmlns='NS'>t</x></message>`,
		"presence":  `<presence xmlns='jabber:client' from='a@b/c'><x xmlns='NS' a='b'/></presence>`,
		"forwarded": `<message from='a@b'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><x xmlns='NS'/></message></forwarded></received></message>`,
		"item":      `<message from='a@b'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'><item id='1'><x xmlns='NS'/></item></items></event></message>`,
		"top":       `<x xmlns='NS'/>`,
	}
	for _, e := range entries(t) {
		if e.mark == '+' || e.mark == '*' || decode.IsContentNS(e.name) || e.name == "http://www.w3.org/XML/1998/namespace" {
			continue
		}
		want := e.spec
		if _, used, ok := strings.Cut(e.title, "XEP-"); want == "foreign" && ok {
			want = "XEP-" + used[:4]
		} else if want == "foreign" {
			want = e.title
		}
		for shape, xml := range shapes {
			got := explained(strings.ReplaceAll(xml, "NS", e.name))
			if !names(got, want) {
				t.Errorf("%s in %s: nothing names %q", e.name, shape, want)
			}
			for _, n := range got.Notes {
				if strings.Contains(n.Text, "fault of xmppscope") || strings.HasPrefix(n.Text, "not explained") {
					t.Errorf("%s in %s: %s", e.name, shape, n.Text)
				}
			}
		}
	}
}

// TestEveryFeature: each feature of a disco#info answer is named.
func TestEveryFeature(t *testing.T) {
	for _, e := range entries(t) {
		if e.mark == '*' {
			continue
		}
		got := explained(`<iq type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><feature var='` + e.name + `'/></query></iq>`)
		i := slices.IndexFunc(got.Notes, func(n session.Note) bool { return n.Name == "feature" && n.Value == e.name })
		want := e.spec
		if want == "foreign" {
			want = e.title
		}
		if i < 0 || !strings.Contains(got.Notes[i].Text, want) {
			t.Errorf("the feature %q is not named as %q: %+v", e.name, want, got.Notes)
		}
	}
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]string{
		"urn:xmpp:mam:2":              "XEP-0313: Message Archive Management (Stable)",
		"urn:xmpp:mam:2+notify":       "XEP-0313: Message Archive Management (Stable)",
		"urn:xmpp:mam:1":              "XEP-0313: Message Archive Management (Stable), an older namespace of it",
		"urn:xmpp:mam:9":              "XEP-0313: Message Archive Management (Stable), another version of its namespace",
		"urn:xmpp:ping:0":             "XEP-0199: XMPP Ping (Final), another version of its namespace",
		"urn:xmpp:carbons":            "XEP-0280: Message Carbons (Stable), another version of its namespace",
		"jabber:iq:auth":              "XEP-0078: Non-SASL Authentication (Obsolete, superseded by RFC 6120)",
		"jabber:iq:roster":            "RFC 6121: roster (contact list)",
		"jabber:iq:avatar":            "XEP-0008: IQ-Based Avatars (Obsolete, superseded by XEP-0084), probably",
		"games:board":                 "XEP-0390: Entity Capabilities 2.0 (Deferred), seen in its examples only",
		"google:shared-status":        "Google Talk: shared status (a vendor's extension)",
		"google:never-seen":           "Google Talk (a vendor's extension)",
		"http://www.w3.org/2005/Atom": "Atom, which is not of XMPP",
		"http://www.xmpp.org/extensions/xep-0060.html#ns":          "XEP-0060: Publish-Subscribe (Stable), a temporary name",
		"https://xmpp.org/extensions/xep-9999.html#x":              "XEP-9999, a temporary name",
		"urn:xmpp:tmp:carbons:0":                                   "XEP-0280: Message Carbons (Stable), a temporary name",
		"urn:xmpp:tmp:never-seen":                                  "XEP: an early version of one, a temporary name",
		"http://jabber.org/protocol/admin#add-user":                "XEP-0133: Service Administration (Active), a name below its own",
		"eu.siacs.conversations.axolotl.bundles:31415":             "XEP-0384: OMEMO Encryption (Experimental), a name below its own",
		"urn:xmpp:jingle:apps:something-new:0":                     "XEP-0166: Jingle (Stable), a name below its own",
		"http://jabber.org/protocol/amp?action=drop":               "XEP-0079: Advanced Message Processing (Stable)",
		"urn:xmpp:order-by:1@urn:xmpp:mam:2":                       "XEP-0413: Order-By (Experimental)",
		"http://jabber.org/protocol/pubsub#something-not-in-table": "XEP-0060: Publish-Subscribe (Stable), a name below its own",
		"http://prosody.im/protocol/whatever":                      "Prosody (a vendor's extension)",
		"urn:xmpp:whatever:0":                                      "",
		"http://example.org/ns":                                    "",
		"":                                                         "",
		"urn:xmpp:":                                                "",
		"jabber:":                                                  "",
	} {
		got := ""
		if spec, ok := xep.Named(name); ok {
			got = spec.String()
		}
		if got != want {
			t.Errorf("Named(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestNamingIsLast: it can only see what others have said if it comes after them.
func TestNamingIsLast(t *testing.T) {
	rules := xep.Rules()
	if last := rules[len(rules)-1].ID; last != "xep-namespace" {
		t.Errorf("the last rule is %q", last)
	}
	if again := xep.Rules(); len(again) != len(rules) {
		t.Errorf("%d rules, then %d", len(rules), len(again))
	}
}

// TestFragments: pieces as specifications print them, with no stream around them
// and prefixes that nobody declares.
func TestFragments(t *testing.T) {
	for raw, spec := range map[string]string{
		`<r xmlns='urn:xmpp:sm:3'/>`:                "XEP-0198",
		`<a xmlns='urn:xmpp:sm:3' h='1'/>`:          "XEP-0198",
		`<enable xmlns='urn:xmpp:sm:3'/>`:           "XEP-0198",
		`<failed xmlns='urn:xmpp:sm:3'/>`:           "XEP-0198",
		`<active xmlns='urn:xmpp:csi:0'/>`:          "XEP-0352",
		`<handshake>ab</handshake>`:                 "XEP-0114",
		`<db:result from='a' to='b'>ab</db:result>`: "XEP-0220",
		`<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>`:                                            "XEP-0138",
		`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response/></authenticate>`:                                        "XEP-0388",
		`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><bind xmlns='urn:xmpp:bind:0'/></authenticate>`:                            "XEP-0386",
		`<success xmlns='urn:xmpp:sasl:2'><token xmlns='urn:xmpp:fast:0' token='x'/></success>`:                                             "XEP-0484",
		`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com'/>`:                                                              "RFC 7395",
		`<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>`:                                                                    "XEP-0198",
		`<stream:features><limits xmlns='urn:xmpp:stream-limits:0'/></stream:features>`:                                                     "XEP-0478",
		`<stream:features><compression xmlns='http://jabber.org/features/compress'/></stream:features>`:                                     "XEP-0138",
		`<stream:features><x xmlns='urn:xmpp:features:pipelining'/></stream:features>`:                                                      "XEP-0305",
		`<body rid='1' xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1'/>`:                          "XEP-0206",
		`<x xmlns='jabber:x:data' type='form'/>`:                                                                                            "XEP-0004",
		`<jingle xmlns='urn:xmpp:jingle:1'><content><description xmlns='urn:xmpp:jingle:apps:rtp:1'/></content></jingle>`:                   "XEP-0167",
		`<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:ping'/></query>`:                                       "XEP-0030",
		`<message><thread>1</thread></message>`:                                                                                             "XEP-0201",
		`<message><body>/me waves</body></message>`:                                                                                         "XEP-0245",
		`<iq type='error'><query xmlns='jabber:iq:version'/><error type='cancel'/></iq>`:                                                    "XEP-0092",
		`<iq type='error'><error type='cancel'><blocked xmlns='urn:xmpp:blocking:errors'/></error></iq>`:                                    "XEP-0191",
		`<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='http://jabber.org/protocol/mood'/></pubsub></iq>`: "XEP-0107",
		`<iq type='set'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/rc#forward'/></iq>`:           "XEP-0146",
		`<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>http://jabber.org/network/serverinfo</value></field></x></query></iq>`: "XEP-0157",
	} {
		if got := explained(raw); !names(got, spec) {
			t.Errorf("%s: nothing names %s: %+v", raw, spec, got.Notes)
		}
	}
}
