package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"xmppscope/session"
)

func init() {
	add(Format{
		Ext: ".jsonl", Title: "events, one JSON object a line",
		New: newJSONL, Sniff: sniffJSONL, Read: readJSONL,
	})
}

// maxLine bounds the room for a line that is kept for the next one.
const maxLine = 64 << 10

type jsonlWriter struct {
	w      io.Writer
	reveal bool
	line   []byte // the newest
}

func newJSONL(w io.Writer, o Options) (Writer, error) {
	header, err := json.Marshal(session.NewHeader(o.Tool, o.Created, o.Reveal))
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append(header, '\n')); err != nil {
		return nil, err
	}
	return &jsonlWriter{w: w, reveal: o.Reveal}, nil
}

func (j *jsonlWriter) Write(e session.Event) error {
	if !session.Numbered(e.Body) {
		return nil
	}
	e = session.Shown(&e, j.reveal)
	line, err := session.AppendJSON(j.line[:0], bounded(e))
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if j.line = line; cap(line) > maxLine {
		j.line = nil
	}
	_, err = j.w.Write(line)
	return err
}

func sniffJSONL(prefix []byte) bool {
	prefix = bytes.TrimLeft(prefix, " \t\r\n")
	return bytes.HasPrefix(prefix, []byte("{")) && bytes.Contains(prefix, []byte(`"`+session.FormatName+`"`))
}

func readJSONL(r io.Reader, emit func(session.Event) error) error {
	b := bufio.NewReader(r)
	var offset int64
	header := true
	for {
		line, err := readLine(b)
		if len(bytes.TrimSpace(line)) > 0 && !errors.Is(err, errTooLong) {
			if header {
				h, bad := parseHeader(line)
				if bad != nil {
					return &Truncated{Ext: ".jsonl", Err: unended(bad, err)}
				}
				if bad := h.Check(); bad != nil {
					return bad
				}
				header = false
			} else {
				e, bad := session.DecodeJSON(line)
				if bad != nil {
					return &Truncated{Ext: ".jsonl", Offset: offset, Err: unended(bad, err)}
				}
				if bad := emit(e); bad != nil {
					return bad
				}
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return &Truncated{Ext: ".jsonl", Offset: offset, Err: err}
		}
		offset += int64(len(line))
	}
}

// unended is what is wrong with a line: it is cut off if the file ends in it.
func unended(wrong, end error) error {
	if end == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return wrong
}

// parseHeader reads a header line, which the caller has to Check.
func parseHeader(line []byte) (session.Header, error) {
	var h session.Header
	if err := json.Unmarshal(line, &h); err != nil {
		return h, fmt.Errorf("header: %w", err)
	}
	return h, nil
}

// lines reads those of a recording that stand in a file of packets: a header, and then
// events.
type lines struct{ header bool }

// event gives what a line holds, nil if that is the header.
func (l *lines) event(line []byte) (*session.Event, error) {
	if !l.header {
		h, err := parseHeader(line)
		if err != nil {
			return nil, err
		}
		l.header = true
		return nil, h.Check()
	}
	e, err := session.DecodeJSON(line)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// readLine is bufio.Reader.ReadBytes('\n') with a bound.
func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > maxRecord {
			return nil, errTooLong
		}
	}
}
