package decode

import "xmppscope/session"

// offer is what the server offers. It is looked at during the login, and hardly
// ever after it: then its text will do.
type offer struct {
	text  string
	scope Scope            // around it
	guess bool             // scope is guessed, and there may be more
	tree  *session.Element // nil while nobody has asked for it
}

// Features is the newest stream:features of the server, nil before the first.
func (s *State) Features() *session.Element {
	if s.features == nil {
		return nil
	}
	return s.features.element()
}

func (o *offer) element() *session.Element {
	if o.tree == nil {
		o.tree, _ = new(Trees).parse(o.text, o.scope, o.guess)
	}
	return o.tree
}

// shelve lets go of the tree; it can be made again.
func (o *offer) shelve() {
	if o != nil {
		o.tree = nil
	}
}
