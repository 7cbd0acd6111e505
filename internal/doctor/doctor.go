// Package doctor looks at what a domain offers to clients and to other servers, without an
// account and without a client: its records, each port that they name, its certificates and
// its offers. What is said there is explained by the rules that explain a login; what is
// wrong comes out as problems, causes first.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"xmppscope/decode"
	"xmppscope/internal/idn"
	"xmppscope/internal/lookup"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// Options say what is looked at, and how.
type Options struct {
	Domain idn.Domain
	// Resolver is asked and connects; its Overrides and Ports stand in place of what DNS says.
	Resolver *proxy.Resolver
	// TLS has the CAs that certificates are held against.
	TLS *tlsintercept.Config
	// Rules explain what was said.
	Rules []decode.Rule
	// Timeout bounds each conversation; 0 means 15 s.
	Timeout time.Duration
	// Now is the clock for dates; nil is time.Now.
	Now func() time.Time
}

// Problem is something that is wrong, or that is worth knowing.
type Problem struct {
	Severity session.Severity `json:"severity"`
	Rule     string           `json:"rule,omitempty"` // the check that found it, as in xmppscope check --list; "" where it is the doctor's own
	Text     string           `json:"text"`
	Next     string           `json:"next,omitempty"` // what to do
	Ref      string           `json:"ref,omitempty"`
	Where    []string         `json:"where,omitempty"` // records, ports, addresses of the web
}

// Report is what was found.
type Report struct {
	Domain   string    `json:"domain"`
	Problems []Problem `json:"problems"` // worst first
	Records  []Record  `json:"records"`
	Ports    []Port    `json:"ports"`
	Web      []Web     `json:"web,omitempty"`

	mu sync.Mutex
}

// Worst is the severity of the first problem; Info if there is none.
func (r *Report) Worst() session.Severity {
	if len(r.Problems) == 0 {
		return session.Info
	}
	return r.Problems[0].Severity
}

// ErrBlind is that nothing could be looked at, because no question was answered.
var ErrBlind = errors.New("no question to DNS was answered")

// add puts a problem in. One that is there already has one place more.
func (r *Report) add(p Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.Problems {
		if old := &r.Problems[i]; old.Rule == p.Rule && old.Text == p.Text {
			for _, w := range p.Where {
				if !slices.Contains(old.Where, w) {
					old.Where = append(old.Where, w)
				}
			}
			return
		}
	}
	r.Problems = append(r.Problems, p)
}

func (r *Report) wrong(sev session.Severity, where, ref, next, format string, args ...any) {
	r.add(Problem{Severity: sev, Text: fmt.Sprintf(format, args...), Next: next, Ref: ref, Where: []string{where}})
}

// Look looks at the domain. It returns within a bounded time, and with ErrBlind if nothing
// could be seen.
func Look(ctx context.Context, o Options) (*Report, error) {
	r := &Report{Domain: o.Domain.ASCII, Problems: []Problem{}, Records: []Record{}, Ports: []Port{}}
	d := &doctor{Options: o, report: r, names: o.Resolver.Names, rules: decode.Prepare(o.Rules), run: new(decode.Run)}
	if d.names == nil {
		d.names = &lookup.Resolver{Thorough: true}
	}
	targets := d.audit(ctx)
	if d.asked > 0 && d.asked == d.unanswered {
		r.sort()
		return r, ErrBlind
	}
	d.ports(ctx, targets)
	d.web(ctx)
	r.sort()
	return r, ctx.Err()
}

// doctor is one look.
type doctor struct {
	Options
	report *Report
	names  proxy.Names
	rules  *decode.Prepared
	run    *decode.Run

	asked, unanswered int
}

// to leads to one place, and nowhere else.
func (d *doctor) to(t proxy.Target) *proxy.Resolver {
	return &proxy.Resolver{Upstream: &t, Names: d.names, Through: d.Resolver.Through, Timeout: d.Resolver.Timeout}
}

func (d *doctor) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// sort puts the worst first, and what hits clients before what hits servers.
func (r *Report) sort() {
	for i := range r.Problems {
		slices.Sort(r.Problems[i].Where)
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(forServers(a), forServers(b)), strings.Compare(a.where(), b.where()), strings.Compare(a.Text, b.Text))
	})
}

func (p Problem) where() string { return strings.Join(p.Where, ", ") }

func forServers(p Problem) int {
	for _, w := range p.Where {
		if !strings.Contains(w, "server") {
			return 0
		}
	}
	return 1
}

// mostAtOnce bounds the conversations under way.
const mostAtOnce = 4

// each does something for each of a list, some at a time.
func each[T any](list []T, do func(i int, t T)) {
	var all sync.WaitGroup
	room := make(chan struct{}, mostAtOnce)
	for i, t := range list {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			do(i, t)
		})
	}
	all.Wait()
}
