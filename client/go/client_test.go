// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestTheZeroDecisionDenies(t *testing.T) {
	if (Decision{}).Allowed() {
		t.Fatal("it allows")
	}
}

func TestFactsAreSentAsTheProtocolHasThem(t *testing.T) {
	request := Request{Facts: Facts{
		"resource.owner": "ann", "resource.regions": []string{"EU"}, "context.amount": 5,
		"context.due": time.Unix(60, 0), "context.took": 8 * time.Hour, "context.gone": nil,
	}, IgnoreUndeclared: true}
	params := request.params()
	facts, isMap := params["facts"].(map[string]any)
	if !isMap || params["undeclared"] != "ignore" {
		t.Fatalf("%v", params)
	}
	gone, there := facts["context.gone"]
	if facts["context.due"] != int64(60) || facts["context.took"] != int64(28800) || !there || gone != nil {
		t.Fatalf("%v", facts)
	}
	if _, err := pack("authorize", params); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsShownByNothing(t *testing.T) {
	const secret = "liq_live_hunter2"
	type holder struct{ token Secret }
	token := NewSecret(secret)
	for _, value := range []any{token, &token, holder{token}, &holder{token}, Key{APIKey: token},
		Request{Token: token}, &Request{Token: token}, []Secret{token}, NewKey{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "hunter2") ||
				strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of %T shows it: %s", verb, value, text)
			}
		}
		if text, _ := json.Marshal(value); strings.Contains(string(text), "hunter2") {
			t.Errorf("JSON of %T shows it: %s", value, text)
		}
	}
	if token.Reveal() != secret {
		t.Error("Reveal does not")
	}
}

func TestTheClientItselfIsPrintedWithoutItsToken(t *testing.T) {
	client := clientAt(t, "/nowhere", time.Second).As(NewSecret("hunter2"))
	if text := fmt.Sprintf("%+v %#v", client, client); strings.Contains(text, "hunter2") {
		t.Fatal(text)
	}
}

func TestManyGoroutinesShareOneConnection(t *testing.T) {
	client := startDaemon(t).client()
	if _, err := client.Principals.Create(soon(t), NewPrincipal{ID: "alice"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Assignments.Create(soon(t), Assignment{Principal: "alice", Role: "viewer"}); err != nil {
		t.Fatal(err)
	}
	var wrong atomic.Int32
	var all sync.WaitGroup
	for i := 0; i < 64; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			for k := 0; k < 50; k++ {
				method := []string{"GET", "DELETE"}[(i+k)%2]
				decision, err := client.Check(context.Background(),
					Request{Principal: "alice", Method: method, Path: "/loans/7"})
				if err != nil || decision.Allowed() != (method == "GET") {
					wrong.Add(1)
				}
			}
		}(i)
	}
	all.Wait()
	if wrong.Load() != 0 {
		t.Errorf("%d of 3200 were wrong", wrong.Load())
	}
	status, err := client.Call(soon(t), "status", nil)
	if err != nil {
		t.Fatal(err)
	}
	if accepted := status["counters"].(map[string]any)["accepted"]; accepted != int64(1) {
		t.Errorf("%v connections were accepted", accepted)
	}
}

func TestAnswersMayComeInAnyOrder(t *testing.T) {
	path := server(t, func(_ int, c *peer) {
		first, second := c.read(), c.read()
		for _, one := range []*asked{second, first} {
			if one.params["path"] == "/yes" {
				c.answer(one.id, allowed)
			} else {
				c.answer(one.id, denied)
			}
		}
		c.read()
	})
	client := clientAt(t, path, patience)
	var all sync.WaitGroup
	for _, path := range []string{"/yes", "/no"} {
		all.Add(1)
		go func(path string) {
			defer all.Done()
			decision, err := client.Check(context.Background(), Request{Method: "GET", Path: path})
			if err != nil || decision.Allowed() != (path == "/yes") {
				t.Errorf("%s: %v, %v", path, decision, err)
			}
		}(path)
	}
	all.Wait()
}

func TestIdsBeginAtRandomAndNoneIsUsedTwice(t *testing.T) {
	var mu sync.Mutex
	first := map[uint32]bool{}
	path := server(t, func(_ int, c *peer) {
		seen := map[uint32]bool{}
		for one := c.read(); one != nil; one = c.read() {
			mu.Lock()
			if len(seen) == 0 {
				first[one.id] = true
			}
			mu.Unlock()
			if seen[one.id] {
				t.Errorf("%d was used twice", one.id)
			}
			seen[one.id] = true
			c.answer(one.id, allowed)
		}
	})
	for i := 0; i < 4; i++ {
		client := clientAt(t, path, patience)
		for k := 0; k < 3; k++ {
			if !client.Allowed(soon(t), anyone) {
				t.Fatal("denied")
			}
		}
	}
	if mu.Lock(); len(first) != 4 {
		t.Errorf("4 connections began with %d ids", len(first))
	}
	mu.Unlock()
}

