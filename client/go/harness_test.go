// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bounds a hang and nothing else.
const patience = time.Minute

const policy = `
tree api { /loans { list GET, create POST, /{loan} { read GET, delete DELETE } } }
role viewer { allow GET on api:/** }
role clerk inherits viewer { allow create on api:/loans }
role manager { allow all on authz:/** }
scope loans:read { allow GET on api:/loans/** }
limits { keys_per_principal 5 }
`

// daemon is a real authzd in a folder of its own.
type daemon struct {
	t       *testing.T
	folder  string
	socket  string
	process *exec.Cmd
}

func startDaemon(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{t: t, folder: t.TempDir()}
	d.socket = filepath.Join(d.folder, "authz.sock")
	for _, name := range []string{"policy", "state"} {
		d.must(os.Mkdir(filepath.Join(d.folder, name), 0o700))
	}
	d.must(os.WriteFile(filepath.Join(d.folder, "policy", "a.policy"), []byte(policy), 0o600))
	d.start()
	t.Cleanup(d.stop)
	return d
}

func (d *daemon) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// start returns when the daemon says that it is ready.
func (d *daemon) start() {
	d.t.Helper()
	program := os.Getenv("AUTHZD")
	if program == "" {
		d.t.Fatal("AUTHZD names no daemon")
	}
	ready := filepath.Join(d.folder, "ready")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: ready, Net: "unixgram"})
	d.must(err)
	defer os.Remove(ready)
	defer notify.Close()
	d.process = exec.Command(program, "--policy", filepath.Join(d.folder, "policy"),
		"--state", filepath.Join(d.folder, "state"), "--socket", d.socket)
	d.process.Env = append(os.Environ(), "NOTIFY_SOCKET="+ready)
	d.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	d.must(d.process.Start())
	d.must(notify.SetReadDeadline(time.Now().Add(patience)))
	said := ""
	for buffer := make([]byte, 4096); !strings.Contains(said, "READY=1"); {
		n, err := notify.Read(buffer)
		d.must(err)
		said += string(buffer[:n])
	}
}

func (d *daemon) stop() {
	_ = d.process.Process.Signal(syscall.SIGCONT)
	_ = d.process.Process.Signal(syscall.SIGTERM)
	_ = d.process.Wait()
}

func (d *daemon) client() *Client { return clientAt(d.t, d.socket, patience) }

func clientAt(t *testing.T, socket string, timeout time.Duration) *Client {
	t.Helper()
	client, err := New(&Options{Socket: socket, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// asked is a request that the stand-in server read.
type asked struct {
	id     uint32
	method string
	params map[string]any
}

// server stands in for the daemon: serve gets each connection with its number, from 0.
func server(t *testing.T, serve func(number int, c *peer)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for number := 0; ; number++ {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			go func(number int) {
				defer socket.Close()
				serve(number, &peer{socket, newAnswers(socket)})
			}(number)
		}
	}()
	return path
}

// peer is a connection of the stand-in server.
type peer struct {
	net.Conn
	from *answers
}

// read waits for a request; nil: the client closed the connection.
func (c *peer) read() *asked {
	c.from.left = answerMax
	value, err := c.from.value(0)
	if err != nil {
		return nil
	}
	parts := value.([]any)
	out := &asked{id: uint32(parts[1].(int64)), method: parts[2].(string), params: map[string]any{}}
	if list := parts[3].([]any); len(list) > 0 {
		out.params = list[0].(map[string]any)
	}
	return out
}

// answer sends [1, id, nil, the bytes of a result].
func (c *peer) answer(id uint32, result string) {
	head := []byte{0x94, 0x01, 0xce, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), 0xc0}
	_, _ = c.Write(append(head, result...))
}

const (
	allowed = "\x84\xa5allow\xc3\xa6status\xcc\xc8\xa6reason\xa2ok\xa8revision\xa11"
	denied  = "\x84\xa5allow\xc2\xa6status\xcd\x01\x93\xa6reason\xa4role\xa8revision\xa11"
)

var anyone = Request{Principal: "ann", Method: "GET", Path: "/"}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
