# SPDX-License-Identifier: Apache-2.0
"""Where the socket is, and which user may serve it: the rules of libauthz (authz.h, Connection)."""

from __future__ import annotations

import os
import pwd
import socket
import stat
import struct
from typing import Optional, Union

from ._errors import Untrusted

SYSTEM_SOCKET = "/run/authz/authz.sock"
MANAGING_NAME = "admin.sock"

# Bytes of a path in sockaddr_un, without its NUL.
PATH_MAX = 107

# Symbolic links on the way to the socket: /var/run needs one.
LINKS_MAX = 8

# The kernel's number for every user that a namespace does not map, and the one for no user.
UNMAPPED = 65534
NO_USER = 2**32 - 1


def environment(name: str) -> Optional[str]:
    """A variable; None when it is unset, empty, or the program has another user's rights."""
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        return None
    return os.environ.get(name) or None


def is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def usable(path: str) -> str:
    """The path, or ValueError when it cannot be a socket's address."""
    if not 0 < len(os.fsencode(path)) <= PATH_MAX or "\0" in path:
        raise ValueError(f"the socket's path has not from 1 to {PATH_MAX} bytes")
    return path


def own_socket() -> Optional[str]:
    folder, below = environment("XDG_RUNTIME_DIR"), "/authz/authz.sock"
    if folder is None:
        folder = environment("XDG_STATE_HOME")
    if folder is None:
        folder, below = environment("HOME"), "/.local/state/authz/authz.sock"
    return None if folder is None else folder + below


def default_socket() -> str:
    """The path that every client takes when it is given none; ValueError when none can be formed."""
    given = environment("AUTHZ_SOCKET")
    if given is not None:
        return usable(given)
    if os.geteuid() == 0:
        return SYSTEM_SOCKET
    path = own_socket()
    fits = path is not None and len(os.fsencode(path)) <= PATH_MAX
    if not (fits and is_socket(path or "")) and is_socket(SYSTEM_SOCKET):
        return SYSTEM_SOCKET
    if path is None:
        raise ValueError("no socket: set AUTHZ_SOCKET, or XDG_RUNTIME_DIR or HOME")
    return usable(path)


def managing_socket() -> str:
    """The path for managing without a token: admin.sock beside the default one, if it may be opened."""
    path = default_socket()
    if environment("AUTHZ_SOCKET") is None:
        beside = os.path.join(os.path.dirname(path), MANAGING_NAME)
        if len(os.fsencode(beside)) <= PATH_MAX and is_socket(beside) and \
                os.access(beside, os.W_OK, effective_ids=True):
            return beside
    return path


def find_user(user: Union[str, int]) -> int:
    """The number of a user given by name or number; ValueError when there is none."""
    if isinstance(user, int) or user[:1] in tuple("0123456789"):
        digits = str(user)
        if digits.isascii() and digits.isdigit() and int(digits) < NO_USER:
            return int(digits)
    else:
        try:
            return pwd.getpwnam(user).pw_uid
        except (KeyError, ValueError):
            pass
    raise ValueError(f"no user {user!r}: set AUTHZ_SERVER_USER to the daemon's user")


def server_user(given: Union[str, int, None]) -> Optional[int]:
    """The user to trust in addition: the given one, or else that of the environment."""
    if given is None:
        given = environment("AUTHZ_SERVER_USER")
    return None if given is None else find_user(given)


def _own_user() -> int:
    """This process's user, or root's number if this one's stands for all unmapped users: then what seems
    to be this user's may be anybody's."""
    uid = os.geteuid()
    return uid if uid != UNMAPPED else 0


class _Obstacle(Exception):
    """Why the socket's folder does not name the user who serves."""


class _Way:
    """The folders and links to a socket: may only root, this process's user and the server change
    what they lead to?"""

    def __init__(self, server: int) -> None:
        self.links = 0
        self.allowed = {0, _own_user(), server}

    def place(self, path: str) -> None:
        found = os.lstat(path)
        if found.st_uid not in self.allowed:
            raise _Obstacle(f"{path} belongs to uid {found.st_uid}, who could replace the socket")
        if stat.S_ISLNK(found.st_mode):
            self.links += 1
            if self.links > LINKS_MAX:
                raise _Obstacle(f"{path} is one symbolic link too many")
            # Joined and not normalised: '..' is a component, as the kernel sees it.
            self.walk(os.path.join(os.path.dirname(path), os.readlink(path)))
        elif not stat.S_ISDIR(found.st_mode):
            raise _Obstacle(f"{path} is not a folder")
        elif found.st_mode & 0o022:
            raise _Obstacle(f"others can write {path}, and could replace the socket")

    def walk(self, path: str) -> None:
        self.place("/")
        for at in range(1, len(path) + 1):
            if (at == len(path) or path[at] == "/") and path[at - 1] != "/":
                self.place(path[:at])


def _folder_names(path: str, server: int) -> Optional[str]:
    """None when the socket's folder names the server; otherwise why it does not."""
    if server == UNMAPPED:
        return "this number stands for every user of another user namespace"
    try:
        folder = os.path.join(os.getcwd(), os.path.dirname(path)) if path[0] != "/" \
            else path[:path.rindex("/")] or "/"
        _Way(server).walk(folder)
        owner = os.stat(folder).st_uid
    except _Obstacle as obstacle:
        return str(obstacle)
    except OSError as error:
        return f"the way to the socket's folder cannot be checked: {error.strerror}"
    return None if owner == server else f"the socket's folder {folder} belongs to uid {owner}"


def check(connected: socket.socket, path: str, also: Optional[int]) -> None:
    """Raises Untrusted unless the user who serves the connected socket is trusted."""
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    server = struct.unpack("iII", raw)[1]
    if server == NO_USER:
        raise Untrusted("the kernel does not say which user serves the socket")
    if server in (0, _own_user()) or (also not in (None, 0) and server == also):
        return
    why = _folder_names(path, server)
    if why is not None:
        raise Untrusted(f"the socket is served by uid {server}, which is not trusted, since {why}; "
                        f"if this is the daemon's user, set AUTHZ_SERVER_USER={server}")
