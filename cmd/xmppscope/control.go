package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"xmppscope/internal/api"
	"xmppscope/internal/bend"
	"xmppscope/proxy"
	"xmppscope/session"
)

// controls is proxy.Control for programs: api.Control.
type controls struct {
	*proxy.Control
	rules  *rulesFlag
	reveal bool // secrets are shown
	by     string
}

// Bounds of how long a request may wait.
const (
	armTime    = 5 * time.Second
	answerTime = 10 * time.Second
	stallTime  = 24 * time.Hour
)

// Held implements api.Control.
func (c *controls) Held() api.Held {
	out := api.Held{Held: []api.HeldElement{}, Breakpoints: []api.Breakpoint{}}
	for _, h := range c.Control.Held() {
		e := api.HeldElement{ID: h.ID, Session: h.Session, Dir: h.Dir.String(), Since: h.Since, Reason: h.Reason, Name: h.Name, Space: h.Space, XML: string(h.XML)}
		if !c.reveal {
			e.XML, e.Redacted = string(h.Shown), string(h.Shown) != string(h.XML)
		}
		out.Held = append(out.Held, e)
	}
	for _, u := range c.Unheld() {
		out.Unheld = append(out.Unheld, api.Unheld(u))
	}
	for _, b := range c.Breakpoints() {
		out.Breakpoints = append(out.Breakpoints, api.Breakpoint{ID: b.ID, When: b.Text, Once: b.Once, Hits: b.Hits})
	}
	return out
}

// Decide implements api.Control.
func (c *controls) Decide(d api.Decision) error {
	out := proxy.Decision{By: c.by}
	wait, err := within("ms", d.Millis)
	if err != nil {
		return err
	}
	switch d.Do {
	case "pass":
	case "edit":
		if d.XML == "" {
			return errors.New("edit needs xml: to let nothing go on there is drop")
		}
		out.XML = []byte(d.XML)
	case "drop":
		out.Drop = true
	case "duplicate":
		out.Copies = max(d.Copies, 1)
	case "delay":
		out.Delay = wait
	default:
		return fmt.Errorf("do is %q: want pass, edit, drop, duplicate or delay", d.Do)
	}
	return c.Control.Decide(d.ID, out)
}

// within is a time in milliseconds, of a day at most.
func within(name string, millis int) (time.Duration, error) {
	if millis < 0 || millis > int(stallTime/time.Millisecond) {
		return 0, fmt.Errorf("%s is %d: want milliseconds, of a day at most", name, millis)
	}
	return time.Duration(millis) * time.Millisecond, nil
}

// Break implements api.Control.
func (c *controls) Break(ctx context.Context, b api.Breakpoint) (api.Breakpoint, error) {
	set, err := c.Control.Break(b.When, b.Once)
	if err != nil {
		return api.Breakpoint{}, err
	}
	c.ready(ctx)
	return api.Breakpoint{ID: set.ID, When: set.Text, Once: set.Once}, nil
}

// ready waits, but not for ever, until what was asked for holds in every session.
func (c *controls) ready(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, armTime)
	defer cancel()
	c.Ready(ctx)
}

// Inject implements api.Control.
func (c *controls) Inject(ctx context.Context, i api.Injection) (api.Injected, error) {
	xml := []byte(i.XML)
	switch {
	case (i.XML == "") == (i.Template == ""):
		return api.Injected{}, errors.New("it needs either xml or a template")
	case i.Template != "":
		t, err := session.FindTemplate(i.Template)
		if err != nil {
			return api.Injected{}, err
		}
		if xml, err = t.Fill(i.Fields); err != nil {
			return api.Injected{}, err
		}
	case len(i.Fields) > 0:
		return api.Injected{}, errors.New("fields are those of a template")
	}
	wait, err := within("ms", i.Millis)
	if err != nil {
		return api.Injected{}, err
	}
	dir, _ := session.DirNamed(i.Dir) // without one nothing is said, which is told
	s := proxy.Sending{Dir: dir, XML: xml, By: c.by, Reason: "it was asked for over the api", Answer: true}
	reply := make(chan []byte, 1)
	s.Reply = reply
	out := api.Injected{XML: string(xml)}
	if err := c.Control.Inject(i.Session, s); err != nil || wait == 0 {
		return out, err
	}
	late := time.NewTimer(min(wait, answerTime))
	defer late.Stop()
	select {
	case answer := <-reply:
		out.Answer = string(answer)
	case <-late.C:
	case <-ctx.Done():
	}
	return out, nil
}

// bendings are what can be done to connections besides ending them, by name.
var bendings = map[string]proxy.Bend{
	"cut": {What: proxy.Cut}, "stall": {What: proxy.Stall}, "black-hole": {What: proxy.BlackHole}, "pace": {What: proxy.Pace},
}

// Bend implements api.Control.
func (c *controls) Bend(b api.Bend) error {
	out, known := bendings[b.Do]
	if end, is := proxy.Endings[b.Do]; is {
		out, known = end, true
	}
	dir, isDir := session.DirNamed(b.Dir)
	wait, err := within("ms", b.Millis)
	switch {
	case !known:
		return fmt.Errorf("do is %q: want cut, reset, half-close, drop-client, drop-server, reset-client, reset-server, stall, black-hole or pace", b.Do)
	case !isDir:
		return fmt.Errorf("dir is %q: want c2s or s2c", b.Dir)
	case b.Rate < 0 || b.Chunk < 0 || b.Do == "pace" && b.Rate+b.Chunk == 0:
		return errors.New("pace needs rate (bytes a second) or chunk (bytes at a time)")
	case err != nil:
		return err
	}
	if out.Dir == session.NoDir {
		out.Dir = dir
	}
	out.For, out.Rate, out.Chunk, out.By = wait, b.Rate, b.Chunk, c.by
	out.Reason = strings.TrimSpace(b.Do + " " + b.Dir)
	return c.Control.Bend(b.Session, out)
}

// Rules implements api.Control.
func (c *controls) Rules(ctx context.Context, r api.Rules) (api.Rules, error) {
	set, err := bend.Parse("toml", r.TOML, c.Filters)
	if err != nil {
		return api.Rules{}, err
	}
	c.rules.engine.Replace(set)
	c.Rearm()
	c.ready(ctx)
	out := api.Rules{Warnings: set.Warnings()}
	for _, rule := range set.Rules {
		out.Names = append(out.Names, rule.Name)
	}
	return out, nil
}
