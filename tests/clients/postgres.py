# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL 15 in a temporary folder, and a connection of libpq with parameters that stay parameters.

    server = postgres.Server(folder)
    rows = server.query("SELECT $1::text", ["a"])      # [["a"]]; NULL is None
    server.close()
"""

import ctypes
import ctypes.util
import os
import pwd
import shutil
import subprocess
import unittest
from pathlib import Path

import harness

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
TUPLES_OK, COMMAND_OK = 2, 1


def load_libpq():
    name = ctypes.util.find_library("pq")
    if name is None or not (PROGRAMS / "postgres").exists():
        raise unittest.SkipTest("PostgreSQL 15 is not installed: tools/setup")
    libpq = ctypes.CDLL(name)
    for call in ("PQconnectdb", "PQexecParams"):
        getattr(libpq, call).restype = ctypes.c_void_p
    for call in ("PQerrorMessage", "PQresultErrorMessage", "PQgetvalue"):
        getattr(libpq, call).restype = ctypes.c_char_p
    return libpq


def sent(value):
    """A parameter in the text format; its type is left to the server."""
    if value is None:
        return None
    return str(value).lower().encode() if isinstance(value, bool) else str(value).encode()


def query(libpq, connection, text, parameters=()):
    """The rows, whose values are texts; ConnectionError with what the server says."""
    values = (ctypes.c_char_p * len(parameters))(*map(sent, parameters))
    result = ctypes.c_void_p(libpq.PQexecParams(connection, ctypes.c_char_p(text.encode()), len(parameters), None,
                                                values, None, None, 0))
    try:
        if libpq.PQresultStatus(result) not in (TUPLES_OK, COMMAND_OK):
            raise ConnectionError(f"{libpq.PQresultErrorMessage(result).decode()}{text}")
        columns = range(libpq.PQnfields(result))
        return [[None if libpq.PQgetisnull(result, row, column)
                 else libpq.PQgetvalue(result, row, column).decode() for column in columns]
                for row in range(libpq.PQntuples(result))]
    finally:
        libpq.PQclear(result)


class Server:
    def __init__(self, folder):
        self.libpq = load_libpq()
        self.folder = Path(folder)
        self.data = self.folder / "pg"
        self.data.mkdir(mode=0o700)
        self.user = {}
        if os.geteuid() == 0:  # the server refuses root
            self.folder.chmod(0o711)
            self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self.data, "postgres", "postgres")
        name = pwd.getpwnam(self.user["user"]).pw_name if self.user else pwd.getpwuid(os.geteuid()).pw_name
        self.run("initdb", "-D", self.data, "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                 "--username", name)
        self.process = subprocess.Popen(
            [PROGRAMS / "postgres", "-D", self.data, "-k", self.data, "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", env=harness.environment("/"),
            preexec_fn=harness.die_with_parent, **self.user)
        said = ""
        for line in self.process.stderr:
            said += line
            if "ready to accept connections" in line:
                break
        else:
            raise AssertionError(f"PostgreSQL does not start: {said}")
        self.libpq.PQconnectdb.argtypes = [ctypes.c_char_p]
        self.connection = ctypes.c_void_p(self.libpq.PQconnectdb(
            f"host={self.data} dbname=postgres user={name} client_encoding=UTF8".encode()))
        if self.libpq.PQstatus(self.connection) != 0:
            raise AssertionError(self.libpq.PQerrorMessage(self.connection).decode())

    def run(self, program, *arguments):
        subprocess.run([PROGRAMS / program, *arguments], check=True, capture_output=True, cwd="/",
                       env=harness.environment("/"), preexec_fn=harness.die_with_parent, timeout=harness.DEADLINE,
                       **self.user)

    def query(self, text, parameters=()):
        """The rows, whose values are texts; AssertionError with what the server says."""
        try:
            return query(self.libpq, self.connection, text, parameters)
        except ConnectionError as error:
            raise AssertionError(f"{error}\n{parameters}") from error

    def close(self):
        self.libpq.PQfinish(self.connection)
        self.process.kill()  # nothing of it is kept
        self.process.wait()
        self.process.stderr.close()
