package viewer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// usualTheme is the one that nobody has to choose.
const usualTheme = "terminal"

// themes are the colour schemes: each has a look for every style, in the notation that a
// configuration file has too: "maroon bold", "black on teal", "#d55e00", "208 underline".
// What one lacks it has from the usual theme.
var themes = map[string]map[string]string{
	// The terminal's own foreground and background and the first eight palette colours
	// only, which every colour scheme keeps readable, on dark and on light ground.
	usualTheme: {
		"text": "", "strong": "bold", "faint": "dim", "title": "bold", "accent": "teal bold", "focused": "teal bold", "unfocused": "dim",
		"selected": "black on teal", "alarm": "white on maroon bold", "match": "black on olive",
		"good": "green bold", "notice": "teal", "warning": "olive bold", "failure": "maroon bold",
		"from-client": "teal", "from-server": "purple", "secure": "green", "lifeline": "dim", "rule": "dim",
		"tag": "teal", "attribute": "olive", "value": "green", "secret": "maroon reverse", "malformed": "maroon underline",
	},
	"dark": {
		"text": "#d0d0d0", "strong": "#ffffff bold", "faint": "#8a8a8a", "title": "#ffffff bold", "accent": "#5fd7ff bold", "focused": "#5fd7ff bold", "unfocused": "#767676",
		"selected": "#000000 on #5fafd7", "alarm": "#ffffff on #af0000 bold", "match": "#000000 on #ffd75f",
		"good": "#87d75f bold", "notice": "#5fd7ff", "warning": "#ffd75f bold", "failure": "#ff8787 bold",
		"from-client": "#5fd7ff", "from-server": "#d7afff", "secure": "#87d75f", "lifeline": "#6c6c6c", "rule": "#6c6c6c",
		"tag": "#5fd7ff", "attribute": "#ffd75f", "value": "#87d75f", "secret": "#000000 on #ff8787", "malformed": "#ff8787 underline",
	},
	"light": {
		"text": "#303030", "strong": "#000000 bold", "faint": "#6c6c6c", "title": "#000000 bold", "accent": "#005f87 bold", "focused": "#005f87 bold", "unfocused": "#8a8a8a",
		"selected": "#ffffff on #005f87", "alarm": "#ffffff on #af0000 bold", "match": "#000000 on #ffd75f",
		"good": "#006700 bold", "notice": "#005f87", "warning": "#875f00 bold", "failure": "#af0000 bold",
		"from-client": "#005f87", "from-server": "#870087", "secure": "#006700", "lifeline": "#9e9e9e", "rule": "#9e9e9e",
		"tag": "#005f87", "attribute": "#875f00", "value": "#006700", "secret": "#ffffff on #af0000", "malformed": "#af0000 underline",
	},
	"16": { // the sixteen colours that the terminal names, the bright ones too
		"faint": "gray", "accent": "aqua bold", "focused": "aqua bold", "unfocused": "gray", "selected": "black on aqua",
		"good": "lime bold", "notice": "aqua", "warning": "yellow bold", "failure": "red bold",
		"from-client": "aqua", "from-server": "fuchsia", "secure": "lime", "lifeline": "gray", "rule": "gray",
		"tag": "aqua", "attribute": "yellow", "value": "lime", "secret": "black on red", "malformed": "red underline",
	},
	// Blue, orange and black or white of Okabe and Ito (2008), which are told apart with
	// each kind of colour blindness; what has failed is underlined, too.
	"colour-blind": {
		"accent": "#56b4e9 bold", "focused": "#56b4e9 bold", "selected": "#000000 on #56b4e9", "match": "#000000 on #f0e442", "alarm": "#000000 on #d55e00 bold",
		"good": "#0072b2 bold", "notice": "#56b4e9", "warning": "#e69f00 bold", "failure": "#d55e00 bold underline",
		"from-client": "#56b4e9", "from-server": "#e69f00", "secure": "#0072b2",
		"tag": "#56b4e9", "attribute": "#e69f00", "value": "#0072b2", "secret": "#000000 on #d55e00", "malformed": "#d55e00 underline",
	},
}

// plainLooks are what tells where there are no colours (NO_COLOR).
var plainLooks = map[string]string{
	"text": "", "strong": "bold", "faint": "dim", "title": "bold", "accent": "bold", "focused": "bold", "unfocused": "dim",
	"selected": "reverse", "alarm": "reverse bold", "match": "reverse underline",
	"good": "bold", "notice": "underline", "warning": "bold", "failure": "bold", "from-client": "", "from-server": "", "secure": "", "lifeline": "dim", "rule": "dim",
	"tag": "bold", "attribute": "", "value": "", "secret": "reverse", "malformed": "underline",
}

