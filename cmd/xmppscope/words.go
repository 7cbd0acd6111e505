package main

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"xmppscope/capture"
	"xmppscope/capture/packet"
	"xmppscope/session"
)

// speakers are whose names stand before errors: for developers, not for the user.
var speakers = []string{"api", "attach", "capture", "certs", "compare", "event", "expect", "packet", "passive", "proxy", "session"}

// inWords is an error for a person: without the names of packages, and with what the
// system says about files in plain words.
func inWords(err error) string {
	text := err.Error()
	for again := true; again; {
		again = false
		for _, s := range speakers {
			if rest, ok := strings.CutPrefix(text, s+": "); ok {
				text, again = rest, true
			}
		}
	}
	if path := new(fs.PathError); errors.As(err, &path) {
		text = strings.Replace(text, path.Error(), aboutPath(path), 1)
	}
	return text
}

// aboutPath says why a file could not be opened, read or made.
func aboutPath(e *fs.PathError) string {
	switch {
	case errors.Is(e, fs.ErrNotExist):
		if folder := filepath.Dir(e.Path); folder != "." {
			if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
				return fmt.Sprintf("%s: there is no folder %s", e.Path, folder)
			}
		}
		return "there is no file " + e.Path
	case errors.Is(e, fs.ErrPermission):
		return e.Path + ": you have no permission to " + e.Op + " it"
	case errors.Is(e, syscall.EISDIR):
		return e.Path + " is a folder"
	}
	return e.Path + ": " + e.Err.Error()
}

// place is where a capture could not be read on, and how much was read before; ok is
// false if err is about something else.
func place(err error) (at int64, before int, of string, cause error, ok bool) {
	var cut *capture.Truncated
	var damaged *packet.Damaged
	switch {
	case errors.As(err, &cut):
		return cut.Offset, cut.Events, "event", cut.Err, true
	case errors.As(err, &damaged):
		return damaged.Offset, damaged.Packets, "packet", damaged.Err, true
	}
	return 0, 0, "", err, false
}

// brokenOff says how far a capture could be read.
func brokenOff(path string, err error) string {
	at, before, of, cause, _ := place(err)
	after := fmt.Sprintf("after %s that could be read", session.Plural(before, of))
	if before == 0 {
		after = "before anything could be read"
	}
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("%s is cut off at byte %d, %s", nameOf(path), at, after)
	}
	return fmt.Sprintf("%s is damaged at byte %d, %s: %s", nameOf(path), at, after, inWords(cause))
}

// noCapture is the error for a capture of which nothing could be read: what it is
// instead, and what to do; packer is the program that has packed it, if one has. Errors
// that are not about its contents stay as they are.
func noCapture(path string, err error, packer string) error {
	name := nameOf(path)
	_, _, _, cause, broken := place(err)
	var squeezed flate.CorruptInputError
	info, missing := os.Stat(path)
	switch {
	case path != "-" && missing == nil && info.Size() == 0:
		return usageError{hinted{fmt.Errorf("%s is empty: nothing was recorded in it", name), "record again; a login has to come through before the recording is ended"}}
	case errors.Is(err, session.ErrVersion):
		return usageError{hinted{fmt.Errorf("%s: %s", name, inWords(err)), "read it with the xmppscope that wrote it, or update this one"}}
	case errors.Is(err, capture.ErrUnknown) && packer != "":
		return usageError{hinted{fmt.Errorf("%s is packed with %s", name, packer), "unpack it first: gzip alone is read as it is"}}
	case errors.Is(err, capture.ErrUnknown):
		what, _ := strings.CutPrefix(inWords(err), capture.ErrUnknown.Error()+": ")
		return usageError{hinted{fmt.Errorf("%s is %w: %s", name, capture.ErrUnknown, what), whatCanBeRead(path)}}
	case errors.Is(cause, gzip.ErrHeader), errors.Is(cause, gzip.ErrChecksum), errors.As(cause, &squeezed), !broken && errors.Is(err, io.ErrUnexpectedEOF):
		return usageError{hinted{fmt.Errorf("%s cannot be unpacked: it begins as gzip does, but is cut off or damaged", name), "copy or download it again"}}
	case broken:
		return usageError{hinted{errors.New(brokenOff(path, err)), "copy it again, or record again: there is nothing to show"}}
	}
	return err
}

// whatCanBeRead is the next step for a file that is no capture.
func whatCanBeRead(path string) string {
	var known []string
	for _, f := range capture.Formats() {
		switch {
		case f.Read != nil:
			known = append(known, f.Ext)
		case strings.EqualFold(filepath.Ext(path), f.Ext):
			return fmt.Sprintf("a %s file is for people and other programs, and cannot be opened again: name the capture it was made from", f.Ext)
		}
	}
	return "these can be read, gzip or not: " + strings.Join(known, " ") + "; what Wireshark can open, editcap makes a .pcapng of"
}
