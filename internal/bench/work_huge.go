package main

import "time"

const hugeTime = "ms"

func hugeWork() work {
	return work{name: "huge",
		title:   func(z *sizes) string { return "one stanza of " + mega(z.huge) },
		metrics: []metric{{hugeTime, 1, true}, {peakMB, 0, false}, {missing, 0, false}},
		run:     oneHuge,
	}
}

// oneHuge is one stanza that is larger than anything that is held in one piece.
func oneHuge(r *rig) (figures, error) {
	text := huge(int(r.sizes.huge))
	t := &traffic{text: text, ends: []int{len(text)}}
	client, server, err := r.pair()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := t.flow(client, server, int64(len(text)), int64(len(text))); err != nil {
		return nil, err
	}
	f := figures{hugeTime: time.Since(began).Seconds() * 1000}
	if err := part(client, server); err != nil || r.process == nil {
		return f, err
	}
	if err := r.process.end(); err != nil {
		return nil, err
	}
	f[peakMB] = r.process.peakMB()
	return f, r.record(f, 1)
}
