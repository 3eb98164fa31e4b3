// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DefaultTimeout is the time that a call has whose context has no deadline.
const DefaultTimeout = time.Second

// EverywhereTimeout is the time at least of a change of Client.Everywhere whose context has no
// deadline: it is answered when it is proven.
const EverywhereTimeout = 2 * time.Minute

const (
	requestsMax = 1024 // outstanding on a connection

	// Between attempts to connect: soon after a daemon that restarts quickly, and seldom enough to
	// cost nothing while it takes long.
	firstPause = 5 * time.Millisecond
	lastPause  = 160 * time.Millisecond
)

// Options of a Client; the zero Options are the defaults.
type Options struct {
	// Socket is the path. Without it decisions go to that of DefaultSocket, and what manages without
	// a token to that of ManagingSocket.
	Socket string
	// Timeout of a call whose context has no deadline; 0: DefaultTimeout.
	Timeout time.Duration
	// ServerUID is the daemon's user, to trust in addition; nil: the one that $AUTHZ_SERVER_USER
	// names, if it is set.
	ServerUID *uint32
}

// Client asks the daemon. Many goroutines may use it.
type Client struct {
	Keys        *Keys
	Principals  *Principals
	Roles       *Roles
	Assignments *Assignments
	Tenants     *Tenants
	Audit       *Audit
	Policy      *Policy

	token      Secret // of calls that manage
	asOf       string // a place of a shared store; empty: none
	everywhere bool   // of changes
	timeout    time.Duration
	deciding   *link
	managing   *link
}

// New makes a client; options may be nil. It does not connect.
func New(options *Options) (*Client, error) {
	if options == nil {
		options = &Options{}
	}
	if options.Timeout < 0 {
		return nil, errors.New("authz: the timeout is negative")
	}
	if len(options.Socket) > pathMax {
		return nil, fmt.Errorf("authz: the path of the socket is longer than %d bytes", pathMax)
	}
	server := options.ServerUID
	if name := environment("AUTHZ_SERVER_USER"); server == nil && name != "" {
		uid, err := findUser(name)
		if err != nil {
			return nil, err
		}
		server = &uid
	}
	c := &Client{timeout: options.Timeout}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if options.Socket != "" {
		path := options.Socket
		c.deciding = newLink(func() (string, error) { return path, nil }, server)
		c.managing = c.deciding
	} else {
		if _, err := DefaultSocket(); err != nil {
			return nil, err
		}
		c.deciding = newLink(DefaultSocket, server)
		c.managing = newLink(ManagingSocket, server)
	}
	return c.withParts(), nil
}

func (c *Client) withParts() *Client {
	c.Keys, c.Principals, c.Roles = &Keys{c}, &Principals{c}, &Roles{c}
	c.Assignments, c.Tenants = &Assignments{c}, &Tenants{c}
	c.Audit, c.Policy = &Audit{c}, &Policy{c}
	return c
}

// As is a client on the same connections whose calls that manage present this token, and may do what
// its roles and scopes allow in tree authz:.
func (c *Client) As(token Secret) *Client {
	other := *c
	other.token = token
	return other.withParts()
}

// AsOf is a client on the same connections whose calls are answered by a host that has the change at
// this place, the AsOf of a change's record, of those that share a store. A host that does not reach it
// within a second answers ErrStale, and denies with the reason "stale".
func (c *Client) AsOf(place string) *Client {
	other := *c
	other.asOf = place
	return other.withParts()
}

// Everywhere is a client on the same connections whose changes, in a store that several hosts share,
// return when no host goes by what was before; else the error is a *NotEverywhere, beside the record.
func (c *Client) Everywhere() *Client {
	other := *c
	other.everywhere = true
	return other.withParts()
}

// Close ends the client's connections. Calls that wait, and later ones, are unavailable.
func (c *Client) Close() error {
	c.deciding.close()
	c.managing.close()
	return nil
}

