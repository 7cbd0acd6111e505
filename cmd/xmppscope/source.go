package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"xmppscope/internal/attach"
	"xmppscope/session"
)

// interruption says that the person has stopped the reading of a capture, and how
// far it had come.
type interruption struct {
	path   string
	where  string // "34 % of 812.0 MB"
	events int
}

// Error is one line that names the file and the place.
func (i *interruption) Error() string {
	return fmt.Sprintf("%s: reading was stopped at %s, after %s", i.path, i.where, session.Plural(i.events, "event"))
}

// stopped is the line about an interruption, with what became of what was read;
// other errors stay as they are.
func stopped(err error, became string) error {
	var i *interruption
	if !errors.As(err, &i) {
		return err
	}
	return fmt.Errorf("%w; %s", i, became)
}

var errEnough = errors.New("reading was stopped")

// source reads a file for as long as nobody has had enough, counts what it reads,
// and takes gzip off.
type source struct {
	*bufio.Reader
	file    *os.File
	regular bool // it has a size and can be read twice
	stopped bool // the person did not want the rest
}

const (
	readAhead = 1 << 18
	maxNested = 4 // gzip in gzip
)

// openSource opens a file, or standard input for "-". Reads that nothing comes of
// end when ctx is done; idle, which may be nil, is called before one of a pipe.
func openSource(ctx context.Context, path string, idle func(), count func(int)) (*source, error) {
	s := &source{file: os.Stdin}
	if path != "-" {
		var err error
		if s.file, err = openFile(path); err != nil {
			return nil, usageError{err}
		}
	}
	var r io.Reader = s.file
	info, err := s.file.Stat()
	switch {
	case err == nil && info.IsDir():
		s.file.Close()
		return nil, usageError{hinted{fmt.Errorf("%s is a folder, not a capture", path), "name the captures in it"}}
	case err == nil && info.Mode().IsRegular():
		s.regular = true
	default:
		r = &patient{ctx: ctx, r: s.file, idle: idle, came: make(chan came, 1)}
	}
	unpacked, err := unpack(&counted{r, count})
	if err != nil {
		s.close()
		return nil, err
	}
	s.Reader = bufio.NewReaderSize(&stoppable{ctx, unpacked, &s.stopped}, readAhead)
	return s, nil
}

// openFile opens a file, or the socket of a run (see package attach), which gives what the
// run has seen and sees.
func openFile(path string) (*os.File, error) {
	if !attach.IsSocket(path) {
		return os.Open(path)
	}
	conn, err := attach.Dial(path)
	if err != nil {
		return nil, err
	}
	defer conn.Close() // the file is a copy
	return conn.File()
}

// unpack takes gzip off.
func unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, readAhead)
	for range maxNested {
		if magic, _ := b.Peek(3); string(magic) != "\x1f\x8b\x08" {
			break
		}
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, readAhead)
	}
	return b, nil
}

// again reads a regular file from its beginning once more, beside the reading that is
// under way; errors come from the reader.
func (s *source) again(ctx context.Context, count func(int)) (io.Reader, error) {
	r, err := unpack(&counted{io.NewSectionReader(s.file, 0, s.size()), count})
	return &stoppable{ctx, r, new(bool)}, err
}

// size is that of the file, 0 if nobody knows.
func (s *source) size() int64 {
	if info, err := s.file.Stat(); err == nil && s.regular {
		return info.Size()
	}
	return 0
}

func (s *source) close() {
	if s.file != os.Stdin {
		s.file.Close()
	}
}

// counted counts what is read of a file.
type counted struct {
	r     io.Reader
	count func(int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.count(n)
	return n, err
}

// stoppable ends a reading when ctx is done, and notes that it has.
type stoppable struct {
	ctx     context.Context
	r       io.Reader
	stopped *bool
}

func (s *stoppable) Read(p []byte) (int, error) {
	n, err := 0, s.ctx.Err()
	if err == nil {
		n, err = s.r.Read(p)
	}
	if err != nil && err != io.EOF && s.ctx.Err() != nil {
		*s.stopped = true
		return 0, errEnough
	}
	return n, err
}

// patient reads from where bytes may never come, such as a pipe: a read that is
// not answered is given up when ctx is done.
type patient struct {
	ctx  context.Context
	r    io.Reader
	idle func()
	came chan came
	buf  []byte
	rest []byte // of buf
}

// came is what one read has brought.
type came struct {
	n   int
	err error
}

func (p *patient) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		if p.buf == nil {
			p.buf = make([]byte, readAhead)
		}
		if p.idle != nil {
			p.idle()
		}
		go func() {
			n, err := p.r.Read(p.buf)
			p.came <- came{n, err}
		}()
		select {
		case got := <-p.came:
			if got.n == 0 {
				return 0, got.err
			}
			p.rest = p.buf[:got.n] // an error that came with bytes comes again
		case <-p.ctx.Done():
			return 0, errEnough
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
