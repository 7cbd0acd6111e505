package uncached

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"
)

// blocks is memory that begins where a block may.
func blocks(n int) []byte {
	p := make([]byte, n+Block)
	skip := (Block - int(uintptr(unsafe.Pointer(&p[0]))%Block)) % Block
	return p[skip : skip+n]
}

func open(t *testing.T) *File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "a"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	file := New(f)
	t.Cleanup(func() { file.Close() })
	return file
}

// TestPiecesComeBack: in whatever way a piece is written and read, it is what it was, and so is
// what lies beside it.
func TestPiecesComeBack(t *testing.T) {
	f := open(t)
	random := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 4<<20)
	for i := range 400 {
		n, at := 1+random.IntN(200<<10), random.IntN(3<<20)
		if i%2 == 0 { // whole blocks
			n, at = (1+n/Block)*Block, at/Block*Block
		}
		p := blocks(n)
		for j := range p {
			p[j] = byte(random.Uint32())
		}
		write := f.WriteAt
		if i%3 == 0 {
			write = f.WriteDirect
		}
		if done, err := write(p, int64(at)); done != n || err != nil {
			t.Fatalf("%d bytes at %d: wrote %d, %v", n, at, done, err)
		}
		copy(want[at:], p)

		n, at = 1+random.IntN(200<<10), random.IntN(2<<20)
		if i%2 == 0 {
			n, at = (1+n/Block)*Block, at/Block*Block
		}
		read := f.ReadAt
		if i%5 == 0 {
			read = f.ReadDirect
		}
		got := blocks(n)
		done, err := read(got, int64(at))
		if err != nil && err != io.EOF || done < n && err == nil || !bytes.Equal(got[:done], want[at:at+done]) {
			t.Fatalf("%d bytes at %d: read %d, %v, or others than were written", n, at, done, err)
		}
	}
}

// TestEndOfFile: a piece that reaches beyond the end is read as far as there is something.
func TestEndOfFile(t *testing.T) {
	f := open(t)
	if _, err := f.WriteAt(bytes.Repeat([]byte("x"), 100<<10), 0); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func([]byte, int64) (int, error){"ReadAt": f.ReadAt, "ReadDirect": f.ReadDirect} {
		if n, err := read(blocks(128<<10), 0); n != 100<<10 || err != io.EOF {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// TestErrors: what cannot be done is said, by the name of the file.
func TestErrors(t *testing.T) {
	f := open(t)
	name := f.Name()
	reading, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	for _, err := range []error{
		second(New(reading).WriteAt(blocks(large), 0)),
		second(New(reading).WriteDirect(blocks(large), 0)),
		second(New(reading).WriteAt([]byte("small"), 0)),
	} {
		if path, ok := err.(*os.PathError); !ok || path.Path != name {
			t.Errorf("a file that is open for reading: %v", err)
		}
	}
	f.Close()
	if _, err := f.WriteDirect(blocks(large), 0); err == nil {
		t.Error("a closed file takes something")
	}
	if f.direct != nil {
		t.Error("a closed file is open again")
	}
}

func second(_ int, err error) error { return err }

// TestManyAtOnce: several write to one file.
func TestManyAtOnce(t *testing.T) {
	f := open(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := bytes.Repeat([]byte{byte('a' + i)}, 1<<20)
			if _, err := f.WriteDirect(p, int64(i)<<20); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := make([]byte, 8<<20)
	if _, err := f.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		if n := bytes.Count(got[i<<20:(i+1)<<20], []byte{byte('a' + i)}); n != 1<<20 {
			t.Errorf("of piece %d there are %d bytes", i, n)
		}
	}
}
