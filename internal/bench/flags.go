package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// offlineName is the work that goes through no proxy.
const offlineName = "offline"

// options are the command line.
type options struct {
	works, columns []string
	rounds         int
	sizes          sizes
	offline        []int // stanzas in each capture
	json           bool
	scope, against string
	dir            string
	limit          time.Duration // for one measurement
}

func workNames() (names []string) {
	for _, w := range works() {
		names = append(names, w.name)
	}
	return append(names, offlineName)
}

func columnNames() []string {
	names := []string{directColumn.name, bareColumn.name}
	for _, c := range new(scope).columns() {
		names = append(names, c.name)
	}
	return names
}

// parseFlags reads the command line; what is wrong with it is said on out.
func parseFlags(args []string, out io.Writer) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(out)
	quick := f.Bool("quick", false, "one round of small sizes, in a minute or so; other flags still hold")
	usual := slices.DeleteFunc(workNames(), func(name string) bool { return name == soakName })
	works := f.String("rows", strings.Join(usual, ","), "which works, of these and "+soakName)
	columns := f.String("columns", strings.Join(columnNames(), ","), "what is measured")
	f.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	bulk := f.Float64("bulk", 500, "MB of mixed stanzas in each direction")
	burst := f.Float64("burst", 100, "MB before the echo on hogged CPUs")
	huge := f.Float64("huge", 10, "MB of the one huge stanza")
	f.IntVar(&o.sizes.small, "small", 500_000, "how many small stanzas")
	f.IntVar(&o.sizes.echo, "echo", 5_000, "how many echoes")
	f.IntVar(&o.sizes.logins, "logins", 500, "how many logins")
	f.IntVar(&o.sizes.idle, "idle", 5_000, "how many idle sessions")
	rate := f.Float64("rate", 20, "MB a second of the soak")
	f.DurationVar(&o.sizes.soak, "soak", 20*time.Minute, "how long the soak takes; its capture has five times as many bytes as go through")
	offline := f.String("offline", "100000,1000000", "stanzas in each capture that is read")
	f.BoolVar(&o.json, "json", false, "print JSON, with every round")
	f.StringVar(&o.scope, "xmppscope", "", "a `build` to measure instead of one of this source")
	f.StringVar(&o.against, "against", "", "another `build`, such as an older one, measured beside it in columns of its own")
	f.StringVar(&o.dir, "dir", "", "`folder` for captures and other files, which are removed (default: the system's temporary one)")
	f.DurationVar(&o.limit, "limit", 15*time.Minute, "how long one measurement may take")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *quick {
		given := map[string]bool{}
		f.Visit(func(g *flag.Flag) { given[g.Name] = true })
		for name, value := range quickValues {
			if !given[name] {
				f.Set(name, value)
			}
		}
	}
	mb := func(n float64) int64 { return int64(n * 1e6) }
	o.sizes.bulk, o.sizes.burst, o.sizes.huge, o.sizes.rate = mb(*bulk), mb(*burst), mb(*huge), mb(*rate)
	err := o.choose(*works, *columns, *offline)
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("bench: what is %q?", f.Arg(0))
	}
	if err == nil && (o.rounds < 1 || o.sizes.bulk < 1 || o.sizes.burst < 1 || o.sizes.huge < smallSize || o.sizes.small < 1 || o.sizes.echo < 1 || o.sizes.logins < 1 || o.sizes.idle < 1 || o.sizes.rate < 1 || o.sizes.soak <= 0) {
		err = fmt.Errorf("bench: every size and -rounds has to be more than nothing")
	}
	if err != nil {
		fmt.Fprintln(out, err)
	}
	return o, err
}

// quickValues are the defaults of -quick.
var quickValues = map[string]string{
	"rounds": "1", "bulk": "10", "burst": "5", "small": "20000", "echo": "500", "logins": "50", "idle": "200", "soak": "1s", "offline": "10000",
}

// choose takes the flags that are lists.
func (o *options) choose(works, columns, offline string) (err error) {
	if o.works, err = among("-rows", works, workNames()); err != nil {
		return err
	}
	if o.columns, err = among("-columns", columns, columnNames()); err != nil {
		return err
	}
	for _, s := range strings.Split(offline, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("bench: -offline %q: %q is no number of stanzas", offline, s)
		}
		o.offline = append(o.offline, n)
	}
	return nil
}

// among splits a list and checks that all of it is known.
func among(flag, list string, known []string) ([]string, error) {
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("bench: %s %q: there is no %q, but %s", flag, list, name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}
