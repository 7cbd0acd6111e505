// Command bench measures xmppscope beside what could stand in its place: nothing, and a
// bare relay that ends TLS on both sides without a look at what passes. From the
// repository's folder:
//
//	go run ./internal/bench            everything, in an hour or more
//	go run ./internal/bench -quick     small sizes, one round, in a minute or so
//	go run ./internal/bench -h         the flags, and what there is to choose from
//
// It builds xmppscope and runs it as anyone would: "watching" is the inspector in a
// terminal that is read (--no-recovery: nobody is asked at its end), "plain" prints to
// nowhere, "saving" is watching with a pcapng file. Each measurement has a process of its
// own; the columns take turns within a round, so that what else the machine does falls on
// all of them. Figures are medians over the rounds; in brackets is the median of the
// ratios to the base in the same round. Every byte that arrives is compared with what was
// sent.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	if was, err := runChild(os.Args[1:]); was {
		exit(err)
	}
	o, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	} else if err != nil {
		os.Exit(2) // it has been said
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = o.run(ctx)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures and prints the tables.
func (o *options) run(ctx context.Context) (err error) {
	if n, err := descriptors(); err != nil {
		return err
	} else if most := n/2 - 50; o.sizes.idle > most {
		fmt.Fprintf(os.Stderr, "this process may open %d files: %d idle sessions instead of %d\n", n, most, o.sizes.idle)
		o.sizes.idle = most
	}
	s, err := newSetup(o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	builds, err := o.builds(ctx, s)
	if err != nil {
		return err
	}
	failed := 0
	note := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		failed++
	}
	online := o.online(ctx, s, builds, note)
	offline := newTable(shark, nil, o.rounds)
	if slices.Contains(o.works, offlineName) && ctx.Err() == nil {
		all := readers(builds)
		for _, r := range all {
			offline.columns = append(offline.columns, r.name)
		}
		if err := s.offline(ctx, offline, all, o.offline, o.limit, note); err != nil {
			return err
		}
	}
	if err := o.report(os.Stdout, online, offline); err != nil {
		return err
	}
	if failed > 0 {
		err = fmt.Errorf("bench: of the measurements, %d went wrong: see above", failed)
	}
	return errors.Join(err, ctx.Err())
}

// builds are those of xmppscope that are measured: that of this source, or the one that
// is named instead, and the one that it is measured against.
func (o *options) builds(ctx context.Context, s *setup) ([]*scope, error) {
	path := o.scope
	if path == "" {
		path = filepath.Join(s.dir, "build") // where users have files is a folder xmppscope
		cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "xmppscope/cmd/xmppscope")
		cmd.Env, cmd.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("bench: building xmppscope: %w", err)
		}
	}
	ours, err := s.newScope(ctx, "", path)
	if err != nil || o.against == "" {
		return []*scope{ours}, err
	}
	theirs, err := s.newScope(ctx, againstPrefix, o.against)
	return []*scope{ours, theirs}, err
}

// online measures the works that go through a proxy. A measurement that fails is noted
// and leaves its place empty.
func (o *options) online(ctx context.Context, s *setup, builds []*scope, note func(error)) *table {
	columns := []column{directColumn, bareColumn}
	for _, x := range builds {
		columns = append(columns, x.columns()...)
	}
	columns = slices.DeleteFunc(columns, func(c column) bool { return !slices.Contains(o.columns, strings.TrimPrefix(c.name, againstPrefix)) })
	t := newTable(bareColumn.name, nil, o.rounds)
	for _, c := range columns {
		t.columns = append(t.columns, c.name)
	}
	chosen := slices.DeleteFunc(works(), func(w work) bool { return !slices.Contains(o.works, w.name) })
	for _, w := range chosen {
		t.addWork(w.title(&o.sizes), w.metrics)
	}
	for round := range o.rounds {
		for _, w := range chosen {
			for _, c := range turned(columns, round) {
				if ctx.Err() != nil {
					return t
				}
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %s\n", round+1, o.rounds, w.name, c.name)
				f, err := s.measure(ctx, &w, &c, &o.sizes, o.limit)
				if err != nil {
					note(fmt.Errorf("%s, %s, round %d: %w", w.name, c.name, round+1, err))
					continue
				}
				t.set(w.title(&o.sizes), c.name, round, f)
			}
		}
	}
	return t
}

// machine is the sentence on where it was measured.
func machine(rounds int) string {
	return fmt.Sprintf("%d CPUs (%s), %s; client, server and what is measured share them; loopback; rounds: %d.",
		runtime.NumCPU(), processor(), runtime.Version(), rounds)
}

// report prints the tables; those without a row are left out.
func (o *options) report(w io.Writer, online, offline *table) error {
	if o.json {
		out := json.NewEncoder(w)
		out.SetIndent("", " ")
		return out.Encode(map[string]any{"machine": machine(o.rounds), "cells": append(online.cells(), offline.cells()...)})
	}
	fmt.Fprintln(w, machine(o.rounds))
	fmt.Fprintf(w, "In brackets: the ratio to %s, or to %s, in the same round. Traffic in MB of 1,000,000 bytes, memory in units of 1,024.\n", bareColumn.name, shark)
	for _, t := range []*table{online, offline} {
		if len(t.rows) == 0 {
			continue
		}
		fmt.Fprintln(w)
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}
