// Package replay plays one side of a recorded session against a real peer.
//
// A Score is what the recording has either side say, in order (score.go). A player
// (player.go) takes one of them: it says what is its own when all that came before has
// come again, and waits for what is the other's, within bounds. What has to be new is made
// anew: the exchange of SASL (login.go, account.go), ids, JIDs and counts (values.go). All
// else goes out as it was recorded, byte for byte.
//
// Where the other side does something else than the recording shows, a Departure is told.
// What was said is not compared word for word here: for that there is decode/compare.
//
// What is said is the same in each framing, a stream of TCP (stream.go) or WebSocket (socket.go); a
// recording of the one can be played in the other.
//
// A player writes to the connection that it is given and to nothing else. It never says
// what the recording does not have it say, but for the messages that its SASL mechanism
// takes, acknowledgements (XEP-0198) and the end of its stream; a server also answers
// requests that the recording lacks, with an error.
package replay
