package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"xmppscope/capture"
	"xmppscope/decode/compare"
	"xmppscope/session"
)

// route is one thing that can be asked for. What is asked, its parameters and what comes
// back stand here and nowhere else: the OpenAPI document is made of it.
type route struct {
	path    string // as OpenAPI has it, which is as http.ServeMux has it
	id      string // operationId
	summary string
	params  []param
	returns reflect.Type // of the JSON object; nil: it is streamed
	media   string       // of what is streamed
	answer  func(*Model, context.Context, values) (any, error)
	stream  func(*Model, *sender, values) error
	waits   bool         // what is streamed comes as it happens, or the answer may take long
	takes   reflect.Type // of the JSON object that is sent; nil: nothing is changed
	act     func(Control, context.Context, io.Reader) (any, error)
}

// param is one parameter.
type param struct {
	name, in, what string
	kind           string // of JSON Schema: "integer", "string", "boolean"
	words          []string
	least, most    int // of an integer; most 0: any
	or             any // what stands for one that is not there
	must           bool
}

// values are the parameters of a request, checked.
type values map[string]any

func (v values) int(name string) int       { n, _ := v[name].(int); return n }
func (v values) string(name string) string { s, _ := v[name].(string); return s }
func (v values) bool(name string) bool     { b, _ := v[name].(bool); return b }

const prefix = "/api/v1"

// maxLimit is how much one answer holds at most.
const maxLimit = 1000

var (
	paramID     = param{name: "id", in: "path", what: "the session's number; 0 is the newest", kind: "integer", must: true}
	paramOf     = param{name: "session", in: "query", what: "of this session only; 0 is all", kind: "integer", or: 0}
	paramFilter = param{name: "filter", in: "query", what: "only events that match this expression (xmppscope help filter)", kind: "string"}
	paramSearch = param{name: "search", in: "query", what: "only events that hold this text", kind: "string"}
	paramFrom   = param{name: "from", in: "query", what: "where to begin: the next of the answer before", kind: "integer", or: 0}
	paramLimit  = param{name: "limit", in: "query", what: "how many at most", kind: "integer", least: 1, most: maxLimit, or: 100}
)

func extensions() (out []string) {
	for _, f := range capture.Formats() {
		out = append(out, strings.TrimPrefix(f.Ext, "."))
	}
	return out
}

func stateNames() (out []string) {
	for s := session.Connecting; s <= session.Encrypted; s++ {
		out = append(out, s.String())
	}
	return out
}

// Page is a part of the events.
type Page struct {
	Events []rawEvent `json:"events" jsonschema:"in the order in which they were explained"`
	Next   int        `json:"next" jsonschema:"where to go on: the from of the next request"`
}

// rawEvent is an event that is JSON already.
type rawEvent []byte

// MarshalJSON implements json.Marshaler.
func (r rawEvent) MarshalJSON() ([]byte, error) { return r, nil }

// maxPage bounds the bytes of a Page: its events are held in memory.
const maxPage = 8 << 20

// Problem is what an answer that is none says.
type Problem struct {
	Error string `json:"error" jsonschema:"what is wrong"`
	Hint  string `json:"hint,omitempty" jsonschema:"what to do next"`
}

