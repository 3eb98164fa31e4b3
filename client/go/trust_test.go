// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const stranger = 54321

func TestWhichUserMayServeTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s") // below a folder that anyone may write
	other := uint32(stranger)
	for _, one := range []struct {
		server     uint32
		configured *uint32
		trusted    bool
	}{
		{0, nil, true}, {uint32(os.Geteuid()), nil, true}, {stranger, &other, true},
		{stranger, nil, false}, {stranger + 1, &other, false}, {unmapped, nil, false}, {nobody, nil, false},
	} {
		if why := distrust(path, one.server, one.configured); (why == "") != one.trusted {
			t.Errorf("%+v: %q", one, why)
		}
	}
}

func TestTheNumberOfUnmappedUsersIsNobodysOwn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	if err := syscall.Seteuid(int(unmapped)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Seteuid(0); err != nil {
			panic(err)
		}
	}()
	if distrust("/run/s", unmapped, nil) == "" {
		t.Error("a server is trusted that is unmapped as the client is")
	}
}

func TestTheOwnerOfAFolderThatNobodyElseCanReplaceIsTrusted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	place, err := os.MkdirTemp("/run", "authz-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(place)
	folder, link := filepath.Join(place, "authz"), filepath.Join(place, "link")
	step := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	step(os.Chmod(place, 0o755), os.Mkdir(folder, 0o755), os.Chown(folder, stranger, stranger),
		os.Symlink("authz", link))
	expect := func(path, part string) {
		t.Helper()
		why := distrust(path, stranger, nil)
		if (part == "") != (why == "") || !strings.Contains(why, part) {
			t.Errorf("%q, not %q", why, part)
		}
	}
	expect(folder+"/s", "")
	expect(link+"/s", "")
	step(os.Chmod(folder, 0o775))
	expect(folder+"/s", "others can write")
	expect(link+"/s", "others can write")
	step(os.Chmod(folder, 0o755), os.Chown(place, stranger+1, 0))
	expect(folder+"/s", "could replace the socket")
	step(os.Chown(place, 0, 0), os.Chown(folder, 0, 0))
	expect(folder+"/s", "belongs to uid 0")
	step(os.Remove(link), os.Symlink("link", link))
	expect(link+"/s", "cannot be checked")
}

// TestMain is also the server of the next test, as another user.
func TestMain(m *testing.M) {
	path := os.Getenv("AUTHZ_TEST_SERVE")
	if path == "" {
		os.Exit(m.Run())
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString("listening\n")
	socket, err := listener.Accept()
	if err != nil {
		panic(err)
	}
	if n, _ := socket.Read(make([]byte, 1)); n != 0 {
		os.Stdout.WriteString("it sent something\n")
	}
	os.Stdout.WriteString("done\n")
}

func TestASocketOfAStrangerGetsNoByte(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	folder, err := os.MkdirTemp("", "authz-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "s")
	program := filepath.Join(folder, "test")
	text, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	serve := exec.Command(program)
	serve.Dir = folder
	serve.Env = append(os.Environ(), "AUTHZ_TEST_SERVE="+path)
	serve.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL,
		Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
	out, err := serve.StdoutPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if said, err := lines.ReadString('\n'); err != nil || said != "listening\n" {
		t.Fatal(said, err)
	}
	_, err = clientAt(t, path, patience).Check(soon(t), anyone)
	if !errors.Is(err, ErrUntrusted) || !errors.Is(err, ErrUnavailable) ||
		!strings.Contains(err.Error(), "AUTHZ_SERVER_USER=54321") {
		t.Error(err)
	}
	if said, err := lines.ReadString('\n'); err != nil || said != "done\n" {
		t.Error(said, err)
	}
	_ = serve.Wait()
}

func TestTheSocketIsFoundAsTheToolFindsIt(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"AUTHZ_SOCKET", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "AUTHZ_SERVER_USER"} {
		t.Setenv(name, "")
	}
	t.Setenv("AUTHZ_SOCKET", folder+"/given")
	for _, find := range []func() (string, error){DefaultSocket, ManagingSocket} {
		if path, err := find(); path != folder+"/given" || err != nil {
			t.Error(path, err)
		}
	}
	t.Setenv("AUTHZ_SOCKET", "")
	for _, one := range [][3]string{{"HOME", "/h", "/h/.local/state/authz/authz.sock"},
		{"XDG_STATE_HOME", "/s", "/s/authz/authz.sock"}, {"XDG_RUNTIME_DIR", "/r", "/r/authz/authz.sock"}} {
		t.Setenv(one[0], one[1])
		if path := ownSocket(); path != one[2] {
			t.Errorf("%s, not %s", path, one[2])
		}
	}
	if os.Geteuid() == 0 {
		if path, err := DefaultSocket(); path != systemSocket || err != nil {
			t.Error(path, err)
		}
	}
	t.Setenv("AUTHZ_SERVER_USER", "no such user")
	if _, err := New(nil); err == nil {
		t.Error("a user that does not exist is trusted")
	}
	if uid, err := findUser("root"); uid != 0 || err != nil {
		t.Error(uid, err)
	}
}
