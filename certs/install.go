package certs

import (
	"strconv"
	"strings"
)

// Guide tells how to make one client, or everything on a system, trust the CA.
type Guide struct {
	For  string // "Gajim", "Debian, Ubuntu"
	Kind string // "system", "variable" or "client": which heading it stands under
	Text string // a short paragraph; commands in it stand on lines of their own, indented
}

// Guides are all the ways that we know, with the path of the root's certificate
// (RootFile, or what "ca export" wrote) filled in.
func Guides(file string) []Guide {
	r := strings.NewReplacer("{CA}", Shell(file), "{PATH}", file, "{STRING}", strconv.Quote(file))
	out := make([]Guide, len(guides))
	for i, g := range guides {
		g.Text = r.Replace(g.Text)
		out[i] = g
	}
	return out
}

// Kinds of guides, in the order in which they are shown.
const (
	GuideSystem   = "system"   // a whole system: most clients follow
	GuideVariable = "variable" // one process, by its environment: nothing to undo
	GuideClient   = "client"   // one client
)

var guides = []Guide{
	{"Debian, Ubuntu", GuideSystem, `the system's store, which GnuTLS, OpenSSL and GLib clients read
  sudo cp {CA} /usr/local/share/ca-certificates/xmppscope.crt
  sudo update-ca-certificates
undo: remove that file, then sudo update-ca-certificates --fresh`},
	{"Fedora, RHEL, openSUSE", GuideSystem, `on openSUSE the folder is /etc/pki/trust/anchors and the command update-ca-certificates
  sudo cp {CA} /etc/pki/ca-trust/source/anchors/xmppscope.crt
  sudo update-ca-trust
undo: remove that file, then sudo update-ca-trust`},
	{"Arch", GuideSystem, `p11-kit adds it to the system's store
  sudo trust anchor --store {CA}
undo: sudo trust anchor --remove {CA}`},
	{"macOS", GuideSystem, `the login keychain; macOS asks for your password
  security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {CA}
undo: security remove-trusted-cert {CA}`},
	{"Windows", GuideSystem, `the store of your user; Windows asks whether you are sure
  certutil -user -addstore Root {CA}
undo: certmgr.msc, Trusted Root Certification Authorities, the entry "xmppscope CA of …"`},
	{"Android", GuideSystem, `Settings, Security, Encryption & credentials, Install a certificate, CA certificate. Since Android 7 an app ignores such a CA unless it was built to accept users' CAs, and most were not: expect the client to refuse, or to ask (see Conversations)`},

	{"Go, Python, OpenSSL", GuideVariable, `for the one process that is started with it; the file takes the place of the system's list, so other servers are no longer trusted by that process
  SSL_CERT_FILE={CA} your-client
Go reads it on Linux and BSD only, not on macOS and Windows; Python programs that bring their own list (certifi, requests) need REQUESTS_CA_BUNDLE or a setting`},
	{"Node.js", GuideVariable, `in addition to the built-in list
  NODE_EXTRA_CA_CERTS={CA} node your-client.js`},
	{"Java", GuideVariable, `a store of its own, in place of the JDK's list for the process that is told of it
  keytool -importcert -noprompt -alias xmppscope -file {CA} -keystore xmppscope.p12 -storepass changeit
  java -Djavax.net.ssl.trustStore=xmppscope.p12 -Djavax.net.ssl.trustStorePassword=changeit …
(Smack clients with a trust manager of their own ignore it)`},
	{"GnuTLS, GLib", GuideVariable, `there is no variable: these clients read the system's store, or have a setting of their own`},

	{"slixmpp", GuideClient, `in the code, or SSL_CERT_FILE={CA} in the environment
  client.ca_certs = {STRING}`},
	{"poezio", GuideClient, `SSL_CERT_FILE={CA}, or in poezio.cfg
  ca_cert_path = {PATH}
poezio pins the public key that it saw first and warns when another one comes: accept ours for the test, and the server's own afterwards`},
	{"Profanity", GuideClient, `type this in the client, or start it with SSL_CERT_FILE={CA}
  /tls certpath set {PATH}
or answer /tls allow when it asks (once), /tls always (remembers this certificate; ours is a new one at each start of xmppscope); undo: /tls certpath default`},
	{"Gajim", GuideClient, `reads the system's store; otherwise it shows the certificate and asks, and remembers the answer for this certificate (ours is a new one at each start of xmppscope)`},
	{"Dino", GuideClient, `reads the system's store and has no other way: there is no dialog to accept a certificate. A Flatpak of it has a store of its own`},
	{"Conversations and its forks", GuideClient, `asks on connecting, when the certificate is not trusted by the system: choose "once" or "always". Newer versions and some forks may have this dialog turned off`},
	{"Psi, Psi+", GuideClient, `copy the certificate into the client's folder of certificates and start it again (Psi: ~/.local/share/psi/certs)
  cp {CA} ~/.local/share/psi+/certs/xmppscope.crt
otherwise it asks, and can remember the certificate`},
	{"Pidgin", GuideClient, `reads the system's store on most Linux distributions; otherwise it asks on connecting and remembers the certificate (Tools, Certificates, where it can be deleted)`},
	{"go-sendxmpp", GuideClient, `SSL_CERT_FILE={CA} go-sendxmpp …, or -n, which checks nothing`},
	{"mcabber", GuideClient, `reads the system's store; a certificate can be pinned by its fingerprint with ssl_fingerprint in mcabberrc (ours is a new one at each start of xmppscope), and for a test "set ssl_ignore_checks = 1" checks nothing`},
}
