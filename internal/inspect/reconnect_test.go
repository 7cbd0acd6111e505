package inspect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// runner makes the events of sessions for a Model.
type runner struct {
	*testing.T
	m  *Model
	n  int
	at time.Duration
}

func newRunner(t *testing.T) *runner { return &runner{T: t, m: NewModel()} }

func (r *runner) add(id int, e session.Event) {
	r.n++
	r.at += time.Second
	e.Session, e.Seq, e.At = id, uint64(r.n), began.Add(r.at)
	r.m.Add(r.n-1, &e, true)
}

func (r *runner) connect(id int, from string) {
	r.add(id, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Peer: from}}})
}

func (r *runner) gone(id int) {
	r.add(id, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}})
}

// element is an element on a rung, with fields "name=value".
func (r *runner) element(id int, dir session.Dir, name, step string, fields ...string) {
	e := session.Event{Seen: session.Seen{Dir: dir, Name: name, Body: session.StreamElement{}}, Said: session.Said{Done: true, Step: &session.Step{N: r.n + 1, ID: step}}}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		n := session.Note{Name: name, Value: value}
		switch name {
		case "user":
			n.Holds = session.User
		case "token":
			n = session.Note{Ref: refTokens, Text: "gives a token"}
		}
		e.Notes = append(e.Notes, n)
	}
	r.add(id, e)
}

// story is how a session goes on from an earlier one: "2: TakenUp of 1".
func (r *runner) story() string {
	var out []string
	for _, c := range r.m.Sessions {
		said := fmt.Sprint(c.ID)
		if c.Of != nil {
			said += "<" + fmt.Sprint(c.Of.ID) + " " + jointWords[c.Joint][0]
		}
		out = append(out, said)
	}
	return strings.Join(out, ", ")
}

// TestReconnects joins the sessions of one client by what is surest.
func TestReconnects(t *testing.T) {
	r := newRunner(t)
	for id, step := range []func(id int){
		1: func(id int) { // gets an id for stream management
			r.element(id, session.C2S, "auth", "sasl-auth", "user=romeo@example.net")
			r.element(id, session.S2C, "iq", "bind-result", "jid=romeo@example.net/a")
			r.element(id, session.S2C, "enabled", "sm-enabled", "sm-id=x1")
		},
		2: func(id int) { // resumes it
			r.element(id, session.C2S, "auth", "sasl-auth", "user=romeo@example.net")
			r.element(id, session.C2S, "resume", "sm-resume", "sm-id=x1", "h=7")
			r.element(id, session.S2C, "resumed", "sm-resumed", "h=9")
		},
		3: func(id int) { // resumes that, under the same id
			r.element(id, session.C2S, "resume", "sm-resume", "sm-id=x1")
			r.element(id, session.S2C, "resumed", "sm-resumed")
		},
		4: func(id int) { // asks in vain
			r.element(id, session.C2S, "resume", "sm-resume", "sm-id=x1")
			r.element(id, session.S2C, "failed", "sm-failed")
		},
		5: func(id int) { // somebody else
			r.element(id, session.C2S, "auth", "sasl-auth", "user=juliet@example.net")
		},
		6: func(id int) { // the same account again
			r.element(id, session.C2S, "auth", "sasl-auth", "user=juliet@example.net")
		},
	} {
		if step != nil {
			r.connect(id, fmt.Sprintf("192.0.2.7:%d", 4000+id))
			step(id)
			r.gone(id)
		}
	}
	if got := r.story(); got != "1, 2<1 resumes, 3<2 resumes, 4<3 asked to resume, 5, 6<5 same account as" {
		t.Error(got)
	}
	c := r.m.Sessions[1]
	if got := c.Back(); got != "resumes session 1, counters carried over: 7 at the client, 9 at the server" {
		t.Error(got)
	}
	if got := r.m.Sessions[0].Ahead(); got != "resumed by session 2, 1s later" {
		t.Error(got)
	}
	var ids []int
	for c := r.m.Sessions[0]; c != nil; c = c.After {
		ids = append(ids, c.ID)
	}
	if fmt.Sprint(ids) != "[1 2 3 4]" || r.m.Sessions[4].Before != nil {
		t.Errorf("the story is %v", ids)
	}
}

