package main

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/internal/ownership"
	"xmppscope/internal/tomlfile"
	"xmppscope/session"
	"xmppscope/viewer"
)

//go:embed profiles.toml
var usualProfiles string

//go:embed example.toml
var exampleConfig string

// configFile is what a configuration file holds.
type configFile struct {
	viewer.Settings
	Profile  string                    `toml:"profile"` // unless --profile says another
	Profiles map[string]toml.Primitive `toml:"profiles"`
}

// configFlags say which settings the inspector takes.
type configFlags struct {
	path, profile string
	once          sync.Once
	settings      viewer.Settings
	wrong         error
}

func (c *configFlags) add(f *pflag.FlagSet) {
	f.StringVar(&c.path, "config", "", "`FILE` with settings of the inspector (default: xmppscope/config.toml in your configuration folder; see xmppscope help config)")
	f.StringVar(&c.profile, "profile", "", "settings by a `NAME`: login, stanzas, servers, or one of your own")
}

// configPath is where the configuration file lies unless --config says so.
func configPath() (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "xmppscope", "config.toml"), err
}

// given says whether the settings are others than the usual ones.
func (c *configFlags) given() bool { return c.path != "" || c.profile != "" }

// read reads the settings, once. There need not be a file, unless one was named.
func (c *configFlags) read() (viewer.Settings, error) {
	c.once.Do(func() { c.settings, c.wrong = c.readFile() })
	return c.settings, c.wrong
}

func (c *configFlags) readFile() (viewer.Settings, error) {
	path := c.path
	if path == "" {
		var err error
		if path, err = configPath(); err != nil {
			return parseSettings("", "", c.profile)
		}
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = trusted(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.path == "":
		text = nil
	case err != nil:
		return viewer.Settings{}, usageError{hinted{fmt.Errorf("the configuration: %s", inWords(err)), "--config FILE names another one"}}
	}
	return parseSettings(path, string(text), c.profile)
}

// trusted says why a configuration file may not be ours: it names commands to run.
func trusted(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if foreign := ownership.Foreign(info); foreign != nil && os.Geteuid() != 0 && !strings.Contains(foreign.Error(), "(root)") {
		return fmt.Errorf("%s is not read: %w, and what it names is run", path, foreign)
	}
	return nil
}

// parseSettings reads a file and takes a profile. What is wrong is told with its place.
func parseSettings(path, text, profile string) (viewer.Settings, error) {
	var usual, own configFile
	usualMeta, err := toml.Decode(usualProfiles, &usual)
	if err != nil {
		return viewer.Settings{}, fmt.Errorf("profiles.toml: %w", err)
	}
	meta, places, bad := tomlfile.Decode(text, &own)
	told := func(p *tomlfile.Problem) error {
		where := path
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d:%d", path, p.Line, p.Column)
		}
		return usageError{hinted{fmt.Errorf("%s: %s", where, p.Text), "xmppscope help config lists what can be set, xmppscope config --example shows a whole file"}}
	}
	wrong := func(at string, err error) error {
		return told(&tomlfile.Problem{Place: places.Of(at), Text: err.Error()})
	}
	if bad != nil {
		return viewer.Settings{}, told(bad)
	}
	for _, name := range slices.Sorted(maps.Keys(own.Profiles)) { // all of them, so that what is wrong is found
		var scratch viewer.Settings
		if err := meta.PrimitiveDecode(own.Profiles[name], &scratch); err != nil {
			return viewer.Settings{}, told(places.Problem(err))
		}
		named := maps.Clone(scratch.Filters)
		if named == nil {
			named = map[string]string{}
		}
		maps.Copy(named, own.Filters)
		if err := checkSettings(&scratch, named, func(at string, err error) error { return wrong("profiles."+name+"."+at, err) }); err != nil {
			return viewer.Settings{}, err
		}
	}
	for _, key := range meta.Undecoded() {
		if err := unknownKey(key); err != nil {
			return viewer.Settings{}, wrong(strings.Join(key, "."), err)
		}
	}
	if err := checkSettings(&own.Settings, own.Filters, wrong); err != nil {
		return viewer.Settings{}, err
	}
	name := cmp.Or(profile, own.Profile)
	_, isUsual := usual.Profiles[name]
	_, isOwn := own.Profiles[name]
	if name != "" && !isUsual && !isOwn {
		known := slices.Sorted(maps.Keys(usual.Profiles))
		known = append(known, slices.Sorted(maps.Keys(own.Profiles))...)
		err := fmt.Errorf("there is no profile %q: %s", name, session.Suggest(name, known))
		if profile != "" {
			return viewer.Settings{}, usageError{hinted{fmt.Errorf("--profile: %w", err), "see xmppscope help config"}}
		}
		return viewer.Settings{}, wrong("profile", err)
	}
	commands := own.Commands // those of a profile are more of them
	own.Commands = nil
	if isUsual {
		err = usualMeta.PrimitiveDecode(usual.Profiles[name], &own.Settings)
	}
	if isOwn && err == nil {
		err = meta.PrimitiveDecode(own.Profiles[name], &own.Settings)
	}
	if err != nil {
		return viewer.Settings{}, told(places.Problem(err))
	}
	own.Commands = append(commands, own.Commands...)
	return own.Settings, checkSettings(&own.Settings, own.Filters, wrong)
}