func routes() []route {
	return []route{
		{
			path: prefix + "/status", id: "status", summary: "What is looked at, and how much of it there is",
			returns: reflect.TypeFor[Status](),
			answer:  func(m *Model, ctx context.Context, v values) (any, error) { return m.Status(ctx) },
		}, {
			path: prefix + "/sessions", id: "sessions", summary: "The sessions in short",
			params: []param{
				{name: "state", in: "query", what: "only those in this state", kind: "string", words: stateNames()},
				{name: "newest", in: "query", what: "begin with the newest", kind: "boolean", or: false},
				{name: "offset", in: "query", what: "how many to leave out", kind: "integer", or: 0}, paramLimit,
			},
			returns: reflect.TypeFor[Sessions](),
			answer: func(m *Model, ctx context.Context, v values) (any, error) {
				return m.Sessions(ctx, v.string("state"), v.bool("newest"), v.int("offset"), v.int("limit"))
			},
		}, {
			path: prefix + "/sessions/{id}", id: "session", summary: "One session in short",
			params: []param{paramID}, returns: reflect.TypeFor[Session](),
			answer: func(m *Model, ctx context.Context, v values) (any, error) { return m.Session(ctx, v.int("id")) },
		}, {
			path: prefix + "/sessions/{id}/verdict", id: "verdict", summary: "The judgement on its login",
			params: []param{paramID}, returns: reflect.TypeFor[Verdict](),
			answer: func(m *Model, ctx context.Context, v values) (any, error) { return m.Verdict(ctx, v.int("id")) },
		}, {
			path: prefix + "/sessions/{id}/story", id: "story", summary: "How its login went, and why",
			params: []param{paramID}, returns: reflect.TypeFor[Story](),
			answer: func(m *Model, ctx context.Context, v values) (any, error) { return m.Story(ctx, v.int("id")) },
		}, {
			path: prefix + "/sessions/{id}/findings", id: "findings", summary: "What was found wrong in it",
			params:  []param{paramID, {name: "all", in: "query", what: "those of severity info too", kind: "boolean", or: false}, paramLimit},
			returns: reflect.TypeFor[Findings](),
			answer: func(m *Model, ctx context.Context, v values) (any, error) {
				return m.Findings(ctx, v.int("id"), v.bool("all"), v.int("limit"))
			},
		}, {
			path: prefix + "/events", id: "events", summary: "Events, in pages",
			params: []param{paramOf, paramFilter, paramSearch, paramFrom, paramLimit}, returns: reflect.TypeFor[Page](),
			answer: func(m *Model, ctx context.Context, v values) (any, error) {
				return m.page(ctx, wanted(v), v.int("from"), v.int("limit"), maxPage)
			},
		}, {
			path: prefix + "/events/live", id: "live", summary: "Events as they come, one JSON object a line, until nothing more will come",
			params: []param{paramOf, paramFilter, paramSearch, {name: "from", in: "query", what: "where to begin; -1: with what comes next", kind: "integer", least: -1, or: 0}},
			media:  "application/x-ndjson",
			waits:  true, stream: func(m *Model, s *sender, v values) error {
				from := v.int("from")
				if from < 0 {
					from = m.o.Log.Len()
				}
				_, err := m.Events(s.ctx, wanted(v), from, true, s.line, s.flush)
				return err
			},
		}, {
			path: prefix + "/diff", id: "diff", summary: "Two logins side by side, and what made the difference",
			params:  []param{{name: "a", in: "query", what: "a session", kind: "integer", least: 1, must: true}, {name: "b", in: "query", what: "the other one", kind: "integer", least: 1, must: true}},
			returns: reflect.TypeFor[compare.Result](),
			answer:  func(m *Model, ctx context.Context, v values) (any, error) { return m.Diff(ctx, v.int("a"), v.int("b")) },
		}, {
			path: prefix + "/capture", id: "capture", summary: "A session, or all so far, as a file",
			params: []param{paramOf, {name: "format", in: "query", what: "what to write", kind: "string", words: extensions(), or: "jsonl"}},
			media:  "application/octet-stream",
			stream: func(m *Model, s *sender, v values) error {
				format, err := m.Format(v.string("format"))
				if err != nil {
					return err
				}
				if err := m.exists(s.ctx, v.int("session")); err != nil {
					return err
				}
				s.header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="xmppscope%s"`, format.Ext))
				return m.Capture(s.ctx, v.int("session"), format, s)
			},
		}, {
			path: "/openapi.json", id: "openapi", summary: "This description",
			media:  "application/json",
			stream: func(m *Model, s *sender, v values) error { _, err := s.Write(OpenAPI()); return err },
		},
	}
}

func wanted(v values) Wanted { return Wanted{v.int("session"), v.string("filter"), v.string("search")} }

// exists says whether there is a session; 0 is all of them.
func (m *Model) exists(ctx context.Context, id int) error {
	if id == 0 {
		return nil
	}
	return m.with(ctx, id, func(*conversation) {})
}

// read takes a route's parameters from a request. One that is not known is wrong: what
// was meant by it would not happen.
func (r *route) read(req *http.Request) (values, error) {
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query: %w: %w", err, ErrWrong)
	}
	out, known := values{}, map[string]bool{}
	for _, p := range r.params {
		text, given := req.PathValue(p.name), p.in == "path"
		if p.in == "query" {
			known[p.name] = true
			text, given = query.Get(p.name), query.Has(p.name)
			if len(query[p.name]) > 1 {
				return nil, fmt.Errorf("%s is there twice: %w", p.name, ErrWrong)
			}
		}
		switch {
		case given:
			if out[p.name], err = p.parse(text); err != nil {
				return nil, fmt.Errorf("%w: %w", err, ErrWrong)
			}
		case p.must:
			return nil, fmt.Errorf("%s is missing: %s: %w", p.name, p.what, ErrWrong)
		case p.or != nil:
			out[p.name] = p.or
		}
	}
	for name := range query {
		if !known[name] {
			return nil, hinted(fmt.Errorf("there is no parameter %q here: %w", name, ErrWrong), session.Nearest(name, slices.Sorted(maps.Keys(known))))
		}
	}
	return out, nil
}

// hinted adds the name that was probably meant.
func hinted(err error, near string) error {
	if near == "" {
		return err
	}
	return fmt.Errorf("%w: did you mean %s?", err, near)
}

func (p *param) parse(text string) (any, error) {
	switch p.kind {
	case "integer":
		n, err := strconv.Atoi(text)
		if err != nil || n < p.least || p.most > 0 && n > p.most {
			if p.most > 0 {
				return nil, fmt.Errorf("%s is %q: want a number from %d to %d", p.name, text, p.least, p.most)
			}
			return nil, fmt.Errorf("%s is %q: want a number from %d on", p.name, text, p.least)
		}
		return n, nil
	case "boolean":
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("%s is %q: want true or false", p.name, text)
		}
		return text == "true", nil
	}
	if p.words != nil && !slices.Contains(p.words, text) {
		return nil, hinted(fmt.Errorf("%s is %q: want one of %s", p.name, text, strings.Join(p.words, ", ")), session.Nearest(text, p.words))
	}
	return text, nil
}

// statusOf is the status of HTTP for an error.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNone):
		return http.StatusNotFound
	case errors.Is(err, ErrWrong):
		return http.StatusBadRequest
	case errors.Is(err, ErrSecret), errors.Is(err, ErrForbidden):
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}
