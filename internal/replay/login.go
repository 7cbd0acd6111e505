package replay

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/session"
)

// maxSteps bounds the messages of one exchange.
const maxSteps = 20

// mechanism is a SASL exchange from one side: what it says to what the other has said. Nil
// says nothing.
type mechanism interface {
	step(said []byte) (say []byte, err error)
}

// logIn carries out the exchange that is item i, and returns the item to go on with: when
// the server accepts what it refused in the recording, that is behind the exchange that it
// accepted there.
func (p *player) logIn(i int) (int, error) {
	it := &p.items[i]
	a := it.sasl
	var outcome *heard
	var err error
	if p.o.Verbatim {
		outcome, err = p.repeat(it)
	} else {
		outcome, err = p.exchange(it)
	}
	if err != nil {
		return 0, err
	}
	now := outcome.root.Name.Local
	was := treeOf(false, a.outcomeRaw, it.scope)
	p.values.learn(was, outcome.root)
	if now == "success" && p.streamManaged(outcome.root) {
		p.managed, p.count = true, 0
	}
	switch {
	case now == a.outcome && now == "failure":
		if w, n := conditionOf(was), conditionOf(outcome.root); w != n {
			p.departs(it, "the server refuses the login with %s, where the recording has %s", n, w)
		}
		return i + 1, nil
	case now == a.outcome:
		return i + 1, nil
	case now == "failure":
		return 0, p.stop(it, "the server refuses the login (%s), where the recording has %s", conditionOf(outcome.root), outcomeWords(a))
	}
	p.departs(it, "the server accepts the login, where the recording has %s", outcomeWords(a))
	for j := i + 1; j < len(p.items); j++ {
		if b := p.items[j].sasl; b != nil && b.outcome == "success" {
			return j + 1, nil
		}
	}
	return 0, errOver
}

// streamManaged says whether a SASL2 success has turned stream management on inside it.
func (p *player) streamManaged(success *session.Element) bool {
	found := false
	for c := range success.Elements() {
		for _, e := range append(c.Children(), c) {
			found = found || strings.HasPrefix(e.Name.Space, smPrefix) && (e.Name.Local == "enabled" || e.Name.Local == "resumed")
		}
	}
	return found
}

func outcomeWords(a *attempt) string {
	switch a.outcome {
	case "success":
		return "it accepted"
	case "failure":
		return "it refused (" + conditionOf(treeOf(false, a.outcomeRaw, nil)) + ")"
	}
	return "no answer to it"
}

// conditionOf is why a login was refused (RFC 6120 §6.5).
func conditionOf(failure *session.Element) string {
	if failure != nil {
		for c := range failure.Elements() {
			if c.Name.Local != "text" {
				return session.ShortLine(c.Name.Local)
			}
		}
	}
	return "no reason"
}

