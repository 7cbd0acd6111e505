package session

// What tests outside of the package need: those that play dialogues.

// NewLogOf is a Log with a window of so many bytes, and a cache of its own.
var NewLogOf = smallLog

// Cost is what the window of a Log is said to take.
func (l *Log) Cost() int { return l.bytes }

// InFile is how many events are only in the file.
func (l *Log) InFile() int { return l.first }

// Binary writes events in the binary form and reads them.
type Binary struct {
	writer binaryWriter
	B      []byte
}

func NewBinary() *Binary { return &Binary{writer: binaryWriter{table: newStringTable()}} }

func (b *Binary) Append(e *Event) (err error) {
	b.B, err = b.writer.append(b.B, e)
	return err
}

func (b *Binary) Read(p []byte) (e Event, n int, err error) {
	n, err = readBinary(p, b.writer.table.list, &e)
	return e, n, err
}
