package viewer

import (
	"maps"
	"slices"

	"xmppscope/internal/inspect"
)

// whole is every event so far.
func (u *ui) whole() inspect.Pick { return u.model.Pick(u.options.Log) }

// ofSession is every event of a session so far.
func (u *ui) ofSession(c *inspect.Conversation) inspect.Pick { return u.whole().Of(c) }

// ofMarked is the marked events.
func (u *ui) ofMarked() inspect.Pick { return u.whole().At(slices.Collect(maps.Keys(u.marks))) }

// ofFilter is the events that the filter in use lets through. It goes by what is
// known already: the filter itself belongs to the feed.
func (u *ui) ofFilter() inspect.Pick { return u.whole().At(u.model.Kept()) }
