// Package inspect is what an inspector knows and works out, without a screen: the
// sessions of a session.Log with the events that a filter lets through (Model), what
// a row of a ladder says (Row), which event decides how a login went, where a text
// stands (Finder), the events that a job is to read (Pick), which sessions go on from each
// other (Reconnect), the list of sessions (Listing) and statistics (Tally).
//
// It draws nothing and knows no terminal: the viewer draws what it says, and whatever
// else looks at sessions can stand on it too. Its text is as it came from the wire,
// and hostile: whoever shows it makes it harmless first (session.Safe). Secrets are in
// it too, but where a comment says that they are blanked.
//
// A Model, a Cache and a Feed belong to one goroutine each; a Pick, a Finder and the
// entries of a session are copies, so that a job can read in a goroutine of its own
// while the model goes on.
//
// A session of a million events costs a few bytes for each: the model keeps their
// indexes, and events are read through a bounded Cache.
package inspect
