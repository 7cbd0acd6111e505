package main

import (
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/viewer"
)

// holds is proxy.Control for the inspector: viewer.Control.
type holds struct{ *proxy.Control }

// Held implements viewer.Control.
func (c holds) Held() (out []viewer.Held) {
	for _, h := range c.Control.Held() {
		held := viewer.Held{
			ID: h.ID, Session: h.Session, Dir: h.Dir, Since: h.Since, Reason: h.Reason, Name: h.Name, XML: h.XML, Shown: h.Shown,
			SenderEnded: h.Ended[0], ReceiverEnded: h.Ended[1],
		}
		for _, b := range h.Behind {
			held.Behind = append(held.Behind, viewer.Behind(b))
		}
		out = append(out, held)
	}
	return out
}

// Decide implements viewer.Control.
func (c holds) Decide(id uint64, v viewer.Verb) error {
	return c.Control.Decide(id, proxy.Decision{XML: v.XML, Drop: v.Drop, Copies: v.Copies, Delay: v.Delay, By: session.ByHand})
}

// Break implements viewer.Control.
func (c holds) Break(text string) error {
	_, err := c.Control.Break(text, false)
	return err
}

// Breakpoints implements viewer.Control.
func (c holds) Breakpoints() (out []viewer.Breakpoint) {
	for _, b := range c.Control.Breakpoints() {
		out = append(out, viewer.Breakpoint{ID: b.ID, Text: b.Text, Hits: b.Hits})
	}
	return out
}

// Unheld implements viewer.Control.
func (c holds) Unheld() (out []viewer.Unheld) {
	for _, u := range c.Control.Unheld() {
		out = append(out, viewer.Unheld(u))
	}
	return out
}

// Inject implements viewer.Control.
func (c holds) Inject(id int, dir session.Dir, xml []byte, reply chan<- []byte) error {
	return c.Control.Inject(id, proxy.Sending{Dir: dir, XML: xml, By: session.ByHand, Reason: "from the inspector", Answer: reply != nil, Reply: reply})
}
