package certs

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"xmppscope/internal/ownership"
)

// The files of a CA folder. The first two are 0600 and are only ever created
// whole, by a hard link to a finished file, so of two processes that start at
// once one wins and the other uses what it made.
const (
	secretFile = "ca.pem"       // the root's certificate and key
	leafFile   = "leaf-key.pem" // the key of all leaves
	publicFile = "root.crt"     // the root's certificate alone, for people to hand to clients
	newPrefix  = ".new-"        // files that are not finished
)

// Types of PEM blocks.
const (
	pemCert = "CERTIFICATE"
	pemKey  = "PRIVATE KEY"
)

// mostRead bounds what is read of a file of the folder.
const mostRead = 1 << 16

// DefaultDir is where a user's CA lies: xmppscope/ca in the user's configuration
// directory ($XDG_CONFIG_HOME or ~/.config, ~/Library/Application Support,
// %AppData%).
func DefaultDir() (string, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("certs: no configuration directory for the CA: %w; name a folder with --ca-dir", err)
	}
	return filepath.Join(config, "xmppscope", "ca"), nil
}

// Open loads the CA of a folder, and makes it on first use. The folder is
// created, or taken over if it is empty. A folder with other things in it, folders
// and files of other users or that they can read or replace, damaged files, an
// expired root and one whose key is gone are errors that name the file, the cause and
// what to do.
func Open(dir string) (*CA, error) { return openAt(dir, time.Now()) }

func openAt(dir string, now time.Time) (*CA, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("certs: CA folder %q: %w", dir, err)
	}
	has, err := survey(dir)
	if err != nil {
		return nil, err
	}
	if has.public && !has.ca {
		return nil, fmt.Errorf("certs: CA folder %q: %s is here but its key %s is not: put it back, or make a new CA with: %s", dir, publicFile, secretFile, rotateCommand(dir))
	}
	return load(dir, has.ca, now)
}

// load reads what a folder holds, and makes what it lacks.
func load(dir string, hasCA bool, now time.Time) (*CA, error) {
	if err := private(dir, hasCA); err != nil {
		return nil, err
	}
	root, rootKey, err := openRoot(dir, now)
	if err != nil {
		return nil, err
	}
	leafKey, err := openLeafKey(dir)
	if err != nil {
		return nil, err
	}
	ca, err := newCA(dir, root, rootKey, leafKey)
	if err != nil {
		return nil, err
	}
	return ca, ca.writePublic()
}

// RootFile is the certificate-only copy of the root, which may be handed out; ""
// for a CA in memory.
func (ca *CA) RootFile() string {
	if ca.dir == "" {
		return ""
	}
	return filepath.Join(ca.dir, publicFile)
}

// holdings is what a CA folder has in it.
type holdings struct {
	ca     bool // the root with its key
	public bool // the copy of the root
}

// survey makes the folder, or looks into the one that is there. One that is not
// a CA's and not empty is an error.
func survey(dir string) (has holdings, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return has, fmt.Errorf("certs: cannot make the CA folder %q: %w; name another one with --ca-dir", dir, cause(err))
	}
	if err := ours(dir); err != nil {
		return has, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return has, fmt.Errorf("certs: cannot read the CA folder %q: %w; name another one with --ca-dir", dir, cause(err))
	}
	var foreign string
	for _, e := range entries {
		switch name := e.Name(); {
		case name == secretFile:
			has.ca = true
		case name == publicFile:
			has.public = true
		case !madeByUs(name):
			foreign = name
		}
	}
	if has.public && !has.ca { // made meanwhile by another process, it need not be in the list
		_, err := os.Lstat(filepath.Join(dir, secretFile))
		has.ca = err == nil
	}
	if !has.ca && foreign != "" {
		return has, fmt.Errorf("certs: folder %q holds %q but no CA (%s); name an empty or a new folder with --ca-dir", dir, foreign, secretFile)
	}
	return has, nil
}

// ours says whether a folder is the user's own, and stays where it is.
func ours(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("certs: cannot look at the CA folder %q: %w", dir, cause(err))
	}
	if err := ownership.Foreign(info); err != nil {
		return fmt.Errorf("certs: CA folder %q is not yours: %w, who could read what its CA opens; name a folder of your own with --ca-dir", dir, err)
	}
	shared, err := ownership.Exposed(dir)
	if err != nil {
		return fmt.Errorf("certs: cannot look above the CA folder %q: %w", dir, cause(err))
	}
	if shared != "" {
		return fmt.Errorf("certs: CA folder %q lies in %q, where everybody may put another in its place; run: chmod o-w %s, or name a folder elsewhere with --ca-dir", dir, shared, Shell(shared))
	}
	return nil
}

// private makes a folder private that is being taken over, and checks that one
// with a CA is. What it holds was read before its mode is: another process that
// takes the folder over at this moment sets the mode before it adds the CA.
func private(dir string, hasCA bool) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("certs: cannot look at the CA folder %q: %w", dir, cause(err))
	case !exposed(info):
		return nil
	case hasCA:
		return fmt.Errorf("certs: CA folder %q can be entered by other users (mode %04o); run: chmod 700 %s", dir, info.Mode().Perm(), Shell(dir))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("certs: cannot make the CA folder %q private: %w; name another one with --ca-dir", dir, cause(err))
	}
	return nil
}