// exchange logs in with the password, and returns the server's last word.
func (p *player) exchange(it *item) (*heard, error) {
	a := it.sasl
	m, name, err := p.mechanism(it)
	if err != nil {
		return nil, err
	}
	first, err := m.step(nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	opening, sent := p.opening(it, name, first)
	if err := p.line.say(element, opening, p.until()); err != nil {
		return nil, err
	}
	for range maxSteps {
		h, err := p.saslAnswer(it)
		if err != nil {
			return nil, err
		}
		payload, err := payloadOf(h.root)
		if err != nil {
			return nil, p.stop(it, "the server's <%s> is no base64", session.ShortLine(h.root.Name.Local))
		}
		switch h.root.Name.Local {
		case "failure":
			return h, nil
		case "success":
			if payload != nil {
				if _, err := m.step(payload); err != nil {
					p.departs(it, "the server has not proven that it knows the password: %v", err)
				}
			}
			return h, nil
		case "challenge":
			say := first
			if sent || len(payload) > 0 {
				if say, err = m.step(payload); err != nil {
					return nil, p.stop(it, "the server's challenge is not right: %v", err)
				}
			}
			sent = true
			if err := p.line.say(element, saslMessage("response", a.sasl2, say), p.until()); err != nil {
				return nil, err
			}
		default:
			return nil, p.stop(it, "the server sends %s in the login", elementWords(h.root))
		}
	}
	return nil, p.stop(it, "the server ends the login with nothing after %d messages", maxSteps)
}

// repeat says the messages of an exchange as they were recorded.
func (p *player) repeat(it *item) (*heard, error) {
	var last *heard
	if name := it.sasl.mechanism; sasl.ScramHash(name) == nil && !slices.Contains([]string{"ANONYMOUS", "DIGEST-MD5", "EXTERNAL"}, name) {
		if err := p.inClear(); err != nil {
			return nil, err
		}
	}
	for _, m := range it.sasl.said {
		if m.dir != p.mine {
			continue
		}
		if it.missing != "" || strings.Contains(string(m.raw), "[") { // no base64 has it: a placeholder
			return nil, fmt.Errorf("#%d cannot be said as it was recorded: its secrets were taken out", m.seq)
		}
		if err := p.line.say(element, m.raw, p.until()); err != nil {
			return nil, err
		}
		h, err := p.saslAnswer(it)
		if err != nil {
			return nil, err
		}
		if last = h; h.root.Name.Local != "challenge" {
			return h, nil
		}
	}
	return nil, p.stop(it, "the server asks for more than the recording has (%s)", elementWords(last.root))
}

// saslAnswer is the server's next word in an exchange.
func (p *player) saslAnswer(it *item) (*heard, error) {
	until := p.until()
	for {
		h, err := p.next(until, it)
		switch {
		case errors.Is(err, errLate):
			return nil, p.stop(it, "the server has not answered the login within %s", p.o.Wait)
		case err != nil:
			return nil, err
		case h.kind == element && decode.IsSASL(h.root.Name.Space):
			return h, nil
		}
		p.keep(h)
	}
}

// mechanism makes what carries the exchange out: the recorded mechanism, or the best of
// those on offer where that cannot be repeated, as with a token that is of use once.
func (p *player) mechanism(it *item) (mechanism, string, error) {
	a := it.sasl
	user, domain := p.user(a.user)
	if user == "" {
		user, domain = decode.AccountOf(p.account(p.o), p.Domain)
	}
	password, _ := p.o.Password(user, domain)
	if strings.Contains(a.user, "@") { // as the client has written it
		user += "@" + domain
	}
	name := a.mechanism
	if !playable(name) {
		name = p.bestOffered()
		if name == "" {
			return nil, "", p.stop(it, "%s cannot be repeated, and the server offers nothing that can", session.ShortLine(a.mechanism))
		}
		p.departs(it, "%s cannot be repeated: %s is used", session.ShortLine(a.mechanism), name)
	}
	switch {
	case name == "ANONYMOUS":
		return plain(nil), name, nil
	case name == "PLAIN":
		if err := p.inClear(); err != nil {
			return nil, "", err
		}
		return plain(p.values.get(a.authzid) + "\x00" + user + "\x00" + password), name, nil
	}
	m, err := p.scram(a, name, user, password)
	return m, name, err
}

// inClear says why a password may not be sent now, nil if it may.
func (p *player) inClear() error {
	if !p.secret && !p.o.InClear {
		return errors.New("the recording has no TLS, and the password would be sent in the clear: --in-clear does so")
	}
	return nil
}

// tellsPassword says whether an element has a password in it as it is, as logins before SASL
// (XEP-0078) and registrations (XEP-0077) may.
func tellsPassword(e *session.Element) bool {
	if e == nil {
		return false
	}
	for c := range e.Elements() {
		if c.Name.Local == "password" && c.Text() != "" || tellsPassword(c) {
			return true
		}
	}
	return false
}

func playable(name string) bool {
	return name == "PLAIN" || name == "ANONYMOUS" || sasl.ScramHash(name) != nil
}

// bestOffered is the best mechanism on offer that can be carried out, "" if there is none.
func (p *player) bestOffered() string {
	for _, name := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"} {
		if slices.Contains(p.offered, name) {
			return name
		}
	}
	return ""
}

// plain is a mechanism of one message.
type plain []byte

func (m plain) step([]byte) ([]byte, error) { return m, nil }

// scramClient is SCRAM (RFC 5802).
type scramClient struct{ *scram.ClientConversation }

// maxIterations bounds what is computed for a login: a hostile server may ask for any number
// of iterations.
const maxIterations = 1_000_000

