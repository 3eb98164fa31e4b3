# SPDX-License-Identifier: Apache-2.0
"""The packaged daemon, started in a chroot as systemd starts its unit.

Its user, command line, system calls and sockets are those that the unit files name.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time

SECONDS = 120
UNITS = "/lib/systemd/system"


def unit(text):
    """The lines of a unit: (section, name) and the values, in their order."""
    section, lines = None, {}
    for line in text.split("\n"):
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            lines.setdefault((section, name), []).append(value)
    return lines


def until(holds, what):
    """Looks again and again: nothing says when another process has written to a file."""
    for _ in range(SECONDS * 10):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"{SECONDS} s have passed without {what}")


def listen(bare, name):
    """(name, descriptor) of a socket unit: made inside the chroot, where its path is."""
    lines = unit(bare.path(f"{UNITS}/{name}").read_text())
    path, user, group, mode, called = (lines["Socket", field][0] for field in (
        "ListenStream", "SocketUser", "SocketGroup", "SocketMode", "FileDescriptorName"))
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chroot(bare.root)
            os.chdir("/")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen()
            shutil.chown(path, user, group)
            os.chmod(path, int(mode, 8))
            socket.send_fds(theirs, [b"x"], [listener.fileno()])
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    with ours:
        _, found, _, _ = socket.recv_fds(ours, 1, 1)
    if os.waitpid(child, 0)[1] != 0:
        raise AssertionError(f"no socket for {name}")
    # Above those that a supervisor passes, so that none of them is in the way.
    high = fcntl.fcntl(found[0], fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(found[0])
    return called, high


def calls_of(name):
    """The system calls of a set such as @file-system, with the sets in it; or the call itself."""
    if not name.startswith("@"):
        return {name}
    done = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True,
                          capture_output=True, text=True, env={**os.environ, "SYSTEMD_COLORS": "0"})
    words = [line.strip() for line in done.stdout.split("\n")[1:]]
    return set().union(*(calls_of(word) for word in words if word and not word.startswith("#")))


def calls_of_unit(service):
    """What the lines SystemCallFilter= allow, in their order."""
    allowed = calls_of("@default")
    for line in service["Service", "SystemCallFilter"]:
        calls = set().union(*(calls_of(name) for name in line.lstrip("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


# What it takes to get into the chroot and to become the daemon's user.
ENTERING = {"chroot", "mount", "unshare", "setgroups", "setresgid", "setresuid", "setgid", "setuid"}


def unit_filter(service):
    """A function that limits its process to the unit's system calls, as systemd would."""
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_init.argtypes = [ctypes.c_uint32]
    seccomp.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
    context = seccomp.seccomp_init(0x00050000 | errno.EPERM)
    for name in calls_of_unit(service) | ENTERING:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # else it is a call of another architecture
            seccomp.seccomp_rule_add(context, 0x7FFF0000, number, 0)

    def load():
        if seccomp.seccomp_load(context) != 0:
            os._exit(99)
    return load


class Daemon:
    """The command line of authzd.service, or another unit, as its user, with a supervisor's socket, as
    systemd starts it.

    `sockets` are those of listen, passed on as systemd does it; without any, the daemon opens its own.
    """

    def __init__(self, bare, sockets=(), name="authzd"):
        service = unit(bare.path(f"{UNITS}/{name}.service").read_text())
        self.name = name
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.settimeout(SECONDS)
        self.where = where = bare.path(f"/run/notify-{name}")
        where.unlink(missing_ok=True)
        self.notices.bind(str(where))
        where.chmod(0o777)
        words = service["Service", "ExecStart"][0].split()
        self.log = open(bare.path(f"/tmp/{name}.log"), "a+b")  # closed by stop
        variables = [f"NOTIFY_SOCKET=/run/notify-{name}"]
        if sockets:
            variables += [f"LISTEN_FDS={len(sockets)}", "LISTEN_PID=self",
                          "LISTEN_FDNAMES=" + ":".join(name for name, _ in sockets)]
        moves = "".join(f" {3 + i}<&{fd} {fd}<&-" for i, (_, fd) in enumerate(sockets))
        # Each program replaces the one before, so that the daemon has the shell's number.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec{moves} "${{@/LISTEN_PID=self/LISTEN_PID=$$}}"', "bash",
             *bare.command("env", "-i", *variables, *words, user=service["Service", "User"][0])],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=[fd for _, fd in sockets], preexec_fn=unit_filter(service))
        self.wait_for("READY=1")

    def wait_for(self, wanted):
        """Reads the daemon's notices until one has this line; its end ends the wait, too."""
        self.notices.settimeout(0.2)
        for _ in range(SECONDS * 5):
            try:
                if wanted in self.notices.recv(4096).decode().split("\n"):
                    return
            except socket.timeout:
                if self.process.poll() is not None:
                    break
        self.log.seek(0)
        raise AssertionError(f"no {wanted} of {self.name}: {self.log.read().decode(errors='replace')}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS)
        finally:
            self.notices.close()
            self.where.unlink()
            self.log.close()
