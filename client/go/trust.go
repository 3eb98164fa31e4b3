// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Which user may serve the socket: root, the caller's own, the one that is configured; and the owner
// of the socket's folder, if nobody but that user, root and the caller can make the path lead
// elsewhere. Then the path names that user as surely as a configuration would.

const (
	linksMax = 8                  // symbolic links on the way to the socket: /var/run needs one
	unmapped = uint32(65534)      // the kernel's uid for every user that a namespace does not map
	nobody   = uint32(0xffffffff) // no user
)

// way is the check of a path, component by component.
type way struct {
	server uint32
	self   uint32
	links  int
}

// served says which user called listen(2).
func served(connection *net.UnixConn) (uint32, error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return nobody, err
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nobody, err
	}
	return peer.Uid, nil
}

// distrust says why the user who serves the socket at path is not trusted; "": it is.
func distrust(path string, server uint32, configured *uint32) string {
	self := uint32(os.Geteuid())
	if self == unmapped {
		self = 0 // what seems to be its own may be anybody's
	}
	if server == nobody {
		return "the kernel names no user"
	}
	if server == 0 || server == self || (configured != nil && server == *configured) {
		return ""
	}
	w := way{server: server, self: self}
	return w.folder(path)
}

// untrusted is the error for people.
func untrusted(server uint32, why string) error {
	name := strconv.FormatUint(uint64(server), 10)
	said := ""
	if found, err := user.LookupId(name); err == nil {
		name = found.Username
		said = " (" + name + ")"
	}
	return &outage{untrusted: true, what: fmt.Sprintf(
		"the socket is served by uid %d%s, which is not trusted, since %s; if this is the daemon's "+
			"user, set AUTHZ_SERVER_USER=%s", server, said, why, name)}
}

func (w *way) folder(socket string) string {
	if w.server == unmapped {
		return "this number stands for every user of another user namespace"
	}
	folder := filepath.Dir(socket)
	if !strings.HasPrefix(folder, "/") {
		here, err := os.Getwd()
		if err != nil {
			return unseen(socket)
		}
		folder = here + "/" + folder
	}
	if why := w.check(folder); why != "" {
		return why
	}
	info, err := os.Stat(folder)
	if err != nil {
		return unseen(folder)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != w.server {
		return fmt.Sprintf("the socket's folder %s belongs to uid %d", folder, owner)
	}
	return ""
}

// check looks at every component of an absolute path, and of the targets of links in it.
func (w *way) check(path string) string {
	if why := w.place("/"); why != "" {
		return why
	}
	for i := 1; i <= len(path); i++ {
		if (i == len(path) || path[i] == '/') && path[i-1] != '/' {
			if why := w.place(path[:i]); why != "" {
				return why
			}
		}
	}
	return ""
}

// place is one component: may only root, the caller and the server change what is in it?
func (w *way) place(path string) string {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil {
		return unseen(path)
	}
	if st.Uid != 0 && st.Uid != w.self && st.Uid != w.server {
		return fmt.Sprintf("%s belongs to uid %d, who could replace the socket", path, st.Uid)
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFLNK:
		return w.link(path)
	case syscall.S_IFDIR:
	default:
		return unseen(path)
	}
	if st.Mode&0o022 != 0 {
		return fmt.Sprintf("others can write %s, and could replace the socket", path)
	}
	return ""
}

func (w *way) link(path string) string {
	target, err := os.Readlink(path)
	w.links++
	if err != nil || w.links > linksMax {
		return unseen(path)
	}
	if !strings.HasPrefix(target, "/") {
		target = path[:strings.LastIndexByte(path, '/')] + "/" + target
	}
	return w.check(target)
}

func unseen(path string) string {
	return "the way to the socket's folder cannot be checked at " + path
}