// TestTokensAndInstallations: SASL2 names the installation, FAST takes its token.
func TestTokensAndInstallations(t *testing.T) {
	r := newRunner(t)
	r.connect(1, "192.0.2.7:1")
	r.element(1, session.C2S, "authenticate", "sasl2-authenticate", "mechanism=SCRAM-SHA-256", "user-agent-id=u1")
	r.element(1, session.S2C, "success", "sasl2-success", "token=")
	r.connect(2, "192.0.2.7:2")
	r.element(2, session.C2S, "authenticate", "sasl2-authenticate", "mechanism=HT-SHA-256-NONE", "user-agent-id=u1")
	r.connect(3, "192.0.2.7:3")
	r.element(3, session.C2S, "authenticate", "sasl2-authenticate", "mechanism=SCRAM-SHA-256", "user-agent-id=u1")
	if got := r.story(); got != "1, 2<1 token from, 3<2 same client as" {
		t.Error(got)
	}
	if got := r.m.Sessions[0].Ahead(); got != "token used in session 2, 1s later" {
		t.Error(got)
	}
}

// TestClientsSideBySide of one account are two stories, unless one takes the address of the other.
func TestClientsSideBySide(t *testing.T) {
	r := newRunner(t)
	for id := 1; id <= 3; id++ {
		r.connect(id, "192.0.2.7:1")
		r.element(id, session.C2S, "auth", "sasl-auth", "user=romeo@example.net")
	}
	r.element(1, session.S2C, "iq", "bind-result", "jid=romeo@example.net/a")
	r.element(3, session.S2C, "iq", "bind-result", "jid=romeo@example.net/a")
	r.connect(4, "198.51.100.1:1") // another host
	r.gone(2)
	r.element(4, session.C2S, "auth", "sasl-auth", "user=romeo@example.net")
	if got := r.story(); got != "1, 2, 3<1 takes the place of, 4" {
		t.Error(got)
	}
	r.connect(5, "192.0.2.7:1")
	r.gone(3)
	r.connect(6, "192.0.2.7:1")
	r.element(6, session.S2C, "iq", "bind-result", "jid=romeo@example.net/a")
	if got := r.m.Sessions[5].Back(); got != "same address as session 3" {
		t.Error(got)
	}
	r.gone(1)
	if got := r.m.Sessions[0].Ahead(); got != "replaced by session 3, which began before this one ended" {
		t.Error(got)
	}
}

// TestListing: the order of time with stories together, by columns, and by words.
func TestListing(t *testing.T) {
	r := newRunner(t)
	users := []string{"romeo@example.net", "juliet@example.net", "romeo@example.net", "nurse@example.net"}
	for i, user := range users {
		id := i + 1
		r.connect(id, "192.0.2.7:1")
		r.element(id, session.C2S, "auth", "sasl-auth", "user="+user, "mechanism=PLAIN")
		for range i {
			r.element(id, session.C2S, "message", "")
		}
		if id == 4 {
			r.element(id, session.S2C, "failure", "sasl-failure", "condition=not-authorized")
		}
		r.gone(id)
	}
	order := func(l Listing) (out string) {
		for _, c := range l.Of(r.m.Sessions) {
			out += fmt.Sprint(c.ID)
		}
		return out
	}
	column := func(name string) int {
		return slices.IndexFunc(SessionColumns, func(c SessionColumn) bool { return c.Name == name })
	}
	for _, test := range []struct {
		l    Listing
		want string
	}{
		{Listing{}, "1324"},
		{Listing{Falling: true}, "4321"},
		{Listing{By: column("who")}, "2413"},
		{Listing{By: column("events"), Falling: true}, "4321"},
		{Listing{By: column("begun")}, "1234"},
		{NewListing("Romeo"), "13"},
		{NewListing("!romeo"), "24"},
		{NewListing("failed not-authorized"), "4"},
		{NewListing("plain !failed nurse"), ""},
	} {
		if got := order(test.l); got != test.want {
			t.Errorf("%+v: %s, want %s", test.l, got, test.want)
		}
	}
}

// TestColumnsFit: the number and how it went are there at every width.
func TestColumnsFit(t *testing.T) {
	all := 0
	for _, c := range SessionColumns {
		all += 1 + c.Width
	}
	if all+20 > 200-3 {
		t.Errorf("all columns take %d cells", all)
	}
	for width := range 240 {
		fit, need := FitSessionColumns(SessionColumns, width, 1, 20), 0
		for _, c := range fit {
			need += 1 + max(c.Width, 20*b2i(c.Width == 0))
		}
		if need > width && len(fit) > 1 {
			t.Fatalf("%d: %d", width, need)
		}
		if width > 60 && (fit[0].Name != "#" || !slices.ContainsFunc(fit, func(c SessionColumn) bool { return c.Width == 0 })) {
			t.Fatalf("%d: %+v", width, fit)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
