#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a host of a shared store does not take: each is refused in words that say what to do, nothing is applied, and
decisions go on by what the host has."""

import contextlib
import os
import shutil
import struct
import subprocess
import unittest

import harness
import shared

POOLER = "/usr/sbin/pgbouncer"
POOLER_CONF = """\
[databases]
* = host={folder} port=5432 user=authz
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
logfile = {folder}/pooler.log
pidfile = {folder}/pooler.pid
ignore_startup_parameters = extra_float_digits,options
"""
ASK = {"method": "GET", "path": "/loans"}


class RefusalTest(shared.SharedTest):
    def sql(self, text):
        return self.server.sql(text, database="authz")

    def decides(self, host, secret):
        answer = host.call("authorize", token=secret, **ASK)
        self.assertTrue(answer["allow"], answer)

    def stops(self, host, *words):
        """The host says so, in `status` and in the log, and its place stays."""
        said = lambda: host.shared().get("problem", "")
        try:
            harness.wait_until(lambda: all(word in said() for word in words))
        except AssertionError:
            raise AssertionError(f"{words} are not in {host.shared()}\n{host.log()[-3000:]}") from None
        host.wait_for_log(words[0])

    def goes_on(self, host, place):
        host.await_place(place)
        harness.wait_until(lambda: "problem" not in host.shared(), what="a host that goes on")


class Databases(RefusalTest):
    """Before the store is shared: it stays a single one, whose decisions and changes go on."""

    def refuses(self, host, *words):
        self.stops(host, *words)
        with self.assertRaises(harness.Error) as caught:
            host.call("store.share")
        self.assertIn(words[0], str(caught.exception))
        self.assertFalse(host.shared()["on"])
        made = host.call("keys.create", name="k", roles=["viewer"])
        self.decides(host, made["secret"])

    def at(self, conninfo):
        host = shared.Host("h1", conninfo)
        self.addCleanup(host.finish)
        return host

    def test_a_password_in_conninfo_ends_the_start_and_another_way_is_named(self):
        daemon = harness.Daemon(start=False)
        self.addCleanup(daemon.finish)
        conf = daemon.folder / "conf"
        conf.write_text("shared \"host=/run/postgresql dbname=authz password=secret123\"\n")
        status, said = daemon.refuses_to_start("--config", str(conf))
        self.assertEqual(status, 1, said)
        self.assertIn("passfile=FILE", said)
        self.assertNotIn("secret123", said)

    def test_a_server_that_may_forget_is_refused(self):
        server = self.servers.make({"fsync": "off"})
        self.refuses(self.at(server.conninfo()), "fsync is off", "set fsync = on")

    def test_a_schema_that_is_not_ours_is_refused(self):
        self.sql("CREATE SCHEMA authz AUTHORIZATION authz; CREATE TABLE authz.log (line text)")
        self.refuses(self.at(self.server.conninfo()), "authz")
        self.assertEqual(self.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'authz'").strip(), "1")

    @unittest.skipUnless(os.path.exists(POOLER), "no pgbouncer: tools/setup installs it")
    def test_a_pooler_is_refused_in_each_of_its_modes(self):
        for mode in ("session", "transaction", "statement"):
            with self.subTest(mode), self.pooler(mode) as port:
                self.refuses(self.at(f"host=127.0.0.1 port={port} dbname=authz user=authz"), "pooler", "name the server itself")

    @contextlib.contextmanager
    def pooler(self, mode):
        port = harness.free_port()
        conf = self.server.folder / f"{mode}.ini"
        conf.write_text(POOLER_CONF.format(folder=self.server.folder, port=port, mode=mode))
        user = {"user": "postgres"} if os.geteuid() == 0 else {}
        process = subprocess.Popen([POOLER, conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **user)
        try:
            yield port
        finally:
            process.terminate()
            process.wait()


class Logs(RefusalTest):
    """Of a shared store: the host keeps what it has, and goes on when the log is right again."""

    def setUp(self):
        super().setUp()
        self.first, self.second = self.hosts(2, lines=("start_stale yes",))
        self.key = self.first.call("keys.create", name="k", roles=["viewer"])
        self.second.await_place(self.key["as_of"])

    def missed(self, count=3):
        """The second host is down while the first one makes changes, each a row; the numbers of these rows."""
        self.second.stop()
        places = [self.first.call("principals.create", id=f"p{number}")["as_of"] for number in range(count)]
        self.place = places[-1]
        self.sql("CREATE TABLE authz.kept AS SELECT * FROM authz.log")
        return [int(place.split("-")[0]) for place in places]

    def refuses_row(self, number):
        self.second.start()
        self.stops(self.second, f"row {number}")
        self.assertEqual(self.second.shared()["applied"], number - 1)
        self.decides(self.second, self.key["secret"])

    def restore(self):
        self.sql("DELETE FROM authz.log; INSERT INTO authz.log SELECT * FROM authz.kept")
        self.goes_on(self.second, self.place)
        self.assertEqual(self.second.call("audit.verify")["items"], [])
        self.assertEqual(self.second.call("principals.list"), self.first.call("principals.list"))

    def test_a_row_that_was_altered_is_not_applied_nor_any_after_it(self):
        row, *_ = self.missed()
        self.sql(f"UPDATE authz.log SET payload = set_byte(payload, 9, 255 - get_byte(payload, 9)) WHERE seq = {row}")
        self.refuses_row(row)
        self.restore()

    def test_each_column_of_a_row_is_covered(self):
        row, *_ = self.missed(1)
        for change in ("host = 'h9'", "nonce = set_byte(nonce, 0, 255 - get_byte(nonce, 0))", "at = at + 1", "asks = 1 - asks",
                       "tag = set_byte(tag, 0, 255 - get_byte(tag, 0))"):
            with self.subTest(change):
                self.sql(f"UPDATE authz.log SET {change} WHERE seq = {row}")
                self.refuses_row(row)
                self.sql("DELETE FROM authz.log; INSERT INTO authz.log SELECT * FROM authz.kept")
                self.goes_on(self.second, self.place)
                self.second.stop()
                self.sql("DROP TABLE authz.kept")
                row, *_ = self.again()
        self.second.start()

    def again(self):
        row = self.first.call("keys.update", id=self.key["id"], name=f"n{os.urandom(4).hex()}")["as_of"]
        self.place = row
        self.sql("CREATE TABLE authz.kept AS SELECT * FROM authz.log")
        return [int(row.split("-")[0])]

    def test_a_row_that_was_left_out_is_not_skipped(self):
        row, *_ = self.missed()
        self.sql(f"DELETE FROM authz.log WHERE seq = {row}")
        self.refuses_row(row)
        self.restore()

    def test_rows_that_changed_places_are_not_applied(self):
        one, two, _ = self.missed()
        self.sql(f"UPDATE authz.log SET seq = -seq WHERE seq IN ({one}, {two}); "
                 f"UPDATE authz.log SET seq = CASE seq WHEN -{one} THEN {two} ELSE {one} END WHERE seq < 0")
        self.refuses_row(one)
        self.restore()

    def test_a_row_that_is_larger_than_any_is_not_applied(self):
        row, *_ = self.missed()
        self.sql(f"UPDATE authz.log SET payload = convert_to(repeat('x', (65 << 20)), 'UTF8') WHERE seq = {row}")
        self.refuses_row(row)
        self.restore()

    def test_a_later_format_waits_for_a_newer_program(self):
        self.sql("UPDATE authz.head SET format = 99")
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'authz'")
        for host in (self.first, self.second):
            self.stops(host, "format 99", "install a newer")
            self.decides(host, self.key["secret"])
        with self.assertRaisesRegex(harness.Error, "unavailable"):
            self.second.call("principals.create", id="late")
        self.sql("UPDATE authz.head SET format = 1")
        for host in (self.first, self.second):
            harness.wait_until(lambda host=host: host.shared()["connected"] and "problem" not in host.shared(),
                               what="a host that goes on")

    def test_a_log_of_another_realm_is_not_followed(self):
        other = self.servers.make()
        stranger = shared.Host("h1", other.conninfo())
        self.addCleanup(stranger.finish)
        stranger.await_connected()
        stranger.call("store.share")
        stranger.call("principals.create", id="stranger")
        stranger.stop()
        self.second.stop()
        config = self.second.config.read_text().replace(self.server.conninfo(), other.conninfo())
        self.second.config.write_text(config)
        before = self.first.shared()["applied"]
        self.second.start()
        self.stops(self.second, "realm", "store leave")
        self.assertEqual(self.second.shared()["applied"], before)
        self.assertNotIn("stranger", [one["id"] for one in self.second.call("principals.list")["items"]])
        self.decides(self.second, self.key["secret"])
        stranger.start()

    def test_other_secrets_are_refused(self):
        """A host whose pepper file was exchanged for one of another store does not start with this store at all."""
        stranger = harness.Daemon()
        self.addCleanup(stranger.finish)
        stranger.stop()
        self.second.stop()
        mine = self.second.state / "pepper"
        shutil.copy(mine, self.second.folder / "kept")
        shutil.copy(stranger.state / "pepper", mine)
        status, said = self.second.refuses_to_start()
        self.assertNotEqual(status, 0, said)
        self.assertIn("pepper", said)
        shutil.copy(self.second.folder / "kept", mine)
        self.second.start()
        stranger.start()

    def test_two_hosts_with_one_name_are_two_rows_and_both_have_all(self):
        twin = self.host("h1", self.first, lines=("start_stale yes",))
        twin.call("store.join")
        places = [host.call("principals.create", id=f"by{at}")["as_of"]
                  for at, host in enumerate((self.first, twin, self.second))]
        for host in (self.first, twin, self.second):
            for place in places:
                host.await_place(place)
        names = lambda: sorted(host["name"] for host in self.second.call("hosts.list")["items"] if host["state"] == "live")
        harness.wait_until(lambda: names() == ["h1", "h1", "h2"], what="two rows of one name")


@unittest.skipUnless(os.environ.get("STEP_CLOCK"), "a sanitizer wants to be loaded first itself")
class Clocks(RefusalTest):
    def test_a_clock_that_is_sixty_seconds_off_only_ends_things(self):
        first, second = self.hosts(2)
        key = first.call("keys.create", name="k", roles=["viewer"])
        second.await_place(key["as_of"])
        second.stop()
        added = second.folder / "added"
        added.write_bytes(struct.pack("=qq", 0, 0))
        second.prefix = ["env", f"LD_PRELOAD={os.environ['STEP_CLOCK']}", f"STEP_CLOCK_FILE={added}"]
        second.start()
        for seconds in (90, -90):
            with self.subTest(seconds):
                with open(added, "r+b") as file:
                    file.write(struct.pack("=q", seconds))
                harness.wait_until(lambda: abs(second.shared()["clock_ms"] - seconds * 1000) < 5000, what="a clock that is off")
                said = harness.wait_until(lambda: self.refusal(second), what="a refusal")
                self.assertEqual(said.code, "conflict")
                self.assertIn("clock", said.message)
        second.call("keys.revoke", id=key["id"])
        with open(added, "r+b") as file:
            file.write(struct.pack("=q", 0))
        harness.wait_until(lambda: self.refusal(second) is None, what="a change")

    @staticmethod
    def refusal(host):
        try:
            host.call("keys.create", name="k", roles=["viewer"])
            return None
        except harness.Error as error:
            return error


if __name__ == "__main__":
    unittest.main()
