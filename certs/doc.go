// Package certs is the user's own certificate authority: it makes the CA on
// first use, keeps it in one folder, and mints the certificates that xmppscope
// shows to clients in place of the server's.
//
// Three certificates are sent to a client, leaf first:
//
//	leaf     for one JID domain, names as RFC 6120 §13.7.1.2 has them, and the
//	         address at which the client has reached us, 7 days
//	issuing  for the same domain alone (name constraints), path length 0, 30 days
//	root     the user's CA, path length 1, 825 days; the one a client has to trust
//
// The root's key never signs a leaf, and it never leaves the folder. The key of
// the leaves is kept from run to run, because some clients pin it (Poezio does).
// The issuing key lives in memory only.
//
// Names follow RFC 6120 §13.7, RFC 6125 and RFC 4985: Names reads them from any
// certificate, otherNames included, which crypto/x509 leaves out.
package certs
