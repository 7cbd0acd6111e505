package packet

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

func secretsBlock(order binary.AppendByteOrder, kind uint32, lines string) []byte {
	return block(order, BlockSecrets, append(order.AppendUint32(order.AppendUint32(nil, kind), uint32(len(lines))), lines...))
}

// TestEachSecrets: key logs are found wherever they stand, in every section and
// byte order; a file that is damaged gives those before the damage.
func TestEachSecrets(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	file := bytes.Join([][]byte{
		sectionBlock(le), block(le, BlockPacket, make([]byte, 70000)), secretsBlock(le, secretsTLS, "one"),
		secretsBlock(le, 0x57474b4c, "WireGuard's"), block(le, BlockCustom, []byte{1, 2, 3, 4}),
		sectionBlock(be), block(be, BlockSimple, make([]byte, 8)), secretsBlock(be, secretsTLS, "two"),
	}, nil)
	for _, c := range []struct {
		name, file, want string
		whole            bool
	}{
		{"whole", string(file), "one two", true},
		{"empty", "", "", true},
		{"cut off in a packet", string(file[:1000]), "", false},
		{"cut off in the secrets", string(file[:len(file)-6]), "one", false},
		{"cut off in a head", string(append(bytes.Clone(file), 6, 0, 0)), "one two", false},
		{"no length", string(append(bytes.Clone(file), make([]byte, 20)...)), "one two", false},
		{"no magic", string(append(bytes.Clone(file), block(le, BlockSection, make([]byte, 16))...)), "one two", false},
	} {
		var got []string
		err := EachSecrets(strings.NewReader(c.file), func(lines []byte) { got = append(got, string(lines)) })
		if strings.Join(got, " ") != c.want || (err == nil) != c.whole {
			t.Errorf("%s: %q, error %v", c.name, got, err)
		}
	}
}
