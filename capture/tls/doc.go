// Package tls takes the encryption off recorded TLS connections, given the
// secrets that one of the ends has logged: TLS 1.0 to 1.3, from the bytes that
// each direction's TCP stream carried. It takes part in nothing, waits for nothing
// and knows no clock.
//
// Keys holds the lines of a key log. A Conn is one connection: it is fed bytes as
// they come, cut anywhere, and tells of plaintext, of the handshake's facts and of
// failures in the order of the records. What it asks of the Keys it asks when it
// needs it, so secrets may come after the bytes that they open: these are kept, up
// to a bound, until the secrets are there or Keys.Complete has said that none will
// come.
//
// Nothing is verified but what tells whether decryption went right: the integrity
// of each record. It tells too which of several keys and record numbers is meant,
// after early data, rejected or not, and where bytes are missing.
package tls
