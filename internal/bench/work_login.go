package main

import (
	"fmt"
	"sync"
	"time"
)

const (
	loginRate = "logins a second"
	cpuLogin  = "its CPU in the end, µs a login"
	notThere  = "logins missing in the file"
)

func loginWorks() []work {
	metrics := []metric{{loginRate, 0, true}, {cpuLogin, 0, true}, {notThere, 0, false}}
	return []work{
		{name: "logins", metrics: metrics, serve: farewell,
			title: func(z *sizes) string { return count(z.logins) + " logins, one at a time" },
			run:   func(r *rig) (figures, error) { return logins(r, 1) }},
		{name: "logins8", metrics: metrics, serve: farewell,
			title: func(z *sizes) string { return count(z.logins) + " logins, eight at a time" },
			run:   func(r *rig) (figures, error) { return logins(r, 8) }},
	}
}

// logins logs in and out again and again, so many at a time.
func logins(r *rig, atATime int) (figures, error) {
	n := r.sizes.logins
	if err := r.meter(); err != nil {
		return nil, err
	}
	began := time.Now()
	err := together(n, atATime, func() error {
		w, err := r.connect()
		if err != nil {
			return err
		}
		return logOut(w)
	})
	if err != nil {
		return nil, err
	}
	f := figures{loginRate: float64(n) / time.Since(began).Seconds()}
	if err := r.finish(f, cpuLogin, float64(n)/1000); err != nil || r.saved == "" {
		return f, err
	}
	held, err := r.scope.read(r.ctx, r.setup, r.saved)
	f[notThere] = float64(n - held.logins)
	return f, err
}

// together does something n times, so many at a time, until one fails.
func together(n, atATime int, do func() error) error {
	turns := make(chan int)
	failed := make(chan error, atATime)
	var all sync.WaitGroup
	for range atATime {
		all.Go(func() {
			for i := range turns {
				if err := do(); err != nil {
					failed <- fmt.Errorf("bench: %d of %d: %w", i+1, n, err)
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case turns <- i:
		case err = <-failed:
		}
	}
	close(turns)
	all.Wait()
	select {
	case err = <-failed:
	default:
	}
	return err
}

const idleKB = "KB a session"

func idleWork() work {
	return work{name: "idle",
		title:   func(z *sizes) string { return count(z.idle) + " idle sessions" },
		metrics: []metric{{idleKB, 0, true}, {peakMB, 0, false}},
		run:     idle,
	}
}

// idle logs in many times and stays.
func idle(r *rig) (figures, error) {
	if r.process == nil {
		return figures{}, nil
	}
	before, err := r.resident()
	if err != nil {
		return nil, err
	}
	var one sync.Mutex
	var clients []wire
	defer func() {
		for _, w := range clients {
			w.Close()
		}
	}()
	err = together(r.sizes.idle, 8, func() error {
		w, err := r.connect()
		if err != nil {
			return err
		}
		one.Lock()
		defer one.Unlock()
		clients = append(clients, w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	after, err := r.resident()
	return figures{
		idleKB: float64(after-before) / float64(r.sizes.idle),
		peakMB: r.process.peakMB(),
	}, err
}

// resident is what the proxy holds in memory once it has nothing to do, in KiB.
func (r *rig) resident() (int64, error) {
	if _, err := r.process.settle(r.ctx); err != nil {
		return 0, err
	}
	s, err := memory(r.process.cmd.Process.Pid)
	return s.resident, err
}
