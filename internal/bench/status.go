package main

import (
	"fmt"
	"strconv"
	"strings"
)

// status is what /proc/PID/status says of a process's memory, in KiB: proc(5).
type status struct {
	resident int64 // VmRSS
	peak     int64 // VmHWM. (The ru_maxrss of a child counts its parent's memory too.)
}

// parseStatus reads the text of /proc/PID/status. A process that has ended and was not
// waited for has no memory, and that is an error.
func parseStatus(text string) (s status, err error) {
	found := 0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		var into *int64
		switch name {
		case "VmRSS":
			into = &s.resident
		case "VmHWM":
			into = &s.peak
		default:
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(value), " ")
		if *into, err = strconv.ParseInt(number, 10, 64); err != nil || unit != "kB" {
			return status{}, fmt.Errorf("bench: /proc/PID/status: %s is %q", name, strings.TrimSpace(value))
		}
		found++
	}
	if found != 2 {
		return status{}, fmt.Errorf("bench: /proc/PID/status: no VmRSS and VmHWM")
	}
	return s, nil
}