// Call calls any method. A Secret, a time.Time and a time.Duration among the parameters are sent as
// the protocol has them. In the result text is string, bin is []byte, integers are int64.
func (c *Client) Call(ctx context.Context, method string, params map[string]any) (map[string]any, error) {
	result, err := c.call(ctx, method, params)
	if err != nil {
		return nil, err
	}
	fields, isMap := result.(map[string]any)
	if !isMap {
		return nil, unreadable("it is not a map")
	}
	return fields, nil
}

func (c *Client) call(ctx context.Context, method string, params map[string]any) (any, error) {
	return c.send(ctx, method, plain(params))
}

// send is call with parameters that can be packed and that nobody else has.
func (c *Client) send(ctx context.Context, method string, params map[string]any) (any, error) {
	if _, given := params["token"]; !given && !c.token.IsZero() && !decides(method) {
		params["token"] = c.token.Reveal()
	}
	if c.asOf != "" && params["as_of"] == nil {
		params["as_of"] = c.asOf
	}
	timeout := c.timeout
	if c.everywhere && changes(method) {
		params["everywhere"] = true
		timeout = max(timeout, EverywhereTimeout)
	}
	if takesID(method) && params["request_id"] == nil {
		id, err := newRequestID()
		if err != nil {
			return nil, err
		}
		params["request_id"] = id
	}
	request, err := pack(method, params)
	if err != nil {
		return nil, err
	}
	defer wipe(request)
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	to := c.managing
	if _, token := params["token"]; token || decides(method) {
		to = c.deciding
	}
	return to.ask(ctx, request, takesID(method) || onlyReads(method))
}

// plain is a copy with values that can be packed.
func plain(params map[string]any) map[string]any {
	out := make(map[string]any, len(params)+1)
	for name, value := range params {
		out[name] = plainValue(value)
	}
	return out
}

func plainValue(value any) any {
	switch value := value.(type) {
	case Secret:
		return value.Reveal()
	case time.Time:
		return value.Unix()
	case time.Duration:
		return int64(value / time.Second)
	}
	return value
}

func newRequestID() (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", &outage{what: "no random bytes", cause: err}
	}
	return hex.EncodeToString(random[:]), nil
}

func takesID(method string) bool {
	return method == "keys.create" || method == "keys.rotate" || method == "keys.renew"
}

// changes says whether a method changes what several hosts share.
func changes(method string) bool {
	_, verb, _ := strings.Cut(method, ".")
	switch verb {
	case "create", "update", "disable", "enable", "rotate", "finish", "prolong", "rollback", "renew",
		"revoke", "delete", "restore", "purge", "import", "set":
		return true
	}
	return false
}

func max(a, b time.Duration) time.Duration {
	if a > b {
		return a
	}
	return b
}

func decides(method string) bool {
	return method == "authorize" || method == "authorize_many" || method == "permissions" || method == "plan"
}

// onlyReads says whether a method changes nothing, as PROTOCOL.md lists them.
func onlyReads(method string) bool {
	switch method {
	case "status", "keys.audit", "audit.verify", "policy.names", "policy.tree",
		"principals.permissions", "roles.holders", "who", "whoami", "decisions.try":
		return true
	}
	return decides(method) || strings.HasSuffix(method, ".get") ||
		strings.HasSuffix(method, ".list") || strings.HasSuffix(method, ".status")
}

// --- the way to a socket ---

// link is a path and its present connection.
type link struct {
	path   func() (string, error)
	server *uint32
	slots  chan struct{} // one for each outstanding request
	turn   chan struct{} // of 1: who holds it connects

	mu        sync.Mutex
	current   *conn
	connected bool // there was a connection
	closed    bool
}

func newLink(path func() (string, error), server *uint32) *link {
	return &link{path: path, server: server, slots: make(chan struct{}, requestsMax),
		turn: make(chan struct{}, 1)}
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	current := l.current
	l.mu.Unlock()
	if current != nil {
		current.end(errClosed())
	}
}

func errClosed() error { return &outage{what: "the client is closed"} }

