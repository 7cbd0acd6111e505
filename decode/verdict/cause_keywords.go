package verdict

import (
	"regexp"
	"strings"
	"sync"
)

// keyword is what a text is about that is not known word for word, by a word in it.
type keyword struct {
	is            *regexp.Regexp
	id            string
	side          Side
	means, advice string
}

func about(expression string) *regexp.Regexp { return regexp.MustCompile(`(?i)` + expression) }

// aboutAcks is about the counts of stream management.
var aboutAcks = about(`unacked|acknowledg|handled.count|\bh\b.{0,20}(attribute|value|too)`)

// keywords are tried in order: what is special stands before what is general. They are made
// when the first text is not known: that takes time.
var keywords = sync.OnceValue(func() []keyword {
	return []keyword{
		{aboutAcks, "acknowledgements", Client, "it is about the counts of stream management (XEP-0198)", "compare the h of both sides with the stanzas that each has sent"},
		{about(`(starttls|start tls|tls|ssl|encrypt\w*|secure).{0,40}(requir|mandatory|must|need|first|only|not (used|active|enabled)|before)|(requir|must|need|without|unencrypted|insecure|plaintext|not secure).{0,30}(starttls|tls|ssl|encrypt\w*|connection|stream)`), "tls-required", Client, "the server wants TLS first", "let the client do STARTTLS before it logs in, or use TLS from the first byte"},
		{about(`channel.?bind|tls-(unique|exporter|server-end-point)|\bcbind`), "binding", Network, "it is about channel binding: the data of the client's TLS connection differs from that of the server's, or the type is not supported", "a proxy that ends TLS, xmppscope too, makes it differ: let the client use a mechanism without -PLUS here"},
		{about(`kick|administrat|\badmin\b|operator|moderator|terminated by`), "kicked", Server, "an administrator has ended the session", "ask whoever runs the server why; nothing is wrong with the client"},
		{about(`password.{0,30}(chang|reset)`), "password-changed", Account, "the account's password was changed", "log in with the new password"},
		{about(`(too many|maximum|max|exceed\w*|limit\w*).{0,50}(fail|attempt|auth|login|tries|password)|brute.?force|(fail\w*|invalid|unsuccessful) (login|auth\w*|attempt)s?.{0,30}(too many|limit|exceeded)`), "too-many-failures", Account, "too many logins have failed, so the server has closed its door for a while", "wait, and find out why the logins before failed: each further try prolongs it"},
		{about(`blacklist|black.?listed|block\w*|\bban(ned)?\b|\bdeny|denied|abuse|spam|reputation|rbl|dnsbl|firewall`), "blocked", Network, "the server blocks this account or address", "ask whoever runs the server; another network shows whether it is the address"},
		{about(`(too many|max\w*|exceed\w*|limit\w*).{0,40}(session|connection|resource|stream|client)s?|(session|connection)s?.{0,20}(limit|exceeded)`), "too-many-sessions", Account, "there are as many sessions or connections as the server allows", "end other sessions of this account, or from this address"},
		{about(`rate|flood|too (fast|quick|often|frequent)|slow down|throttl|karma|traffic|bandwidth|quota`), "too-fast", Client, "the client sends more or faster than the server allows", "let it send less at once; limits are the server's to raise"},
		{about(`too (big|large|long)|size|max\w* (length|bytes)|oversi`), "too-large", Client, "what the client sent is larger than the server allows", "let it send less at once; the server may announce its limit (XEP-0478)"},
		{about(`(replac|superse|overrid|another|new(er)?|duplicate|other).{0,30}(connection|session|login|resource|client|logged|sign)|logged in (from|else)|resource.{0,20}(conflict|in use|taken)`), "replaced", Client, "another login of the same account took this one's place: the same resource, or one session more than is allowed", "give each device a resource of its own, or let the server choose it; look for a second program with this account"},
		{about(`two.?factor|second factor|\b(2fa|mfa|totp|otp)\b|one.?time (code|password)|app(lication)?.?(specific )?password`), "second-factor", Account, "the account wants a second factor, or a password that was made for this program alone, which the client does not give", "make a password for this program (an app password) where the account is managed, or take a client that asks for the second factor"},
		{about(`(client|app|program|version).{0,40}(no longer|not|un).{0,4}supported|(update|upgrade) (your|the) (client|app|program|version)|please (update|upgrade)|outdated (client|app|version)|(client|app|version).{0,20}(outdated|too old)`), "client-too-old", Client, "the server does not let this version of the client in any more", "update the client, or ask whoever runs the server which ones may come"},
		{about(`certificate|x\.?509|\bchain\b|self.?signed|issuer|\bCA\b`), "certificate", Server, "it is about a certificate: whether it is trusted, whom it names, or its dates", "look at chain, names and dates of the certificate of the side that was refused"},
		{about(`expire|no longer valid|outdated|too old`), "expired", Account, "what the client logs in with has expired", "get a new password, token or certificate"},
		{about(`(disabl|suspend|lock|deactivat|inactiv|frozen|closed|not (been )?activat|pending|unconfirmed|not confirmed|verif(y|ication)).{0,40}|account.{0,30}(disabl|suspend|lock|delet|remov|inactiv)`), "account-locked", Account, "the account exists, but is locked, or not confirmed yet", "let whoever runs the server unlock it; look for a mail that wants to be confirmed"},
		{about(`(account|user).{0,30}(delet|remov|unregister)|unregistered`), "account-gone", Account, "the account was deleted", "ask whoever runs the server: a new login will not work"},
		{about(`token|oauth|bearer|jwt`), "token", Account, "the token is wrong, has expired, or is for another account or service", "get a new token, for this account and this service"},
		{about(`nonce|salt|proof|scram|gs2|digest|base64|decod|malformed|syntax|pars|xml`), "message", Client, "the server could not make sense of the client's message", "look at the client's message just before"},
		{about(`domain|host|vhost|virtual|not (served|hosted|local)|unknown (host|domain|server)|does not serve`), "host", Server, "the domain that was asked for is not served there, or not in this way", "compare the domain of the account with those that the server is set up for, and the DNS records that lead there"},
		{about(`(shut|go\w*|going).{0,6}down|restart|maintenance|reboot|upgrad|sigterm|stopp`), "going-down", Server, "the server is going down", "connect again later"},
		{about(`time.?out|timed out|idle|inactiv|no (response|answer|activity)|ping|keep.?alive|dead`), "timeout", Network, "the server had heard nothing for too long", "see who fell silent in the events before; keep-alives or acknowledgements help"},
		{about(`ldap|database|\bsql|backend|internal|exception|unavailable|try (again )?later|temporar|overload|out of memory|busy|radius|\bpam\b`), "backend", Server, "something that the server needs does not work now: a database, a directory, another service", "look into the server's log; nothing is wrong with the client"},
		{about(`not (allowed|permitted|authori[sz]ed)|forbidden|access|policy|permission|acl\b|rule|restricted|allowlist|whitelist`), "policy", Account, "a rule of the server forbids it, for this account or from this address: the password may be right", "ask whoever runs the server which rule (ACL) it is"},
		{about(`(wrong|invalid|bad|incorrect|unknown|no such|does(n't| not) (exist|match)).{0,40}(user|password|credential|account|login|name|secret)|(user|password|credential|account|login|name|auth\w*).{0,40}(wrong|invalid|bad|incorrect|unknown|fail|mismatch|not found|does(n't| not) (exist|match))|fail\w* to auth`), "credentials", Account, "the user name or the password is not what the server has", "check user and password"},
		{about(`mechanism|not (support|implement)|unsupported`), "unsupported", Client, "the server does not do what was asked for", "let the client choose among what the server lists"},
	}
})

// byKeyword understands a text by its words; nil if none of them tells.
func (c *scene) byKeyword(text string) []Cause {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for _, k := range keywords() {
		if k.is.MatchString(text) && (c.Cause.Condition != "reset" || k.id != "certificate") { // a new certificate: that is no fault
			return []Cause{c.withFacts(Cause{ID: "words-" + k.id, Guilty: k.side, Text: k.means, Advice: k.advice, Weight: Likely, Evidence: []Evidence{{Seq: c.Cause.Seq}}})}
		}
	}
	return nil
}