// madeByUs says whether a file in a CA folder is one that we have made.
func madeByUs(name string) bool {
	return name == leafFile || name == publicFile || strings.HasPrefix(name, newPrefix) || strings.HasPrefix(name, keptPrefix)
}

// exposed says whether group or others have any right to a file. Windows has no
// such modes: there the user's profile is private.
func exposed(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

func openRoot(dir string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	path := filepath.Join(dir, secretFile)
	blocks, err := readOrMake(path, func() ([]*pem.Block, error) {
		cert, key, err := newRoot(now)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return []*pem.Block{{Type: pemCert, Bytes: cert.Raw}, {Type: pemKey, Bytes: der}}, err
	})
	if err != nil {
		return nil, nil, err
	}
	cert, key, err := parseRoot(blocks)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: CA file %q is damaged: %w; put a copy back, or make a new CA with: %s", path, err, rotateCommand(dir))
	}
	if now.After(cert.NotAfter) {
		return nil, nil, expiredError(dir, cert.NotAfter)
	}
	if now.Before(cert.NotBefore) {
		return nil, nil, fmt.Errorf("certs: CA file %q is valid from %s on, and here it is %s; check the clock", path, day(cert.NotBefore), day(now))
	}
	return cert, key, nil
}

func parseRoot(blocks []*pem.Block) (*x509.Certificate, crypto.Signer, error) {
	key, err := parseKey(blocks)
	if err != nil {
		return nil, nil, err
	}
	der := find(blocks, pemCert)
	if der == nil {
		return nil, nil, errors.New("there is no certificate in it")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, nil, errors.New("the key in it does not belong to the certificate in it")
	}
	if !cert.IsCA || cert.MaxPathLen == 0 {
		return nil, nil, errors.New("its certificate may not issue for an issuing certificate (it needs CA:TRUE and a path length of 1 or more)")
	}
	return cert, key, nil
}

func openLeafKey(dir string) (crypto.Signer, error) {
	path := filepath.Join(dir, leafFile)
	blocks, err := readOrMake(path, func() ([]*pem.Block, error) {
		key, err := newKey()
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return []*pem.Block{{Type: pemKey, Bytes: der}}, err
	})
	if err != nil {
		return nil, err
	}
	key, err := parseKey(blocks)
	if err != nil {
		return nil, fmt.Errorf("certs: key file %q is damaged: %w; remove it, and the next start makes a new key (clients that pin keys will ask again)", path, err)
	}
	return key, nil
}

func parseKey(blocks []*pem.Block) (crypto.Signer, error) {
	der := find(blocks, pemKey)
	if der == nil {
		return nil, errors.New("there is no private key in it")
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its key cannot sign")
	}
	return signer, nil
}

func find(blocks []*pem.Block, kind string) []byte {
	for _, b := range blocks {
		if b.Type == kind {
			return b.Bytes
		}
	}
	return nil
}

// readOrMake reads a secret file, and makes it first if it is not there.
func readOrMake(path string, create func() ([]*pem.Block, error)) ([]*pem.Block, error) {
	blocks, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return blocks, err
	}
	fresh, err := create()
	if err != nil {
		return nil, fmt.Errorf("certs: cannot make %q: %w", path, err)
	}
	var text []byte
	for _, b := range fresh {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	if err := publish(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("certs: cannot make %q: %w; name another folder with --ca-dir", path, cause(err))
	}
	return readSecret(path) // ours, or that of who was faster
}

// readSecret reads a file that nobody else may read.
func readSecret(path string) ([]*pem.Block, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("certs: cannot look at %q: %w", path, cause(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("certs: %q is not a file; name another folder with --ca-dir", path)
	case exposed(info):
		return nil, fmt.Errorf("certs: %q can be read by other users (mode %04o); run: chmod 600 %s (and if somebody may have read it: xmppscope ca rotate)", path, info.Mode().Perm(), Shell(path))
	}
	if err := ownership.Foreign(info); err != nil {
		return nil, fmt.Errorf("certs: %q is not yours: %w, who has the key too; make a new one with: %s", path, err, rotateCommand(filepath.Dir(path)))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("certs: cannot read %q: %w; it has to be readable by you", path, cause(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostRead))
	if err != nil {
		return nil, fmt.Errorf("certs: cannot read %q: %w", path, cause(err))
	}
	var blocks []*pem.Block
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return blocks, nil
		}
		blocks = append(blocks, b)
	}
}

// publish creates a file 0600 with this content, whole or not at all. If it is
// there already the error is fs.ErrExist, and the file stays as it is.
func publish(path string, text []byte) error {
	temp, err := writeTemp(filepath.Dir(path), text)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	return os.Link(temp, path)
}

func writeTemp(dir string, text []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, newPrefix+"*") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

// writePublic makes the certificate-only copy, unless it is there and right.
func (ca *CA) writePublic() error {
	path := ca.RootFile()
	if have, err := os.ReadFile(path); err == nil && string(have) == string(ca.RootPEM()) {
		return nil
	}
	temp, err := writeTemp(ca.dir, ca.RootPEM())
	if err == nil {
		if err = os.Chmod(temp, 0o644); err == nil {
			err = os.Rename(temp, path)
		}
		if err != nil {
			os.Remove(temp)
		}
	}
	if err != nil {
		return fmt.Errorf("certs: cannot write the copy of the root %q: %w", path, cause(err))
	}
	return nil
}

// cause takes the path out of an error whose text names it already.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
