// Package session holds the words that every other package speaks: what one
// recorded connection consists of, and how it is written down.
//
// A Session is one accepted client connection and the connection to the real
// server that belongs to it. The client leg lies between the client and
// xmppscope, the server leg between xmppscope and the server; a Dir says whether
// bytes travel from the client (c2s) or from the server (s2c). In a capture of
// others there is no xmppscope, and the client leg reaches to the server
// (TCPOpened.Captured).
//
// Everything that happens is an Event: a value that is never changed once it has
// been appended. What kind of thing happened is its Body. The relay appends
// events as seen, that is with raw bytes and nothing else, to a Queue; the
// explainer adds names, the Step of the login ladder and Notes, and appends them
// to the Log; the inspector, the printers and the captures pull from the Log,
// each at its own pace.
//
// A Note is one sentence about a span of the event's bytes, or one decoded field
// (Name and Value), or both. A Secret marks a span that must not be shown unless
// the user asked; Blank is the one place that takes secrets out.
package session
