package decode

import (
	"bytes"
	"compress/zlib"
	"errors"
	"runtime"
	"strings"
	"testing"

	"xmppscope/internal/lent"
)

func init() { lent.Spoil = true }

// deflate compresses parts, with a flush behind each as XMPP senders do.
func deflate(parts ...string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	for _, p := range parts {
		w.Write([]byte(p))
		w.Flush()
	}
	return b.Bytes()
}

// feed gives z bytes, and out what they unfold to.
func feed(z *Inflater, p []byte, out func([]byte)) error {
	z.Give(p)
	for {
		plain, err := z.Take()
		if err != nil || len(plain) == 0 {
			return err
		}
		out(plain)
	}
}

func TestInflate(t *testing.T) {
	parts := []string{hdr, "<message>" + strings.Repeat("hello ", 20000) + "</message>", "<a/>", " "}
	data := deflate(parts...)
	for _, size := range []int{1, 7, 1000, len(data)} {
		z := NewInflater()
		var got bytes.Buffer
		for p := data; len(p) > 0; {
			n := min(size, len(p))
			if err := feed(z, p[:n], func(b []byte) { got.Write(b) }); err != nil {
				t.Fatalf("chunks of %d: %v", size, err)
			}
			p = p[n:]
		}
		if got.String() != strings.Join(parts, "") {
			t.Errorf("chunks of %d: %d bytes, and they differ", size, got.Len())
		}
		z.Stop()
	}
}

func TestInflateRefuses(t *testing.T) {
	bomb := deflate(strings.Repeat("\x00", 64<<20))
	var ended bytes.Buffer
	w := zlib.NewWriter(&ended)
	w.Write([]byte("<a/>"))
	w.Close()
	for name, data := range map[string][]byte{
		"not zlib": []byte("<stream:stream>"), "damaged": {0x78, 0x9c, 0x07}, "bomb": bomb,
		"ended": append(ended.Bytes(), 'x'),
	} {
		z := NewInflater()
		total := 0
		err := feed(z, data, func(b []byte) { total += len(b) })
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if name == "bomb" && (!errors.Is(err, errBomb) || total > 2*bombSize) {
			t.Errorf("bomb: %v after %d bytes", err, total)
		}
		if again := feed(z, []byte("more"), func([]byte) { t.Errorf("%s: gave more", name) }); again == nil {
			t.Errorf("%s: went on", name)
		}
		z.Stop()
	}
}

// TestInflaterChangesThreads: what was begun on a thread that is locked to its goroutine is
// gone on with on another one.
func TestInflaterChangesThreads(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write([]byte("<presence/>"))
	w.Flush()
	z := NewInflater()
	defer z.Stop()
	got := ""
	for _, part := range [][]byte{packed.Bytes()[:5], packed.Bytes()[5:]} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			z.Give(part)
			for p, err := z.Take(); len(p) > 0 && err == nil; p, err = z.Take() {
				got += string(p)
			}
		}()
		<-done
	}
	if got != "<presence/>" {
		t.Errorf("%q", got)
	}
}

// TestInflaterStopsInABlock: a stream that is cut off in the middle of a block, of which
// something has been read, is given up without waiting for more.
func TestInflaterStopsInABlock(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write([]byte(strings.Repeat("<presence/>", 10) + "<message/>"))
	w.Close()
	for at := range packed.Len() {
		z := NewInflater()
		if err := feed(z, packed.Bytes()[:at], func([]byte) {}); err != nil {
			t.Fatal(err)
		}
		z.Stop()
	}
}
