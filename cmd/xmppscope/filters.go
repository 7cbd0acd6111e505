package main

import (
	"maps"
	"os"
	"strings"

	"xmppscope/session"
)

// filterNames are the filters that an expression can name besides those that everybody has:
// those that were saved in the inspector, and those of a configuration.
func filterNames(configured map[string]string) map[string]string {
	out := maps.Clone(remember().Saved)
	if out == nil {
		return configured
	}
	maps.Copy(out, configured)
	return out
}

// naming knows the filters that a user has, for all that takes expressions: flags, the
// inspector, breakpoints, rules, and what programs ask. The configuration is read only if an
// expression names any; a command without --config (nil) goes by its variable.
func (c *configFlags) naming() session.Naming {
	if c == nil {
		c = &configFlags{path: os.Getenv("XMPPSCOPE_CONFIG")}
	}
	return func(source string) (string, error) {
		if !strings.Contains(source, "@") {
			return source, nil
		}
		settings, err := c.read()
		if err != nil {
			return "", err
		}
		return session.NameFilters(source, filterNames(settings.Filters))
	}
}
