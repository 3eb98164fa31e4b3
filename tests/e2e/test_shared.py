#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A store that several hosts share: one log in PostgreSQL, a replica on every host."""

import resource
import unittest

import harness
import shared

ROLE = {"name": "reader", "grants": ["allow GET on api:/**"]}


class Beginning(shared.SharedTest):
    def test_a_host_with_a_line_shared_serves_as_a_single_store_until_it_is_shared(self):
        host = self.host("h1")
        host.await_connected()
        self.assertFalse(host.shared()["on"])
        self.assertNotIn("as_of", host.call("keys.create", name="k", roles=["viewer"]))

    def test_a_second_realm_in_one_database_is_refused(self):
        first, other = self.host("h1"), self.host("h2")
        made = first.call("store.share")
        status = first.shared()  # without a wait for the first look at the log
        self.assertEqual((status["epoch"], status["realm"]), (made["epoch"], made["realm"]))
        with self.assertRaisesRegex(harness.Error, "conflict: the database has a log already"):
            other.call("store.share")
        self.assertFalse(other.shared()["on"])

    def test_a_host_with_other_secrets_cannot_join(self):
        first, other = self.host("h1"), self.host("h2")
        first.call("store.share")
        with self.assertRaisesRegex(harness.Error, "another secrets' file"):
            other.call("store.join")

    def test_a_store_with_keys_is_replaced_only_when_that_is_meant_and_a_copy_stays(self):
        first = self.host("h1")
        kept = first.call("keys.create", name="kept", roles=["viewer"])
        first.call("store.share")
        other = self.host("h2", first)
        lost = other.call("keys.create", name="lost", roles=["viewer"])
        with self.assertRaisesRegex(harness.Error, "conflict: this store has 1 keys"):
            other.call("store.join")
        copy = other.call("store.join", discard=True)["copy"]
        self.assertTrue(copy.startswith(str(other.state)))
        self.assertTrue(other.call("authorize", token=kept["secret"], method="GET", path="/loans")["allow"])
        self.assertEqual(other.call("authorize", token=lost["secret"], method="GET", path="/loans")["reason"],
                         "unknown_key")

    def test_a_log_that_ends_before_what_another_host_knows_is_refused(self):
        first = self.host("h1")
        place = first.call("store.share")["as_of"]
        number = int(place.split("-")[0])
        other = self.host("h2", first)
        with self.assertRaisesRegex(harness.Error, "conflict: the log ends before this change"):
            other.call("store.join", at=f"{number + 1}-0123456789abcdef")
        self.assertFalse(other.shared()["on"])

    def test_who_joins_late_has_all_that_was_changed_before(self):
        first, _ = self.hosts(2)
        made = [first.call("keys.create", name=f"k{n}", roles=["viewer"]) for n in range(100)]
        late = self.host("h3", first)
        # What takes longer than the call has time for is done after it.
        late.call("store.join", at=made[-1]["as_of"])
        for key in made[::25]:
            self.assertTrue(late.decide(key["secret"], made[-1]["as_of"])["allow"])

    def test_who_shared_joined_and_left_is_in_the_trail(self):
        first, second = self.hosts(2)
        harness.wait_until(lambda: self.trail(first) == self.trail(second)
                           == [("store.share", "h1", "h1"), ("store.join", "h2", "h2")], what="two entries")
        second.call("store.leave")
        harness.wait_until(lambda: self.trail(second)[-1][:2] == ("store.leave", "h2"), what="an entry of its own")
        self.assertEqual(len(self.trail(first)), 2)

    @staticmethod
    def trail(host):
        """Action, target and the actor's host of the entries about hosts."""
        return [(item["action"], item["target"], item["actor"].partition("@")[2])
                for item in host.call("audit.list")["items"] if item["action"].startswith("store.") and item["target"] != "pepper"]

    def test_a_host_that_leaves_keeps_what_it_has_and_changes_alone(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        second.await_place(made["as_of"])
        second.call("store.leave")
        self.assertFalse(second.shared()["on"])
        second.call("keys.revoke", id=made["id"])
        self.assertTrue(first.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])
        self.assertFalse(second.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])


