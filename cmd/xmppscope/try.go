package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/certs"
	"xmppscope/decode/expect"
	"xmppscope/internal/demo"
	"xmppscope/internal/experiment"
	"xmppscope/proxy"
	"xmppscope/session"
)

type tryFlags struct {
	list, json  bool
	listen      string
	upstream    string
	trust       trustFlags
	jid         string
	known       passwordFlag
	window      time.Duration
	start       time.Duration
	junit, html string
	keep        string

	accounts accounts
	ca       *certs.CA
	target   *proxy.Target // nil: the embedded server
	values   [][2]string   // that the client is given, by name
	scenario demo.Scenario
	dir      string // of what the client needs
}

func newTry() *cobra.Command {
	t := new(tryFlags)
	cmd := &cobra.Command{
		Use: "try NAME…|all [-- CLIENT ARGUMENT…]", Short: "see how a client copes when things go wrong",
		Long: `Runs a client against some experiments or all of them (try --list), each in a run of its
own: something goes wrong between it and its server, on purpose, and what it then does
is judged: does it come back, and not in a hurry; does it take up its session; does it
go on with something weaker without asking; does it send a password that anybody can
read; does it hang. NAME may be the first part of several names: "resume", "stream-error".

The client is started once for each experiment, with its standard input closed, and
ended, with all that it has started, when its time is over. In its arguments stand

    {host} {port}      where it is to connect to
    {ca}               file of the CA to trust, in PEM
    {jid}              the account, and {user} and {domain} of it
    {password-file}    file that holds the password

and so in its environment, as TRY_HOST, TRY_PORT, TRY_CA, TRY_JID, TRY_USER, TRY_DOMAIN
and TRY_PASSWORD_FILE; SSL_CERT_FILE is {ca}. It should stay online: a client that leaves
by itself shows less. Without a client, xmppscope listens and waits for one that you
start.

The server is an embedded one that knows one account, alice@xmpp.example, or that of
--upstream, with the account of --jid and its password of --password-file.

Results: good; weak (no harm done, but it could be better); bad; n/a (it did not come to
it, and why). Exit codes: 0 nothing was bad, and something was tested; 1 something was bad,
all was n/a, so that nothing was tested, or it could not be done; 2 the command line is
wrong.`,
		Example: `  xmppscope try all -- ./my-client --host {host} --port {port} --ca {ca} --jid {jid} --password-file {password-file}
  xmppscope try resume --upstream xmpp.example.net:5222 --jid alice@example.net --password-file alice@example.net=FILE -- my-client …`,
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&t.list, "list", false, "list the experiments, with what a good client does")
	f.StringVarP(&t.listen, "listen", "l", "127.0.0.1:0", "`address` of loopback to listen on; port 0 picks one")
	f.StringVarP(&t.upstream, "upstream", "u", "", "the real server, `HOST:PORT`, tls://HOST:PORT, or ws:// and wss:// for a client of WebSocket (default: an embedded one)")
	t.trust.add(f)
	f.StringVar(&t.jid, "jid", "", "with --upstream: the account, a bare `JID`")
	t.known.add(f)
	f.Lookup("password-file").Usage = "with --upstream: `JID=FILE`, the account's password; the client is told FILE, and logins are bound anew with it (see --rebind of xmppscope proxy)"
	f.DurationVar(&t.window, "window", 20*time.Second, "how long the client is watched after what was done to it")
	f.DurationVar(&t.start, "start", 30*time.Second, "how long the client may take to connect, and to come so far")
	f.BoolVar(&t.json, "json", false, "print each result as a JSON object on a line")
	f.StringVar(&t.junit, "junit", "", "write the results to this `FILE` as JUnit XML")
	f.StringVar(&t.html, "html", "", "write the results to this `FILE` as a page")
	f.StringVar(&t.keep, "keep", "", "`folder` for a capture of each run (NAME.pcapng) and what the client printed (NAME.log)")
	return cmd
}

