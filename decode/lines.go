package decode

import (
	"bytes"
	"slices"
	"strings"
)

// lines are those of a client that speaks another protocol than XMPP, one of lines of
// text, such as IMAP, POP3, SMTP or IRC: some hold a login. They come in pieces.
type lines struct {
	begun []byte // what has come of the line, in lower case; the beginning of a long one
	owed  int    // how many lines may be the answers to a login that has begun

	literal bool // IMAP: the next one is an answer, whatever is in it
}

// logins are the commands that a password or the like follows. Some protocols have a tag
// before it; on IRC it may be told to a service.
var logins = []string{"login", "authenticate", "auth", "pass", "acct", "apop", "oper", "identify"}

const (
	maxLine    = 64 // how much of a line is looked at for a command
	maxAnswers = 2  // to AUTH LOGIN of SMTP: the user's name and the password
)

// login takes the next bytes, and returns where in them a secret begins, -1 if none does.
func (l *lines) login(raw []byte) int {
	found := -1
	for at := 0; at < len(raw); {
		end := len(raw)
		if i := bytes.IndexByte(raw[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if i := l.part(raw[at:end]); i >= 0 && found < 0 {
			found = at + i
		}
		if raw[end-1] == '\n' {
			l.begun = l.begun[:0]
		}
		at = end
	}
	return found
}

// part takes a part of a line, and returns where in it a secret begins.
func (l *lines) part(p []byte) int {
	before := len(l.begun)
	if before == 0 && l.owed > 0 {
		if l.owed--; isAnswer(p) || l.literal {
			l.literal = announces(p)
			return 0
		}
	}
	l.begun = append(l.begun, lowered(p[:min(len(p), max(maxLine-before, 0))])...)
	for at, word := 0, []byte(nil); ; at += len(word) + 1 {
		i := bytes.IndexAny(l.begun[min(at, len(l.begun)):], " \r\n")
		if i < 0 {
			return -1
		}
		word = l.begun[at : at+i]
		end := at + i + 1
		if end <= before || !slices.Contains(logins, command(word)) {
			continue
		}
		if ends := l.begun[end-1] != ' '; ends || strings.HasPrefix(command(word), "auth") || announces(p) {
			l.owed, l.literal = maxAnswers, announces(p)
			if ends {
				return -1
			}
		}
		return end - before
	}
}

// announces says whether a line ends as IMAP says how long the next is: "{12}", "{12+}".
func announces(line []byte) bool {
	line = bytes.TrimRight(line, "\r\n")
	return bytes.HasSuffix(line, []byte("}")) && bytes.IndexByte(line, '{') >= 0
}

// command is the letters at the end of a word; what stands before them is of another
// command, or marks the beginning of a text on IRC.
func command(word []byte) string {
	return string(word[bytes.LastIndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })+1:])
}

// isAnswer says whether a line may be an answer in base64: it is one word.
func isAnswer(line []byte) bool {
	line = bytes.TrimRight(line, "\r\n")
	return len(line) > 0 && bytes.IndexByte(line, ' ') < 0
}
