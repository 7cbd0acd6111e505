// Package bend changes what passes by rules in a file (--rules): each says of which elements
// it speaks, in the language of filters, and what is done to them.
//
//	[plain-only]                     # the rule's name: it stands on the ladder
//	when = 'name == "features"'      # a filter
//	do   = "mechanisms"              # an action
//	only = ["PLAIN"]                 # what that takes
//
// An action is a file action_NAME.go, which registers itself. Rules are made of a file by
// [Parse], and an [Engine] holds those of a run, which may be replaced at any time.
package bend
