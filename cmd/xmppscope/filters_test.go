package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/api"
	"xmppscope/proxy"
)

// TestNamedFiltersTakeHold: a filter that has a name in the configuration can be named where a
// program or the inspector takes hold of the wire, and a slip is told with what was meant.
func TestNamedFiltersTakeHold(t *testing.T) {
	config := &configFlags{path: filepath.Join(t.TempDir(), "config.toml")}
	if err := os.WriteFile(config.path, []byte("[filters]\nrosters = 'payload == \"jabber:iq:roster\"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wire := proxy.NewControl()
	wire.Filters = config.naming()
	programs := &controls{Control: wire, rules: new(rulesFlag)}
	rules := func(when string) error {
		_, err := programs.Rules(t.Context(), api.Rules{TOML: "[r]\ndo = 'drop'\nwhen = '" + when + "'\n"})
		return err
	}
	point := func(when string) error {
		_, err := programs.Break(t.Context(), api.Breakpoint{When: when})
		return err
	}
	for name, take := range map[string]func(string) error{"rules": rules, "breakpoint": point, "by hand": holds{wire}.Break} {
		for _, good := range []string{"@rosters", `@errors || @rosters`} {
			if err := take(good); err != nil {
				t.Errorf("%s: %s: %v", name, good, err)
			}
		}
		if err := take("@roster"); err == nil || !strings.Contains(err.Error(), "there is no filter @roster: did you mean @rosters?") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, b := range wire.Breakpoints() {
		if !strings.Contains(b.Text, "@rosters") {
			t.Errorf("a breakpoint is shown as %q, and was asked for by a name", b.Text)
		}
	}
}
