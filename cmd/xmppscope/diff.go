package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"xmppscope/capture"
	"xmppscope/decode/compare"
	"xmppscope/decode/facts"
	"xmppscope/session"
)

// diffFlags say what is compared, and how it is shown.
type diffFlags struct {
	ids, times, details, all, json bool
	in                             inputFlags
}

func newDiff() *cobra.Command {
	o := new(diffFlags)
	cmd := &cobra.Command{
		Use: "diff A B", Short: "set two logins side by side and say what made the difference",
		Long: `Compares two saved logins step by step: what was offered and chosen, TLS and
certificates, errors and conditions, and the findings. The first sentence says
what made the difference. Below it stands the ladder of both, what A has with "-",
what B has with "+".

A and B are files; FILE#2 is session 2 of a file that holds several, as "print"
numbers them. Without a number it is the first session that is a login.

Ids, nonces, salts, resources, addresses and ports are ignored; --ids compares them
too. Times are only shown, with --times, and never make two logins different. What
cannot matter, such as the order of an offer or the server's own words, is shown
with --details. --all is all three. Passwords and tokens are compared where they
were recorded, and never shown: not in a capture that was saved without secrets,
and not behind a SCRAM proof.

--json prints one object; fields may be added to it:

    format     "xmppscope diff"
    version    1
    same       nothing differs that could matter
    sentence   what made the difference
    a, b       the logins: name (of the file), session, domain, jid, state,
               mechanism, condition, step and n (where it ended), verdict,
               round_trips, events
    steps      the ladder: mark (same, changed, only-a, only-b), kind, phase,
               title, a and b (n, id, seq), about (the mechanism or condition
               of a step that one side lacks), cause (the failed login ended
               here), differences
    other      differences that stand on no step
    times      what, a_ns, b_ns; step: since the step before, else the start
    ignored    how many ids, nonces and addresses differ, not asked for
    beyond     steps that were too many to compare

A difference has what (its name), a and b (lists of texts; of a list, what the
other side lacks), list, finding (a and b hold the sentence of a finding that the
other side does not have) and weight: detail (never makes two logins different),
change, or cause (the sentence blames it).

Exit codes: 0 no difference that matters; 1 there is one; 2 a file or session
could not be read; 130 the reading was stopped by Ctrl-C.`,
		Example: "  xmppscope diff good.jsonl bad.jsonl\n  xmppscope diff both.pcapng#1 both.pcapng#2",
		Args:    takes(2, 2, "two logins"),
		RunE:    func(cmd *cobra.Command, args []string) error { return diff(cmd.Context(), o, args[0], args[1]) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.ids, "ids", false, "compare ids, nonces, salts, fingerprints, resources and addresses too")
	f.BoolVar(&o.times, "times", false, "show how long each login took")
	f.BoolVar(&o.details, "details", false, "show differences that cannot matter too")
	f.BoolVar(&o.all, "all", false, "--ids, --times and --details at once")
	f.BoolVar(&o.json, "json", false, "print the result as one JSON object")
	o.in.add(f)
	return cmd
}

func diff(ctx context.Context, o *diffFlags, nameA, nameB string) error {
	for _, name := range []string{nameA, nameB} {
		if err := wrongNumber(name); err != nil {
			return err
		}
	}
	a, err := loadLogin(ctx, &o.in, nameA)
	if err != nil {
		return err
	}
	b, err := loadLogin(ctx, &o.in, nameB)
	if err != nil {
		return err
	}
	o.in.tellUnused()
	pathA, pathB := fileOf(nameA), fileOf(nameB)
	if named := pathA != nameA && pathB != nameB; a.ID == b.ID && pathA == pathB && !named {
		say(os.Stderr, "A and B are the same session: session %d of %s", a.ID, pathA)
	}
	r := compare.Logins(a, b, compare.Options{IDs: o.ids || o.all, OneRun: capture.SameFile(pathA, pathB), A: pathA, B: pathB})
	out := bufio.NewWriter(os.Stdout)
	if err := printDiff(out, o, r); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if !r.Same {
		return errSaid
	}
	return nil
}

func printDiff(w io.Writer, o *diffFlags, r compare.Result) error {
	if o.json {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(diffResult{Format: "xmppscope diff", Version: 1, Result: r})
	}
	colour := wantsColour(os.Stdout)
	layout := compare.Layout{
		Width: terminalWidth(os.Stdout), Details: o.details || o.all, Times: o.times || o.all,
		HowDetails: ": --details", HowIDs: ": --ids",
	}
	for _, l := range compare.Render(r, layout) {
		if c := diffColours[l.Kind]; colour && c != "" {
			l.Text = c + l.Text + colReset
		}
		fmt.Fprintln(w, l.Text)
	}
	return nil
}

// diffResult is what --json prints. Fields may be added to it; one that is renamed or
// means something else makes another version.
type diffResult struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	compare.Result
}

