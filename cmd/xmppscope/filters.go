package main

import (
	"maps"
	"os"
	"strings"

	"xmppscope/session"
)

// filterNames are the filters that an expression can name: those that everybody has, those
// that were saved in the inspector, and those of a configuration.
func filterNames(configured map[string]string) map[string]string {
	out := map[string]string{}
	for _, f := range session.CommonFilters {
		out[f.Name] = f.Expr
	}
	maps.Copy(out, remember().Saved)
	maps.Copy(out, configured)
	return out
}

// unnamed is a filter with those in it that it names. The configuration is read only if it
// names any; a command without --config goes by its variable.
func unnamed(source string, c *configFlags) (string, error) {
	if !strings.Contains(source, "@") {
		return source, nil
	}
	if c == nil {
		c = &configFlags{path: os.Getenv("XMPPSCOPE_CONFIG")}
	}
	settings, err := c.read()
	if err != nil {
		return "", err
	}
	return session.NameFilters(source, filterNames(settings.Filters))
}

// compiler compiles the filters that are typed in the inspector.
func compiler(configured map[string]string) func(string) (func(*session.Event) bool, error) {
	return func(source string) (func(*session.Event) bool, error) {
		if strings.Contains(source, "@") {
			var err error
			if source, err = session.NameFilters(source, filterNames(configured)); err != nil {
				return nil, err
			}
		}
		return session.CompileFilter(source)
	}
}
