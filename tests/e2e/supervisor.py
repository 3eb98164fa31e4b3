# SPDX-License-Identifier: Apache-2.0
"""What systemd does for a daemon, without systemd: it opens sockets and passes them on."""

import os
import socket

import harness

# Runs a command with these descriptors from 3 on: argv is NAMES COUNT FD… COMMAND…
PASS = """
import fcntl, os, sys
names, count = sys.argv[1], int(sys.argv[2])
# First out of one another's way.
held = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[3:3 + count]]
for number, fd in enumerate(held):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES=names)
os.execvp(sys.argv[3 + count], sys.argv[3 + count:])
"""


def listening(test, path, mode=0o600, owner=None, group=None):
    """A socket that listens at the path, as a socket unit makes it; it closes with the test."""
    made = socket.socket(socket.AF_UNIX)
    test.addCleanup(made.close)
    made.bind(str(path))
    os.chown(path, -1 if owner is None else owner, -1 if group is None else group)
    os.chmod(path, mode)
    made.listen(128)
    return made


def pass_sockets(daemon, sockets):
    """From its next start on the daemon gets these: [(name, socket)…]."""
    fds = [made.fileno() for _, made in sockets]
    daemon.pass_fds = fds
    daemon.prefix = ["/usr/bin/python3", "-c", PASS, ":".join(name for name, _ in sockets),
                     str(len(fds)), *map(str, fds)]


class Supervised(harness.Daemon):
    """A daemon whose notices the test reads, after READY=1. Its watchdog's time in microseconds."""

    def __init__(self, *arguments, watchdog=None, **options):
        self.notices = None
        self.watchdog = watchdog
        super().__init__(*arguments, **options)

    def await_notice(self, notices):
        super().await_notice(notices)
        self.notices = notices.dup()
        self.notices.settimeout(harness.DEADLINE)

    def start(self, *more):
        if self.watchdog is not None:
            self.prefix = ["env", f"WATCHDOG_USEC={self.watchdog}"]
        return super().start(*more)

    def notice(self):
        """The next notice, as {name: value}, without STATUS, and not one that is nothing else."""
        while True:
            lines = self.notices.recv(4096).decode().split("\n")
            notice = dict(line.split("=", 1) for line in lines)
            notice.pop("STATUS", None)
            if notice:
                return notice

    def finish(self):
        super().finish()
        if self.notices is not None:
            self.notices.close()
