# SPDX-License-Identifier: Apache-2.0
"""Somebody who owns the shared store's database wants hosts to allow more, to fall, or to show control characters."""


import attack
import harness
import shared


# Raised by a trigger at each beat.
RAISES = """CREATE OR REPLACE FUNCTION authz.say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '%', {text}; END $$;
CREATE TRIGGER say BEFORE UPDATE ON authz.beat FOR EACH ROW EXECUTE FUNCTION authz.say()"""


class Owner(attack.Attack, shared.SharedTest):
    def owner(self, text):
        return self.server.sql(text, user="authz")

    def authorize(self, host, secret, **more):
        return host.call("authorize", token=secret, method="GET", path="/loans", **more)

    def test_names_of_hosts_do_not_act_on_a_terminal(self):
        first, _ = self.hosts(2)
        self.owner(r"INSERT INTO authz.host SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), "
                   r"E'\x1b]0;own\x07\n\u009b\u202e' || n, 0, now(), -9223372036854775808, 1, E'\x1b[1m', E'v\x1b', 1, "
                   r"NULL, false, E'p\x1b[2J' FROM generate_series(1, 2000) n")
        harness.wait_until(lambda: len(first.call("hosts.list", limit=1000)["items"]) == 1000, what="rows")
        for words in (["hosts"], ["status"]):
            done = first.tool(*words)
            for sign in "\x1b\x07\u009b\u202e":
                self.assertNotIn(sign, done.stdout + done.stderr)
        self.failed("names 2,000 hosts by control characters", "they are escaped")

    def test_what_the_database_says_neither_acts_nor_keeps_a_host_out(self):
        first, second = self.hosts(2)
        for start in ("a", "ab"):  # one of them is cut within a character
            self.owner(RAISES.format(text=f"'{start}' || repeat('ж', 600) || E'\\x1b[2J'"))
            harness.wait_until(lambda: "problem" in second.shared(), what="a problem")
            self.owner("DROP TRIGGER say ON authz.beat")
            harness.wait_until(lambda: second.shared()["connected"] and "problem" not in second.shared(),
                               what="without a problem")
        for host in (first, second):
            self.assertNotIn("invalid byte sequence", host.log())
        self.failed("raises errors of letters of two bytes", "whole letters are sent back")

    def test_a_name_with_a_nul_means_no_other_host(self):
        first, _ = self.hosts(2)
        self.refused("forgets a host by a name with a NUL", "invalid_request",
                     lambda: first.call("hosts.forget", host="h2\0"))
        for text in ("0123\0", "\x1b[2J", "0123 4567"):
            self.refused(f"asks for the policy {text!r}", "invalid_request",
                         lambda text=text: first.call("store.set", policy=text))

    def test_a_head_that_is_put_back_hides_no_revocation_from_who_knows_it(self):
        first, second = self.hosts(2)
        first.call("store.set", max_lag="2s", standbys="none")
        good = first.call("keys.create", name="good", roles=["viewer"])
        key = first.call("keys.create", name="k", roles=["viewer"])
        old = self.owner("SELECT seq, encode(tag, 'hex') FROM authz.head").split("|")
        revoked = first.call("keys.revoke", id=key["id"])
        second.await_place(revoked["as_of"])
        self.owner("CREATE FUNCTION authz.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "RAISE EXCEPTION 'no'; END $$")
        self.owner(f"UPDATE authz.head SET seq = {old[0]}, tag = decode('{old[1]}', 'hex'); "
                   f"DELETE FROM authz.log WHERE seq > {old[0]}; "
                   "CREATE TRIGGER no BEFORE INSERT ON authz.log FOR EACH ROW EXECUTE FUNCTION authz.no()")
        harness.wait_until(lambda: self.authorize(first, good["secret"])["reason"] == "stale", what="stale")
        for host in (first, second):
            self.assertGreaterEqual(host.shared()["applied"], int(revoked["as_of"].split("-")[0]))
            self.denied("puts the head back before a revocation", self.authorize(host, key["secret"]))
        self.owner("DROP TRIGGER no ON authz.log")
        harness.wait_until(lambda: self.authorize(first, good["secret"])["allow"], what="given back")
        self.assertEqual(self.owner("SELECT seq FROM authz.head"), revoked["as_of"].split("-")[0])
        self.failed("takes the end of the log away", "hosts give it back")

    def test_a_head_of_its_own_lets_nobody_begin_before_a_change_that_it_names(self):
        first = self.host("h1")
        first.call("store.share")
        key = first.call("keys.create", name="k", roles=["viewer"])
        place = first.call("keys.revoke", id=key["id"])["as_of"]
        number = int(place.split("-")[0])
        first.stop()
        self.owner("CREATE TABLE authz.kept AS SELECT * FROM authz.log")
        other = self.host("h2", first)
        other.await_connected()
        for tried, rows in (("ends the log before it", f"seq < {number}"), ("leaves one out", f"seq <> {number - 1}")):
            self.owner("DELETE FROM authz.log; INSERT INTO authz.log SELECT * FROM authz.kept "
                       f"WHERE {rows}; UPDATE authz.head SET seq = 1000")
            self.refused(f"{tried}, under a head that is higher", "conflict",
                         lambda: other.call("store.join", at=place))
        self.assertFalse(other.shared()["on"])
        self.owner(f"INSERT INTO authz.log SELECT * FROM authz.kept WHERE seq = {number - 1}; "
                   f"UPDATE authz.head SET seq = {number}")
        other.call("store.join", at=place)
        self.denied("what it names is there", self.authorize(other, key["secret"]))
