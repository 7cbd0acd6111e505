// Package decode turns the bytes of both directions of an XMPP session into
// explained events. It does no I/O and knows no clock.
//
// Bytes go through four stages, each usable without the next:
//
//   - Scanner cuts one direction's plaintext into Frames at the exact octet
//     (scan.go). The frames, joined, are the input, however it was chunked.
//   - Turn says after which frames the next byte belongs to another layer
//     (turn.go).
//   - Parse builds the tree of one frame, with spans (tree.go).
//   - Session takes the events of a session in order, names them, places them on
//     the login ladder (ladder.go), pairs answers with requests (pair.go) and lets
//     the rules speak (rule.go, explain.go). Sessions of one run share a Run: what
//     a login may need of an earlier one (run.go).
//
// The rules live in decode/core, decode/sasl and decode/xep, one file for each
// subject, and in decode/verdict, which speaks last. What is said is gathered by
// decode/facts, for decode/compare and decode/expect.
package decode
