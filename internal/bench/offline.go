package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// reader is a program that reads a capture.
type reader struct {
	name, path string
	args       []string // the file comes last
}

const shark = "tshark -T fields"

// readers are what reads captures here: tshark where it is installed, and check of
// each build.
func readers(builds []*scope) (all []reader) {
	if path, err := exec.LookPath("tshark"); err == nil {
		all = append(all, reader{shark, path, []string{"-n", "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch",
			"-e", "xmpp.from", "-e", "xmpp.to", "-e", "xmpp.id", "-r"}})
	}
	for _, x := range builds {
		all = append(all, reader{x.prefix + "check", x.path, []string{"check"}})
	}
	return all
}

var offlineMetrics = []metric{{"CPU, s", 2, true}, {"CPU, µs a stanza", 1, false}, {"time, s", 2, true}, {"peak memory, MB", 0, true}}

func offlineTitle(stanzas int) string { return "a capture of " + count(stanzas) + " stanzas" }

// offline has each reader read the same captures, in turns.
func (s *setup) offline(ctx context.Context, t *table, all []reader, sizes []int, limit time.Duration, note func(error)) error {
	for _, stanzas := range sizes {
		t.addWork(offlineTitle(stanzas), offlineMetrics)
		file := filepath.Join(s.dir, "offline.pcap")
		if err := writeCapture(file, stanzas); err != nil {
			return err
		}
		for round := range t.rounds {
			for _, r := range turned(all, round) {
				f, err := s.readCapture(ctx, r, file, stanzas, limit)
				if err != nil {
					note(fmt.Errorf("%s, %s, round %d: %w", offlineTitle(stanzas), r.name, round+1, err))
					continue
				}
				t.set(offlineTitle(stanzas), r.name, round, f)
			}
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// readCapture runs a reader to its end. What it prints is read and thrown away.
func (s *setup) readCapture(ctx context.Context, r reader, file string, stanzas int, limit time.Duration) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	p, out, err := startReading(ctx, s.command(r.path, append(r.args[:len(r.args):len(r.args)], file)...))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if _, err := io.Copy(io.Discard, out); err != nil {
		p.kill()
		return nil, err
	}
	<-p.exited
	took := time.Since(began)
	var exit *exec.ExitError
	if found := errors.As(p.err, &exit) && exit.ExitCode() == 1; p.err != nil && !found { // check has found faults
		return nil, p.err
	}
	cpu, err := p.cpu()
	return figures{"CPU, s": cpu.Seconds(), "CPU, µs a stanza": micro(cpu) / float64(stanzas),
		"time, s": took.Seconds(), "peak memory, MB": p.peakMB()}, err
}

// turned begins at another of them in each round, so that none has always the same one
// before it.
func turned[T any](all []T, round int) []T {
	if len(all) == 0 {
		return nil
	}
	n := round % len(all)
	return append(append([]T(nil), all[n:]...), all[:n]...)
}