// checkSettings says what is wrong with settings, in which named filters can be named; wrong makes the error of a place in the file.
func checkSettings(s *viewer.Settings, named map[string]string, wrong func(at string, err error) error) error {
	err := s.Check(func(expr string) error {
		expr, err := session.NameFilters(expr, filterNames(named))
		if err == nil {
			_, err = session.CompileFilter(expr)
		}
		return err
	})
	if e := new(viewer.SettingError); errors.As(err, &e) {
		return wrong(e.Path, e.Err)
	}
	return err
}

// unknownKey is the error of a key that nothing reads; nil for one in a table that a profile
// holds, which has been read by then.
func unknownKey(key toml.Key) error {
	at, path := reflect.TypeFor[configFile](), key
	if len(path) > 2 && path[0] == "profiles" {
		at, path = reflect.TypeFor[viewer.Settings](), path[2:]
	}
	for i, part := range path {
		names := map[string]reflect.Type{}
		if at.Kind() == reflect.Struct {
			for _, f := range reflect.VisibleFields(at) {
				if tag := f.Tag.Get("toml"); tag != "" {
					names[tag] = f.Type
				}
			}
		}
		next, ok := names[part]
		if !ok {
			where := ""
			if i > 0 {
				where = " in " + strings.Join(path[:i], ".")
			}
			return fmt.Errorf("there is no setting %q%s: %s", part, where, session.Suggest(part, slices.Sorted(maps.Keys(names))))
		}
		if at = next; at.Kind() == reflect.Slice {
			at = at.Elem()
		}
	}
	return nil
}

func newConfig() *cobra.Command {
	c := new(configFlags)
	example := false
	cmd := &cobra.Command{
		Use: "config", Short: "check the inspector's configuration file, or print an example", Args: noArgs,
		Long: "Checks the configuration file of the inspector and says where it lies.\n\n" + configWords + "\n\n" + viewer.SettingsHelp(),
		RunE: func(*cobra.Command, []string) error {
			if example {
				_, err := io.WriteString(os.Stdout, exampleConfig)
				return err
			}
			s, err := c.read()
			if err != nil {
				return err
			}
			path := c.path
			if path == "" {
				if path, err = configPath(); err != nil {
					return err
				}
			}
			if _, err := os.Stat(path); err != nil {
				say(os.Stdout, "%s: there is no such file; the defaults hold", path)
				say(os.Stdout, "hint: %sxmppscope config --example > %s", makeFolder(filepath.Dir(path)), path)
				return nil
			}
			say(os.Stdout, "%s: it can be read; %s, %s, %s", path, session.Plural(len(s.Keys), "key"), session.Plural(len(s.Filters), "filter"), session.Plural(len(s.Commands), "command"))
			return nil
		},
	}
	c.add(cmd.Flags())
	cmd.Flags().BoolVar(&example, "example", false, "print a whole file, with what each setting does")
	return cmd
}

const configWords = `It is TOML: keys, colours, columns, filters, commands of your own, and profiles, which are
settings by a name (--profile). Each run with an inspector reads it when it starts; an
error in it is told with its line and column, and nothing is started.`

// makeFolder is what a shell has to do first to write a file into a folder.
func makeFolder(dir string) string {
	if _, err := os.Stat(dir); err == nil {
		return ""
	}
	return "mkdir -p " + dir + " && "
}
