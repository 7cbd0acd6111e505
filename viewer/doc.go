// Package viewer is the inspector: the sessions of a session.Log on the left, the
// ladder of the selected one, and the selected event in detail, in a terminal.
//
// It only looks: it pulls from the Log on a tick and can neither slow nor change
// a session. It knows nothing of the network, so it works alike on a live proxy
// and on an opened file.
//
// One goroutine (tview's event loop) owns all state: ui and what hangs on it.
// The feed and a running search are goroutines of their own and hand over what
// they have found with one update for each batch. Key and mouse handlers change
// the state directly; they never queue an update, which would wait for itself.
//
// Text is drawn cell by cell with a style, never as tview markup, and only text
// of the type clean can be drawn: see text.go, the one file that makes it. What there
// is to be drawn is worked out by package inspect, which knows no terminal.
//
// The path of an event to the screen: an inspect.Feed pulls it, an inspect.Model places
// it in its session, inspect.NewRow says what its row says, ladder.go draws the row,
// pane.go scrolls, ui.go lays the panes out, and app.go joins it all to the
// tview.Application.
//
// What can be done is one table of actions (keys.go): keys, help, the hints on the last
// line and the palette (palette.go) are made of it.
//
// What goes beyond looking (hooks.go: writing files, checking a password, comparing)
// comes in as functions. A job takes its part of the Log (an inspect.Pick) to a goroutine
// and comes back with one update, as a search does; the Log is only ever read.
package viewer
