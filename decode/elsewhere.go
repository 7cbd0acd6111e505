package decode

// Elsewhere says what it means for us that the client is sent to another place: the end of a
// sentence, "" for a capture. Kept says that --keep leads clients back from there.
func (s *State) Elsewhere(kept bool) string {
	switch {
	case s.Captured:
		return ""
	case s.Follows:
		return ", where xmppscope sees it too"
	case kept:
		return ", past xmppscope unless it is led back (--keep)"
	}
	return ", past xmppscope"
}
