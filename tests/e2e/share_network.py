# SPDX-License-Identifier: Apache-2.0
"""A network of its own: a bridge, and hosts in network namespaces that are joined to it, each with its address.

    network.enter()                     # once for a process, as root; why is None, or why it could not be
    host = network.Place("h1", 1)       # 10.77.0.1
    subprocess.run([*host.prefix, "ping", "10.77.0.2"])
    host.part()                         # nobody reaches it
    host.mend()
    host.close()

The process and its children leave the machine's network, and what they mount is theirs alone; all of it ends
with the process.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess

import harness

CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC = 0x20000, 0x40000000, 0x8000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
NEEDED = ("ip", "nsenter", "setpriv", "unshare")

entered = False
why = None


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, timeout=harness.DEADLINE)


def try_to_enter():
    """None, or why there is no such network."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    if missing:
        return f"there is no {missing[0]}"
    if harness.LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) != 0:
        return f"this machine permits no network namespace: {os.strerror(ctypes.get_errno())}"
    if harness.LIBC.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None) != 0:
        return "this machine permits no mounts"
    try:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "name", "bridge", "type", "bridge")
        run("ip", "link", "set", "bridge", "up")
    except subprocess.CalledProcessError as error:
        return f"this machine permits no bridge: {error.stderr.strip()}"
    return None


def enter():
    """Why there is no network, or None."""
    global entered, why
    if not entered:
        entered, why = True, try_to_enter()
    return why


def mount_small(folder, size):
    """A disk of this many bytes at the folder."""
    if harness.LIBC.mount(b"tmpfs", str(folder).encode(), b"tmpfs", ctypes.c_ulong(0),
                          f"size={size},mode=700".encode()) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount a disk at {folder}")


def unmount(folder):
    harness.LIBC.umount2(str(folder).encode(), 2)


class Place:
    """A network namespace with a link to the bridge. It lives as long as its process, which only waits."""

    def __init__(self, name, number):
        self.name = name
        self.address = f"10.77.0.{number}"
        self.link = f"to-{name}"
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], preexec_fn=harness.die_with_parent)
        self.path = f"/proc/{self.process.pid}/ns/net"
        ours = os.readlink("/proc/self/ns/net")
        harness.wait_until(lambda: os.readlink(self.path) != ours, what="a network namespace")
        self.prefix = ["nsenter", f"--net={self.path}", "--"]
        run("ip", "link", "add", "name", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.process.pid)
        run("ip", "link", "set", self.link, "master", "bridge", "up")
        run(*self.prefix, "ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        run(*self.prefix, "ip", "link", "set", "lo", "up")
        run(*self.prefix, "ip", "link", "set", "eth0", "up")

    def part(self):
        run("ip", "link", "set", self.link, "down")

    def mend(self):
        run("ip", "link", "set", self.link, "up")

    @contextlib.contextmanager
    def inside(self):
        """Sockets that are made meanwhile by this thread are this host's."""
        with open("/proc/thread-self/ns/net", "rb") as ours, open(self.path, "rb") as theirs:
            if harness.LIBC.setns(theirs.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "cannot enter a network namespace")
            try:
                yield
            finally:
                assert harness.LIBC.setns(ours.fileno(), CLONE_NEWNET) == 0

    def socket(self):
        with self.inside():
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)

    def close(self):
        self.process.kill()
        self.process.wait()
