package session

import (
	"strings"
	"testing"
)

// TestNameFilters: @name stands for a filter wherever it is no part of a text.
func TestNameFilters(t *testing.T) {
	named := map[string]string{"errors": `type == "error"`, "slow rosters": `@roster && rtt > 200`, "roster": `payload == "a@b"`, "loop": "@loop", "big": strings.Repeat(" ", maxFilter-10)}
	for source, want := range map[string]string{
		`@errors`:                            `(type == "error")`,
		`@errors && !@roster`:                `(type == "error") && !(payload == "a@b")`,
		`@"slow rosters"`:                    `((payload == "a@b") && rtt > 200)`,
		`bare == "a@errors" || id == '\'@x'`: `bare == "a@errors" || id == '\'@x'`,
		"raw == `@x\\`":                      "raw == `@x\\`",
		`name == "iq`:                        `name == "iq`,
	} {
		if got, err := NameFilters(source, named); err != nil || got != want {
			t.Errorf("%s: %s, %v", source, got, err)
		}
	}
	for source, want := range map[string]string{
		`@eror`:      "there is no filter @eror: did you mean @errors?",
		`@xyzzyplug`: `there are @big, @errors, @loop, @messages, @presence, @roster, @slow, @"slow rosters"`,
		`@loop`:      "names itself",
		`@big@big`:   "more than",
		`@`:          "there is no filter @",
	} {
		if got, err := NameFilters(source, named); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.100s, %v", source, got, err)
		}
	}
	for _, f := range CommonFilters {
		if _, err := CompileFilter(f.Expr); err != nil {
			t.Error(err)
		}
	}
}