func (m scramClient) step(said []byte) ([]byte, error) {
	for field := range strings.SplitSeq(string(said), ",") {
		if i, ok := strings.CutPrefix(field, "i="); ok {
			if n, err := strconv.Atoi(i); err != nil || n > maxIterations {
				return nil, fmt.Errorf("the server asks for %s iterations, and xmppscope stops at %d", session.ShortLine(i), maxIterations)
			}
		}
	}
	say, err := m.Step(string(said))
	if err != nil && said == nil {
		return nil, err
	}
	return []byte(say), err
}

func (p *player) scram(a *attempt, name, user, password string) (mechanism, error) {
	authzid := p.values.get(a.authzid)
	client, err := scram.HashGeneratorFcn(sasl.ScramHash(name)).NewClient(user, password, authzid)
	if err != nil { // SASLprep forbids it, but somebody has set it
		if client, err = scram.HashGeneratorFcn(sasl.ScramHash(name)).NewClientUnprepped(user, password, authzid); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	client = client.WithMinIterations(1)
	switch {
	case decode.IsPlus(name):
		binding, err := p.binding(a.binding)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return scramClient{client.NewConversationWithChannelBinding(binding)}, nil
	case a.advertised:
		return scramClient{client.NewConversationAdvertisingChannelBinding()}, nil
	}
	return scramClient{client.NewConversation()}, nil
}

// binding is what a login with -PLUS is bound to: the recorded type, if the connection has it,
// one that the server names (XEP-0440), or any.
func (p *player) binding(recorded string) (scram.ChannelBinding, error) {
	for _, kind := range slices.Concat([]string{recorded}, p.bindings, []string{session.BindingExporter, session.BindingUnique, session.BindingEndPoint}) {
		if p.o.Binding != nil && kind != "" {
			if data := p.o.Binding(kind); data != nil {
				return scram.ChannelBinding{Type: scram.ChannelBindingType(kind), Data: data}, nil
			}
		}
	}
	return scram.ChannelBinding{}, errors.New("the connection has nothing to bind the login to")
}

// opening is the first message of an exchange, made of the recorded one. It says whether
// what the mechanism says first is in it.
func (p *player) opening(it *item, name string, first []byte) (raw []byte, sent bool) {
	root := treeOf(false, it.raw, it.scope)
	if root == nil {
		return it.raw, false
	}
	a := it.sasl
	var edits []edit
	if name != a.mechanism {
		edits = append(edits, edit{root.AttrSpan("mechanism"), name})
		edits = append(edits, without(root.Child(decode.NSFAST, "fast"))...)
	}
	place := root
	if a.sasl2 {
		place = root.Child("", "initial-response")
	}
	if place != nil && strings.TrimSpace(place.Text()) != "" {
		edits = append(edits, edit{place.TextSpan(), encode(first)})
		sent = true
	}
	for i := range root.Nodes { // what is to be bound, and who we are
		if c := root.Nodes[i].Element; c != nil && c != place && c.Name.Local != "fast" {
			p.values.edit(c, &edits)
		}
	}
	return edited(it.raw, edits), sent
}

// saslMessage is a message inside an exchange, "challenge" or "response".
func saslMessage(name string, sasl2 bool, say []byte) []byte {
	text := ""
	if len(say) > 0 {
		text = encode(say)
	}
	return fmt.Appendf(nil, "<%s xmlns='%s'>%s</%[1]s>", name, saslSpace(sasl2), text)
}

func saslSpace(sasl2 bool) string {
	if sasl2 {
		return decode.NSSASL2
	}
	return decode.NSSASL
}

// encode is a message in base64; an empty one is "=" (RFC 6120 §6.4.2).
func encode(p []byte) string {
	if len(p) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(p)
}

// payloadOf is what a message of SASL carries: nil if there is nothing.
func payloadOf(e *session.Element) ([]byte, error) {
	carrier := sasl.Carrier(e)
	if carrier == nil {
		return nil, nil
	}
	switch text := strings.TrimSpace(carrier.Text()); text {
	case "":
		return nil, nil
	case "=":
		return []byte{}, nil
	default:
		return base64.StdEncoding.DecodeString(text)
	}
}