// tried is how an experiment went.
type tried struct {
	Name     string           `json:"name"`
	Result   experiment.Grade `json:"result"`
	Why      string           `json:"why"`
	Title    string           `json:"what"`
	Good     string           `json:"good_client"`
	Ref      string           `json:"ref"`
	Sessions int              `json:"sessions"`
	Took     time.Duration    `json:"took_ns"`
}

func (t *tryFlags) run(cmd *cobra.Command, args []string) error {
	if t.list {
		return listExperiments(os.Stdout)
	}
	var client []string
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		args, client = args[:n], args[n:]
		if len(client) == 0 {
			return usageError{hinted{errors.New("try: no client stands behind --"), "leave -- out to start the client by hand"}}
		}
	}
	if len(args) == 0 {
		return usageError{hinted{errors.New("try: no experiment is named"), "see xmppscope try --list; all is each of them"}}
	}
	all, err := experiment.Find(args...)
	if err != nil {
		return usageError{hinted{err, "see xmppscope try --list; a client and its arguments stand behind --"}}
	}
	if err := t.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(t.dir)
	started := time.Now()
	var rows []tried
	for _, x := range all {
		row, err := t.one(cmd.Context(), x, client)
		if err != nil {
			return err
		}
		if cmd.Context().Err() != nil {
			break // what was not watched to its end says nothing
		}
		rows = append(rows, row)
		if err := t.print(&row); err != nil {
			return err
		}
	}
	if err := t.write(rows, started); err != nil {
		return err
	}
	if !t.json && len(rows) > 1 {
		fmt.Println(sumOf(rows))
	}
	if untried(rows) {
		return hinted{errors.New("try: nothing was tested: it did not come to it in any experiment"), "each says why; --keep FOLDER keeps what the client printed"}
	}
	if slices.ContainsFunc(rows, func(r tried) bool { return r.Result == experiment.Bad }) {
		return errSaid
	}
	return nil
}

// untried says whether there is no result but that it did not come to it.
func untried(rows []tried) bool {
	return len(rows) > 0 && !slices.ContainsFunc(rows, func(r tried) bool { return r.Result != experiment.NoUse })
}

// prepare checks the flags, and makes ready what all runs need.
func (t *tryFlags) prepare() error {
	err := loopbackAlone(t.listen)
	if err != nil {
		return usageError{err}
	}
	if t.window <= 0 || t.start <= 0 {
		return usageError{errors.New("--window and --start want more than nothing")}
	}
	if err := t.accounts.read(&t.known); err != nil {
		return err
	}
	if t.upstream == "" {
		if t.jid != "" || len(t.known.pairs) > 0 || t.trust != (trustFlags{}) {
			return usageError{hinted{errors.New("--jid, --password-file, --upstream-ca and --insecure-upstream are for --upstream"), "the embedded server has one account of its own"}}
		}
		if t.scenario, err = demo.Find("scram"); err != nil {
			return err
		}
		t.scenario.Managed = true
		t.jid = t.scenario.User + "@" + t.scenario.Domain
	} else {
		target, err := proxy.ParseTarget(t.upstream, "--upstream")
		if err != nil {
			return usageError{err}
		}
		t.target = &target
	}
	user, domain, ok := strings.Cut(t.jid, "@")
	if !ok || user == "" || domain == "" || strings.Contains(domain, "/") {
		return usageError{hinted{fmt.Errorf("--jid %q: want the bare JID of the account, user@domain", t.jid), "with --upstream xmppscope has to know whose client it is"}}
	}
	if t.keep != "" {
		if err := os.MkdirAll(t.keep, 0o700); err != nil {
			return err
		}
	}
	if t.ca, err = certs.NewMemory(); err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp("", "xmppscope-try-"); err != nil {
		return err
	}
	ca, password := filepath.Join(t.dir, "ca.pem"), filepath.Join(t.dir, "password")
	if t.upstream != "" {
		password = ""
		for _, pair := range t.known.pairs {
			if jid, file, ok := splitPair(pair); ok && account(jid) == account(t.jid) {
				password, _ = filepath.Abs(file)
			}
		}
	} else {
		t.accounts.learn(t.jid, t.scenario.Password)
		err = os.WriteFile(password, []byte(t.scenario.Password+"\n"), 0o600)
	}
	if err = errors.Join(err, os.WriteFile(ca, t.ca.RootPEM(), 0o600)); err != nil {
		os.RemoveAll(t.dir)
		return err
	}
	t.values = [][2]string{{"ca", ca}, {"jid", t.jid}, {"user", user}, {"domain", domain}, {"password-file", password}}
	return nil
}

