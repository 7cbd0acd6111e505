package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xmppscope/session"
	"xmppscope/viewer"
)

// TestWrongSettings are told with their place, their reason and what was meant.
func TestWrongSettings(t *testing.T) {
	for text, want := range map[string]string{
		"theme = \"drak\"":                          `c.toml:1:1: there is no theme "drak": did you mean dark?`,
		"\n  veiw = \"ladder\"":                     `c.toml:2:3: there is no setting "veiw": did you mean view?`,
		"[stanzas]\ncolums = []":                    `c.toml:2:1: there is no setting "colums" in stanzas: did you mean columns?`,
		"[stanzas]\ncolumns = [\"peeer\"]":          `c.toml:2:1: there is no column "peeer": did you mean peer?`,
		"[stanzas]\ncolumns = [\"id\", \"id\"]":     `c.toml:2:1: the column id is named twice`,
		"[stanzas]\nsort = \"xx\"":                  `c.toml:2:1: there is no column to sort by "xx"`,
		"[keys]\nserach = \"/\"":                    `c.toml:2:1: there is no action "serach": did you mean search?`,
		"[keys]\nsearch = \"Ctrl-1\"":               `c.toml:2:1: there is no key "Ctrl-1"`,
		"[keys]\nsearch = \"z\"\nfilter = \"z\"":    `c.toml:1:1: z is to be both search and filter`,
		"[colours]\nfailure = \"rde\"":              `c.toml:2:1: there is no colour "rde": did you mean red?`,
		"[colours]\nfialure = \"red\"":              `c.toml:2:1: there is no style "fialure": did you mean failure?`,
		"[colours]\nfailure = \"300\"":              `c.toml:2:1: there is no colour 300`,
		"[filters]\na = \"b ==\"":                   `c.toml:2:1: it ends where something is missing`,
		"filter = \"nmae == 1\"":                    `c.toml:1:1: there is no "nmae": did you mean name?`,
		"view = 3":                                  "c.toml:1:1: view: want a text in quotes, not a whole number",
		"theme = \"dark\"\nview = \"a":              "c.toml:2:9: ",
		"a = 1\na = 2":                              "c.toml:2:7: key 'a' has already been defined",
		"profile = \"serverss\"":                    `c.toml:1:1: there is no profile "serverss": did you mean servers?`,
		"[profiles.x]\n\ntheme = \"no\"":            `c.toml:3:1: there is no theme "no"`,
		"[profiles.x.keys]\nno = \"a\"":             `c.toml:2:1: there is no action "no"`,
		"[profiles.x]\nveiw = \"ladder\"":           `c.toml:2:1: there is no setting "veiw": did you mean view?`,
		"[[command]]\nname = \"a\"":                 `c.toml:1:1: the command "a" lacks run`,
		"[[command]]\nrun = \"a\"":                  `c.toml:1:1: a command needs a name`,
		"[[command]]\nname = \"quit\"\nrun = \"a\"": `c.toml:2:1: there is an action "quit" already`,
		"[[command]]\nname = \"a\"\nrun = \"a\"\n[[command]]\nname = \"b\"\nkey = \"Ctrl-\"\nrun = \"b\"": `c.toml:6:1: there is no key "Ctrl-"`,
		"[[command]]\nname = \"a\"\nrun = \"a\"\nshow = \"pgae\"":                                         `c.toml:4:1: there is no way to show "pgae": did you mean page?`,
		"[[command]]\nname = \"a\"\nrun = \"a\"\n[[command]]\nname = \"a\"\nrun = \"b\"":                  `c.toml:5:1: two commands are called "a"`,
		"[[command]]\nname = \"a\"\nrnu = \"a\"":                                                          `there is no setting "rnu" in command: did you mean run?`,
	} {
		_, err := parseSettings("c.toml", text, "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want\n%s", text, err, want)
		}
	}
	if _, err := parseSettings("c.toml", "", "logni"); err == nil || !strings.Contains(err.Error(), `--profile: there is no profile "logni": did you mean login?`) {
		t.Errorf("%v", err)
	}
}

// TestProfiles: those that everybody has, and one's own on top of them and of the file.
func TestProfiles(t *testing.T) {
	for _, name := range []string{"login", "stanzas", "servers"} {
		if s, err := parseSettings("", "", name); err != nil || !s.HideNoise || s.View == "" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	text := `
theme = "dark"
profile = "mine"
[keys]
quit = "Q"
[[command]]
name = "one"
key = "X"
run = "true"
[profiles.mine]
view = "stanzas"
[profiles.mine.keys]
search = "s"
[[profiles.mine.command]]
name = "two"
run = "false"
[profiles.servers]
theme = "light"
`
	s, err := parseSettings("c.toml", text, "")
	if err != nil || s.Theme != "dark" || s.View != "stanzas" || s.Keys["quit"] != "Q" || s.Keys["search"] != "s" || len(s.Commands) != 2 || s.Commands[1].Key != "" || s.Commands[0].Key != "X" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = parseSettings("c.toml", text, "servers"); err != nil || s.Theme != "light" || s.View != "stanzas" || len(s.Stanzas.Columns) < 5 || len(s.Commands) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestTheExampleIsRight: as it is, and with all that stands behind a #.
func TestTheExampleIsRight(t *testing.T) {
	if s, err := parseSettings("example.toml", exampleConfig, ""); err != nil || s.Theme != "" {
		t.Errorf("%+v, %v", s, err)
	}
	all := regexp.MustCompile(`(?m)^#(\S)`).ReplaceAllString(exampleConfig, "$1")
	s, err := parseSettings("example.toml", all, "pubsub")
	if err != nil {
		t.Fatal(err)
	}
	if s.Theme != "dark" || len(s.Commands) != 2 || len(s.Stanzas.Columns) < 5 || s.Keys["verdict"] != "V" || !strings.Contains(s.Filter, "pubsub") || s.Colours["faint"] == "" || len(s.Filters) != 1 {
		t.Errorf("%+v", s)
	}
	help := viewer.SettingsHelp()
	for _, want := range []string{"colour-blind", "from-client", "only-contact", "$JID", "hide noise", "payload"} {
		if !strings.Contains(help, want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}

// TestConfigFile: --config, the usual place, and what is wrong with it before anything starts.
func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	if _, err := (&configFlags{}).read(); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if _, err := (&configFlags{path: filepath.Join(dir, "none.toml")}).read(); err == nil || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("one that was named and is not there: %v", err)
	}
	path := filepath.Join(dir, "my.toml")
	if err := os.WriteFile(path, []byte("theme = \"light\"\n[filters]\nx = \"seq > 1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := (&configFlags{path: path}).read()
	if err != nil || s.Theme != "light" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := session.CompileFilter(s.Filters["x"]); err != nil {
		t.Error(err)
	}
}

// TestExampleHasAFolder: the line that writes the example works where there is no folder yet.
func TestExampleHasAFolder(t *testing.T) {
	dir := t.TempDir()
	if got := makeFolder(dir); got != "" {
		t.Errorf("%q for a folder that is there", got)
	}
	if got := makeFolder(filepath.Join(dir, "new")); got != "mkdir -p "+filepath.Join(dir, "new")+" && " {
		t.Errorf("%q", got)
	}
}
