# SPDX-License-Identifier: Apache-2.0
"""A machine for tests of what is installed: its own /run, and users of its own in /etc/passwd.

    class Installed(machine.MachineTest):
        ...

The test's process enters a mount namespace once; nothing outside of it changes.
"""

import ctypes
import os
import shutil
import tempfile
import unittest
from pathlib import Path

import harness

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

# name: (uid, groups); each has a group of its name and number.
USERS = {
    "authz": (4711, []),
    "clerk": (4712, ["authz"]),
    "guest": (4713, []),
}


def mount(source, target, kind=None, flags=0, data=None):
    words = [None if word is None else str(word).encode() for word in (source, target, kind, data)]
    if harness.LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def others(path):
    """The lines of the host's file, without those of a user of ours, whom an installed package has made."""
    lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.split(":")[0] not in USERS)


def add_users(folder):
    passwd = others("/etc/passwd")
    group = others("/etc/group")
    for name, (uid, _) in USERS.items():
        members = ",".join(other for other, (_, groups) in USERS.items() if name in groups)
        passwd += f"{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n"
        group += f"{name}:x:{uid}:{members}\n"
    for name, text in (("passwd", passwd), ("group", group)):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        mount(path, f"/etc/{name}", flags=MS_BIND)


class Machine:
    """Entered once for a process; why is None, or why it could not be."""

    entered = False
    why = None

    @classmethod
    def enter(cls):
        if cls.entered:
            return
        cls.entered = True
        if os.geteuid() != 0:
            cls.why = "only root can be all of these users"
        elif harness.LIBC.unshare(CLONE_NEWNS) != 0:
            cls.why = "this host permits no mount namespace"
        else:
            mount("none", "/", flags=MS_REC | MS_PRIVATE)
            mount("tmpfs", "/run", "tmpfs", data="mode=755")
            users = Path("/run/users")
            users.mkdir()
            add_users(users)


class MachineTest(harness.DaemonTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Machine.enter()
        if Machine.why is not None:
            raise unittest.SkipTest(Machine.why)

    def folder(self, owner="root", mode=0o755, path=None):
        """A folder below /run, where strangers cannot write, or this one; gone after the test."""
        made = Path(tempfile.mkdtemp(dir="/run")) if path is None else Path(path)
        made.mkdir(exist_ok=True)
        self.addCleanup(shutil.rmtree, made, ignore_errors=True)
        uid = 0 if owner == "root" else USERS[owner][0]
        os.chown(made, uid, uid)
        made.chmod(mode)
        return made

    @staticmethod
    def run_as(user):
        """What subprocess.run needs to run a command as that user."""
        if user == "root":
            return {"user": 0, "group": 0, "extra_groups": []}
        uid, groups = USERS[user]
        return {"user": uid, "group": uid, "extra_groups": [USERS[name][0] for name in groups]}

    @staticmethod
    def become(user):
        """A command's prefix that does the same, as systemd does for User=."""
        uid, groups = USERS[user]
        more = ",".join(str(USERS[name][0]) for name in groups)
        return ["setpriv", f"--reuid={uid}", f"--regid={uid}",
                f"--groups={more}" if more else "--clear-groups", "--"]
