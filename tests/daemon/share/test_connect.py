#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which servers the shared store takes, and from within the limits of the watcher's thread."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/e2e")]
import harness  # noqa: E402  pylint: disable=wrong-import-position
import postgres  # noqa: E402  pylint: disable=wrong-import-position

CONNECT = os.environ["DATABASE_CONNECT"]
CERTIFICATE = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=db.test", "-addext", "subjectAltName=DNS:db.test")


@contextlib.contextmanager
def pooler(server):
    """Passes a connection on, and gives a number of its own for cancelling, as a pooler does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def up(client, database):
            while data := client.recv(65536):
                database.sendall(data)
            database.shutdown(socket.SHUT_WR)

        def serve():
            client, _ = listener.accept()
            with client, socket.socket(socket.AF_UNIX) as database:
                database.connect(f"{server.folder}/.s.PGSQL.{server.port}")
                threading.Thread(target=up, args=(client, database), daemon=True).start()
                with database.makefile("rb") as stream:
                    while head := stream.read(5):
                        body = stream.read(int.from_bytes(head[1:], "big") - 4)
                        if head[:1] == b"K":
                            body = bytes([body[0], body[1], body[2] ^ 1, body[3]]) + body[4:]
                        client.sendall(head + body)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@contextlib.contextmanager
def endless():
    """Takes everybody, and then sends notices without end."""
    notice = b"SNOTICE\0VNOTICE\0C00000\0Mmore\0\0"
    block = (b"N" + (len(notice) + 4).to_bytes(4, "big") + notice) * 10000

    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                client.recv(65536)
                client.sendall(b"R" + (8).to_bytes(4, "big") + bytes(4))
                while True:
                    client.sendall(block)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@unittest.skipUnless(postgres.is_here(), "PostgreSQL is not installed")
class Connecting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = postgres.Servers()
        cls.addClassCleanup(cls.servers.close)
        cls.port = harness.free_port()
        cls.server = cls.servers.make({"listen_addresses": "127.0.0.1"}, port=cls.port)

    def connect(self, conninfo, *options):
        done = subprocess.run([CONNECT, *options, conninfo], capture_output=True, text=True, check=False,
                              timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        result, _, why = done.stdout.split("\n")[0].partition(" ")
        return int(result), why

    def refuses(self, conninfo, said, result=-1):
        found, why = self.connect(conninfo)
        self.assertEqual(found, result, why)
        self.assertIn(said, why)

    def test_a_socket_and_a_loopback_address_need_no_tls(self):
        self.assertEqual(self.connect(self.server.conninfo())[0], 0)
        self.assertEqual(self.connect(self.server.conninfo(host="127.0.0.1"))[0], 0)

    def test_a_list_is_local_when_each_address_that_is_connected_to_is(self):
        words = {"host": "db.example,db.example", "port": None}
        self.refuses(self.server.conninfo(hostaddr="127.0.0.1,", **words), "without TLS that proves who it is")
        self.refuses(self.server.conninfo(hostaddr=",127.0.0.1", **words), "without TLS that proves who it is")

    def test_a_server_that_may_lose_what_it_answered_is_refused(self):
        for name in ("fsync", "full_page_writes"):
            server = self.servers.make({name: "off"})
            self.refuses(server.conninfo(), f"set {name} = on")
            server.stop()

    def test_a_standby_is_refused_and_of_several_servers_the_primary_is_taken(self):
        standby = self.server.standby("standby", settings={"listen_addresses": ""})
        self.refuses(standby.conninfo(), "name the primary in `shared` as well", -107)
        both = self.server.conninfo(host=f"{standby.folder},{self.server.folder}")
        self.assertEqual(self.connect(both)[0], 0)
        standby.stop()

    def test_a_pooler_is_refused(self):
        with pooler(self.server) as port:
            self.refuses(self.server.conninfo(host="127.0.0.1", port=port, sslmode="disable"), "a pooler answers")

    def test_a_server_that_sends_without_end_holds_nobody_past_the_deadline(self):
        with endless() as port:
            self.refuses(self.server.conninfo(host="127.0.0.1", port=port, sslmode="disable"),
                         "the database cannot be reached", -107)

    def test_a_server_that_cannot_be_found_is_tried_later(self):
        self.refuses("host=no.such.example sslmode=verify-full", "could not translate host name", -107)

    def test_tls_proves_the_servers_name_within_the_limits_of_the_thread(self):
        server = self.servers.make({"listen_addresses": "127.0.0.1"}, port=harness.free_port(), start=False)
        postgres.run("openssl", *CERTIFICATE, "-keyout", server.data / "server.key", "-out",
                     server.data / "server.crt")
        postgres.run("chmod", "600", server.data / "server.key")
        server.settings["ssl"] = "on"
        server.start()
        authority = self.servers.folder / "ca.pem"
        authority.write_bytes((server.data / "server.crt").read_bytes())
        tls = {"hostaddr": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": authority}
        self.assertEqual(self.connect(server.conninfo(host="db.test", **tls)), (0, ""))
        self.refuses(server.conninfo(host="other.test", **tls), "does not match", -107)
        tls["sslrootcert"] = "/etc/ssl/certs/ca-certificates.crt"
        self.refuses(server.conninfo(host="db.test", **tls), "certificate", -107)
        server.stop()


if __name__ == "__main__":
    unittest.main()