func listExperiments(w io.Writer) error {
	for _, x := range experiment.All() {
		if _, err := fmt.Fprintf(w, "%s\n    %s\n    a good client: %s (%s)\n", x.Name, x.Title, x.Good, x.Ref); err != nil {
			return err
		}
	}
	return nil
}

// print prints a result as soon as it is there.
func (t *tryFlags) print(r *tried) error {
	if t.json {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Printf("%s\n", b)
		return err
	}
	_, err := fmt.Println(safeLine("%-5s %-34s %s", r.Result, r.Name, r.Why))
	if err == nil && (r.Result == experiment.Weak || r.Result == experiment.Bad) {
		_, err = fmt.Println(safeLine("      %-34s a good client: %s (%s)", "", r.Good, r.Ref))
	}
	return err
}

func sumOf(rows []tried) string {
	var parts []string
	for _, g := range []experiment.Grade{experiment.Good, experiment.Weak, experiment.Bad, experiment.NoUse} {
		n := 0
		for i := range rows {
			if rows[i].Result == g {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, g))
		}
	}
	return session.Plural(len(rows), "experiment") + ": " + strings.Join(parts, ", ")
}

// write writes the files of --junit and --html.
func (t *tryFlags) write(rows []tried, started time.Time) error {
	to := func(path string, write func(io.Writer) error) error {
		if path == "" {
			return nil
		}
		f, err := create(path)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	return errors.Join(
		to(t.junit, func(w io.Writer) error {
			var cases []expect.Extra
			for _, r := range rows {
				c := expect.Extra{Name: r.Name + ": " + r.Title}
				if r.Result == experiment.Bad {
					c.Failure = session.SafeLine(r.Why + "; a good client: " + r.Good + " (" + r.Ref + ")")
				}
				if r.Result == experiment.NoUse {
					c.Skipped = session.SafeLine(r.Why)
				}
				cases = append(cases, c)
			}
			if untried(rows) {
				cases = append(cases, expect.Extra{Name: "something was tested", Failure: "it did not come to it in any experiment"})
			}
			return expect.JUnit(w, expect.Report{Started: started}, cases)
		}),
		to(t.html, func(w io.Writer) error {
			for i := range rows {
				rows[i].Why = session.SafeLine(rows[i].Why)
			}
			return tryPage.Execute(w, map[string]any{"Rows": rows, "Sum": sumOf(rows), "Tool": tool, "At": started.Format(time.RFC3339)})
		}),
	)
}

var tryPage = template.Must(template.New("try").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>How the client copes when things go wrong</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:70em}
table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.4em .8em;border-bottom:1px solid #ccc}
.good{color:#176b17}.weak{color:#8a5a00}.bad{color:#a30000;font-weight:bold}small{color:#555}
</style>
<h1>How the client copes when things go wrong</h1>
<p>{{.Sum}}. {{.Tool}}, {{.At}}</p>
<table><tr><th>experiment<th>result<th>what the client did
{{range .Rows}}<tr><td><b>{{.Name}}</b><br>{{.Title}}<td class="{{.Result}}">{{.Result}}<td>{{.Why}}<br><small>a good client: {{.Good}} ({{.Ref}})</small>
{{end}}</table>
`))

// given is what the client is given, with some more values, in its arguments and in its
// environment.
func (t *tryFlags) given(more ...[2]string) (args *strings.Replacer, env []string) {
	var pairs []string
	for _, v := range append(more, t.values...) {
		pairs = append(pairs, "{"+v[0]+"}", v[1])
		env = append(env, "TRY_"+strings.ToUpper(strings.ReplaceAll(v[0], "-", "_"))+"="+v[1])
		if v[0] == "ca" {
			env = append(env, "SSL_CERT_FILE="+v[1])
		}
	}
	return strings.NewReplacer(pairs...), env
}
