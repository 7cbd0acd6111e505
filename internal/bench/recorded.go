package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
)

// recorded is what a capture holds, as xmppscope itself reads it.
type recorded struct {
	stanzas int // of the load
	logins  int // sessions that have bound
	lost    int // events that say that something is not there
}

// read has this build print a capture as JSON and counts what is in it.
func (x *scope) read(ctx context.Context, s *setup, file string) (recorded, error) {
	p, out, err := startReading(ctx, s.command(x.path, "print", "--json", file))
	if err != nil {
		return recorded{}, err
	}
	defer out.Close()
	held, err := countEvents(out)
	if err != nil {
		p.kill()
		return recorded{}, err
	}
	<-p.exited
	return held, p.err
}

// countEvents reads events as JSON, one a line. It looks for a few words in each, for
// there may be a million: its own stanzas cannot fool it.
func countEvents(r io.Reader) (held recorded, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<30) // a line is as long as a stanza may be
	for lines.Scan() {
		line := lines.Bytes()
		switch {
		case bytes.Contains(line, []byte(`"kind":"log:lost"`)):
			held.lost++
		case !bytes.Contains(line, []byte(`"kind":"stream:element"`)):
		case bytes.Contains(line, []byte(`"id":"bind-result"`)):
			held.logins++
		case bytes.Contains(line, []byte(idMark)):
			held.stanzas++
		}
	}
	if err := lines.Err(); err != nil {
		return held, fmt.Errorf("bench: reading events: %w", err)
	}
	return held, nil
}
