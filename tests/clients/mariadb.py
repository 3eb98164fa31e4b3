# SPDX-License-Identifier: Apache-2.0
"""A real MariaDB in a temporary folder, and a session of its own client whose parameters stay parameters.

    server = mariadb.Server(folder)
    rows = server.query("SELECT CONCAT(?, 'b')", ["a"])      # [["ab"]]; NULL is None
    server.close()
"""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

import harness

NEEDED = ("mariadbd", "mariadb-install-db", "mariadb")
END = "the end of an answer"
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}


def programs():
    found = [shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in NEEDED]
    if None in found:
        raise unittest.SkipTest("MariaDB is not installed")
    return found


def text(value):
    """A text in SQL, whatever is in it."""
    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)" if value else "''"


def literal(value):
    return "NULL" if value is None else text(value) if isinstance(value, str) else str(int(value))


def unescaped(field):
    out, at = "", 0
    while at < len(field):
        pair = field[at:at + 2]
        out += ESCAPES.get(pair, field[at])
        at += 2 if pair in ESCAPES else 1
    return None if field == "NULL" else out


class Server:
    def __init__(self, folder):
        daemon, install, client = programs()
        self.data = Path(folder) / "maria"
        self.data.mkdir(mode=0o700)
        user = []
        if os.geteuid() == 0:
            Path(folder).chmod(0o711)
            shutil.chown(self.data, "mysql", "mysql")
            user = ["--user=mysql"]
        options = ["--no-defaults", f"--datadir={self.data}", *user]
        subprocess.run([install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True,
                       capture_output=True, cwd="/", timeout=harness.DEADLINE)
        socket = self.data / "sock"
        self.process = subprocess.Popen(
            [daemon, *options, f"--socket={socket}", "--skip-networking", "--skip-grant-tables",
             "--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", preexec_fn=harness.die_with_parent)
        said = ""
        for line in self.process.stderr:
            said += line
            if "ready for connections" in line:
                break
        else:
            raise AssertionError(f"MariaDB does not start: {said}")
        self.session = subprocess.Popen(
            [client, "--no-defaults", f"--socket={socket}", "--batch", "--skip-column-names", "--unbuffered",
             "--default-character-set=utf8mb4", "--force"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8", preexec_fn=harness.die_with_parent)
        self.query("CREATE DATABASE d")
        self.query("USE d", prepared=False)

    def query(self, statement, parameters=(), prepared=True):
        """The rows, whose values are texts; AssertionError with what the server says."""
        lines = [f"SET @p{number} = {literal(value)};" for number, value in enumerate(parameters)]
        if prepared:
            using = ", ".join(f"@p{number}" for number in range(len(parameters)))
            lines += [f"SET @q = {text(statement)};", "PREPARE s FROM @q;",
                      f"EXECUTE s{' USING ' + using if using else ''};"]
        else:
            lines.append(f"{statement};")
        self.session.stdin.write("\n".join([*lines, f"SELECT '{END}';", ""]))
        self.session.stdin.flush()
        rows = []
        for line in self.session.stdout:
            if line == END + "\n":
                return rows
            if line.startswith("ERROR "):
                raise AssertionError(f"{line}{statement}\n{parameters}")
            rows.append([unescaped(field) for field in line.rstrip("\n").split("\t")])
        raise AssertionError("MariaDB's client ended")

    def close(self):
        self.session.kill()
        self.session.wait()
        self.session.stdin.close()
        self.session.stdout.close()
        self.process.kill()  # nothing of it is kept
        self.process.wait()
        self.process.stderr.close()
