package capture

import (
	"regexp"
	"strings"

	"xmppscope/session"
)

// Text in Markdown is inert in one of two ways: words that can be nothing but
// words stand as they are, and all else stands in code spans, in which no tracker
// sees a link, a mention, an issue number or HTML.

// mdPiece finds, in a sentence, what has to stay together: a placeholder, what a
// note quotes, an address, a name of a certificate, or a run of anything without a space.
var mdPiece = regexp.MustCompile(`\[[^\[\]"]{1,60} #[0-9]+, [0-9]+ (?:characters|bytes)\]|"[^"]*"|` +
	`[a-z]+://[^\s",;()]*[^\s",;:.!?()]|[^\s",;:()]+:[0-9]{1,5}\b|\b(?:CN|OU?|C|ST|L|DC)=[^",;:()]*[^\s",;:()]|` +
	`[,;.:!?()]+|[^\s",;:()]+`)

// mdWord is what may stand as it is. A tracker can make nothing of it: no dot or
// at sign inside, no underscore, no long hex, nothing that begins a list.
var mdWord = regexp.MustCompile(`^(?:[A-Za-z]{1,6}[0-9]?|[A-Za-z]*[g-zG-Z'][A-Za-z']*(?:-[a-z]+)*[.!?]?|[A-Za-z]{1,6}[.!?]|[0-9]{1,5}(?:\.[0-9]{1,3})?(?:ms|µs|s)?|§[0-9]{1,3}(?:\.[0-9]{1,3}){0,4}|XEP-[0-9]{4}|[,;.:!?()]+|→|·)$`)

// mdSentence is a sentence that may quote the wire.
func mdSentence(s string) string {
	s = session.SafeLine(s)
	var b strings.Builder
	end, code := 0, false
	for _, at := range mdPiece.FindAllStringIndex(s, -1) {
		part := s[at[0]:at[1]]
		word := mdWord.MatchString(part)
		if b.Len() > 0 && (at[0] > end || code && !word) { // two code spans that touch are none
			b.WriteByte(' ')
		}
		if end, code = at[1], !word; code {
			if len(part) > 2 && part[0] == '"' && part[len(part)-1] == '"' {
				part = part[1 : len(part)-1]
			}
			part = mdCode(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// mdCode is a text as a code span, whatever is in it (CommonMark §6.1). A bar
// would end the cell of a table, so it is shown as one that is broken.
func mdCode(s string) string {
	s = strings.ReplaceAll(session.SafeLine(s), "|", "¦")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// mdFence is a block of code, whatever is in it (CommonMark §4.5).
func mdFence(lang, s string) string {
	fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	return fence + lang + "\n" + strings.TrimRight(session.Safe(s), "\n") + "\n" + fence + "\n"
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
