package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// SessionColumn is a column of the list of sessions.
type SessionColumn struct {
	Name  string
	Width int // in cells; 0 takes what is left
	Right bool
	// Rank says which columns are left out first where there is too little room: the highest.
	Rank    int
	Falling bool // the largest matter, and come first
	Text    func(*Conversation) string
	Compare func(a, b *Conversation) int // nil: their texts are compared
}

// SessionColumns are all columns, in their order from left to right.
var SessionColumns = []SessionColumn{
	{Name: "#", Width: 5, Right: true, Rank: 0, Text: func(c *Conversation) string { return fmt.Sprint(c.ID) },
		Compare: by(func(c *Conversation) int { return c.ID })},
	{Name: "who", Width: 26, Rank: 1, Text: func(c *Conversation) string { return Who(&c.Overview) }},
	{Name: "how it went", Rank: 0, Text: (*Conversation).Went},
	{Name: "mechanism", Width: 18, Rank: 5, Text: func(c *Conversation) string { return c.Mechanism }},
	{Name: "TLS", Width: 7, Rank: 6, Text: (*Conversation).TLSVersion},
	{Name: "begun", Width: 8, Rank: 2, Text: func(c *Conversation) string { return c.Began.Format("15:04:05") },
		Compare: func(a, b *Conversation) int { return a.Began.Compare(b.Began) }},
	{Name: "lasted", Width: 7, Right: true, Rank: 4, Falling: true, Text: func(c *Conversation) string { return Lasted(c.Last.Sub(c.Began)) },
		Compare: by(func(c *Conversation) time.Duration { return c.Last.Sub(c.Began) })},
	{Name: "login", Width: 7, Right: true, Rank: 7, Falling: true, Text: func(c *Conversation) string {
		if took := c.loginTook(); took > 0 {
			return session.ShortTime(took)
		}
		return ""
	}, Compare: by((*Conversation).loginTook)},
	{Name: "events", Width: 9, Right: true, Rank: 3, Falling: true, Text: func(c *Conversation) string { return Number(c.Events) },
		Compare: by(func(c *Conversation) int { return c.Events })},
	{Name: "stanzas", Width: 9, Right: true, Rank: 9, Falling: true, Text: func(c *Conversation) string { return Number(c.Stanzas) },
		Compare: by(func(c *Conversation) int { return c.Stanzas })},
	{Name: "trips", Width: 5, Right: true, Rank: 8, Falling: true, Text: func(c *Conversation) string { return Number(c.Trips) },
		Compare: by(func(c *Conversation) int { return c.Trips })},
	{Name: "findings", Width: 8, Right: true, Rank: 10, Falling: true, Text: func(c *Conversation) string {
		if n := c.FoundCount(); n > 0 {
			return Number(n)
		}
		return ""
	}, Compare: by((*Conversation).FoundCount)},
	{Name: "client", Width: 21, Rank: 11, Text: func(c *Conversation) string { return c.Client }},
}

func by[T cmp.Ordered](value func(*Conversation) T) func(a, b *Conversation) int {
	return func(a, b *Conversation) int { return cmp.Compare(value(a), value(b)) }
}

// Went is how a session went, in a few words: what matters first, as the column may be narrow.
func (c *Conversation) Went() string {
	said := c.Outcome()
	switch {
	case c.State == session.LoggedIn && c.Resumed:
		said = "resumed"
	case c.State == session.Failed && c.Cause != nil && c.Cause.Condition != "":
		said = c.Cause.Condition
		if said == "closed" {
			said = strings.Replace(c.Cause.By, session.OriginSelf, "xmppscope", 1) + " left"
		}
		if c.Cause.ID != "" {
			said += fmt.Sprintf(" at #%d (%s)", c.Cause.Seq, c.Cause.ID)
		}
		if !c.In.IsZero() {
			said = "thrown out: " + said
		}
	}
	if c.State == session.LoggedIn && c.Ended {
		said += ", ended"
	}
	return said
}

// TLSVersion is that of both legs: one version, or "1.2/1.3" where they differ; "" in the clear.
func (c *Conversation) TLSVersion() string {
	version := func(leg session.Leg) string {
		v, _, _ := strings.Cut(strings.TrimPrefix(c.TLS[leg], "TLS "), " ")
		return v
	}
	client, server := version(session.ClientLeg), version(session.ServerLeg)
	switch {
	case client == "" && server == "":
		return ""
	case client == server || server == "":
		return client
	case client == "":
		return server
	}
	return client + "/" + server
}

// loginTook is how long the login took, 0 if it was not seen.
func (c *Conversation) loginTook() time.Duration {
	if c.In.IsZero() {
		return 0
	}
	return c.In.Sub(c.Began)
}

// FoundCount is how many places the findings of the session have.
func (c *Conversation) FoundCount() (n int) {
	for _, f := range c.found {
		n += f.Count
	}
	return n
}

// Lasted is a duration in at most six cells: "12s", "3m05s", "2h10m", "4d".
func Lasted(d time.Duration) string {
	switch d = max(0, d); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// FitSessionColumns are those of some columns that fit a width, in their order: gap is the
// room before each, least what the column without a width has to have.
func FitSessionColumns(columns []SessionColumn, width, gap, least int) []SessionColumn {
	out := slices.Clone(columns)
	for {
		need, worst := 0, 0
		for i, c := range out {
			need += gap + cmp.Or(c.Width, least)
			if c.Rank >= out[worst].Rank {
				worst = i
			}
		}
		if need <= width || len(out) < 2 {
			return out
		}
		out = slices.Delete(out, worst, worst+1)
	}
}

// Listing says which sessions a list shows, and in which order. The zero value shows all in
// the order of their numbers, each below the one that it goes on from.
type Listing struct {
	By      int // of SessionColumns
	Falling bool
	// Words are all in what the columns and the verdict say of a session; one that begins with
	// "!" must not be.
	Words []string
}

// NewListing is the one of what a person typed.
func NewListing(words string) Listing { return Listing{Words: strings.Fields(strings.ToLower(words))} }

// Passes says whether a session is shown.
func (l *Listing) Passes(c *Conversation) bool {
	if len(l.Words) == 0 {
		return true
	}
	said := []string{c.Verdict, c.Server, c.State.String()}
	for _, column := range SessionColumns {
		said = append(said, column.Text(c))
	}
	all := strings.ToLower(strings.Join(said, "\n"))
	for _, word := range l.Words {
		not, unwanted := strings.CutPrefix(word, "!")
		if unwanted && not != "" && strings.Contains(all, not) || !unwanted && !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

// Of are the sessions that are shown.
func (l *Listing) Of(sessions []*Conversation) []*Conversation {
	out := make([]*Conversation, 0, len(sessions))
	for _, c := range sessions {
		if l.Passes(c) {
			out = append(out, c)
		}
	}
	column := &SessionColumns[l.By]
	if l.By == 0 && !l.Falling {
		return together(out)
	}
	compare := column.Compare
	if compare == nil {
		compare = func(a, b *Conversation) int { return strings.Compare(column.Text(a), column.Text(b)) }
	}
	slices.SortStableFunc(out, func(a, b *Conversation) int {
		if l.Falling {
			return compare(b, a)
		}
		return compare(a, b)
	})
	return out
}
