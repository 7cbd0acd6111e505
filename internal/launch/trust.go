package launch

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// Trust has a program trust one more CA: by files laid over the system's, where there are
// mounts, and by variables.
type Trust struct {
	Mounts []Mount
	Env    []string // "NAME=VALUE", to be added
	// Without are files and folders that could not be read, and so have no CA of ours.
	Without []string
}

// Where systems keep the certificates that programs trust.
var (
	// folders hold a certificate a file, found by the hash of its subject.
	folders = []string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/system/etc/security/cacerts"}
	// bundles hold all in one file.
	bundles = []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ca-certificates/extracted/tls-ca-bundle.pem", "/var/lib/ca-certificates/ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	}
	// anchors are what p11-kit adds to them.
	anchors = []string{"/etc/pki/ca-trust/source/anchors", "/etc/ca-certificates/trust-source/anchors"}
	// stores are Java's.
	stores = []string{"/etc/ssl/certs/java/cacerts", "/etc/pki/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts", "/usr/lib/jvm/*/lib/security/cacerts", "/usr/lib/jvm/*/jre/lib/security/cacerts"}
)

// caName is what the CA is called where files are found by name.
const caName = "xmppscope-ca"

// NewTrust makes the files in a folder that is there. The certificate is in DER; getenv
// tells the program's environment. Without mounts, variables do what they can.
func NewTrust(folder string, ca []byte, getenv func(string) string, mounts bool) (*Trust, error) {
	cert, err := x509.ParseCertificate(ca)
	if err != nil {
		return nil, err
	}
	m := &truster{folder: folder, cert: cert, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca})}
	if mounts {
		m.mounts()
	}
	m.variables(getenv, mounts)
	return &m.Trust, m.err
}

type truster struct {
	Trust
	folder  string
	cert    *x509.Certificate
	pem     []byte
	covered []string // resolved folders that ours are laid over
	n       int
	err     error
}

// path is a new one in the folder.
func (m *truster) path(name string) string {
	m.n++
	return filepath.Join(m.folder, fmt.Sprintf("%d-%s", m.n, name))
}

func (m *truster) failed(err error) bool {
	if err != nil && m.err == nil {
		m.err = err
	}
	return err != nil
}

// over lays a file or folder over another, unless that lies in what is laid over already.
func (m *truster) over(path string, make func(real, copy string) error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return // this system has none
	}
	for _, c := range m.covered {
		if real == c || strings.HasPrefix(real, c+"/") {
			return
		}
	}
	to := m.path(filepath.Base(real))
	err = make(real, to)
	if errors.Is(err, fs.ErrPermission) {
		m.Without = append(m.Without, real)
		return
	}
	if errors.Is(err, fs.ErrNotExist) || m.failed(err) {
		return
	}
	m.covered = append(m.covered, real)
	m.Mounts = append(m.Mounts, Mount{From: to, Over: real})
}

func (m *truster) mounts() {
	for _, f := range folders {
		m.over(f, m.copyFolder)
	}
	for _, f := range bundles {
		m.over(f, m.extend)
	}
	for _, f := range anchors {
		m.over(f, m.copyFolder)
	}
	for _, pattern := range stores {
		found, _ := filepath.Glob(pattern)
		for _, f := range found {
			m.over(f, m.extendStore)
		}
	}
}

// copyFolder copies a folder of certificates, and adds ours. Links stay links, and what
// others must not read they cannot read in the copy: keys lie there, too, and root may copy them.
func (m *truster) copyFolder(from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) && path != from {
			return fs.SkipDir // as with files: nobody finds anything in it
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		copied := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(copied, modeOf(path)|0o700)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, copied)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrPermission) {
			return nil // of root alone, and of no use to the program
		}
		if err != nil {
			return err
		}
		switch base := filepath.Base(path); {
		case slices.ContainsFunc(bundles, func(b string) bool { return filepath.Base(b) == base }):
			text = m.with(text)
		case base == "cacerts":
			text = addToStore(text, m.cert)
		}
		return os.WriteFile(copied, text, modeOf(path))
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, caName+".pem"), m.pem, 0o644); err != nil {
		return err
	}
	for i := 0; ; i++ {
		err := os.Symlink(caName+".pem", filepath.Join(to, fmt.Sprintf("%08x.%d", subjectHash(m.cert), i)))
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

// modeOf says who may read a file or folder: its owner alone where that is not known.
func modeOf(path string) fs.FileMode {
	info, err := os.Stat(path)
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}

// with is a bundle with ours added.
func (m *truster) with(bundle []byte) []byte {
	bundle = bytes.Clone(bundle)
	if n := len(bundle); n > 0 && bundle[n-1] != '\n' {
		bundle = append(bundle, '\n')
	}
	return append(bundle, m.pem...)
}

func (m *truster) extend(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, m.with(text), modeOf(from))
}

func (m *truster) extendStore(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, addToStore(text, m.cert), modeOf(from))
}

