// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"sync"
	"syscall"
)

// Answers that are still to come for calls which their callers gave up.
const droppedMax = 1024

var errRetired = errors.New("authz: this connection has no id left")

// outcome is what one request got.
type outcome struct {
	answer answer
	err    error
}

// waiting is a request without an answer.
type waiting struct {
	id      uint32
	request []byte
	done    chan outcome // of 1, so that nobody waits for the caller
	sent    bool         // some of its bytes may have been sent; read it only after the outcome
}

// conn is a connection. One goroutine writes all that is queued, one reads and gives each answer to
// its request. Either ends with the connection. A request that is alone is written by its caller: to
// wake a goroutine for it would take longer.
type conn struct {
	socket net.Conn
	raw    syscall.RawConn // of the socket, for attempt
	wake   chan struct{}   // of 1: something is queued
	closed chan struct{}

	mu      sync.Mutex
	id      uint32 // of the next request: begins at random
	ids     uint32 // how many are left, so that none is used twice
	waiting map[uint32]*waiting
	dropped map[uint32]struct{}
	queue   []*waiting
	rest    []byte // what attempt did not get rid of, before the queue
	writing bool   // a goroutine writes; another one must not
	dead    error
}

func newConn(socket *net.UnixConn) (*conn, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{
		socket: socket, raw: raw, wake: make(chan struct{}, 1), closed: make(chan struct{}),
		id: binary.BigEndian.Uint32(random[:]), ids: math.MaxUint32,
		waiting: map[uint32]*waiting{}, dropped: map[uint32]struct{}{},
	}
	go c.write()
	go c.read()
	return c, nil
}

// usable says whether another request may begin here.
func (c *conn) usable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead == nil && c.ids > 0
}

// start sends a request, or queues it. Its error is that which ended the connection, or errRetired.
func (c *conn) start(request []byte) (*waiting, error) {
	w, out, err := c.enqueue(request)
	if len(out) > 0 {
		c.attempt(out)
	}
	return w, err
}

// enqueue also takes what is to be written now, if the caller is the one to do it.
func (c *conn) enqueue(request []byte) (*waiting, []byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil {
		return nil, nil, c.dead
	}
	if c.ids == 0 {
		return nil, nil, errRetired
	}
	w := &waiting{id: c.id, request: withID(request, c.id), done: make(chan outcome, 1)}
	c.id++
	c.ids--
	c.waiting[w.id] = w
	c.queue = append(c.queue, w)
	if len(c.waiting) == 1 && !c.writing {
		return w, c.take(), nil
	}
	c.rouse() // so that many requests are one write
	return w, nil, nil
}

// rouse wakes the goroutine that writes.
func (c *conn) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// attempt writes what the socket takes at once, and leaves the rest, and errors, to the goroutine: a
// caller has a deadline, which a write that waits would not keep.
func (c *conn) attempt(out []byte) {
	count := 0
	_ = c.raw.Write(func(socket uintptr) bool {
		count, _ = syscall.Write(int(socket), out)
		return true
	})
	if count < 0 {
		count = 0
	}
	wipe(out[:count])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
	if c.dead != nil {
		wipe(out)
		return
	}
	c.rest = out[count:]
	if len(c.rest) > 0 || len(c.queue) > 0 {
		c.rouse()
	}
}

// abandon gives up a request. The answer to one that was cancelled is thrown away when it comes; one
// that comes after its deadline ends the connection, as does the last deadline itself.
func (c *conn) abandon(w *waiting, cancelled bool) {
	c.mu.Lock()
	_, there := c.waiting[w.id]
	delete(c.waiting, w.id)
	if there && w.sent && cancelled {
		c.dropped[w.id] = struct{}{}
	}
	end := there && w.sent && ((!cancelled && len(c.waiting) == 0) || len(c.dropped) > droppedMax)
	retired := c.ids == 0 && len(c.waiting) == 0
	c.mu.Unlock()
	if end || retired {
		c.end(&outage{what: "no answer before the deadline", broken: true})
	}
}

// take is what is to be written now, by the caller, who holds the mutex. Requests that were given up
// meanwhile are not sent.
func (c *conn) take() []byte {
	out := c.rest
	c.rest = nil
	for _, w := range c.queue {
		if c.waiting[w.id] == w {
			w.sent = true
			out = append(out, w.request...)
		}
		wipe(w.request)
		w.request = nil
	}
	c.queue = nil
	c.writing = len(out) > 0
	return out
}

// write ends without ending the connection: what the daemon said before it closed is still read.
func (c *conn) write() {
	for {
		select {
		case <-c.wake:
		case <-c.closed:
			return
		}
		var out []byte
		c.mu.Lock()
		if !c.writing { // otherwise attempt rouses again
			out = c.take()
		}
		c.mu.Unlock()
		if len(out) == 0 {
			continue
		}
		_, err := c.socket.Write(out)
		wipe(out)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.writing = false
		c.mu.Unlock()
	}
}

func (c *conn) read() {
	from := newAnswers(c.socket)
	for {
		got, err := from.next()
		switch {
		case errors.Is(err, errMalform) || errors.Is(err, errTooLarge):
			c.end(&outage{what: "the answer cannot be read", cause: err})
			return
		case err != nil:
			c.end(&outage{what: "the connection ended", cause: err, broken: true})
			return
		case got.last:
			c.end(refusal(got.refusal))
			return
		case !c.deliver(got):
			c.end(unreadable("no request asked for it"))
			return
		}
	}
}

// deliver gives an answer to its request; false: there is none.
func (c *conn) deliver(got answer) bool {
	c.mu.Lock()
	w := c.waiting[got.id]
	_, dropped := c.dropped[got.id]
	asked := w != nil && w.sent
	if asked {
		delete(c.waiting, got.id)
		w.done <- outcome{answer: got}
	}
	delete(c.dropped, got.id)
	retired := c.ids == 0 && len(c.waiting) == 0
	c.mu.Unlock()
	if retired {
		c.end(errRetired)
	}
	return asked || dropped
}

// end closes the connection, and every request on it fails.
func (c *conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil {
		return
	}
	c.dead = err
	close(c.closed)
	_ = c.socket.Close()
	for _, w := range c.waiting {
		w.done <- outcome{err: err}
	}
	c.waiting, c.queue = nil, nil
}

func wipe(bytes []byte) {
	for i := range bytes {
		bytes[i] = 0
	}
}
