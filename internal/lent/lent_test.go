package lent

import (
	"bytes"
	"testing"
)

func TestBack(t *testing.T) {
	b := []byte("kept")
	if Back(b); string(b) != "kept" {
		t.Errorf("%q is spoilt where nobody asked for it", b)
	}
	Spoil = true
	if Back(b); !bytes.Equal(b, []byte{spoilt, spoilt, spoilt, spoilt}) {
		t.Errorf("it is still %q", b)
	}
}