// variables have programs read files of ours: one that a variable names already, with the
// CA added, or the system's.
func (m *truster) variables(getenv func(string) string, mounted bool) {
	system := ""
	for _, b := range bundles {
		if _, err := os.Stat(b); err == nil {
			system = b
			break
		}
	}
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "DENO_CERT"} {
		from := getenv(name)
		var text []byte
		mode := fs.FileMode(0o644)
		switch {
		case from != "":
			var err error
			if text, err = os.ReadFile(from); err == nil {
				mode = modeOf(from)
			}
		case name == "NODE_EXTRA_CA_CERTS", name == "DENO_CERT": // it adds to what Node has
		case name == "GIT_SSL_CAINFO", system == "":
			continue
		default:
			text, _ = os.ReadFile(system)
		}
		to := m.path(strings.ToLower(name) + ".pem")
		if m.failed(os.WriteFile(to, m.with(text), mode)) {
			return
		}
		m.Env = append(m.Env, name+"="+to)
	}
	if from := getenv("SSL_CERT_DIR"); from != "" && !strings.Contains(from, ":") {
		if to := m.path("certs"); m.copyFolder(from, to) == nil {
			m.Env = append(m.Env, "SSL_CERT_DIR="+to)
		} else {
			m.Without = append(m.Without, from)
		}
	}
	if mounted {
		return
	}
	for _, pattern := range stores {
		found, _ := filepath.Glob(pattern)
		for _, f := range found {
			if to := m.path("cacerts"); m.extendStore(f, to) == nil {
				// It has Java print a line about it, so mounts are better.
				m.Env = append(m.Env, "JAVA_TOOL_OPTIONS="+strings.TrimSpace(getenv("JAVA_TOOL_OPTIONS")+" -Djavax.net.ssl.trustStore="+to))
				return
			}
		}
	}
}

// subjectHash is OpenSSL's hash of a subject, by which certificates are found in a folder
// (X509_NAME_hash): of its canonical form, in which texts are UTF-8, small and trimmed.
func subjectHash(cert *x509.Certificate) uint32 {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type attributeSET []attribute // asn1 takes a name in SET for a set
	var sets []attributeSET
	if _, err := asn1.Unmarshal(cert.RawSubject, &sets); err != nil {
		return 0
	}
	var canonical []byte
	for _, set := range sets {
		for i, a := range set {
			switch a.Value.Tag {
			case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagT61String, asn1.TagIA5String:
				text := smallASCII(strings.Join(strings.FieldsFunc(string(a.Value.Bytes), func(r rune) bool { return r < 0x80 && strings.ContainsRune(" \t\r\n\v\f", r) }), " "))
				set[i].Value = asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(text)}
			}
		}
		der, err := asn1.MarshalWithParams([]attribute(set), "set")
		if err != nil {
			return 0
		}
		canonical = append(canonical, der...)
	}
	sum := sha1.Sum(canonical)
	return binary.LittleEndian.Uint32(sum[:])
}

// smallASCII makes letters small as OpenSSL does: those of ASCII alone.
func smallASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// Java's keystore of the format JKS (sun.security.provider.JavaKeyStore).
const (
	jksMagic    = 0xfeedfeed
	jksPassword = "changeit" // of every store of CAs
)

// addToStore is a keystore with a certificate added. One that is in no JKS, such as PKCS #12
// of newer ones, is replaced by one that holds the system's CAs: Java reads either.
func addToStore(store []byte, cert *x509.Certificate) []byte {
	var entries []byte
	count := uint32(0)
	if len(store) > 12+sha1.Size && binary.BigEndian.Uint32(store) == jksMagic && binary.BigEndian.Uint32(store[4:]) == 2 {
		count, entries = binary.BigEndian.Uint32(store[8:]), store[12:len(store)-sha1.Size]
	} else {
		for _, ca := range systemCAs() {
			count++
			entries = appendEntry(entries, fmt.Sprintf("system-%d", count), ca)
		}
	}
	out := binary.BigEndian.AppendUint32(nil, jksMagic)
	out = binary.BigEndian.AppendUint32(out, 2)
	out = binary.BigEndian.AppendUint32(out, count+1)
	out = append(out, entries...)
	out = appendEntry(out, caName, cert.Raw)
	digest := sha1.New()
	for _, u := range utf16.Encode([]rune(jksPassword)) {
		digest.Write(binary.BigEndian.AppendUint16(nil, u))
	}
	digest.Write([]byte("Mighty Aphrodite"))
	digest.Write(out)
	return digest.Sum(out)
}

// appendEntry appends a trusted certificate.
func appendEntry(out []byte, alias string, der []byte) []byte {
	text := func(s string) { out = append(binary.BigEndian.AppendUint16(out, uint16(len(s))), s...) }
	out = binary.BigEndian.AppendUint32(out, 2) // a certificate, not a key
	text(alias)
	out = binary.BigEndian.AppendUint64(out, 0) // when it was added
	text("X.509")
	return append(binary.BigEndian.AppendUint32(out, uint32(len(der))), der...)
}

// systemCAs are the certificates of the system's bundle, in DER.
func systemCAs() (out [][]byte) {
	for _, b := range bundles {
		rest, err := os.ReadFile(b)
		if err != nil {
			continue
		}
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				return out
			}
			out = append(out, block.Bytes)
		}
	}
	return nil
}
