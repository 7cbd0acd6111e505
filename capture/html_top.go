package capture

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/session"
)

// sessionView is the top of one session as the template draws it.
type sessionView struct {
	verdictLine
	Domain          string
	Facts           []session.Fact
	Rungs           []rungView
	MoreRungs       int
	LadderHeight    int
	Markers         []string
	Phases          []phaseView
	Total           string
	Findings        []findingView
	Unlisted        int
	Legs            []*tlsView
	Events, Stanzas int
	Reveal          bool
	Brief           bool // the verdict alone
	Short, Left     int  // events that are but a line, and that are not there
}

type findingView struct {
	finding
	Again  int
	Linked bool // its event is shown whole
}

// phaseView is a bar of the waterfall; X and W are per cent.
type phaseView struct {
	Name, Steps, From, Took string
	X, W                    float64
}

func lineOf(r *report) verdictLine {
	l := verdictLine{ID: r.ID, Verdict: r.verdict(), Advice: r.Advice, Class: "warn"}
	switch {
	case r.State == session.Failed:
		l.Class = "bad"
	case r.State == session.LoggedIn:
		l.Class = "ok"
	}
	return l
}

// sessionView is the top of a session. From the first event on that is named, if
// it is not 0, there is nothing to link to.
func (o *Options) sessionView(r *report, first uint64) sessionView {
	whole := func(seq uint64) bool { return first == 0 || seq < first }
	v := sessionView{
		verdictLine: lineOf(r), Domain: r.Domain, Facts: r.facts(),
		MoreRungs: r.more, Unlisted: r.unlisted, Events: r.events, Stanzas: r.Stanzas, Reveal: o.Reveal,
		Markers: []string{"c2s", "s2c", "both", "bad"},
	}
	for i := range r.rungs {
		v.Rungs = append(v.Rungs, rungViewOf(i, &r.rungs[i]))
		v.Rungs[i].Linked = whole(r.rungs[i].Seq)
	}
	v.LadderHeight = ladderTop + len(v.Rungs)*rungHeight
	for _, f := range r.worstFirst() {
		v.Findings = append(v.Findings, findingView{f, f.Count - 1, whole(f.Seq)})
	}
	v.Phases, v.Total = phaseViews(r.Stretches())
	for _, leg := range []session.Leg{session.ServerLeg, session.ClientLeg} {
		if l := &r.legs[leg]; l.TLS != nil {
			if r.Captured {
				leg = session.NoLeg
			}
			v.Legs = append(v.Legs, tlsViewOf(leg, l.TLS, l.Problem, l.Hint))
		}
	}
	return v
}

// facts is the table on top of a session.
func (r *report) facts() []session.Fact {
	var out []session.Fact
	add := func(label, value string) {
		if value != "" {
			out = append(out, session.Fact{Label: label, Value: value})
		}
	}
	add("domain", r.Domain)
	add("user", r.User)
	add("full JID", r.JID)
	add("mechanism", r.Mechanism)
	client, server := &r.legs[session.ClientLeg], &r.legs[session.ServerLeg]
	add("client", client.Opened.Peer)
	where := server.Opened.Peer
	if t := server.Opened.Target; t != "" && t != where {
		where = strings.TrimSpace(t + " " + paren(where))
	}
	if via := server.Opened.Via; via != "" {
		where += ", named by " + via
	}
	if r.Captured {
		where = r.Server
	}
	add("server", where)
	for _, leg := range []session.Leg{session.ClientLeg, session.ServerLeg} {
		text := r.TLS[leg]
		if text == "" && !r.legs[leg].At.IsZero() {
			text = "none: in the clear"
		}
		if r.legs[leg].Problem != "" {
			text = "failed"
		}
		name := "TLS, " + leg.String() + " leg"
		if r.Captured {
			name = "TLS"
		}
		add(name, text)
	}
	if !r.Began.IsZero() {
		add("began", r.Began.Format(time.RFC3339))
		add("lasted", session.ShortTime(r.Last.Sub(r.Began)))
	}
	add("ladder", fmt.Sprintf("%d steps", len(r.rungs)+r.more))
	return out
}

func paren(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func phaseViews(phases []session.Stretch) (out []phaseView, total string) {
	var end time.Duration
	for _, p := range phases {
		end = max(end, p.From+p.Took)
	}
	if end <= 0 {
		return nil, ""
	}
	for _, p := range phases {
		v := phaseView{
			Name: p.Name, From: session.ShortTime(p.From), Took: session.ShortTime(p.Took),
			X: percent(p.From, end), W: max(percent(p.Took, end), 0.6),
		}
		switch {
		case p.First == 0:
		case p.First == p.Last:
			v.Steps = fmt.Sprint(p.First)
		default:
			v.Steps = fmt.Sprintf("%d–%d", p.First, p.Last)
		}
		v.X = min(v.X, 100-v.W)
		out = append(out, v)
	}
	return out, session.ShortTime(end)
}

// percent has one digit behind the point.
func percent(d, whole time.Duration) float64 {
	return float64(int64(float64(d)/float64(whole)*1000)) / 10
}

// The ladder is drawn in per cent of the width, so that it fits a phone, and in
// pixels of height, so that its text stays as large as it is.
const (
	ladderTop  = 34
	rungHeight = 46
	maxLabel   = 34 // characters that fit a phone
	maxSummary = 50 // characters more that fit a larger screen
)

type rungView struct {
	Session, N        int
	Seq               uint64
	Class, Who, Title string
	Label, Small      string
	Summary           string // where there is room for it
	Left, Right       string
	Both, Linked      bool
	X1, X2, BadgeX    int
	Y, LabelY         int
	SmallY, NumY      int
}

func rungViewOf(i int, g *rung) rungView {
	y := ladderTop + i*rungHeight + 22
	v := rungView{
		Session: g.Session, N: g.N, Seq: g.Seq, Title: g.Title, Label: session.Clip(g.Title, maxLabel),
		Y: y, LabelY: y - 8, SmallY: y + 14, NumY: y + 4,
	}
	switch g.Dir {
	case session.C2S:
		v.Class, v.Who, v.X1, v.X2, v.BadgeX = "c2s", "client to server", 9, 90, 9
	case session.S2C:
		v.Class, v.Who, v.X1, v.X2, v.BadgeX = "s2c", "server to client", 91, 10, 91
	default:
		v.Class, v.Who, v.Both, v.BadgeX = "both", "both legs", true, 9
		v.Left, v.Right = g.TLS[session.ClientLeg], g.TLS[session.ServerLeg]
	}
	if g.Failed {
		v.Class = "bad"
	}
	v.Small = g.ID
	if g.Since > 0 {
		v.Small += " · +" + session.ShortTime(g.Since)
	}
	if g.Summary != "" && g.Summary != g.ID {
		v.Summary = session.Clip(g.Summary, maxSummary)
	}
	return v
}
