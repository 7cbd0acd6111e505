package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/capture"
	"xmppscope/certs"
	"xmppscope/decode"
	"xmppscope/session"
)

// version is that of the events' format and of the tool, in captures.
const version = "0.1.0"

const tool = "xmppscope " + version

func captureOptions(reveal bool) capture.Options {
	return capture.Options{Tool: tool, Created: time.Now(), Reveal: reveal, Pretty: decode.Pretty}
}

// shareFlags say what a capture is to hold that goes to somebody else.
type shareFlags struct{ redact, pseudonymise, full bool }

func (s *shareFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&s.redact, "redact", false, "blank secrets in .pcapng and .pcap too, and leave keys and encrypted bytes out")
	f.BoolVar(&s.pseudonymise, "pseudonymise", false, "replace names, hosts, addresses and what people wrote, the same everywhere (implies --redact)")
	f.BoolVar(&s.full, "full", false, "show every event whole in .html, where a long session has a line for each of the later ones")
}

// options are those of a capture with these flags.
func (s *shareFlags) options(reveal bool) (capture.Options, error) {
	o := captureOptions(reveal)
	o.Full = s.full
	o.Redact, o.Pseudonymise = s.redact || s.pseudonymise, s.pseudonymise
	if o.Redact && reveal {
		flag := "--redact"
		if s.pseudonymise {
			flag = "--pseudonymise"
		}
		return o, usageError{hinted{fmt.Errorf("--reveal keeps secrets and %s takes them out", flag), "leave one of the two out"}}
	}
	return o, nil
}

// outputFlags say how events are shown.
type outputFlags struct {
	plain, json, reveal bool
	filter              string
	config              *configFlags // whose filters can be named; nil: those of the usual file
}

func (o *outputFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.plain, "plain", false, "print events as text instead of opening the inspector (--json wins)")
	o.addPrinted(f)
}

// addPrinted is add without --plain, for commands that have no inspector.
func (o *outputFlags) addPrinted(f *pflag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "print events as JSON, one a line")
	f.BoolVar(&o.reveal, "reveal", false, "show and save secrets in the clear")
	f.StringVar(&o.filter, "filter", "", "show only events that match, such as 'name == \"iq\"' (`EXPR`: see xmppscope help filter)")
}

// matcher compiles --filter; nil if there is none.
func (o *outputFlags) matcher() (func(*session.Event) bool, error) {
	if o.filter == "" {
		return nil, nil
	}
	source, err := o.config.naming()(o.filter)
	if usage := (usageError{}); errors.As(err, &usage) {
		return nil, err
	}
	var match func(*session.Event) bool
	if err == nil {
		match, err = session.CompileFilter(source)
	}
	if err != nil {
		return nil, usageError{hinted{err, "see xmppscope help filter"}}
	}
	return match, nil
}

// caFlags say where the CA lies.
type caFlags struct{ dir string }

func (c *caFlags) add(f *pflag.FlagSet) {
	f.StringVar(&c.dir, "ca-dir", "", "`folder` of the local CA (default: in your configuration folder)")
}

func (c *caFlags) path() (string, error) {
	if c.dir != "" {
		return c.dir, nil
	}
	return certs.DefaultDir()
}

func (c *caFlags) open() (*certs.CA, error) {
	dir, err := c.path()
	if err != nil {
		return nil, err
	}
	return certs.Open(dir)
}

// fromEnvironment gives every flag that was not set on the command line the value
// of its variable: --upstream-ca is XMPPSCOPE_UPSTREAM_CA. Flags that can be
// repeated take a list with commas; an empty variable counts as none.
func fromEnvironment(cmd *cobra.Command) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "XMPPSCOPE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" || f.Changed || first != nil {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				first = fmt.Errorf("%s=%q does not fit --%s", name, value, f.Name)
				if unfit := new(pflag.InvalidValueError); errors.As(err, &unfit) {
					first = fmt.Errorf("%w: %s", first, unfitFor(f, unfit.Unwrap()))
				}
				first = usageError{hinted{first, seeHelp(cmd)}}
			}
		}
	})
	return first
}

// byteSize is a flag such as 4GB.
type byteSize int64

func (b *byteSize) String() string {
	for _, u := range []struct {
		unit string
		n    int64
	}{{"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}} {
		if n := int64(*b); n > 0 && n%u.n == 0 {
			return fmt.Sprintf("%d%s", n/u.n, u.unit)
		}
	}
	return fmt.Sprint(int64(*b))
}

func (b *byteSize) Set(s string) error {
	n, err := capture.ParseSize(s)
	if err == nil && n < 1 {
		err = errors.New("want more than nothing")
	}
	*b = byteSize(n)
	return err
}

func (b *byteSize) Type() string { return "size" }
