# SPDX-License-Identifier: Apache-2.0
"""authzcheck on a terminal of a given width."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios

import harness


def start(daemon, arguments, columns=80, env=None):
    """Starts authzcheck with its output on a new terminal; returns the process and the terminal."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    ours = {**harness.environment(daemon.folder), "TERM": "xterm", "PAGER": "", **(env or {})}
    if "COLUMNS" not in (env or {}):
        ours.pop("COLUMNS", None)
    process = subprocess.Popen(
        [harness.AUTHZCHECK, "--socket", str(daemon.socket), *harness.PATIENT, *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=child, stderr=child,
        env={name: value for name, value in ours.items() if value is not None})
    os.close(child)
    return process, parent


def run(daemon, *arguments, columns=80, env=None):
    """Runs it to its end; returns the exit status and what is seen."""
    process, parent = start(daemon, arguments, columns, env)
    text = b""
    with process:
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while data := os.read(parent, 65536):
                text += data
        os.close(parent)
        process.wait(harness.DEADLINE)
    return process.returncode, text.decode().replace("\r\n", "\n")
