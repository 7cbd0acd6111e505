package verdict

import (
	"bytes"
	"regexp"
	"strings"

	"xmppscope/session"
)

// protocol is something other than XMPP that may stand at the beginning of a direction.
type protocol struct {
	id, what string
	text     bool // its first line says something
	begins   *regexp.Regexp
}

func begins(expression string) *regexp.Regexp {
	return regexp.MustCompile(`(?is)\A(?:` + expression + `)`)
}

// greetings are what servers of other protocols say first, or to a stream header; the
// first that fits holds.
var greetings = []protocol{
	{"tls", "a TLS record, an alert that it has understood nothing", false, begins(`[\x14-\x17]\x03[\x00-\x04]`)},
	{"ssh", "SSH, remote shells", true, begins(`SSH-\d`)},
	{"http", "HTTP: it is a web server", true, begins(`HTTP/\d|<!doctype html|<html`)},
	{"ftp", "FTP, file transfer", true, begins(`[1-5]\d\d[ -][^\n]*(ftp|filezilla)|220[ -][^\n]*file transfer|530[ -][^\n]*(log ?in|user)`)},
	{"smtp", "SMTP: it is a mail server", true, begins(`[245]\d\d[ -][^\n]*(smtp|mail|postfix|exim|sendmail|esmtp|mx|command|syntax|unrecogni|service ready)|220[ -]|554[ -]`)},
	{"nntp", "NNTP: it is a news server", true, begins(`20[01] [^\n]*(news|nntp|inn|posting)`)},
	{"imap", "IMAP: it is a mail server", true, begins(`\* (OK|BYE|PREAUTH|BAD|NO)`)},
	{"redis", "Redis, a database", true, begins(`-ERR (unknown command|Protocol error|wrong number)|-NOAUTH|-DENIED`)},
	{"pop3", "POP3: it is a mail server", true, begins(`\+OK|-ERR`)},
	{"sieve", "ManageSieve, mail filters", true, begins(`"(IMPLEMENTATION|SIEVE)"`)},
	{"irc", "IRC, another kind of chat", true, begins(`:\S+ (NOTICE|\d\d\d) |NOTICE (AUTH|\*)|ERROR :|PING :`)},
	{"sip", "SIP, telephony", true, begins(`SIP/2\.0`)},
	{"rtsp", "RTSP, media streams", true, begins(`RTSP/1`)},
	{"vnc", "VNC, remote screens", true, begins(`RFB \d\d\d`)},
	{"mysql", "MySQL, a database", false, begins(`.{3}\x00\x0a[\d.]+|.{3}\x00\xff`)},
	{"postgres", "PostgreSQL, a database", false, begins(`E\x00\x00\x00.S|N\z`)},
	{"rdp", "RDP, remote screens", false, begins(`\x03\x00\x00`)},
	{"amqp", "AMQP, message queues", true, begins(`AMQP`)},
	{"telnet", "Telnet, terminals", false, begins(`\xff[\xfb-\xfe]`)},
	{"ldap", "LDAP, a directory", false, begins(`\x30[\x05-\x84].{0,6}\x02\x01`)},
	{"json", "some protocol of JSON", true, begins(`[\[{]\s*["\[{]`)},
}

// requests are what clients of other protocols say first.
var requests = []protocol{
	{"tls", "TLS", false, begins(`\x16\x03[\x00-\x04]`)},
	{"http", "HTTP", true, begins(`(GET|POST|HEAD|OPTIONS|PUT|CONNECT|DELETE|PATCH|TRACE) \S+|PRI \* HTTP/2`)},
	{"ssh", "SSH", true, begins(`SSH-\d`)},
	{"smtp", "SMTP, mail", true, begins(`(EHLO|HELO|LHLO|MAIL FROM)\b`)},
	{"imap", "IMAP, mail", true, begins(`\S{1,12} (LOGIN|CAPABILITY|STARTTLS|AUTHENTICATE|NOOP|LOGOUT|ID)\b`)},
	{"irc", "IRC", true, begins(`(NICK|USER \S+ \S+ \S+ :|CAP LS|JOIN)\b`)},
	{"pop3", "POP3, mail", true, begins(`(CAPA|STLS|USER \S+\r?\n|APOP|QUIT|AUTH)\b`)},
	{"sip", "SIP, telephony", true, begins(`(REGISTER|INVITE|SUBSCRIBE|MESSAGE) sips?:`)},
	{"proxy", "the PROXY protocol of load balancers, which this server does not expect", true, begins(`PROXY (TCP|UNKNOWN)`)},
	{"proxy", "the PROXY protocol of load balancers (version 2), which this server does not expect", false, begins(`\r\n\r\n\x00\r\nQUIT\n`)},
	{"socks", "SOCKS, as to a proxy of that kind", false, begins(`\x05[\x01-\x08][\x00-\x03\x80]|\x04\x01`)},
	{"mqtt", "MQTT, message queues", false, begins(`\x10.\x00[\x04\x06]MQ`)},
	{"rdp", "RDP, remote screens", false, begins(`\x03\x00\x00`)},
	{"stun", "STUN, which calls use", false, begins(`\x00\x01..\x21\x12\xa4\x42`)},
	{"json", "some protocol of JSON", true, begins(`[\[{]\s*["\[{]`)},
}

// protocolOf says what a direction's first bytes belong to. nil is XML, or something that
// cannot be told.
func protocolOf(dir session.Dir, raw []byte) *protocol {
	known := greetings
	if dir == session.C2S {
		known = requests
	}
	for i := range known {
		if known[i].begins.Match(latin(raw)) {
			return &known[i]
		}
	}
	line := firstLine(raw)
	if raw[0] == '<' || len(line) < 3 || strings.Trim(line, " ") == "" {
		return nil
	}
	for _, r := range line { // a line of text is worth showing
		if r < ' ' || r > '~' {
			return nil
		}
	}
	return &protocol{id: "another", what: "another protocol", text: true}
}

// latin makes each byte a character, so that expressions may name any.
func latin(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for _, b := range raw {
		out = append(out, string(rune(b))...)
	}
	return out
}

// firstLine is the first line of what was said, without its end.
func firstLine(raw []byte) string {
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return strings.TrimRight(string(line), "\r")
}