func TestAConnectionWithoutAnIdLeftIsReplaced(t *testing.T) {
	var connections atomic.Int32
	path := server(t, func(_ int, c *peer) {
		connections.Add(1)
		for one := c.read(); one != nil; one = c.read() {
			c.answer(one.id, allowed)
		}
	})
	client := clientAt(t, path, patience)
	client.Allowed(soon(t), anyone)
	client.deciding.current.mu.Lock()
	client.deciding.current.ids = 2
	client.deciding.current.mu.Unlock()
	for i := 0; i < 3; i++ {
		if !client.Allowed(soon(t), anyone) {
			t.Fatal("denied")
		}
	}
	if connections.Load() != 2 {
		t.Errorf("%d connections", connections.Load())
	}
}

func TestADaemonThatIsStoppedIsUnavailableUntilItGoesOn(t *testing.T) {
	d := startDaemon(t)
	client := d.client()
	request := Request{Principal: "nobody", Method: "GET", Path: "/loans"}
	if _, err := client.Check(soon(t), request); err != nil {
		t.Fatal(err)
	}
	d.must(d.process.Process.Signal(syscall.SIGSTOP))
	var state syscall.WaitStatus
	_, err := syscall.Wait4(d.process.Process.Pid, &state, syscall.WUNTRACED, nil)
	if d.must(err); !state.Stopped() {
		t.Fatal("it does not stop")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var decision Decision
	decision, err = client.Check(ctx, request)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) ||
		decision.Allowed() || decision.Status != 503 {
		t.Errorf("%v, %v", decision, err)
	}
	d.must(d.process.Process.Signal(syscall.SIGCONT))
	if decision, err = client.Check(soon(t), request); err != nil || decision.Reason != "unknown_principal" {
		t.Errorf("%v, %v", decision, err)
	}
}

