package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Remote is the api of a running xmppscope, for an assistant that may take hold of what
// passes there.
type Remote struct {
	url, token string
	client     http.Client
}

// NewRemote is that at an address, "http://127.0.0.1:PORT", with the token of control.
func NewRemote(address, token string) (*Remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) || u.Port() == "" {
		return nil, fmt.Errorf("%q: want the address that was told, http://127.0.0.1:PORT", address)
	}
	if token == "" {
		return nil, errors.New("the token of control is missing")
	}
	r := &Remote{url: "http://" + u.Host, token: token}
	r.client.Timeout = 30 * time.Second
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for nobody else
	return r, nil
}

// do asks for something, by the name of a route.
func (r *Remote) do(ctx context.Context, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", r.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the running xmppscope does not answer: %w", err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, err
	}
	var p Problem
	if resp.StatusCode != http.StatusOK {
		json.Unmarshal(out, &p)
		return nil, fmt.Errorf("refused (%d): %s %s", resp.StatusCode, p.Error, p.Hint)
	}
	return out, nil
}

// controls adds a tool for each thing that can be done.
func (a *assistant) controls(r *Remote) {
	yes, no := true, false
	for _, route := range acts() {
		mcp.AddTool(a.server, &mcp.Tool{
			Name: "control_" + route.id, Description: route.summary + ".", InputSchema: schemaOf(route.takes),
			Annotations: &mcp.ToolAnnotations{DestructiveHint: &yes, OpenWorldHint: &no, ReadOnlyHint: route.id == "held"},
		}, func(ctx context.Context, _ *mcp.CallToolRequest, in map[string]any) (*mcp.CallToolResult, any, error) {
			body, err := json.Marshal(in)
			if err != nil {
				return nil, nil, err
			}
			out, err := r.do(ctx, route.path, body)
			if err != nil {
				return nil, nil, err
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: untrusted(strings.TrimSpace(string(out)) + "\n")}}}, nil, nil
		})
	}
}

// instructions are what an assistant is told of us.
func (m *Model) instructions() string {
	if m.o.Remote == nil {
		return instructions + readOnlyInstructions
	}
	return instructions + controlInstructions
}

// done gives up the connections that are kept.
func (r *Remote) done() {
	if r != nil {
		r.client.CloseIdleConnections()
	}
}
