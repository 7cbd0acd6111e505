package replay

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/xdg-go/scram"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/session"
)

// errRefused is a login that does not prove the password.
var errRefused = errors.New("the client's password is another")

// acceptor is the server's side of a mechanism: what it says to what the client has said,
// and whether that was all.
type acceptor interface {
	step(said []byte) (say []byte, over bool, err error)
}

// letIn carries out an exchange as the server. The recording says whether the client is let
// in; if it is, its password has to be right.
func (p *player) letIn(it *item, h *heard) (bool, error) {
	a := it.sasl
	name := h.root.Attr("mechanism")
	if name != a.mechanism {
		p.departs(it, "the client logs in with %s, where the recording has %s", session.ShortLine(name), session.ShortLine(a.mechanism))
	}
	m, known := p.acceptor(name)
	said, err := payloadOf(h.root)
	if err != nil {
		return false, p.refuse(a, "incorrect-encoding")
	}
	challenges := 0
	for _, m := range a.said {
		if m.name == "challenge" {
			challenges++
		}
	}
	var say []byte
	over := false
	for step := 0; ; step++ {
		if a.outcome != "success" && step >= challenges { // it was not let in, whatever it proves
			return false, p.asRecorded(it)
		}
		if said == nil && step == 0 { // RFC 6120 §6.4.2: an empty <auth/> asks for an empty challenge
			if said, err = p.challenge(it, a.sasl2, nil); err != nil {
				return false, err
			}
		}
		if say, over, err = m.step(said); err != nil {
			p.departs(it, "the login is refused, where the recording has %s: %v", outcomeWords(a), err)
			return false, p.refuse(a, "not-authorized")
		}
		if over {
			break
		}
		if step == maxSteps {
			return false, p.stop(it, "the login takes more than %d messages", maxSteps)
		}
		if said, err = p.challenge(it, a.sasl2, say); err != nil {
			return false, err
		}
	}
	if a.outcome != "success" {
		return false, p.asRecorded(it)
	}
	if !known {
		p.departs(it, "a login with %s is accepted unseen: only SCRAM and PLAIN are checked", session.ShortLine(name))
	}
	p.values.learn(it.tree(), h.root)
	return true, p.accept(it, say)
}

// acceptor is who checks a login with a mechanism; known is false where nobody can.
func (p *player) acceptor(name string) (m acceptor, known bool) {
	user, domain := decode.AccountOf(p.account(p.o), p.Domain)
	password, _ := p.o.Password(user, domain)
	switch hash := sasl.ScramHash(name); {
	case name == "PLAIN":
		return plainAcceptor{user, domain, password}, true
	case hash != nil && !decode.IsPlus(name):
		server, err := scram.HashGeneratorFcn(hash).NewServer(func(asked string) (scram.StoredCredentials, error) {
			if who, at := decode.AccountOf(asked, domain); who != user || at != domain {
				return scram.StoredCredentials{}, fmt.Errorf("there is no account %q here", session.ShortLine(asked))
			}
			client, err := scram.HashGeneratorFcn(hash).NewClientUnprepped(asked, password, "")
			if err != nil {
				return scram.StoredCredentials{}, err
			}
			return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of a replay", Iters: 4096})
		})
		if err == nil {
			return &scramAcceptor{server.NewConversation()}, true
		}
	}
	return unchecked{}, false
}

// plainAcceptor is PLAIN (RFC 4616).
type plainAcceptor struct{ user, domain, password string }

func (a plainAcceptor) step(said []byte) ([]byte, bool, error) {
	parts := bytes.Split(said, []byte{0})
	if len(parts) != 3 {
		return nil, false, errors.New("it is no message of PLAIN")
	}
	user, domain := decode.AccountOf(string(parts[1]), a.domain)
	if user != a.user || domain != a.domain || string(parts[2]) != a.password {
		return nil, false, errRefused
	}
	return nil, true, nil
}

// scramAcceptor is SCRAM.
type scramAcceptor struct{ *scram.ServerConversation }