class Sharing(shared.SharedTest):
    def test_a_key_of_one_host_decides_on_the_other(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        answer = second.decide(made["secret"], made["as_of"])
        self.assertTrue(answer["allow"], answer)
        ended = second.call("keys.revoke", id=made["id"])
        answer = first.decide(made["secret"], ended["as_of"])
        self.assertFalse(answer["allow"], answer)

    def test_a_role_of_one_host_decides_on_the_other(self):
        first, second = self.hosts(2)
        first.call("roles.create", **ROLE)
        made = first.call("keys.create", name="k", roles=["reader"])
        answer = second.decide(made["secret"], made["as_of"])
        self.assertTrue(answer["allow"], answer)
        ended = first.call("roles.update", name="reader", grants=[])
        answer = second.decide(made["secret"], ended["as_of"])
        self.assertFalse(answer["allow"], answer)

    def test_a_dry_run_is_in_no_log(self):
        first, second = self.hosts(2)
        made = first.call("roles.create", **ROLE)
        dry = second.call("roles.update", name="reader", grants=[], dry_run=True, as_of=made["as_of"])
        self.assertEqual((dry["gains_total"], dry["loses_total"]), (0, sum(item["count"] for item in dry["loses"])))
        self.assertGreater(dry["loses_total"], 0)
        dry = first.call("roles.create", name="other", dry_run=True, everywhere=True)
        self.assertEqual((dry["gains_total"], dry["everywhere"]), (0, True))
        self.assertEqual(dry["as_of"], made["as_of"])
        self.assertEqual(second.call("roles.get", name="reader", as_of=made["as_of"])["grants"], ROLE["grants"])

    def test_a_change_that_is_everywhere_denies_on_each_host(self):
        hosts = self.hosts(3)
        made = hosts[0].everywhere("keys.create", name="k", roles=["viewer"])
        for host in hosts:
            self.assertTrue(host.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])
        hosts[1].everywhere("keys.revoke", id=made["id"])
        for host in hosts:
            self.assertFalse(host.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])

    def test_a_dead_secret_on_two_hosts_is_one_alarm_in_the_trail(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        place = first.call("keys.rotate", id=made["id"], mode="immediate")["as_of"]
        for host in (first, second):
            host.call("authorize", token=made["secret"], method="GET", path="/loans", as_of=place)
            host.wait_for_log("a secret that is dead was presented")
            place = host.call("keys.create", name="after", roles=["viewer"], everywhere=True)["as_of"]
        found = [item for item in second.call("audit.list")["items"] if item["action"] == "alarm.dead_secret"]
        self.assertEqual([item["target"] for item in found], [made["id"]])

    def test_each_host_is_listed_and_one_that_ended_is_gone(self):
        first, second = self.hosts(2)
        harness.wait_until(lambda: [(host["name"], host["this"], host["state"], host["lacks"])
                                    for host in first.call("hosts.list")["items"]]
                           == [("h1", True, "live", 0), ("h2", False, "live", 0)], what="two live hosts")
        with self.assertRaisesRegex(harness.Error, "conflict: this host is alive"):
            first.call("hosts.forget", host="h1")
        second.stop()
        harness.wait_until(lambda: {host["name"]: host["state"] for host in first.call("hosts.list")["items"]}
                           == {"h1": "live", "h2": "gone"}, what="h2 is gone")
        self.assertEqual(first.call("hosts.forget", host="h2")["forgotten"], 1)
        harness.wait_until(lambda: len(first.call("hosts.list")["items"]) == 1, what="one host")

    def test_a_host_with_another_policy_than_all_are_to_have_only_ends_things(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        place = first.call("store.set", policy="0123456789abcdef")["as_of"]
        second.await_place(place)
        for host in (first, second):
            harness.wait_until(lambda host=host: self.refused(host), what="a refusal")
        second.call("keys.disable", id=made["id"])
        first.call("store.set", policy=None)

    def test_a_dead_secret_on_two_hosts_is_one_alarm_in_the_trail(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        place = first.call("keys.rotate", id=made["id"], mode="immediate")["as_of"]
        second.await_place(place)
        for host in (first, second):
            harness.wait_until(lambda host=host: self.present(host, made["secret"]), what="a dead secret")
        harness.wait_until(lambda: self.alarms(first) == self.alarms(second) == 1, what="one alarm")

    @staticmethod
    def present(host, token):
        return host.call("authorize", token=token, method="GET", path="/loans")["status"] == 401

    @staticmethod
    def alarms(host):
        return sum(item["action"] == "alarm.dead_secret" for item in host.call("audit.list")["items"])

    @staticmethod
    def refused(host):
        try:
            host.call("keys.create", name="k", roles=["viewer"])
        except harness.Error as error:
            return error.code == "conflict"
        return False


class Outage(shared.SharedTest):
    def test_decisions_go_on_and_changes_are_unavailable_until_the_database_is_back(self):
        first, second = self.hosts(2)
        made = first.everywhere("keys.create", name="k", roles=["viewer"])
        self.server.kill()
        with self.assertRaisesRegex(harness.Error, "unavailable"):
            first.call("keys.create", name="k2", roles=["viewer"])
        for host in (first, second):
            self.assertTrue(host.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])
        harness.wait_until(lambda: "problem" in first.shared(), what="a problem in status")
        self.server.start()
        harness.wait_until(lambda: all(host.shared()["connected"] and "problem" not in host.shared()
                                       for host in (first, second)), what="both go on")
        ended = first.call("keys.revoke", id=made["id"])
        answer = second.decide(made["secret"], ended["as_of"])
        self.assertFalse(answer["allow"], answer)

    def test_past_max_lag_nothing_is_allowed_until_the_database_is_back(self):
        first, _ = self.hosts(2)
        first.call("store.set", max_lag="1s", standbys="none")
        made = first.call("keys.create", name="k", roles=["viewer"])

        def reason():
            return first.call("authorize", token=made["secret"], method="GET", path="/loans")["reason"]

        harness.wait_until(lambda: reason() == "ok", what="an allow")
        self.server.kill()
        harness.wait_until(lambda: reason() == "stale", what="a stale host")
        self.assertTrue(first.shared()["stale"])
        self.server.start()
        harness.wait_until(lambda: reason() == "ok", what="a fresh host")

    def test_a_host_that_starts_without_the_database_allows_nothing(self):
        first, _ = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"])
        first.stop()
        self.server.kill()
        first.start()
        answer = first.call("authorize", token=made["secret"], method="GET", path="/loans")
        self.assertEqual((answer["allow"], answer["reason"]), (False, "stale"))
        self.server.start()
        harness.wait_until(lambda: first.call("authorize", token=made["secret"], method="GET",
                                              path="/loans")["allow"], what="an allow")

    def test_with_start_stale_it_answers_by_what_it_has(self):
        first, _ = self.hosts(2, lines=("start_stale yes",))
        made = first.call("keys.create", name="k", roles=["viewer"])
        first.stop()
        self.server.kill()
        first.start()
        self.assertTrue(first.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])


class SetBack(shared.SharedTest):
    """A store file from before: its trail ends before the head beside it."""

    def set_back(self, lines=()):
        first, second = self.hosts(2, lines=lines)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        second.stop()
        store = second.state / "store.mdb"
        saved = store.read_bytes()
        second.start()
        ended = first.call("keys.revoke", id=made["id"])
        second.await_place(ended["as_of"])
        second.stop()
        store.write_bytes(saved)
        return first, second, made

    def reason(self, host, made):
        return host.call("authorize", token=made["secret"], method="GET", path="/loans")["reason"]

    def test_it_is_brought_up_by_the_log_and_allows_nothing_before(self):
        _, second, made = self.set_back(lines=("start_stale yes",))
        self.server.kill()
        second.start()
        self.assertIn("the store was set back", second.log())
        self.assertEqual(self.reason(second, made), "stale")
        self.server.start()
        harness.wait_until(lambda: not second.shared()["stale"], what="a fresh host")
        self.assertEqual(self.reason(second, made), "revoked_key")
        self.assertNotIn("problem", second.shared())
        second.stop()
        second.start()
        self.assertNotIn("problem", second.shared())

    def test_when_the_log_lost_the_same_it_says_what_to_do_and_allows_nothing(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        second.stop()
        first.stop()
        store = second.state / "store.mdb"
        saved = store.read_bytes()
        self.server.stop()
        shared.postgres.run("cp", "-a", self.server.data, f"{self.server.data}.saved")
        self.server.start()
        second.start()
        harness.wait_until(lambda: not second.shared()["stale"], what="a fresh host")
        second.call("keys.revoke", id=made["id"])
        second.stop()
        store.write_bytes(saved)
        self.server.kill()
        shared.postgres.run("rm", "-rf", self.server.data)
        shared.postgres.run("mv", f"{self.server.data}.saved", self.server.data)
        self.server.start()
        second.start()
        harness.wait_until(lambda: "the log does not have what the head" in second.shared().get("problem", ""),
                           what="a problem")
        self.assertTrue(second.shared()["stale"])
        self.assertEqual(self.reason(second, made), "stale")
        second.call("store.rejoin", confirm=True, accept_rollback=True)
        harness.wait_until(lambda: self.reason(second, made) == "ok", what="an allow")


class Format(shared.SharedTest):
    def test_it_is_not_raised_while_a_host_of_an_older_version_is_there_which_is_named(self):
        first, second, third = self.hosts(3)
        # What an older version says of itself when it begins.
        self.server.sql("UPDATE authz.host SET reads = reads - 1 WHERE name <> 'h1'")
        for older in (["h2", "h3"], ["h3"]):
            with self.assertRaisesRegex(harness.Error, f"conflict: a host cannot read format 1 yet: {older[0]}") as caught:
                first.call("store.upgrade")
            self.assertEqual(caught.exception.error["ids"], older)
            done = first.tool("store", "upgrade")
            self.assertEqual((done.returncode, "in the way: " + ", ".join(older) in done.stderr), (1, True), done.stderr)
            host = {"h2": second, "h3": third}[older[0]]
            host.stop()  # in order: its row is gone
            host.start()
        answer = first.call("store.upgrade")
        self.assertEqual((answer["before"], answer["format"]), (1, 1))


class NoRoom(shared.SharedTest):
    """A host whose store cannot grow for a while."""

    def limit(self, host, size):
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def test_a_row_that_a_change_of_the_host_brings_after_all_is_no_problem_any_more(self):
        first, second = self.hosts(2)
        # In the middle of a page: what is written there is cut short.
        self.limit(second, max(file.stat().st_size for file in second.state.iterdir()) + 2048)

        def has_problem():
            first.call("keys.create", name="k", roles=["viewer"])
            return "make room" in second.shared().get("problem", "")

        harness.wait_until(has_problem, what="a row without room")
        self.limit(second, resource.RLIM_INFINITY)
        harness.wait_until(lambda: self.is_made(second), what="a change of that host")
        harness.wait_until(lambda: "problem" not in second.shared(), what="no problem")
        harness.wait_until(lambda: second.shared()["applied"] == first.shared()["applied"], what="the same rows")

    @staticmethod
    def is_made(host):
        try:
            return host.call("keys.create", name="own", roles=["viewer"])
        except harness.Error:
            return False


class Lost(shared.SharedTest):
    """A database that lost the end of its log, as after the fail-over of an asynchronous standby."""

    def save(self):
        self.server.stop()
        shared.postgres.run("cp", "-a", self.server.data, f"{self.server.data}.saved")
        self.server.start()

    def lose(self):
        """All that was appended since `save`."""
        self.server.kill()
        shared.postgres.run("rm", "-rf", self.server.data)
        shared.postgres.run("cp", "-a", f"{self.server.data}.saved", self.server.data)
        self.server.start()

    @staticmethod
    def await_well(*hosts):
        harness.wait_until(lambda: all(host.shared()["connected"] and "problem" not in host.shared()
                                       for host in hosts), what="all go on")

    def test_hosts_give_back_what_the_log_lost(self):
        first, second = self.hosts(2)
        self.save()
        self.await_well(first, second)
        made = first.everywhere("keys.create", name="k", roles=["viewer"])
        self.lose()
        self.await_well(first, second)
        ended = second.call("keys.revoke", id=made["id"])
        self.assertEqual(int(ended["as_of"].split("-")[0]), int(made["as_of"].split("-")[0]) + 1)
        answer = first.decide(made["secret"], ended["as_of"])
        self.assertFalse(answer["allow"], answer)

    def test_a_host_that_has_diverged_stops_until_it_rejoins_and_what_was_lost_is_disabled(self):
        first, = self.hosts(1)
        known = first.call("keys.create", name="known", roles=["viewer"])
        first.call("principals.create", id="ann")
        self.save()
        self.await_well(first)
        first.call("keys.update", id=known["id"], name="changed")
        first.call("principals.update", id="ann", name="Ann")
        first.stop()
        self.lose()
        other = self.host("h2", first)
        other.call("store.join")
        other.call("keys.create", name="other", roles=["viewer"])
        first.start()
        harness.wait_until(lambda: first.shared()["diverged"], what="a diverged host")
        answer = first.call("authorize", token=known["secret"], method="GET", path="/loans")
        self.assertEqual(answer["reason"], "stale")
        with self.assertRaisesRegex(harness.Error, "unavailable"):
            first.call("keys.create", name="more", roles=["viewer"])
        lost = first.call("store.rejoin")
        self.assertEqual([(item["action"], item["target"]) for item in lost["items"]],
                         [("keys.update", known["id"]), ("principals.update", "ann")])
        self.assertTrue(first.shared()["diverged"], "nothing is done without `confirm`")
        self.server.sql("CREATE TABLE kept AS SELECT * FROM authz.snapshot; UPDATE authz.snapshot SET bytes = ''")
        with self.assertRaisesRegex(harness.Error, "the newest snapshot was altered"):
            first.call("store.rejoin", confirm=True)
        self.server.sql("DELETE FROM authz.snapshot; INSERT INTO authz.snapshot SELECT * FROM kept")
        self.assertEqual(first.call("store.rejoin", confirm=True)["denied"], 2)
        self.assertFalse(first.call("authorize", token=known["secret"], method="GET", path="/loans")["allow"])
        harness.wait_until(lambda: not other.call("authorize", token=known["secret"], method="GET",
                                                  path="/loans")["allow"], what="a denial on the other host")
        harness.wait_until(lambda: other.call("principals.get", id="ann")["status"] == "inactive",
                           what="ann is disabled")

    def test_a_key_that_is_marked_here_is_denied_at_once_and_everywhere_when_the_database_is_back(self):
        first, second = self.hosts(2)
        made = first.everywhere("keys.create", name="k", roles=["viewer"])
        self.server.kill()
        self.assertTrue(first.call("keys.revoke", id=made["id"], local=True)["local"])
        self.assertFalse(first.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])
        self.assertTrue(second.call("authorize", token=made["secret"], method="GET", path="/loans")["allow"])
        self.server.start()
        harness.wait_until(lambda: not second.call("authorize", token=made["secret"], method="GET",
                                                   path="/loans")["allow"], what="a denial on the other host")
        self.assertEqual(second.call("keys.get", id=made["id"])["status"], "revoked")

    def test_the_mark_of_a_key_that_nobody_has_ends_when_the_log_is_read(self):
        first, second = self.hosts(2)
        made = first.call("keys.create", name="k", roles=["viewer"], everywhere=True)
        self.server.kill()
        for key in ("0" * len(made["id"]), made["id"]):
            self.assertTrue(second.call("keys.revoke", id=key, local=True)["local"])
        self.assertEqual(second.shared()["marks"], 2)
        self.server.start()
        harness.wait_until(lambda: second.shared()["marks"] == 0, what="no marks")
        self.assertEqual(second.call("keys.get", id=made["id"])["status"], "revoked")


class Alone(shared.SharedTest):
    def test_a_shared_store_is_not_served_without_its_line(self):
        host, = self.hosts(1)
        host.stop()
        host.config.write_text("", encoding="utf-8")
        status, said = host.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn("this store is one that several hosts share", said)

    def test_a_copy_is_not_restored_on_one_host_alone(self):
        host, = self.hosts(1)
        copy = host.folder / "copy"
        self.assertEqual(host.tool("store", "backup", copy).returncode, 0)
        host.stop()
        status, said = host.refuses_to_start("--restore", str(copy))
        self.assertEqual(status, 1)
        self.assertIn("store share --restore", said)


if __name__ == "__main__":
    unittest.main()
