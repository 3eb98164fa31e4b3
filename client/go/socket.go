// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	systemSocket   = "/run/authz/authz.sock"
	managingSocket = "admin.sock"
	pathMax        = 107 // bytes of a socket's path, as in sockaddr_un, without its NUL

	mayWrite = 2     // W_OK
	asEUID   = 0x200 // AT_EACCESS
	atFolder = -100  // AT_FDCWD
)

// environment is a variable; a program with another user's rights (setuid) ignores it.
func environment(name string) string {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return ""
	}
	return os.Getenv(name)
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

// ownSocket is that of a daemon which this user runs.
func ownSocket() string {
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME"} {
		if folder := environment(name); folder != "" {
			return folder + "/authz/authz.sock"
		}
	}
	if home := environment("HOME"); home != "" {
		return home + "/.local/state/authz/authz.sock"
	}
	return ""
}

// DefaultSocket returns the path that all clients use when they were given none.
func DefaultSocket() (string, error) {
	path := environment("AUTHZ_SOCKET")
	switch {
	case path != "":
	case os.Geteuid() == 0:
		path = systemSocket
	default:
		path = ownSocket()
		if (len(path) > pathMax || !isSocket(path)) && isSocket(systemSocket) {
			path = systemSocket
		}
	}
	if path == "" {
		return "", fmt.Errorf("authz: no path of a socket: set AUTHZ_SOCKET")
	}
	if len(path) > pathMax {
		return "", fmt.Errorf("authz: the path of the socket is longer than %d bytes: %s", pathMax, path)
	}
	return path, nil
}

// ManagingSocket returns the default path for managing without a token: admin.sock beside the
// default socket, if there is one that this process may open and $AUTHZ_SOCKET is not set.
func ManagingSocket() (string, error) {
	path, err := DefaultSocket()
	if err == nil && environment("AUTHZ_SOCKET") == "" {
		beside := filepath.Join(filepath.Dir(path), managingSocket)
		if len(beside) <= pathMax && isSocket(beside) &&
			syscall.Faccessat(atFolder, beside, mayWrite, asEUID) == nil {
			return beside, nil
		}
	}
	return path, err
}

// findUser is the number of a user, who is given by name or number; a number is not looked up.
func findUser(name string) (uint32, error) {
	text := name
	if name == "" || name[0] < '0' || name[0] > '9' {
		found, err := user.Lookup(name)
		if err != nil {
			return 0, fmt.Errorf("authz: AUTHZ_SERVER_USER: %w", err)
		}
		text = found.Uid
	}
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil || uint32(number) == nobody {
		return 0, fmt.Errorf("authz: AUTHZ_SERVER_USER: no user %s", name)
	}
	return uint32(number), nil
}
