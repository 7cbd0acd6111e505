package session

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// filler sets every field there is, each to a value of its own, so that a field that
// gets lost or trades places with another is noticed.
type filler struct {
	t *testing.T
	n int
}

func (f *filler) fill(v reflect.Value) {
	f.t.Helper()
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(f.n), int64(f.n)).UTC()))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`{"any":1}`)))
		return
	}
	if v.Type() == reflect.TypeFor[Body]() { // for filled to set
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text " + strconv.Itoa(f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint8: // may be one of a few
		v.SetUint(1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.n))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
			if v.Field(i).IsZero() && v.Field(i).Kind() != reflect.Interface {
				f.t.Fatalf("%s.%s was left out", v.Type(), v.Type().Field(i).Name)
			}
		}
	default:
		f.t.Fatalf("the test does not know how to fill a %s", v.Type())
	}
}

// filled is an event of this kind in which nothing is zero.
func filled(t *testing.T, b Body) Event {
	t.Helper()
	f := filler{t: t}
	var e Event
	f.fill(reflect.ValueOf(&e).Elem())
	if b != nil {
		v := reflect.New(reflect.TypeOf(b)).Elem()
		f.fill(v)
		e.Body = v.Interface().(Body)
	}
	return e
}

func newBinaryWriter() *binaryWriter { return &binaryWriter{table: newStringTable()} }

