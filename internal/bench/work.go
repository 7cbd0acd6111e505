package main

import (
	"fmt"
	"time"
)

// sizes say how much of each work there is.
type sizes struct {
	bulk, burst, huge   int64 // bytes
	small, echo, logins int   // how many
	idle                int   // sessions
	rate                int64 // bytes a second of a soak
	soak                time.Duration
}

// work is one row of the table, or several: what the load does, and what is measured.
type work struct {
	name    string
	title   func(*sizes) string
	metrics []metric
	run     func(*rig) (figures, error)
	serve   func(wire) // what the server does with a stream; nil hands it to rig.pair
}

// metric is one row: what its figures are, in which unit.
type metric struct {
	name   string
	digits int  // behind the point
	ratio  bool // it is compared with the base column
}

// figures are those of one measurement by the names of their metrics. Those that a
// column does not have are left out.
type figures map[string]float64

// Names of metrics that several works have.
const (
	peakMB     = "peak memory, MB"
	explained  = "explained after, s"
	lostEvents = "log:lost in the file"
	missing    = "stanzas missing in the file"
)

func works() []work {
	var all []work
	all = append(all, bulkWorks()...)
	all = append(all, smallWork(), echoWork(), hoggedWork(), lookedWork())
	all = append(all, loginWorks()...)
	return append(all, idleWork(), hugeWork(), soakWork())
}

// count writes a number with a comma for each thousand.
func count[N int | int64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// mega writes bytes as MB, which are millions.
func mega(bytes int64) string { return fmt.Sprintf("%g MB", float64(bytes)/1e6) }