// gaveUp is the error at the end of a context.
func gaveUp(ctx context.Context, last error) error {
	cause := ctx.Err()
	if errors.Is(cause, context.Canceled) {
		return &outage{what: "the call was cancelled", cause: cause}
	}
	if last != nil {
		return &outage{what: "no connection before the deadline", cause: last}
	}
	return &outage{what: "no answer before the deadline", cause: cause}
}

// ask sends a request and waits for its answer.
func (l *link) ask(ctx context.Context, request []byte, again bool) (any, error) {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return nil, gaveUp(ctx, nil)
	}
	repeated := false
	for {
		connection, fresh, err := l.connect(ctx, again)
		if err != nil {
			return nil, err
		}
		w, err := connection.start(request)
		if err != nil && !fresh {
			continue // it ended meanwhile, and nothing was sent
		}
		sent := false
		if err == nil {
			select {
			case got := <-w.done:
				if ctx.Err() != nil {
					return nil, gaveUp(ctx, nil)
				}
				if got.err == nil {
					return result(got.answer)
				}
				err, sent = got.err, w.sent
			case <-ctx.Done():
				connection.abandon(w, errors.Is(ctx.Err(), context.Canceled))
				return nil, gaveUp(ctx, nil)
			}
		}
		var out *outage
		broken := errors.As(err, &out) && out.broken
		if !broken || repeated || (sent && !again) {
			return nil, err
		}
		repeated = true
	}
}

func result(got answer) (any, error) {
	if got.refusal != nil {
		return nil, refusal(got.refusal)
	}
	return got.result, nil
}

// connect returns the connection; fresh: it was made now. With patience it waits for a daemon that
// restarts.
func (l *link) connect(ctx context.Context, patient bool) (*conn, bool, error) {
	for pause := firstPause; ; pause *= 2 {
		connection, fresh, again, err := l.reach(ctx)
		if err == nil {
			return connection, fresh, nil
		}
		if ctx.Err() != nil {
			return nil, false, gaveUp(ctx, err)
		}
		if !patient || !again {
			return nil, false, err
		}
		if pause > lastPause {
			pause = lastPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, false, gaveUp(ctx, err)
		}
	}
}

// reach takes the present connection, or tries once to make one; again: a later try may succeed.
func (l *link) reach(ctx context.Context) (made *conn, fresh, again bool, err error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, false, false, gaveUp(ctx, nil)
	}
	l.mu.Lock()
	current, closed := l.current, l.closed
	l.mu.Unlock()
	if closed {
		return nil, false, false, errClosed()
	}
	if current != nil && current.usable() {
		return current, false, false, nil
	}
	made, err = l.dial(ctx)
	return made, true, err != nil && l.restarts(err), err
}

// restarts says whether the daemon may be about to listen again. Without a connection before, a
// missing socket means that the path is wrong.
func (l *link) restarts(err error) bool {
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN) {
		return true
	}
	return l.connected && (errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EACCES))
}

// dial connects, and asks who serves before the first byte.
func (l *link) dial(ctx context.Context) (*conn, error) {
	path, err := l.path()
	if err != nil {
		return nil, &outage{what: "no socket", cause: err}
	}
	if path[0] == '@' {
		path = "./" + path // a file, and no abstract name
	}
	var dialer net.Dialer
	socket, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, &outage{what: "the socket cannot be connected to", cause: err}
	}
	server, err := served(socket.(*net.UnixConn))
	if err == nil {
		if why := distrust(path, server, l.server); why != "" {
			err = untrusted(server, why)
		}
	}
	var made *conn
	if err == nil {
		made, err = newConn(socket.(*net.UnixConn))
	}
	if err != nil {
		_ = socket.Close()
		if !errors.Is(err, ErrUnavailable) {
			err = &outage{what: "the socket cannot be used", cause: err}
		}
		return nil, err
	}
	l.mu.Lock()
	l.current, l.connected = made, true
	closed := l.closed
	l.mu.Unlock()
	if closed {
		made.end(errClosed())
	}
	return made, nil
}
