// Package rebind lets logins that are bound to their TLS connection through xmppscope.
//
// SCRAM-*-PLUS (RFC 5802 §6) signs data of the TLS connection that the client sees, and the
// server sees another one: it refuses the login, as it should. With the account's password
// the login can be bound anew, to the server's connection. A [Gate] changes three values,
// and nothing else: c= and p= of the client's last message, for the server, and v= of the
// server's, for the client. Both sides still prove to each other that they know the
// password: where a proof does not fit it, nothing is touched.
package rebind
