package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"xmppscope/session"
)

// foreignCaptures are logins of real clients at real servers, with their key logs.
const foreignCaptures = "../../capture/passive/testdata/"

// lateSecrets is a foreign capture as pcapng, with its key log behind all packets.
func lateSecrets(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.Open(foreignCaptures + name + ".pcap")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := pcapgo.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := pcapgo.NewNgWriter(&out, layers.LinkType(in.LinkType()))
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, info, err := in.ReadPacketData()
		if err == io.EOF {
			break
		}
		if info.InterfaceIndex = 0; err != nil {
			t.Fatal(err)
		}
		if err := w.WritePacket(info, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(foreignCaptures + name + ".keys")
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	body := append(le.AppendUint32(le.AppendUint32(nil, 0x544c534b), uint32(len(keys))), keys...)
	body = append(body, make([]byte, -len(body)&3)...)
	block := append(le.AppendUint32(le.AppendUint32(nil, 0x0A), uint32(12+len(body))), body...)
	return le.AppendUint32(append(out.Bytes(), block...), uint32(12+len(body)))
}

// TestLateSecrets: TLS is decrypted wherever in a file its secrets stand.
func TestLateSecrets(t *testing.T) {
	for _, name := range []string{"go-sendxmpp-prosody", "slixmpp-ejabberd-tls12", "profanity-ejabberd"} {
		file := lateSecrets(t, name)
		path := filepath.Join(t.TempDir(), "late.pcapng")
		// A second copy of it makes another section, whose secrets come still later.
		if err := os.WriteFile(path, append(bytes.Clone(file), file...), 0o600); err != nil {
			t.Fatal(err)
		}
		bound, verified := 0, 0
		err := new(inputFlags).read(t.Context(), []string{path}, func(e session.Event) error {
			if _, locked := e.Body.(session.TLSLocked); locked {
				t.Errorf("%s: %s", name, e.Summary)
			}
			for _, n := range e.Notes {
				if n.Name == "jid" && strings.HasPrefix(n.Value, "alice@") {
					bound++
				}
				if n.Rule == "T11" && n.Severity == session.Notice && strings.Contains(n.Text, "--upstream-ca") {
					verified++
				}
			}
			return nil
		})
		if err != nil || bound == 0 || verified == 0 {
			t.Errorf("%s: %d addresses bound, %d certificates of an unknown CA, error %v", name, bound, verified, err)
		}
	}
}
