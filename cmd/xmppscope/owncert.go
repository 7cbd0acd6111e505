package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// ownCert reads the pair of --own-cert: CERT,KEY in PEM, the chain with the leaf first.
func ownCert(pair string) (*tls.Certificate, error) {
	if pair == "" {
		return nil, nil
	}
	chain, key, ok := strings.Cut(pair, ",")
	if !ok || chain == "" || key == "" {
		return nil, fmt.Errorf("--own-cert %q: want CERT,KEY: two files in PEM form", pair)
	}
	info, err := os.Stat(key)
	if err != nil {
		return nil, fmt.Errorf("--own-cert: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, hinted{fmt.Errorf("--own-cert: %s can be read by others: it is the server's key", key), "chmod 600 " + key}
	}
	cert, err := tls.LoadX509KeyPair(chain, key)
	if err != nil {
		return nil, hinted{fmt.Errorf("--own-cert: %w", err), "name the file with the chain, leaf first, and that with its key"}
	}
	if cert.Leaf == nil {
		return nil, errors.New("--own-cert: there is no certificate in " + chain)
	}
	return &cert, nil
}
