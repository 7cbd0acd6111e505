package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"xmppscope/tlsintercept"
)

// askClients reads --ask-client-cert.
func askClients(when string) (tlsintercept.Ask, error) {
	switch ask := tlsintercept.Ask(when); {
	case when == "mirror":
		return tlsintercept.AskAsServer, nil
	case ask == tlsintercept.AskAlways || ask == tlsintercept.AskNever:
		return ask, nil
	}
	return "", hinted{fmt.Errorf("--ask-client-cert %q is unknown", when), "it is mirror, always or never"}
}

// certPairs are pairs of files, of a flag that can be repeated. Its values have commas, and so
// has the list in the flag's variable.
type certPairs []string

func (p *certPairs) String() string { return strings.Join(*p, ",") }
func (p *certPairs) Type() string   { return "pairs" }

// Set implements pflag.Value.
func (p *certPairs) Set(s string) error {
	files := strings.Split(s, ",")
	if len(files)%2 != 0 {
		return errors.New("want CERT,KEY: two files in PEM form")
	}
	for pair := range slices.Chunk(files, 2) {
		*p = append(*p, strings.Join(pair, ","))
	}
	return nil
}

// certPair reads the value of a flag, --own-cert or --upstream-cert: CERT,KEY in PEM, the chain
// with the leaf first. Whose key it is stands in messages.
func certPair(flag, whose, pair string) (*tls.Certificate, error) {
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
