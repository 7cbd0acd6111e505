package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// rig is what one measurement runs on: a fresh server and, before it, what is measured,
// fresh too.
type rig struct {
	*setup
	ctx    context.Context // ends with the measurement's time
	sizes  *sizes
	server *server
	*between

	deadline time.Time
	streams  chan wire     // of clients that have logged in, at the server
	began    time.Duration // the proxy's CPU when meter was called
}

// measure runs one work on one column, within a time.
func (s *setup) measure(ctx context.Context, w *work, c *column, z *sizes, limit time.Duration) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dir, err := os.MkdirTemp(s.dir, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := warm(); err != nil {
		return nil, err
	}
	r := &rig{setup: s, ctx: ctx, sizes: z, deadline: time.Now().Add(limit), streams: make(chan wire, max(z.idle, 8))}
	serve := w.serve
	if serve == nil {
		serve = func(w wire) { r.streams <- w }
	}
	if r.server, err = startServer(s.account, &s.cert, r.deadline, serve); err != nil {
		return nil, err
	}
	defer r.server.close()
	if r.between, err = c.start(ctx, s, r.server.addr(), dir); err != nil {
		return nil, err
	}
	if r.process != nil {
		defer r.process.kill()
	}
	f, err := w.run(r)
	if err != nil {
		return nil, errors.Join(err, r.server.problem())
	}
	return f, nil
}

// connect logs in.
func (r *rig) connect() (wire, error) {
	conn, err := (&net.Dialer{Deadline: r.deadline}).DialContext(r.ctx, "tcp", r.addr)
	if err != nil {
		return wire{}, err
	}
	conn.SetDeadline(r.deadline)
	w, err := r.account.clientLogin(conn, r.roots)
	if err != nil {
		conn.Close()
	}
	return w, err
}

// pair logs in and returns both ends of the stream.
func (r *rig) pair() (client, server wire, err error) {
	if client, err = r.connect(); err != nil {
		return wire{}, wire{}, err
	}
	select {
	case server = <-r.streams:
		return client, server, nil
	case <-r.ctx.Done():
		client.Close()
		return wire{}, wire{}, r.ctx.Err()
	}
}

// part ends a stream in good order, both ends of it.
func part(client, server wire) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		farewell(server)
	}()
	err := logOut(client)
	<-done
	return err
}

// meter begins to count the proxy's CPU.
func (r *rig) meter() (err error) {
	if r.process != nil {
		r.began, err = r.process.cpu()
	}
	return err
}

// used is the proxy's CPU since meter, in milliseconds.
func (r *rig) used() (float64, error) {
	now, err := r.process.cpu()
	return (now - r.began).Seconds() * 1000, err
}

// finish ends the proxy in good order and says what the work has cost in all: the
// CPU since meter for each of so many units, in milliseconds, and the peak of memory.
func (r *rig) finish(f figures, cpu string, units float64) error {
	if r.process == nil {
		return nil
	}
	if err := r.process.end(); err != nil {
		return err
	}
	ms, err := r.used()
	f[cpu] = ms / units
	f[peakMB] = r.process.peakMB()
	return err
}

// record adds what the capture holds of so many stanzas, if there is a capture.
func (r *rig) record(f figures, stanzas int) error {
	if r.saved == "" {
		return nil
	}
	held, err := r.scope.read(r.ctx, r.setup, r.saved)
	if err != nil {
		return fmt.Errorf("bench: reading the capture back: %w", err)
	}
	f[lostEvents], f[missing] = float64(held.lost), float64(stanzas-held.stanzas)
	return nil
}
