package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
)

// maxLine bounds one message of an assistant, in bytes.
const maxLine = 1 << 20

// exchange is the pair of streams between us and an assistant, a JSON-RPC message a
// line. It does what the SDK's transport leaves out: a line that is no JSON is answered
// and passed over (JSON-RPC 2.0 §5.1, -32700), where the SDK would end; and when the
// input ends, what has been asked is answered before the end is told.
type exchange struct {
	ctx   context.Context
	in    *bufio.Reader
	out   io.Writer
	close func() error
	line  []byte // of the newest line, what has not been taken

	writing sync.Mutex
	mu      sync.Mutex    // guards what follows
	waiting map[any]bool  // ids of requests that have no answer yet: strings and numbers
	quiet   chan struct{} // closed when the input has ended and none is waiting, or by Close
	ended   bool
	hush    func()
}

func newExchange(ctx context.Context, in io.ReadCloser, out io.WriteCloser) *exchange {
	c := &exchange{
		ctx: ctx, in: bufio.NewReaderSize(in, 64<<10), out: out,
		waiting: make(map[any]bool), quiet: make(chan struct{}),
	}
	c.hush = sync.OnceFunc(func() { close(c.quiet) })
	c.close = sync.OnceValue(func() error {
		c.hush()
		return errors.Join(in.Close(), out.Close())
	})
	return c
}

// message is what of a JSON-RPC message says whether it asks, answers, or gives up asking.
type message struct {
	ID     any
	Method string
	Params struct {
		RequestID any `json:"requestId"`
	}
}

// idOf is the id of a request; nil for what can be none (JSON-RPC 2.0 §4).
func idOf(v any) any {
	switch v.(type) {
	case string, float64:
		return v
	}
	return nil
}

// note keeps account of what waits for an answer.
func (c *exchange) note(line []byte, ours bool) {
	var m message
	json.Unmarshal(line, &m) // what is something else has none of them
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ours && m.Method == "":
		delete(c.waiting, idOf(m.ID))
	case m.Method == "notifications/cancelled": // no answer need come
		delete(c.waiting, idOf(m.Params.RequestID))
	case !ours && m.Method != "" && idOf(m.ID) != nil:
		c.waiting[m.ID] = true
	}
	if c.ended && len(c.waiting) == 0 {
		c.hush()
	}
}

// Read gives whole messages, and the end once everything has been answered.
func (c *exchange) Read(p []byte) (int, error) {
	for len(c.line) == 0 {
		line, err := c.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				c.answerAll()
			}
			return 0, err
		}
		c.line = line
	}
	n := copy(p, c.line)
	c.line = c.line[n:]
	return n, nil
}

// next reads a line that is a message; nil for one that was answered here.
func (c *exchange) next() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return nil, err
		}
		break
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return nil, nil
	}
	if len(line) > maxLine || !json.Valid(line) {
		return nil, c.refuse()
	}
	c.note(line, false)
	return append(bytes.TrimSpace(line), '\n'), nil
}

func (c *exchange) refuse() error {
	_, err := c.Write([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"this line is no JSON, or is longer than 1 MiB"}}` + "\n"))
	return err
}

// answerAll waits until no request is without an answer.
func (c *exchange) answerAll() {
	c.mu.Lock()
	if c.ended = true; len(c.waiting) == 0 {
		c.hush()
	}
	c.mu.Unlock()
	select {
	case <-c.quiet:
	case <-c.ctx.Done():
	}
}

// Write sends messages of ours, whole.
func (c *exchange) Write(p []byte) (int, error) {
	c.writing.Lock()
	n, err := c.out.Write(p)
	c.writing.Unlock()
	for line := range bytes.Lines(p) {
		c.note(line, true)
	}
	return n, err
}

// Close ends both streams. The SDK calls it for each of them.
func (c *exchange) Close() error { return c.close() }