func (a *scramAcceptor) step(said []byte) ([]byte, bool, error) {
	say, err := a.Step(string(said))
	if err != nil {
		return nil, false, err
	}
	if a.Done() && !a.Valid() {
		return nil, false, errRefused
	}
	return []byte(say), a.Done(), nil
}

// unchecked lets everybody in.
type unchecked struct{}

func (unchecked) step([]byte) ([]byte, bool, error) { return nil, true, nil }

// challenge asks the client, and returns its answer.
func (p *player) challenge(it *item, sasl2 bool, say []byte) ([]byte, error) {
	if err := p.line.say(element, saslMessage("challenge", sasl2, say), p.until()); err != nil {
		return nil, err
	}
	h, err := p.next(p.until(), it)
	switch {
	case errors.Is(err, errLate):
		return nil, p.stop(it, "the client has not answered the challenge within %s", p.o.Wait)
	case err != nil:
		return nil, err
	case h.kind != element || h.root.Name.Local != "response":
		return nil, p.stop(it, "the client sends %s in the login", elementWords(h.root))
	}
	said, err := payloadOf(h.root)
	if err != nil {
		return nil, p.stop(it, "the client's message is no base64")
	}
	if said == nil {
		said = []byte{}
	}
	return said, nil
}

// refuse ends an exchange with a failure of our own.
func (p *player) refuse(a *attempt, condition string) error {
	return p.line.say(element, fmt.Appendf(nil, "<failure xmlns='%s'><%s xmlns='%s'/></failure>", saslSpace(a.sasl2), condition, decode.NSSASL), p.until())
}

// asRecorded ends an exchange with what the server said to it then, if it was no success.
func (p *player) asRecorded(it *item) error {
	if it.sasl.outcome != "failure" {
		return p.stop(it, "the recording has no answer to this login")
	}
	return p.line.say(element, it.sasl.outcomeRaw, p.until())
}

// accept ends an exchange with the recorded success, in which the proof is that of now.
func (p *player) accept(it *item, proof []byte) error {
	a := it.sasl
	root := treeOf(false, a.outcomeRaw, it.scope)
	if root == nil {
		return p.line.say(element, fmt.Appendf(nil, "<success xmlns='%s'>%s</success>", saslSpace(a.sasl2), base64.StdEncoding.EncodeToString(proof)), p.until())
	}
	if p.streamManaged(root) {
		p.managed, p.count = true, 0
	}
	p.nameNow(root)
	var edits []edit
	data := root.Child("", "additional-data")
	for i := range root.Nodes {
		if c := root.Nodes[i].Element; c != nil && c != data && c.Name.Local != "token" {
			p.values.edit(c, &edits)
		}
	}
	switch text := encode(proof); {
	case !a.sasl2 && len(proof) == 0:
		return p.line.say(element, fmt.Appendf(nil, "<success xmlns='%s'/>", decode.NSSASL), p.until())
	case !a.sasl2:
		return p.line.say(element, withText(a.outcomeRaw, root, text), p.until())
	case len(proof) == 0:
		edits = append(edits, without(data)...)
	case data != nil:
		edits = append(edits, edit{data.TextSpan(), text})
	default:
		at := root.Tag.End
		edits = append(edits, edit{session.Span{Start: at, End: at}, "<additional-data>" + text + "</additional-data>"})
	}
	return p.line.say(element, edited(a.outcomeRaw, edits), p.until())
}

// nameNow learns the full JID that the recording binds: that of the account that has logged
// in, with the resource that it asked for.
func (p *player) nameNow(root *session.Element) {
	for _, name := range []string{"authorization-identifier", "jid"} {
		c := root.Child("", name)
		if bind := root.Child(decode.NSBind, "bind"); c == nil && bind != nil {
			c = bind.Child("", name)
		}
		if c == nil {
			continue
		}
		bare, resource, full := strings.Cut(strings.TrimSpace(c.Text()), "/")
		if full {
			p.values.put(bare+"/"+resource, p.values.get(bare)+"/"+p.values.get(resource))
		}
	}
}
