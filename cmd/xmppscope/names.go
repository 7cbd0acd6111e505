package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// splitSession takes the "#2" off the name of an input; 0 if there is none. A file whose
// name ends like that is meant itself. "#2" alone is of standard input, as is "-#2".
func splitSession(name string) (path string, id int) {
	path, number, found := cutLast(name, "#")
	if !found {
		return name, 0
	}
	if _, err := os.Stat(name); err == nil {
		return name, 0
	}
	if id, err := strconv.Atoi(number); err == nil && id > 0 {
		return cmp.Or(path, "-"), id
	}
	return name, 0
}

// wrongNumber is an error if a name is that of a file with something behind "#" that
// is no number of a session.
func wrongNumber(name string) error {
	path, number, found := cutLast(name, "#")
	if _, id := splitSession(name); !found || id > 0 {
		return nil
	}
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return usageError{hinted{fmt.Errorf("%s: %q is no number of a session", name, number), fmt.Sprintf("sessions are counted from 1, as xmppscope print %s shows them: %s#1", path, path)}}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func fileOf(name string) string {
	path, _ := splitSession(name)
	return path
}

// sessionsOfInput makes "#2" of "-#2", which would be taken for a flag.
func sessionsOfInput(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		if strings.HasPrefix(a, "-#") {
			out[i] = a[1:]
		}
	}
	return out
}
