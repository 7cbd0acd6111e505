package decode

// open pushes an element whose name begins at an offset.
func (s *Scanner) open(at int64) {
	if s.depth == s.top {
		s.topName, s.nameLen, s.nameAt = s.topName[:0], 0, at
	}
	s.depth++
	if len(s.starts) < maxDepth {
		s.starts = append(s.starts, len(s.names))
	}
}

// name adds a part of the innermost open element's name, as far as there is room.
func (s *Scanner) name(part []byte) {
	if s.tracked() {
		s.names = append(s.names, part[:min(len(part), maxNames-len(s.names))]...)
	}
	if s.depth-1 == s.top {
		part = part[:min(len(part), maxNames-s.nameLen)]
		s.topName = append(s.topName, part...)
		s.nameLen += len(part)
	}
}

// tracked says whether the innermost element's name is among those we compare.
func (s *Scanner) tracked() bool { return s.depth == len(s.starts) && len(s.names) < maxNames }

// openName is the name of the innermost open element, as far as it is known.
func (s *Scanner) openName() []byte {
	if s.depth == 0 || s.depth > len(s.starts) {
		return nil
	}
	return s.names[s.starts[s.depth-1]:]
}

// matchName compares the next part of an end tag's name and returns how much of
// it fits.
func (s *Scanner) matchName(part []byte) int {
	if !s.tracked() {
		return len(part)
	}
	open := s.openName()[s.match:]
	n := 0
	for n < len(part) && n < len(open) && part[n] == open[n] {
		n++
	}
	s.match += n
	return n
}

// nameDone says whether the whole name of the end tag has been compared.
func (s *Scanner) nameDone() bool { return !s.tracked() || s.match == len(s.openName()) }

// close pops the innermost open element.
func (s *Scanner) close() {
	if s.depth == len(s.starts) {
		last := len(s.starts) - 1
		s.names, s.starts = s.names[:s.starts[last]], s.starts[:last]
	}
	s.depth--
}

// What <!… turned out to be.
const (
	bangMore = iota
	bangComment
	bangCDATA
	bangWrong
)

// bang takes one byte after "<!" and says what it is the beginning of. Progress
// towards "[CDATA[" is counted upwards in s.match, "--" is -1 after its first.
func (s *Scanner) bang(c byte) int {
	const cdata = "[CDATA["
	switch {
	case s.match == 0 && c == '-':
		s.match = -1
		return bangMore
	case s.match == -1 && c == '-':
		s.state, s.match = inComment, 0
		return bangComment
	case s.match >= 0 && c == cdata[s.match]:
		if s.match++; s.match == len(cdata) {
			s.state, s.match = inCDATA, 0
			return bangCDATA
		}
		return bangMore
	}
	return bangWrong
}

// skipTo looks for the end of a comment ("-->") or of CDATA ("]]>") and returns
// how far it came.
func (s *Scanner) skipTo(p []byte) int {
	mark := byte('-')
	if s.state == inCDATA {
		mark = ']'
	}
	for i, c := range p {
		switch {
		case c == mark:
			s.match = min(s.match+1, 2)
		case c == '>' && s.match == 2:
			s.state = inText
			return i + 1
		default:
			s.match = 0
		}
	}
	return len(p)
}

// skipPI looks for the end of a processing instruction. On the first level
// "<?xml " makes the frame one that a stream header has to follow.
func (s *Scanner) skipPI(p []byte) int {
	const xml = "xml"
	for i, c := range p {
		switch {
		case s.match < len(xml) && c == xml[s.match]:
			s.match++
		case s.match == len(xml) && (isSpace[c] || c == '?'):
			s.prefix = s.depth == s.top
			s.match = piBody
			if c == '?' {
				s.match = piQuestion
			}
		case c == '?':
			s.match = piQuestion
		case c == '>' && s.match == piQuestion:
			s.state = inText
			return i + 1
		default:
			s.match = piBody
		}
	}
	return len(p)
}

// Progress in a processing instruction behind its target.
const (
	piBody     = 100
	piQuestion = 101
)
