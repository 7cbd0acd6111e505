package tls

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// The secrets that a key log holds for a connection.
type label uint8

const (
	masterSecret    label = iota // up to TLS 1.2
	earlyTraffic                 // TLS 1.3: the client's 0-RTT data
	clientHandshake              // and its handshake
	serverHandshake
	clientTraffic
	serverTraffic
	exporterSecret
	labels // how many there are
)

var labelNames = [labels]string{
	"CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
}

const (
	masterSize = 48      // bytes of a master secret (RFC 5246 §8.1)
	mostKnown  = 1 << 20 // connections that Keys remembers secrets of
	mostHeld   = 64 << 20
)

type random [32]byte

// secrets of one connection, by label; nil where there is none.
type secrets [labels][]byte

// Keys is a set of TLS secrets in NSS key log format, the one of SSLKEYLOGFILE
// (draft-ietf-tls-keylogfile), and what one connection leaves for a later one that
// resumes it. The zero value is empty and ready to use. It is shared by all Conns
// of a capture, and all of them belong to one goroutine.
type Keys struct {
	known    map[random]*secrets
	sessions sessions
	complete bool
	held     int    // bytes that all Conns keep while they wait for secrets
	plain    []byte // where all Conns decrypt to
}

// Add takes in the lines of a key log and returns how many secrets it has found.
// Empty lines, comments and labels of other uses are passed over. Lines that are
// none of a key log are skipped as well; the error counts them and names the first.
func (k *Keys) Add(lines []byte) (n int, err error) {
	var bad, number, first int
	for line := range bytes.Lines(lines) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		added, ok := k.add(line)
		if added {
			n++
		}
		if !ok {
			if bad++; bad == 1 {
				first = number
			}
		}
	}
	if bad > 0 {
		err = fmt.Errorf("tls: key log: %d of %d lines are no key-log lines (LABEL, client random and secret in hex), the first of them line %d", bad, number, first)
	}
	if len(k.known) >= mostKnown {
		err = errors.Join(err, fmt.Errorf("tls: key log: it has secrets of more than %d connections, the rest is left out", mostKnown))
	}
	return n, err
}

// add takes in one line: added says whether it was of use, ok whether it was a
// line of a key log.
func (k *Keys) add(line []byte) (added, ok bool) {
	parts := bytes.Fields(line)
	if len(parts) != 3 {
		return false, false
	}
	who, err1 := decodeHex(parts[1])
	secret, err2 := decodeHex(parts[2])
	if err1 != nil || err2 != nil || !isLabel(parts[0]) {
		return false, false
	}
	for l, name := range labelNames {
		if name != string(parts[0]) {
			continue
		}
		if len(who) != len(random{}) || !fits(label(l), len(secret)) {
			return false, false
		}
		return k.put(random(who), label(l), secret), true
	}
	return false, true
}

func decodeHex(src []byte) ([]byte, error) {
	out := make([]byte, hex.DecodedLen(len(src)))
	_, err := hex.Decode(out, src)
	return out, err
}

func isLabel(b []byte) bool {
	for _, c := range b {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// fits: a traffic secret is as long as the suite's hash, SHA-256 or SHA-384.
func fits(l label, size int) bool {
	if l == masterSecret {
		return size == masterSize
	}
	return size == sha256.Size || size == masterSize
}

func (k *Keys) put(who random, l label, secret []byte) bool {
	s := k.known[who]
	if s == nil {
		if len(k.known) >= mostKnown {
			return false
		}
		if k.known == nil {
			k.known = map[random]*secrets{}
		}
		s = new(secrets)
		k.known[who] = s
	}
	s[l] = secret
	return true
}

// Complete says whether all secrets are there. If so, Conns stop waiting for them
// and say at once what cannot be decrypted. Adding more all the same is allowed,
// and of use to connections that begin later.
func (k *Keys) Complete(all bool) { k.complete = all }

// of returns the secrets of a connection, none if there are none.
func (k *Keys) of(who random) *secrets {
	if s := k.known[who]; s != nil {
		return s
	}
	return &secrets{}
}

// Len is the number of connections that there are secrets of.
func (k *Keys) Len() int { return len(k.known) }
