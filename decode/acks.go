package decode

import "xmppscope/session"

// Acks counts the stanzas of each direction, as both ends do with stream management
// (XEP-0198): from enable (the client's) and enabled (the server's) on, modulo 2^32.
type Acks struct {
	Counting [3]bool
	Sent     [3]uint32 // by the direction's sender, since counting began
	Acked    [3]uint32 // highest h that the receiver has told
	Unknown  bool      // what was sent is not known: an element could not be read, or a resume did not say
}

// Unacked is how many stanzas of a direction wait in the queue of their sender.
func (a *Acks) Unacked(dir session.Dir) uint32 { return a.Sent[dir] - a.Acked[dir] }

// Known says whether it is known what a direction's sender has sent.
func (a *Acks) Known(dir session.Dir) bool { return a.Counting[dir] && !a.Unknown }
