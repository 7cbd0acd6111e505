package packet

import (
	"container/heap"
	"time"

	"xmppscope/internal/lent"
)

// maxUnsorted bounds the bytes of packets that wait for older ones.
const maxUnsorted = 64 << 20

// packetCost is what a packet takes that waits, besides its bytes.
const packetCost = 250

// sorter gives the packets of a file in the order of their times, those of the same
// time as they stand in the file.
type sorter struct {
	file
	late   time.Duration // no packet's time is further behind that of one before it
	newest time.Time
	queue  queue
	size   int
	count  int
	given  []byte // data of the packet that was given last
	err    error  // of file, given when the queue is empty
}

func (s *sorter) next(out *Packet) error {
	lent.Back(s.given)
	for s.err == nil && !s.ripe() {
		var p Packet
		if s.err = s.file.next(&p); s.err != nil {
			break
		}
		if p.Keys != nil {
			*out = p
			return nil
		}
		if p.At.After(s.newest) {
			s.newest = p.At
		}
		s.count++
		s.size += packetCost + len(p.Data)
		heap.Push(&s.queue, queued{p.clone(), s.count})
	}
	if len(s.queue) == 0 {
		return s.err
	}
	*out = *heap.Pop(&s.queue).(queued).Packet
	s.given = out.Data
	s.size -= packetCost + len(out.Data)
	return nil
}

// ripe says whether the oldest packet need not wait any more, or may not.
func (s *sorter) ripe() bool {
	return len(s.queue) > 0 && (s.newest.Sub(s.queue[0].At) >= s.late || s.size > maxUnsorted)
}

// queued is a packet with its place in the file.
type queued struct {
	*Packet
	number int
}

// queue is a heap.Interface, the oldest packet first.
type queue []queued

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	if c := q[i].At.Compare(q[j].At); c != 0 {
		return c < 0
	}
	return q[i].number < q[j].number
}
func (q *queue) Push(x any) { *q = append(*q, x.(queued)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	out := (*q)[last]
	(*q)[last] = queued{}
	*q = (*q)[:last]
	return out
}