// terminalWidth is how wide a terminal is; 0 if it is none.
func terminalWidth(f *os.File) int {
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

var diffColours = map[compare.LineKind]string{
	compare.Headline: colBold, compare.Step: colYellow, compare.FromA: colRed, compare.FromB: colGreen, compare.Faint: colDim,
}

// loadLogin gathers the session that a name asks for.
func loadLogin(ctx context.Context, in *inputFlags, name string) (*facts.Login, error) {
	path, id := splitSession(name)
	all, err := gather(ctx, in, path)
	if err != nil {
		return nil, err
	}
	if id > 0 {
		at := slices.IndexFunc(all, func(l *facts.Login) bool { return l.ID == id })
		if at < 0 {
			return nil, usageError{hinted{fmt.Errorf("%s holds no session %d", path, id), "it holds " + listSessions(all)}}
		}
		return all[at], explained(all[at], path)
	}
	l := firstLogin(all)
	if l == nil {
		return nil, usageError{fmt.Errorf("%s holds no session", path)}
	}
	if len(all) > 1 {
		say(os.Stderr, "%s: session %d is compared, of %s; others are named %s#N", path, l.ID, listSessions(all), path)
	}
	return l, explained(l, path)
}

// explained refuses a session that would look empty only because nothing was
// decoded in it.
func explained(l *facts.Login, path string) error {
	if len(l.Rungs) == 0 && l.Cause == nil {
		return usageError{fmt.Errorf("session %d of %s holds no step of a login, so there is nothing to compare", l.ID, path)}
	}
	return nil
}

func gather(ctx context.Context, in *inputFlags, path string) ([]*facts.Login, error) {
	gatherers := map[int]*facts.Gatherer{}
	err := in.read(ctx, []string{path}, func(e session.Event) error {
		if e.Session == 0 { // the run: no login
			return nil
		}
		g := gatherers[e.Session]
		if g == nil {
			g = new(facts.Gatherer)
			gatherers[e.Session] = g
		}
		g.Add(&e)
		return nil
	})
	if err != nil {
		return nil, unreadable(stopped(err, "nothing was compared"))
	}
	var out []*facts.Login
	for _, g := range gatherers {
		if l := g.Login(); l.Events > 0 {
			out = append(out, &l)
		}
	}
	slices.SortFunc(out, func(a, b *facts.Login) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// firstLogin is the first session in which someone tried to log in, or else the
// first one.
func firstLogin(all []*facts.Login) *facts.Login {
	for _, l := range all {
		if len(l.Attempts) > 0 || l.LoggedIn() {
			return l
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// maxListed is how many sessions are named in a hint.
const maxListed = 5

func listSessions(all []*facts.Login) string {
	var parts []string
	for i, l := range all {
		if i == maxListed {
			parts = append(parts, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%d (%s)", l.ID, cmp.Or(l.JID, l.User, l.Domain, l.State.String())))
	}
	return strings.Join(parts, ", ")
}
