package proxy

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"xmppscope/session"
)

// rewriter puts a server's own host and path into the requests of HTTP that go to it
// (--upstream wss://HOST/PATH), as they are written: the client has named ours. All else, such
// as the frames of WebSocket behind its request, goes as it came.
type rewriter struct {
	host, path string  // path "": that which the client has named
	by         string  // who named them
	head       []byte  // of a request, as far as it has come
	body       int64   // how much of it is to come
	chunks     *chunks // of a body that comes in chunks; nil: in none
	over       bool    // what comes now is no request
}

// newRewriter is nil where requests go as they came.
func newRewriter(t *Target) *rewriter {
	if t == nil || t.Path == "" && !t.Renamed {
		return nil
	}
	host := t.Address()
	if t.Port == portHTTP && !t.Direct || t.Port == portHTTPS && t.Direct {
		host = strings.TrimSuffix(host, ":"+strconv.Itoa(t.Port))
	}
	by := "--upstream"
	if !t.Given {
		by = "--keep"
	}
	return &rewriter{host: host, path: t.Path, by: by}
}

// told is that it is done. What stands behind a "?" may be a secret (RFC 6750 §2.3).
func (r *rewriter) told() session.Seen {
	path, _, more := strings.Cut(r.path, "?")
	switch {
	case more:
		path += "?…"
	case path == "":
		path = "what it names"
	}
	return session.Seen{Leg: session.ServerLeg, Dir: session.C2S, Origin: session.OriginSelf, Body: session.RelayBent{
		Reason: "the server is asked for " + session.SafeLine(path) + " at " + session.SafeLine(r.host) + ", whatever the client's requests name", By: r.by,
	}}
}

// out is what goes on of p; the rest of a head waits until it is whole.
func (r *rewriter) out(p []byte) (out []byte) {
	for len(p) > 0 {
		switch {
		case r.over:
			return append(out, p...)
		case r.body > 0:
			n := min(r.body, int64(len(p)))
			out, p, r.body = append(out, p[:n]...), p[n:], r.body-n
			continue
		case r.chunks != nil:
			n, more := r.chunks.next(p)
			if !more {
				r.over, r.chunks = r.chunks.wrong, nil
			}
			out, p = append(out, p[:n]...), p[n:]
			continue
		}
		r.head = append(r.head, p...)
		req, size, _ := requestIn(r.head)
		if size == 0 && len(r.head) < maxHeld && !bytes.Contains(r.head, []byte("\n\n")) {
			return out
		}
		head := r.head
		p, r.head = nil, nil
		if req == nil { // none of ours to change
			r.over = true
			return append(out, head...)
		}
		p = head[size:]
		out = append(out, r.rewritten(head[:size])...)
		r.body = max(req.ContentLength, 0)
		if req.ContentLength < 0 {
			r.chunks = new(chunks)
		}
		r.over = req.Method == http.MethodConnect || req.Header.Get("Upgrade") != ""
	}
	return out
}

// chunks follows a body in chunks to its end (RFC 9112 §7.1).
type chunks struct {
	line  []byte // before a chunk, behind it, or behind the last one, as far as it has come
	left  int64  // of a chunk
	after bool   // its line end comes
	last  bool   // it was the last
	wrong bool   // it is none of that
}

// next takes what p has of the body. More says that it goes on.
func (c *chunks) next(p []byte) (n int, more bool) {
	for n < len(p) {
		if c.left > 0 {
			k := min(c.left, int64(len(p)-n))
			n, c.left = n+int(k), c.left-k
			continue
		}
		b := p[n]
		n++
		if c.line = append(c.line, b); b != '\n' {
			if c.wrong = len(c.line) > maxHeld; c.wrong {
				return n, false
			}
			continue
		}
		line := bytes.TrimSpace(c.line)
		c.line = c.line[:0]
		switch {
		case c.last && len(line) == 0: // behind the trailer
			return n, false
		case c.last: // a field of it
		case c.after:
			c.after, c.wrong = false, len(line) > 0
		default:
			size, _, _ := bytes.Cut(line, []byte(";"))
			left, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 63)
			c.left, c.last, c.after, c.wrong = int64(left), left == 0, left > 0, err != nil
		}
		if c.wrong {
			return n, false
		}
	}
	return n, true
}

// rewritten is a request's head with the server's host and path in it.
func (r *rewriter) rewritten(head []byte) []byte {
	lines := bytes.Split(head, []byte("\r\n"))
	if words := bytes.SplitN(lines[0], []byte(" "), 3); len(words) == 3 && r.path != "" {
		lines[0] = []byte(string(words[0]) + " " + r.path + " " + string(words[2]))
	}
	for i, line := range lines[1:] {
		if name, _, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(name), "Host") {
			lines[i+1] = []byte(string(name) + ": " + r.host)
		}
	}
	return bytes.Join(lines, []byte("\r\n"))
}
