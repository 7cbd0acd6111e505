package certs

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"xmppscope/internal/idn"
)

// CA mints certificates. It may be used by several goroutines.
type CA struct {
	dir        string
	root       *x509.Certificate
	rootKey    crypto.Signer
	issuingKey crypto.Signer // of this process
	leafKey    crypto.Signer
	now        func() time.Time

	mu     sync.Mutex
	minted *cache
}

// NewMemory makes a CA that is written nowhere and is gone with the process.
func NewMemory() (*CA, error) {
	root, rootKey, err := newRoot(time.Now())
	if err != nil {
		return nil, fmt.Errorf("certs: cannot make a CA: %w", err)
	}
	leafKey, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("certs: cannot make a key: %w", err)
	}
	return newCA("", root, rootKey, leafKey)
}

func newCA(dir string, root *x509.Certificate, rootKey, leafKey crypto.Signer) (*CA, error) {
	issuingKey, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("certs: cannot make a key: %w", err)
	}
	return &CA{
		dir: dir, root: root, rootKey: rootKey, issuingKey: issuingKey, leafKey: leafKey,
		now: time.Now, minted: newCache(mostMinted),
	}, nil
}

// Root is the certificate that clients have to trust.
func (ca *CA) Root() *x509.Certificate { return ca.root }

// Pool is what a client trusts that trusts this CA and no other.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	return pool
}

// RootDER is the root's certificate in DER.
func (ca *CA) RootDER() []byte { return ca.root.Raw }

// RootPEM is the root's certificate in PEM.
func (ca *CA) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: ca.root.Raw})
}

// Fingerprint is the SHA-256 of the root's certificate, "AB:CD:…", as browsers,
// openssl and keytool show it.
func (ca *CA) Fingerprint() string { return fingerprint(ca.root.Raw) }

const (
	// mostMinted bounds the cache of minted chains.
	mostMinted = 1000
	// renewBefore is how long before its end a leaf is minted anew, so that none
	// expires during a handshake or in a client that keeps it for a while.
	renewBefore = 24 * time.Hour
)

// minted is one entry of the cache.
type minted struct {
	cert *tls.Certificate
	left []string
}

// Mint returns a certificate for a JID domain with its whole chain (leaf,
// issuing, root) and its key. upstream is the server's leaf, or nil: its names
// that lie under the domain are copied; the others come back in notMinted
// ("DNS-ID hosting.test"), as hostile as the server sent them. The certificate
// is cached and shared; it must not be changed. An impossible domain is an error
// (see idn.Parse), and so is a root that has expired meanwhile.
//
// local are the addresses at which the client has reached us; the leaf names
// them as iPAddress. RFC 6120 §13.7.2 does not ask for that: a client has to
// look for the domain. But some look for the host that they connect to (Pidgin,
// gloox, BitlBee, xmpp.js; loudmouth under direct TLS), which in front of us is
// an address, and they would refuse us where they accept the server.
func (ca *CA) Mint(domain string, upstream *x509.Certificate, local ...netip.Addr) (cert *tls.Certificate, notMinted []string, err error) {
	d, err := idn.Parse(domain)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: %w", err)
	}
	local = distinct(local)
	key := cacheKey(d, upstream, local)
	ca.mu.Lock()
	defer ca.mu.Unlock()
	now := ca.now()
	if now.After(ca.root.NotAfter) {
		return nil, nil, expiredError(ca.dir, ca.root.NotAfter)
	}
	if m, ok := ca.minted.get(key); ok && (now.Before(m.cert.Leaf.NotAfter.Add(-renewBefore)) || m.cert.Leaf.NotAfter.Equal(ca.root.NotAfter)) {
		return m.cert, m.left, nil
	}
	cert, left, err := ca.mint(d, upstream, local, now)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: cannot mint a certificate for %q: %w", d.ASCII, err)
	}
	ca.minted.put(key, minted{cert, left})
	return cert, left, nil
}

// cacheKey tells apart what may differ between two leaves.
func cacheKey(d idn.Domain, upstream *x509.Certificate, local []netip.Addr) string {
	var sum [sha256.Size]byte
	if upstream != nil {
		sum = sha256.Sum256(upstream.Raw)
	}
	return fmt.Sprintf("%s %x %v", d.ASCII, sum, local)
}

func (ca *CA) mint(d idn.Domain, upstream *x509.Certificate, local []netip.Addr, now time.Time) (*tls.Certificate, []string, error) {
	names, left := mintNames(d, upstream, local)
	issuing, err := newIssuing(d, names.IP, ca.root, ca.rootKey, ca.issuingKey.Public(), now)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := newLeaf(d, names, issuing, ca.issuingKey, ca.leafKey.Public(), now)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Certificate{
		Certificate: [][]byte{leaf.Raw, issuing.Raw, ca.root.Raw},
		PrivateKey:  ca.leafKey,
		Leaf:        leaf,
	}, left, nil
}
