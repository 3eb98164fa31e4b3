# SPDX-License-Identifier: Apache-2.0
"""Real PostgreSQL 15, a primary and two standbys that stream from it, each on a host of its own in a network.

    servers = share_servers.Servers(folder)   # a: primary, b: its synchronous standby, c: an asynchronous one
    servers.primary.query("SELECT 1")
    servers.promote(servers.synchronous)
    servers.rebuild()                         # the others are standbys of the new primary
    servers.close()
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
import share_network

sys.path.insert(0, str(harness.ROOT / "tests" / "clients"))
import postgres  # noqa: E402

PROGRAMS = postgres.PROGRAMS
PORT = 5432
DATABASE = "authz"

SETTINGS = """\
listen_addresses = '*'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = 16MB
fsync = on
full_page_writes = on
synchronous_commit = on
wal_level = replica
max_wal_senders = 8
max_wal_size = 64MB
min_wal_size = 2MB
hot_standby = on
wal_keep_size = 32MB
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 200ms
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
autovacuum_naptime = 10min
dynamic_shared_memory_type = mmap
jit = off
log_line_prefix = '%m %p '
synchronous_standby_names = '{standbys}'
primary_conninfo = '{primary}'
"""
HBA = "local all all trust\nhost all all 10.77.0.0/24 trust\nhost replication all 10.77.0.0/24 trust\n"


class Connection:
    """One of libpq. Texts only; NULL is None."""

    def __init__(self, conninfo):
        self.libpq = postgres.load_libpq()
        self.libpq.PQconnectdb.argtypes = [ctypes.c_char_p]
        self.pointer = ctypes.c_void_p(self.libpq.PQconnectdb(conninfo.encode()))
        if self.libpq.PQstatus(self.pointer) != 0:
            why = self.libpq.PQerrorMessage(self.pointer).decode()
            self.close()
            raise ConnectionError(why)

    def query(self, text, parameters=()):
        return postgres.query(self.libpq, self.pointer, text, parameters)

    def close(self):
        self.libpq.PQfinish(self.pointer)


class Server:
    def __init__(self, folder, name, number):
        self.name = name
        self.place = share_network.Place(f"pg-{name}", number)
        self.folder = Path(folder) / name
        self.folder.mkdir()
        shutil.chown(self.folder, "postgres", "postgres")
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.process = None
        self.stopped = False
        self.standbys = ""
        self.primary = ""

    def prefix(self):
        return [*self.place.prefix, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
                "--pdeathsig=KILL", "--"]

    def run(self, program, *arguments, check=True):
        with open(self.log, "ab") as log:
            return subprocess.run([*self.prefix(), PROGRAMS / program, *arguments], check=check, stdout=log, stderr=log,
                                  cwd="/", env=harness.environment("/"), timeout=harness.DEADLINE)

    def write_settings(self):
        text = SETTINGS.format(port=PORT, folder=self.folder, standbys=self.standbys, primary=self.primary)
        (self.data / "postgresql.conf").write_text(text)
        (self.data / "postgresql.auto.conf").write_text("")
        (self.data / "pg_hba.conf").write_text(HBA)

    def create(self):
        self.run("initdb", "-D", self.data, "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                 "--wal-segsize=1", "--username=postgres")

    def copy(self, primary):
        """Begins again as a standby of that server."""
        self.fetch(primary)
        self.launch()
        self.await_answer()

    def fetch(self, primary):
        """Ends, and has a copy of that server's data."""
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        self.primary = (f"host={primary.place.address} port={PORT} user=postgres application_name={self.name} "
                        "connect_timeout=3")
        self.standbys = ""
        self.run("pg_basebackup", "-D", self.data, "-d", self.primary, "-X", "stream", "-c", "fast", "--no-sync")
        (self.data / "standby.signal").write_text("")

    def start(self):
        self.launch()
        self.await_answer()

    def launch(self):
        """It ends with the thread that launches it."""
        assert self.process is None
        self.write_settings()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.prefix(), PROGRAMS / "postgres", "-D", self.data], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/", env=harness.environment("/"))

    def await_answer(self):
        harness.wait_until(self.answers, what=f"PostgreSQL {self.name}: {self.log}")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"PostgreSQL {self.name} ended: {self.log.read_text(errors='replace')[-3000:]}")
        try:
            self.query("SELECT 1")
            return True
        except ConnectionError:
            return False

    def query(self, text, parameters=(), database="postgres"):
        """On a connection of its own, through its socket, which no partition and no proxy touches."""
        connection = Connection(f"host={self.folder} port={PORT} dbname={database} user=postgres client_encoding=UTF8 "
                                "connect_timeout=5 application_name=test options='-c statement_timeout=60000 -c synchronous_commit=local'")
        try:
            return connection.query(text, parameters)
        finally:
            connection.close()

    def reload(self):
        self.write_settings()
        self.process.send_signal(signal.SIGHUP)

    def pids(self):
        """Of the postmaster and its children."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [self.process.pid, *map(int, found.stdout.split())]

    def signal_all(self, number):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def pause(self):
        self.stopped = True
        self.signal_all(signal.SIGSTOP)
        self.signal_all(signal.SIGSTOP)  # what was forked meanwhile

    def resume(self):
        if self.stopped:
            self.stopped = False
            self.signal_all(signal.SIGCONT)

    def kill(self):
        """Nothing of it goes on: a fenced server."""
        if self.process is not None:
            pids = self.pids()
            self.resume()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            harness.wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="an ended server")

    def promote(self):
        self.query("SELECT pg_promote(true, 60)")
        harness.wait_until(lambda: self.query("SELECT pg_is_in_recovery()") == [["f"]], what="a promoted standby")

    def close(self):
        self.kill()
        self.place.close()


class Servers:
    """`primary`, `synchronous` and `asynchronous` of them change when a standby is promoted."""

    def __init__(self, folder, names=("a", "b", "c")):
        self.all = [Server(folder, name, 101 + at) for at, name in enumerate(names)]
        self.lock = threading.Lock()
        self.primary = self.all[0]
        self.synchronous = self.asynchronous = None
        self.primary.create()
        self.primary.start()
        self.primary.query("CREATE ROLE authz LOGIN")
        self.primary.query(f"CREATE DATABASE {DATABASE} OWNER authz")
        self.rebuild()

    def rebuild(self):
        """Everyone but the primary becomes a standby of it: the first one that follows is the synchronous one."""
        others = [server for server in self.all if server is not self.primary]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.fetch(self.primary), others))
        for server in others:
            server.launch()
        for server in others:
            server.await_answer()
        self.synchronous, self.asynchronous = (others + [None, None])[:2]
        self.primary.standbys = f"FIRST 1 ({self.synchronous.name})" if self.synchronous else ""
        self.primary.reload()
        harness.wait_until(self.is_whole, what="standbys that follow")

    def is_whole(self):
        states = dict(self.primary.query("SELECT application_name, sync_state FROM pg_stat_replication "
                                         "WHERE state = 'streaming'"))
        wanted = {}
        if self.synchronous:
            wanted[self.synchronous.name] = "sync"
        if self.asynchronous:
            wanted[self.asynchronous.name] = "async"
        return states == wanted

    def promote(self, server):
        """It is the primary from now on. Its commits wait for a standby, which there is after rebuild."""
        server.standbys = "FIRST 1 (nobody)" if len(self.all) > 1 else ""
        server.reload()
        server.promote()
        self.primary = server
        self.synchronous = self.asynchronous = None

    def close(self):
        for server in self.all:
            server.close()