func TestACallWithoutADeadlineHasTheTimeoutOfTheClient(t *testing.T) {
	path := server(t, func(_ int, c *peer) { c.read(); c.read() })
	if DefaultTimeout != time.Second {
		t.Error("the default is not a second")
	}
	_, err := clientAt(t, path, 20*time.Millisecond).Check(context.Background(), anyone)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestADaemonThatRestartsIsWaitedFor(t *testing.T) {
	d := startDaemon(t)
	client := d.client()
	request := Request{Principal: "nobody", Method: "GET", Path: "/loans"}
	if _, err := client.Check(soon(t), request); err != nil {
		t.Fatal(err)
	}
	d.stop()
	_, err := client.Principals.Create(soon(t), NewPrincipal{ID: "alice"})
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a change was not refused at once: %v", err)
	}
	got := make(chan error)
	go func() {
		_, err := client.Check(context.Background(), request)
		got <- err
	}()
	d.start()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestASocketThatIsNotThereFailsAtOnce(t *testing.T) {
	_, err := clientAt(t, t.TempDir()+"/none", patience).Check(soon(t), anyone)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
}

// passing is a context whose deadline passes when the channel is closed.
type passing struct {
	context.Context
	done chan struct{}
}

func (p passing) Done() <-chan struct{} { return p.done }

func (p passing) Err() error {
	select {
	case <-p.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestAnAnswerAfterItsDeadlineEndsTheConnection(t *testing.T) {
	var connections atomic.Int32
	slow := passing{soon(t), make(chan struct{})}
	late := make(chan struct{})
	path := server(t, func(number int, c *peer) {
		connections.Add(1)
		if number == 0 {
			first, second := c.read(), c.read()
			if first.params["path"] != "/slow" {
				first = second
			}
			close(slow.done)
			<-late
			c.answer(first.id, allowed)
		}
		for one := c.read(); one != nil; one = c.read() {
			c.answer(one.id, denied)
		}
	})
	client := clientAt(t, path, patience)
	other := make(chan error)
	go func() {
		decision, err := client.Check(soon(t), anyone)
		if decision.Allowed() {
			t.Error("the answer to another request allowed it")
		}
		other <- err
	}()
	if _, err := client.Check(slow, Request{Method: "GET", Path: "/slow"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("there was an answer: %v", err)
	}
	close(late)
	if err := <-other; !errors.Is(err, ErrUnavailable) {
		t.Errorf("the connection went on: %v", err)
	}
	if decision, err := client.Check(soon(t), anyone); err != nil || decision.Allowed() {
		t.Errorf("%v, %v", decision, err)
	}
	if connections.Load() != 2 {
		t.Errorf("%d connections", connections.Load())
	}
}

func TestACallThatIsCancelledLeavesTheOthersAlone(t *testing.T) {
	got, gone := make(chan bool), make(chan bool)
	var connections atomic.Int32
	path := server(t, func(_ int, c *peer) {
		connections.Add(1)
		first := c.read()
		close(got)
		<-gone
		c.answer(first.id, allowed)
		for one := c.read(); one != nil; one = c.read() {
			c.answer(one.id, denied)
		}
	})
	client := clientAt(t, path, patience)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-got
		cancel()
	}()
	if decision, err := client.Check(ctx, anyone); !errors.Is(err, context.Canceled) ||
		!errors.Is(err, ErrUnavailable) || decision.Allowed() {
		t.Errorf("%v, %v", decision, err)
	}
	close(gone)
	if decision, err := client.Check(soon(t), anyone); err != nil || decision.Allowed() {
		t.Errorf("%v, %v", decision, err)
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections", connections.Load())
	}
}

// vast is more than the buffer of a socket takes at once.
var vast = Request{Method: "GET", Path: "/" + strings.Repeat("a", requestMax-200)}

func TestACallWhoseRequestIsNotReadEndsAtItsDeadline(t *testing.T) {
	end := make(chan struct{})
	path := server(t, func(_ int, c *peer) { <-end })
	_, err := clientAt(t, path, 20*time.Millisecond).Check(context.Background(), vast)
	if close(end); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestARequestOfWhichAPartWasSentIsSentWhole(t *testing.T) {
	part, gone := make(chan struct{}), make(chan struct{})
	path := server(t, func(_ int, c *peer) {
		_, _ = c.from.from.Peek(1)
		close(part)
		<-gone
		if one := c.read(); one == nil || one.params["path"] != vast.Path {
			t.Error("it came otherwise")
		}
		for one := c.read(); one != nil; one = c.read() {
			c.answer(one.id, allowed)
		}
	})
	client := clientAt(t, path, patience)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-part
		cancel()
	}()
	if _, err := client.Check(ctx, vast); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(gone)
	if !client.Allowed(soon(t), anyone) {
		t.Error("denied")
	}
}

func TestARequestIdIsSentByItselfAndAgain(t *testing.T) {
	ids := make(chan any, 2)
	path := server(t, func(number int, c *peer) {
		one := c.read()
		ids <- one.params["request_id"]
		if number == 1 {
			c.answer(one.id, "\x82\xa2id\xa11\xa6secret\xa1s")
			c.read()
		}
	})
	key, err := clientAt(t, path, patience).Keys.Create(soon(t), NewKey{Principal: "ann"})
	if err != nil || key.APIKey.Reveal() != "s" {
		t.Fatal(err)
	}
	first, second := <-ids, <-ids
	if text, _ := first.(string); len(text) != 32 || first != second {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestAnAnswerWithoutTheSecretCannotBeRead(t *testing.T) {
	path := server(t, func(_ int, c *peer) {
		c.answer(c.read().id, "\x81\xa2id\xa11")
		c.read()
	})
	if _, err := clientAt(t, path, patience).Keys.Create(soon(t), NewKey{}); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

func TestBytesThatLieAboutTheirLengthAreNoAnswer(t *testing.T) {
	deep := strings.Repeat("\x91", 1<<20)
	for _, bytes := range []string{deep, "\xdd\xff\xff\xff\xff" + strings.Repeat("\xc0", 5<<20),
		"\xdb\xff\xff\xff\xff" + strings.Repeat("a", 5<<20), "\xc1", "\xd4\x01\x02"} {
		path := server(t, func(_ int, c *peer) {
			c.answer(c.read().id, bytes)
			c.read()
		})
		decision, err := clientAt(t, path, patience).Check(soon(t), anyone)
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || decision.Allowed() {
			t.Errorf("%.8q: %v, %v", bytes, decision, err)
		}
	}
}

func TestNoBitOfADenialMakesItAllow(t *testing.T) {
	var now atomic.Value
	path := server(t, func(_ int, c *peer) {
		if one := c.read(); one != nil {
			c.answer(one.id, now.Load().(string))
		}
	})
	for bit := 0; bit < 8*len(denied); bit++ {
		bytes := []byte(denied)
		bytes[bit/8] ^= 1 << (bit % 8)
		now.Store(string(bytes))
		if clientAt(t, path, patience).Allowed(soon(t), anyone) {
			t.Errorf("bit %d", bit)
		}
	}
}

func TestAFieldOfTheWrongTypeDenies(t *testing.T) {
	path := server(t, func(_ int, c *peer) {
		c.answer(c.read().id, "\x85"+allowed[1:]+"\xa9principal\x01")
		c.read()
	})
	if decision, err := clientAt(t, path, patience).Check(soon(t), anyone); !errors.Is(err, ErrUnavailable) ||
		decision.Allowed() {
		t.Errorf("%v, %v", decision, err)
	}
}

func TestAClosedClientIsUnavailable(t *testing.T) {
	client := startDaemon(t).client()
	if _, err := client.Check(soon(t), anyone); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	if _, err := client.Check(soon(t), anyone); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}
