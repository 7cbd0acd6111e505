package viewer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"xmppscope/internal/inspect"
)

// Settings are what a person has chosen for the inspector. The names in the tags are those of
// a configuration file. The zero value is what nobody has to choose.
type Settings struct {
	Theme     string            `toml:"theme"`      // one of Themes
	View      string            `toml:"view"`       // what is shown first: one of Views
	HideNoise bool              `toml:"hide-noise"` // keep-alives and the like
	Filter    string            `toml:"filter"`     // from the beginning
	Stanzas   TableSettings     `toml:"stanzas"`
	Keys      map[string]string `toml:"keys"`    // by the name of the action, with blanks between them
	Colours   map[string]string `toml:"colours"` // looks by the names of styles
	Filters   map[string]string `toml:"filters"` // presets by their names
	Commands  []Command         `toml:"command"`
}

// TableSettings are those of the table of stanzas.
type TableSettings struct {
	Columns []string `toml:"columns"` // in this order; empty: those that there is room for
	Sort    string   `toml:"sort"`    // the column that it is sorted by; "" is the order of time
	Falling bool     `toml:"falling"` // the largest come first
}

// Views are what can be shown first.
var Views = []string{"ladder", "stanzas", "sessions"}

// SettingError is what is wrong with a setting, and where that stands: "keys.search",
// "command.0.run".
type SettingError struct {
	Path string
	Err  error
}

func (e *SettingError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *SettingError) Unwrap() error { return e.Err }

// Check says what is wrong with settings; a *SettingError says where. compile is that of
// Options.CompileFilter.
func (s *Settings) Check(compile func(expr string) error) error {
	if _, err := newTheme(s.Theme, s.Colours, false); err != nil {
		if e := new(SettingError); errors.As(err, &e) {
			return err
		}
		return &SettingError{"theme", err}
	}
	if s.View != "" && !slices.Contains(Views, s.View) {
		return &SettingError{"view", unknown("view", s.View, Views)}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Keys)) {
		if actionOf(name) == nil {
			return &SettingError{"keys." + name, unknown("action", name, actionNames())}
		}
		if _, err := parseKeys(s.Keys[name]); err != nil {
			return &SettingError{"keys." + name, err}
		}
	}
	for i := range s.Commands {
		if where, err := s.Commands[i].check(); err != nil {
			return &SettingError{fmt.Sprintf("command.%d%s", i, where), err}
		}
		if slices.ContainsFunc(s.Commands[:i], func(c Command) bool { return c.Name == s.Commands[i].Name }) {
			return &SettingError{fmt.Sprintf("command.%d.name", i), fmt.Errorf("two commands are called %q", s.Commands[i].Name)}
		}
	}
	if _, err := newKeymap(s.own(), s.Keys); err != nil {
		return &SettingError{"keys", err}
	}
	for i, name := range s.Stanzas.Columns {
		if columnOf(name) == nil {
			return &SettingError{"stanzas.columns", unknown("column", name, columnNames())}
		}
		if slices.Contains(s.Stanzas.Columns[:i], name) {
			return &SettingError{"stanzas.columns", fmt.Errorf("the column %s is named twice", name)}
		}
	}
	if s.Stanzas.Sort != "" && !slices.Contains(inspect.ColumnNames[:], s.Stanzas.Sort) {
		return &SettingError{"stanzas.sort", unknown("column to sort by", s.Stanzas.Sort, inspect.ColumnNames[:])}
	}
	if s.Filter != "" {
		if err := compile(s.Filter); err != nil {
			return &SettingError{"filter", err}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Filters)) {
		if err := compile(s.Filters[name]); err != nil {
			return &SettingError{"filters." + name, err}
		}
	}
	return nil
}

// own are the person's own commands as actions.
func (s *Settings) own() []action {
	var out []action
	for i := range s.Commands {
		c := &s.Commands[i]
		brief := c.Name
		if r := []rune(brief); len(r) > briefMax {
			brief = string(r[:briefMax-1]) + "…"
		}
		out = append(out, action{name: c.Name, keys: c.Key, does: "runs " + strings.Join(strings.Fields(c.Run), " "), brief: brief, do: func(u *ui) { u.runCommand(c) }})
	}
	return out
}

// briefMax is how long the words of a key may be on a small screen.
const briefMax = 18

// settle takes the settings, which have been checked.
func (u *ui) settle() {
	s := &u.options.Settings
	var err error
	if u.theme, err = newTheme(s.Theme, s.Colours, u.mono); err != nil {
		u.theme, _ = newTheme("", nil, u.mono)
	}
	u.own = s.own()
	if u.keys, err = newKeymap(u.own, s.Keys); err != nil {
		u.keys, _ = newKeymap(nil, nil)
	}
	u.bare, u.chosen = s.HideNoise, slices.Clone(s.Stanzas.Columns)
	switch s.View {
	case "stanzas":
		u.table = true
	case "sessions":
		u.want.focus, u.want.zoom = listPane, true
	}
	u.unsorted = s.Stanzas.Sort != ""
}

// sortAsSet sorts the table as the settings want it, once all that is opened has been read.
func (u *ui) sortAsSet() {
	at := slices.Index(inspect.ColumnNames[:], u.options.Settings.Stanzas.Sort)
	if u.unsorted && u.table && at > 0 && !u.reading().Going {
		u.unsorted = false
		u.sortBy(inspect.Column(at), u.options.Settings.Stanzas.Falling)
	}
}

// SettingsHelp says, in lines, what a configuration file can name.
func SettingsHelp() string {
	var b strings.Builder
	list := func(title string, rows [][2]string) {
		fmt.Fprintf(&b, "%s:\n", title)
		for _, r := range rows {
			fmt.Fprintf(&b, "  %-17s %s\n", r[0], r[1])
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "Themes: %s.\nViews: %s.\n", strings.Join(themeNames(), ", "), strings.Join(Views, ", "))
	fmt.Fprintf(&b, "The table of stanzas is sorted by: %s.\n", strings.Join(inspect.ColumnNames[:], ", "))
	var t theme
	fmt.Fprintf(&b, "Styles, for [colours]:\n  %s\n\n", strings.Join(wrapWords(slices.Sorted(maps.Keys(t.styles())), 76), "\n  "))
	var rows [][2]string
	for i := range tableColumns {
		rows = append(rows, [2]string{tableColumns[i].name, tableColumns[i].does})
	}
	list("Columns of the table of stanzas", rows)
	rows = nil
	for _, v := range commandVariables {
		rows = append(rows, [2]string{"$" + v.name, v.does})
	}
	list("Variables of [[command]]", rows)
	rows = nil
	for i := range actions {
		rows = append(rows, [2]string{actions[i].name, fmt.Sprintf("%-12s %s", actions[i].keys, actions[i].does)})
	}
	list("Actions, for [keys], with those they have", rows)
	return strings.TrimSpace(b.String())
}

// wrapWords puts words into lines of at most so many columns.
func wrapWords(words []string, width int) (lines []string) {
	for _, w := range words {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(w) <= width {
			lines[n-1] += " " + w
			continue
		}
		lines = append(lines, w)
	}
	return lines
}
