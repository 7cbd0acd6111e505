package main

import (
	"fmt"
	"time"
)

const (
	perSecond   = "MB/s"
	cpuMB       = "its CPU, ms a MB"
	cpuMBEnd    = "its CPU in the end, ms a MB"
	recordRate  = "thousands a second"
	cpuRecord   = "its CPU, µs a record"
	cpuRecordIn = "its CPU in the end, µs a record"
)

func bulkWorks() []work {
	metrics := []metric{{perSecond, 0, true}, {cpuMB, 1, true}, {cpuMBEnd, 1, true}, {explained, 1, false},
		{peakMB, 0, false}, {lostEvents, 0, false}, {missing, 0, false}}
	return []work{
		{name: "up", metrics: metrics,
			title: func(z *sizes) string { return "mixed stanzas up, " + mega(z.bulk) },
			run:   func(r *rig) (figures, error) { return bulk(r, fromClient) }},
		{name: "down", metrics: metrics,
			title: func(z *sizes) string { return "mixed stanzas down, " + mega(z.bulk) },
			run:   func(r *rig) (figures, error) { return bulk(r, fromServer) }},
	}
}

// soakName is the work that takes long, and is done only if it was named.
const soakName = "soak"

// soakWork is what a busy wire brings over a long time: nothing may pile up.
func soakWork() work {
	return work{name: soakName,
		title: func(z *sizes) string {
			return fmt.Sprintf("mixed stanzas down, %s a second for %v", mega(z.rate), z.soak)
		},
		metrics: []metric{{perSecond, 1, false}, {cpuMBEnd, 1, false}, {explained, 1, false}, {peakMB, 0, false}, {lostEvents, 0, false}, {missing, 0, false}},
		run: func(r *rig) (figures, error) {
			return bulkOf(r, fromServer, int64(float64(r.sizes.rate)*r.sizes.soak.Seconds()), r.sizes.rate)
		},
	}
}

// bulk is mixed stanzas in one direction, as fast as they go.
func bulk(r *rig, from sender) (figures, error) { return bulkOf(r, from, r.sizes.bulk, 0) }

// bulkOf is mixed stanzas in one direction, so many bytes of them, at so many a second; 0 is
// as fast as they go.
func bulkOf(r *rig, from sender, bytes, rate int64) (figures, error) {
	t := newTraffic(from, bytes)
	t.rate = rate
	size, stanzas := t.cut(bytes)
	b := burst{traffic: t, size: size, stanzas: stanzas, most: blockSize, from: from}
	took, f, err := b.run(r, cpuMB, cpuMBEnd, float64(size)/1e6)
	if err != nil {
		return nil, err
	}
	f[perSecond] = float64(size) / 1e6 / took.Seconds()
	return f, nil
}

func smallWork() work {
	return work{name: "small",
		title:   func(z *sizes) string { return count(z.small) + " stanzas of 300 bytes, a record each" },
		metrics: []metric{{recordRate, 1, true}, {cpuRecord, 2, true}, {cpuRecordIn, 2, true}, {explained, 1, false}, {peakMB, 0, false}, {lostEvents, 0, false}, {missing, 0, false}},
		run: func(r *rig) (figures, error) {
			n := r.sizes.small
			b := burst{traffic: newSmall(n), size: int64(n) * smallSize, stanzas: n, most: smallSize, from: fromClient}
			took, f, err := b.run(r, cpuRecord, cpuRecordIn, float64(n)/1000)
			if err != nil {
				return nil, err
			}
			f[recordRate] = float64(n) / 1000 / took.Seconds()
			return f, nil
		},
	}
}

// burst is much traffic at once in one session.
type burst struct {
	*traffic
	size    int64
	stanzas int
	most    int64 // bytes in one write
	from    sender
}

// run sends it, waits until the proxy has explained it, and ends both. It returns how
// long the bytes took, and the proxy's figures for each of so many units.
func (b *burst) run(r *rig, cpu, cpuInTheEnd string, units float64) (time.Duration, figures, error) {
	client, server, err := r.pair()
	if err != nil {
		return 0, nil, err
	}
	if err := r.meter(); err != nil {
		return 0, nil, err
	}
	from, to := client, server
	if b.from == fromServer {
		from, to = to, from
	}
	began := time.Now()
	if err := b.flow(from, to, b.size, b.most); err != nil {
		return 0, nil, err
	}
	arrived := time.Now()
	f := figures{}
	if r.process == nil {
		return arrived.Sub(began), f, part(client, server)
	}
	ms, err := r.used()
	if err != nil {
		return 0, nil, err
	}
	f[cpu] = ms / units
	idle, err := r.process.settle(r.ctx)
	if err != nil {
		return 0, nil, err
	}
	if err := part(client, server); err != nil {
		return 0, nil, err
	}
	ending := time.Now()
	if err := r.finish(f, cpuInTheEnd, units); err != nil {
		return 0, nil, err
	}
	if r.scope != nil { // what was left for the end counts too
		f[explained] = (idle.Sub(arrived) + time.Since(ending)).Seconds()
	}
	return arrived.Sub(began), f, r.record(f, b.stanzas)
}