// binaryOf is an event in the binary form.
func binaryOf(t testing.TB, w *binaryWriter, e *Event) []byte {
	t.Helper()
	p, err := w.append(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkBinary writes an event three times, since its strings are not written the same
// when they come again, and reads it back.
func checkBinary(t *testing.T, w *binaryWriter, want Event) {
	t.Helper()
	for range 3 {
		p := binaryOf(t, w, &want)
		var got Event
		n, err := readBinary(append(p, "what follows"...), w.table.list, &got)
		if err != nil || n != len(p) {
			t.Fatalf("%s: %d of %d bytes, %v", want.Kind(), n, len(p), err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", want.Kind(), got, want)
		}
	}
}

// TestBinary: every kind of event comes back exactly, whatever fields it has.
func TestBinary(t *testing.T) {
	for _, b := range append([]Body{nil, Unknown{}}, Bodies...) {
		checkBinary(t, newBinaryWriter(), filled(t, b))
		checkBinary(t, newBinaryWriter(), Event{Seen: Seen{Body: b}, Said: Said{Done: true}})
	}
}

func TestBinaryExtremes(t *testing.T) {
	for _, e := range []Event{
		{},
		{Seen: Seen{Raw: []byte{}}, Said: Said{Done: true, Notes: []Note{}, Secrets: []Secret{}}},
		{Seen: Seen{Body: WireBytes{Remarks{Comments: []string{}}}}, Said: Said{Done: true}},
		{Seen: Seen{Body: TLSEstablished{TLSFacts{Bindings: map[string]string{}, Chain: []Certificate{{}}, Hello: &ClientHello{Versions: []string{""}}}}}, Said: Said{Done: true}},
		{Seen: Seen{Session: math.MinInt, Conn: math.MinInt32, Beside: true, Seq: math.MaxUint64, Offset: math.MaxInt64, Size: math.MinInt64}, Said: Said{Done: true, Answers: math.MaxUint64, RTT: math.MinInt64}},
		{Said: Said{Done: true, Notes: []Note{{Span: Span{-5, math.MinInt}, Value: "\xff\x00"}, {Span: Span{math.MaxInt, math.MinInt}}}}},
		{Seen: Seen{Raw: bytes.Repeat([]byte{0xff}, 1<<20)}, Said: Said{Done: true, Summary: strings.Repeat("ä", 1<<16)}},
		{Said: Said{Done: true, Step: &Step{}, Secrets: []Secret{{}, {Span: Span{7, 3}}}}},
	} {
		checkBinary(t, newBinaryWriter(), e)
	}
}

// TestBinaryTime: a time comes back as it is shown, to the nanosecond: in the zone of
// this computer, in another, or in none.
func TestBinaryTime(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("here", 7*3600)
	defer func() { time.Local = local }()
	for _, at := range []time.Time{
		{}, time.Now(), time.Now().UTC(), time.Unix(0, 1), time.Unix(-1, 999_999_999).UTC(),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(-400, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Now().In(time.FixedZone("there", -12345)), time.Now().In(time.FixedZone("", 0)),
	} {
		w := newBinaryWriter()
		var got Event
		if _, err := readBinary(binaryOf(t, w, &Event{Seen: Seen{At: at}, Said: Said{Done: true}}), w.table.list, &got); err != nil {
			t.Fatal(err)
		}
		if !got.At.Equal(at) || got.At.String() != at.Round(0).String() || (got.At.Location() == time.Local) != (at.Location() == time.Local) {
			t.Errorf("%v came back as %v", at, got.At)
		}
	}
}

type strange struct{}

func (strange) Name() string { return "test:strange" }

func TestBinaryOfUnknownKinds(t *testing.T) {
	w := newBinaryWriter()
	_, err := w.append(nil, &Event{Seen: Seen{Body: strange{}}, Said: Said{Done: true}})
	if err == nil || !strings.Contains(err.Error(), `session: test:strange: the kind is not among session.Bodies`) {
		t.Errorf("a kind that cannot be read back was written: %v", err)
	}
}

// TestBodiesHasAll: a kind that is not in Bodies could not be read back from a file.
func TestBodiesHasAll(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "body.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Recv != nil && d.Name.Name == "Name" {
			want = append(want, d.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	for _, b := range Bodies {
		got = append(got, reflect.TypeOf(b).Name())
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(want, got) {
		t.Errorf("Bodies has %v, body.go has %v", got, want)
	}
}

// TestBinaryKeepsNothing: what was read does not change with the buffer it was read from.
func TestBinaryKeepsNothing(t *testing.T) {
	want := filled(t, TLSFailed{})
	w := newBinaryWriter()
	p := binaryOf(t, w, &want)
	var got Event
	if _, err := readBinary(p, w.table.list, &got); err != nil {
		t.Fatal(err)
	}
	clear(p)
	if !reflect.DeepEqual(got, want) {
		t.Error("the event lies in the buffer that it was read from")
	}
}

// TestBinaryDamaged: whatever a file holds, it is either an event or an error, and a
// length that promises too much takes no memory.
func TestBinaryDamaged(t *testing.T) {
	for _, b := range Bodies {
		e := filled(t, b)
		w := newBinaryWriter()
		whole := binaryOf(t, w, &e)
		for n := range whole {
			if _, err := readBinary(whole[:n], nil, new(Event)); err == nil {
				t.Fatalf("%s: %d of %d bytes are an event", b.Name(), n, len(whole))
			}
		}
		for i := range whole {
			for _, c := range []byte{0, 0x7f, 0x80, 0xff} {
				p := bytes.Clone(whole)
				p[i] = c
				checkRead(t, w, nil, p)
			}
		}
	}
	e := Event{Said: Said{Done: true, Notes: []Note{{}}}}
	w := newBinaryWriter()
	p := binaryOf(t, w, &e)
	i := bytes.LastIndexByte(p, 2) // the length of notes
	p[i] = 0x7f
	if got := testing.AllocsPerRun(10, func() { readBinary(p, nil, new(Event)) }); got > 3 {
		t.Errorf("%v allocations for notes that are not there", got)
	}
}

// checkRead reads any bytes. What is an event can be looked at, and written again.
func checkRead(t *testing.T, w *binaryWriter, table []string, p []byte) {
	t.Helper()
	var e Event
	n, err := readBinary(p, table, &e)
	if err != nil {
		return
	}
	if n <= 0 || n > len(p) {
		t.Fatalf("an event of %d of %d bytes", n, len(p))
	}
	if room := eventSize + cap(e.Notes)*noteSize + cap(e.Secrets)*secretSize; room > eventSize+len(p)*secretSize {
		t.Fatalf("%d bytes became %d", len(p), room)
	}
	_ = e.Leg.String() + e.Dir.String() + e.Worst().String() + e.Kind()
	checkBinary(t, w, e)
}

func FuzzReadBinary(f *testing.F) {
	w := newBinaryWriter()
	for range 2 {
		for _, b := range Bodies {
			e := full(b)
			f.Add(binaryOf(f, w, &e))
		}
	}
	table := slices.Clone(w.table.list)
	f.Fuzz(func(t *testing.T, p []byte) { checkRead(t, w, table, p) })
}
