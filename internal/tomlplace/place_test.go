package tomlplace

import "testing"

func TestLocate(t *testing.T) {
	at := Locate(`# a = 1
theme = "dark"
  [keys]
  search = "/"
"quoted key" = "x"
[[command]]
name = "one"
[[command]]
	name = "two"
[profile."a".keys]
quit = "q"
`)
	for path, want := range map[string]Place{
		"theme": {2, 1}, "keys": {3, 3}, "keys.search": {4, 3}, "keys.quoted key": {5, 1}, "command": {6, 1}, "command.0.name": {7, 1},
		"command.1": {8, 1}, "command.1.name": {9, 2}, "profile.a.keys": {10, 1}, "profile.a.keys.quit": {11, 1}, "a": {},
	} {
		if at[path] != want {
			t.Errorf("%s stands at %v, want %v", path, at[path], want)
		}
	}
}
