#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real PostgreSQL servers for tests, in memory, as many as are wanted.

    tests/postgres.py PROGRAM [ARGUMENT…]

runs the program with a server, whose CONNINFO is in $AUTHZ_POSTGRES. A test that controls its servers
imports this file:

    with postgres.Servers() as servers:
        primary = servers.make()                        # running, with the database authz of role authz
        standby = primary.standby("b", synchronous=True)
        primary.sql("SELECT 1")
        primary.kill()
        standby.promote()

A server keeps its durable settings, because authzd refuses others; a folder in memory makes them
cheap. As root the servers run as the user postgres, otherwise as the user who runs the test. They
end with the process that started them.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAIT = 60  # seconds: a server that is not ready by then hangs
PR_SET_PDEATHSIG = 1
MEMORY = "/dev/shm"
# Small and quiet. fsync, full_page_writes and synchronous_commit stay on.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "1h",
    "log_min_messages": "warning",
    "wal_level": "replica",
    "max_wal_senders": "8",
    "wal_retrieve_retry_interval": "100ms",
    "hot_standby": "on",
}


def programs():
    """The folder of PostgreSQL's programs, the newest; None: it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def is_here():
    return programs() is not None


def as_user():
    """Arguments of subprocess that run a program as the servers' user."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          cwd="/", **as_user(), **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr}{done.stdout}")
    return done.stdout


class Servers:
    """A folder of servers, and the template that each is copied from."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(
            prefix="authz-pg-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.folder.chmod(0o755)
        self.servers = []
        self.template = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, settings=None, name=None, port=5432, start=True):
        """A new server. `settings` are those of postgresql.conf; `port` matters with listen_addresses."""
        if self.template is None:
            self.template = self.folder / "template"
            run(programs() / "initdb", "-D", self.template, "-U", "postgres", "-A", "trust",
                "--no-sync", "-E", "UTF8", "--locale=C")
            server = self.add("seed", {}, 5432)
            self.template.rename(server.data)
            server.start()
            server.sql("CREATE ROLE authz LOGIN", database="postgres")
            server.sql("CREATE DATABASE authz OWNER authz", database="postgres")
            server.stop()
            server.data.rename(self.template)
            self.servers.remove(server)
        server = self.add(name or f"s{len(self.servers)}", settings or {}, port)
        run("cp", "-a", self.template, server.data)
        if start:
            server.start()
        return server

    def add(self, name, settings, port):
        server = Server(self, name, settings, port)
        self.servers.append(server)
        return server


class Server:
    def __init__(self, servers, name, settings, port):
        self.servers = servers
        self.name = name
        self.port = port
        self.settings = dict(SETTINGS, **settings)
        self.folder = servers.folder / name
        run("mkdir", self.folder)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.process = None

    # --- life ---------------------------------------------------------------------------------

    def start(self, prefix=()):
        """`prefix`: a command that runs it, such as ip netns exec NAME; it must not fork."""
        command = [*prefix, programs() / "postgres", "-D", self.data, "-k", self.folder, "-p", self.port]
        for key, value in self.settings.items():
            command += ["-c", f"{key}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd="/", preexec_fn=die_with_parent, **as_user())
        self.wait(lambda: self.state() == "ready" or self.state() == "standby", "to be ready")

    def state(self):
        """The last line of postmaster.pid: starting, ready, standby (it takes readers), stopping."""
        if self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {self.log.read_text()}")
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return None
        return lines[7].strip() if len(lines) > 7 and lines[0] == str(self.process.pid) else None

    def wait(self, ready, what):
        deadline = time.monotonic() + WAIT
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL was waited for {what}: {self.log.read_text()}")
            time.sleep(0.01)

    def stop(self):
        """In order, with its connections ended."""
        self.end(signal.SIGINT)

    def kill(self):
        """At once, as in a crash: the next start recovers. A stopped one, too."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.end(signal.SIGQUIT)

    def end(self, sent):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(sent)
            self.process.wait(WAIT)
        self.process = None

    def reload(self, **settings):
        """Changes settings of a running server, through ALTER SYSTEM: those of SETTINGS stay."""
        for key, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {key} = '{value}'", database="postgres")
        self.sql("SELECT pg_reload_conf()", database="postgres")

    # --- standbys -----------------------------------------------------------------------------

    def standby(self, name, synchronous=False, settings=None, start=True):
        """A server that streams from this one. `synchronous`: this one waits for it."""
        standby = self.servers.add(name, settings or {}, self.port)
        run(programs() / "pg_basebackup", "-D", standby.data, "-h", self.folder, "-p", self.port,
            "-U", "postgres", "-c", "fast", "--no-sync", "-X", "stream")
        standby.follow(self)
        if start:
            standby.start()
            self.wait(lambda: self.sql(
                f"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}' "
                "AND state = 'streaming'") == "1", f"to stream to {name}")
        if synchronous:
            self.reload(synchronous_standby_names=name)
            self.wait(lambda: self.sql(
                f"SELECT sync_state FROM pg_stat_replication WHERE application_name = '{name}'")
                      in ("sync", "quorum"), f"to wait for {name}")
        return standby

    def follow(self, primary):
        """From its next start on this stopped server streams from another."""
        settings = (f"primary_conninfo = 'host={primary.folder} port={primary.port} user=postgres "
                    f"application_name={self.name}'\nsynchronous_standby_names = ''\n")
        path = self.data / "postgresql.auto.conf"
        run("sh", "-c", 'cat >>"$1"; : >"$2/standby.signal"', "sh", path, self.data, input=settings)

    def promote(self):
        self.sql("SELECT pg_promote(true, 60)", database="postgres")
        self.wait(lambda: self.sql("SELECT pg_is_in_recovery()", database="postgres") == "f",
                  "to be promoted")

    # --- use ----------------------------------------------------------------------------------

    def conninfo(self, **more):
        """For `shared`: by the Unix socket, unless `more` says otherwise."""
        words = {"host": str(self.folder), "port": str(self.port), "dbname": "authz", "user": "authz", **more}
        return " ".join(f"{key}={value}" for key, value in words.items() if value is not None)

    def sql(self, text, database="authz", user="postgres"):
        """The answer of one or more statements, unaligned."""
        return run(programs() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                   "-p", self.port, "-U", user, "-d", database, "-c", text).rstrip("\n")


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    if not is_here():
        print("1..0 # SKIP PostgreSQL is not installed")
        return 0
    with Servers() as servers:
        server = servers.make()
        environment = dict(os.environ, AUTHZ_POSTGRES=server.conninfo())
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
