// Package coroutine runs a body that hands control back when it yields.
package coroutine

// Coroutine is a body that hands control back when it yields, as iter.Pull has it. Those of
// iter may only be gone on with on the thread that they were made on, if that is locked to
// its goroutine: and a session is explained now by one worker, now by another, each on a
// thread of its own.
type Coroutine struct {
	// Body is what is run. It ends when yield returns false.
	Body   func(yield func([]byte) bool)
	resume chan bool   // go on, or end
	plain  chan []byte // what was yielded; closed at the end
	ended  bool
}

// Next lets the body run until it yields; false says that it has ended.
func (c *Coroutine) Next() ([]byte, bool) {
	switch {
	case c.ended:
		return nil, false
	case c.plain == nil:
		c.resume, c.plain = make(chan bool), make(chan []byte)
		go func() {
			defer close(c.plain)
			going := true
			c.Body(func(p []byte) bool {
				if going { // a body may have something left to say when it is told to end
					c.plain <- p
					going = <-c.resume
				}
				return going
			})
		}()
	default:
		c.resume <- true
	}
	p, ok := <-c.plain
	c.ended = !ok
	return p, ok
}

// Stop ends the body, which has yielded or not begun.
func (c *Coroutine) Stop() {
	if c.plain != nil && !c.ended {
		c.resume <- false
		for range c.plain { // until it has ended
		}
	}
	c.ended = true
}
