package script

import (
	"bytes"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Gate asks a script about the elements of one session: proxy.Control.Use takes it.
func (h *Host) Gate(id int, look *proxy.Look) proxy.Gate { return &gate{h, id, look} }

type gate struct {
	host *Host
	id   int
	look *proxy.Look
}

// Wants implements proxy.Gate.
func (g *gate) Wants(session.Dir) bool { return !g.host.Over() }

// Consider implements proxy.Gate. The script is asked in a goroutine of its own: nothing
// waits but the direction.
func (g *gate) Consider(p *decode.Piece) proxy.Decision {
	if p.Kind != decode.Element && p.Kind != decode.Opened {
		return proxy.Decision{}
	}
	e := elementOf(g.look.Event(g.id, p))
	return proxy.Decision{Later: func() proxy.Decision { return decision(g.host.Ask(e)) }}
}

// by names the script in what is recorded.
const by = "script"

func decision(r Reply) proxy.Decision {
	var reasons []string
	if r.Error != "" {
		reasons = append(reasons, "the script has failed: "+session.ShortLine(r.Error))
	}
	for _, n := range r.Notes {
		reasons = append(reasons, session.ShortLine(n))
	}
	d := proxy.Decision{By: by, Drop: r.Drop, Delay: time.Duration(r.Delay)}
	if !r.Drop && r.XML == "" {
		d.Bent, d.Noted = d.Delay > 0, d.Delay <= 0
	}
	if r.XML != "" && !r.Drop {
		d.XML = bytes.Clone([]byte(r.XML))
	}
	if r.Reason != "" {
		reasons = append(reasons, session.ShortLine(r.Reason))
	}
	d.Reason = strings.Join(reasons, "; ")
	for _, s := range r.Sends {
		dir, _ := session.DirNamed(s.Dir) // it was looked at when the script said it
		d.Sends = append(d.Sends, proxy.Sending{Dir: dir, XML: []byte(s.XML), Reason: "the script says it", By: by})
	}
	return d
}