// styles are the styles of a theme by their names.
func (t *theme) styles() map[string]*tcell.Style {
	return map[string]*tcell.Style{
		"text": &t.text, "strong": &t.strong, "faint": &t.faint, "title": &t.title, "accent": &t.accent, "focused": &t.focused, "unfocused": &t.unfocused,
		"selected": &t.selected, "alarm": &t.alarm, "match": &t.match, "good": &t.good, "notice": &t.notice, "warning": &t.warning, "failure": &t.failure,
		"from-client": &t.fromClient, "from-server": &t.fromServer, "secure": &t.secure, "lifeline": &t.lifeline, "rule": &t.rule,
		"tag": &t.tag, "attribute": &t.attr, "value": &t.value, "secret": &t.secret, "malformed": &t.malformed,
	}
}

// themeNames are all themes, the usual one first.
func themeNames() []string {
	names := slices.Sorted(maps.Keys(themes))
	return append([]string{usualTheme}, slices.DeleteFunc(names, func(s string) bool { return s == usualTheme })...)
}

// newTheme makes a theme with other looks for some of its styles; mono is for NO_COLOR, and
// tells with bold, dim, underlined and reverse only.
func newTheme(name string, own map[string]string, mono bool) (theme, error) {
	var t theme
	if name == "" {
		name = usualTheme
	}
	chosen, ok := themes[name]
	if !ok {
		return t, unknown("theme", name, themeNames())
	}
	styles := t.styles()
	for style, at := range styles {
		look, ok := chosen[style]
		if !ok {
			look = themes[usualTheme][style]
		}
		if mono {
			look = plainLooks[style]
		}
		var err error
		if *at, err = parseStyle(look); err != nil {
			return t, err
		}
	}
	for _, style := range slices.Sorted(maps.Keys(own)) {
		at := styles[style]
		if at == nil {
			return t, &SettingError{"colours." + style, unknown("style", style, slices.Sorted(maps.Keys(styles)))}
		}
		look, err := parseStyle(own[style])
		if err != nil {
			return t, &SettingError{"colours." + style, err}
		}
		if !mono {
			*at = look
		}
	}
	return t, nil
}

// parseStyle reads a look: a colour, "on" and another one, and attributes.
func parseStyle(look string) (tcell.Style, error) {
	style, ground := tcell.StyleDefault, false
	for _, word := range strings.Fields(look) {
		switch word {
		case "bold":
			style = style.Bold(true)
		case "dim":
			style = style.Dim(true)
		case "italic":
			style = style.Italic(true)
		case "underline":
			style = style.Underline(true)
		case "reverse":
			style = style.Reverse(true)
		case "on":
			ground = true
		default:
			c, err := parseColour(word)
			switch {
			case err != nil:
				return style, err
			case ground:
				style, ground = style.Background(c), false
			default:
				style = style.Foreground(c)
			}
		}
	}
	if ground {
		return style, fmt.Errorf("%q: a colour has to come after on", look)
	}
	return style, nil
}

// parseColour reads a colour: a name of the web, #rrggbb, or a number of the palette.
func parseColour(name string) (tcell.Color, error) {
	if n, err := strconv.Atoi(name); err == nil {
		if n < 0 || n > 255 {
			return 0, fmt.Errorf("there is no colour %d: the palette has 0 to 255", n)
		}
		return tcell.PaletteColor(n), nil
	}
	if c, ok := tcell.ColorNames[name]; ok {
		return c, nil
	}
	if len(name) == 7 && name[0] == '#' {
		if n, err := strconv.ParseUint(name[1:], 16, 32); err == nil {
			return tcell.NewHexColor(int32(n)), nil
		}
	}
	words := append(slices.Collect(maps.Keys(tcell.ColorNames)), "bold", "dim", "italic", "underline", "reverse")
	slices.Sort(words)
	if near := session.Nearest(name, words); near != "" {
		return 0, fmt.Errorf("there is no colour %q: did you mean %s?", name, near)
	}
	return 0, fmt.Errorf("there is no colour %q: want a name such as teal, #rrggbb, 0 to 255, or bold, dim, italic, underline, reverse", name)
}

// useTheme changes the colours of what is on the screen.
func (u *ui) useTheme(name string) {
	t, err := newTheme(name, u.options.Settings.Colours, u.mono)
	if err != nil {
		u.say(failure, "%v", err)
		return
	}
	t.spelled = u.theme.spelled
	u.theme, u.lines = t, detailCache{}
	u.say(notice, "theme %s", name)
}
