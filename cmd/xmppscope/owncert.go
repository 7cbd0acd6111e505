package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// certPair reads the value of a flag, --own-cert or --upstream-cert: CERT,KEY in PEM, the chain
// with the leaf first. Whose key it is stands in messages.
func certPair(flag, whose, pair string) (*tls.Certificate, error) {
	if pair == "" {
		return nil, nil
	}
	chain, key, ok := strings.Cut(pair, ",")
	if !ok || chain == "" || key == "" {
		return nil, fmt.Errorf("%s %q: want CERT,KEY: two files in PEM form", flag, pair)
	}
	info, err := os.Stat(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, hinted{fmt.Errorf("%s: %s can be read by others: it is %s key", flag, key, whose), "chmod 600 " + key}
	}
	cert, err := tls.LoadX509KeyPair(chain, key)
	if err != nil {
		return nil, hinted{fmt.Errorf("%s: %w", flag, err), "name the file with the chain, leaf first, and that with its key"}
	}
	if cert.Leaf == nil {
		return nil, errors.New(flag + ": there is no certificate in " + chain)
	}
	return &cert, nil
}
