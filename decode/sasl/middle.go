package sasl

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// middle says on the server's offer which logins can live through xmppscope.
var middle = decode.Rule{
	ID: "sasl-middle", Title: "What survives a man in the middle", Ref: "RFC 5056 §2",
	Match: decode.Top(decode.NSStreams, "features").And(func(s *decode.Seen) bool { return between(s.State.TLS) }),
	New:   decode.Stateless(survivors),
}

func survivors(s *decode.Seen) []session.Note {
	one, two := s.State.Mechanisms()
	var live, bound, certificate, shown, endPoint, anew []string
	for _, name := range append(append(one, two...), fastMechanisms(s.State)...) {
		list := &live
		switch {
		case decode.MechanismOf(name).Certificate && substitute(s.State.TLS) != nil:
			list = &shown
		case decode.MechanismOf(name).Certificate:
			list = &certificate
		case decode.BindsChannel(name) && sameCertificate(s.State.TLS) && canEndPoint(s.State, name):
			list = &endPoint
		case decode.BindsChannel(name) && s.State.Rebinds:
			list = &anew
		case decode.BindsChannel(name):
			list = &bound
		}
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	if len(bound)+len(certificate)+len(endPoint)+len(anew)+len(shown) == 0 || s.State.Authenticated { // nothing is lost
		return nil
	}
	var parts []string
	for _, p := range []struct {
		names []string
		text  string
	}{
		{live, "can pass xmppscope: "},
		{endPoint, "can pass as long as the client binds to tls-server-end-point, because it is shown the server's own certificate: "},
		{anew, "can pass with the account's password or token, because xmppscope binds them anew (--rebind): "},
		{shown, "can pass by the certificate that xmppscope has shown in the client's place (--upstream-cert): "},
		{bound, "cannot pass, because their proof covers the TLS connection, which ends here: "},
		{certificate, "cannot pass, because it needs the client's certificate, which ends here: "},
	} {
		if len(p.names) > 0 {
			parts = append(parts, p.text+strings.Join(p.names, " "))
		}
	}
	n := decode.Say(session.Info, s.Root.Tag, "%s", strings.Join(parts, "; "))
	if len(bound)+len(certificate) > 0 {
		n.Severity = session.Notice
	}
	if len(bound) > 0 && len(live)+len(anew)+len(shown) == 0 {
		n.Severity = session.Warning
		n.Text += "; no client can log in through xmppscope while the server offers nothing else"
	}
	return []session.Note{n}
}

// canEndPoint says whether a mechanism may bind to tls-server-end-point: where its name
// does not fix the type, it takes what the server offers (XEP-0440).
func canEndPoint(state *decode.State, name string) bool {
	if kind, fixed := decode.BindingOf(name); fixed {
		return kind == session.BindingEndPoint
	}
	types := bindingOffer(state.Features())
	return len(types) == 0 || slices.Contains(types, session.BindingEndPoint)
}
