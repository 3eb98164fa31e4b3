# SPDX-License-Identifier: Apache-2.0
"""Wants a revocation to wait for the changes of others, so that a stolen key works for longer.

The writer is held in a commit until the flood and the revocation have queued (hold_commits.c): what
is claimed is the order in which they are done, as the audit trail has it, and no time.
"""

import mmap
import os
import shutil
import tempfile
import unittest

import attack
import harness
import people

FLOOD = 900  # changes on one connection: it reads no more than 1,024 that wait
OTHER = 2  # a uid of the host beside people.STRANGER
CHAIN = 300  # roles, each inheriting the one before
KEYS = 1500  # of one principal
REVOKED = 5000 if "HOLD_COMMITS" in os.environ else 500  # one costs twice as much under a sanitizer

# Where the kernel keeps files in memory: other processes' writes to a disk delay no page there.
MEMORY = "/dev/shm"
MEMORY_LEAST = 1 << 30  # bytes free: several times what the tests that run at once write

POLICY = people.POLICY + """
role boss { allow all on authz:/keys/**, authz:/principals/**, authz:/assignments, authz:/roles/**
    allow all on api:/** }
role some { allow update on authz:/principals/{principal} }
"""


@unittest.skipUnless("HOLD_COMMITS" in os.environ, "not with a sanitizer")
@unittest.skipUnless(os.geteuid() == 0, "needs root, to be several users")
class Flood(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY}, start=False, folder=self.folder_in_memory())
        path = self.d.folder / "hold"
        path.write_bytes(bytes(3))
        self.d.folder.chmod(0o711)
        with open(path, "r+b") as file:
            self.hold = mmap.mmap(file.fileno(), 3)
        self.addCleanup(self.release)
        self.start()

    def folder_in_memory(self):
        """A folder that no disk delays; None: an ordinary one, where there is no memory for it."""
        try:
            if shutil.disk_usage(MEMORY).free < MEMORY_LEAST:
                return None
            folder = tempfile.mkdtemp(prefix="authz-", dir=MEMORY)
        except OSError:
            return None
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def start(self):
        os.environ["HOLD_COMMITS_FILE"] = str(self.d.folder / "hold")
        os.environ["LD_PRELOAD"] = os.environ["HOLD_COMMITS"]
        try:
            self.d.start()
        finally:
            del os.environ["LD_PRELOAD"]
            del os.environ["HOLD_COMMITS_FILE"]
        self.d.socket.chmod(0o666)
        self.c = self.d.client()

    def client(self, uid=people.STRANGER):
        with people.as_user(uid):
            return self.d.client()

    def boss(self, tenant="default"):
        """A token that may manage the keys, principals and roles of a tenant."""
        if tenant != "default":
            self.c.call("tenants.create", id=tenant)
        self.c.call("principals.create", id="boss", tenant=tenant)
        self.c.call("assignments.create", principal="boss", role="boss", tenant=tenant)
        return self.c.call("keys.create", principal="boss", tenant=tenant)["secret"]

    def keys(self, count, **params):
        calls = [("keys.create", {"roles": ["viewer"], **params})] * count
        return [made["id"] for made in self.c.call_many(calls)]

    def key(self, **params):
        return self.keys(1, **params)[0]

    # The writer

    def waiting(self):
        return self.d.call("status")["counters"]["waiting"]

    def await_waiting(self, count):
        """Waits until that many wait or more; the daemon has changes of its own, now and then."""
        harness.wait_until(lambda: self.waiting() >= count, what=f"{count} changes wait")

    def hold_writer(self):
        """The writer waits in a commit, perhaps that of a first change; what comes now has to wait."""
        self.c.call("principals.create", id="before")
        newest = self.c.call("audit.list", newest_first=True, limit=1)["items"]
        self.mark = newest[0]["sequence"]
        self.hold[0] = 1
        self.c.send("principals.create", {"id": "held"})
        harness.wait_until(lambda: self.hold[1] > 0, what="the writer is held")
        self.await_waiting(1)

    def release(self):
        self.hold[0] = 0

    def done(self):
        """What was done since the writer was held, beside the first change: (action, target)."""
        entries, cursor = [], {}
        while True:
            page = self.c.call("audit.list", after=self.mark, limit=1000, **cursor)
            entries += [(item["action"], item.get("target")) for item in page["items"]]
            if not page.get("cursor"):
                return [entry for entry in entries if entry[1] != "held"]
            cursor = {"cursor": page["cursor"]}

    def race(self, tried, flood, revoke, most):
        """Queues the flood, [(client, method, params)…], and after it the revocation, whose entry in
        the trail must come after `most` entries of the flood at most."""
        self.hold_writer()
        sent = [(client, client.send(method, params)) for client, method, params in flood]
        self.await_waiting(1 + len(flood))
        client, key, token = revoke
        number = client.send("keys.revoke", {"id": key, **({"token": token} if token else {})})
        self.await_waiting(2 + len(flood))
        self.release()
        self.assertEqual(client.receive(number)["status"], "revoked", tried)
        for client, number in sent:
            client.result_or_error(number)
        before = self.done().index(("keys.revoke", key))
        self.assertLessEqual(before, most, tried)
        self.failed(tried, f"revoked after {before} entries of the trail")


class Order(Flood):
    def test_creations_of_the_same_user_go_after_a_revocation(self):
        token, key, client = self.boss(), self.key(), self.client()
        flood = [(client, "keys.create", {"roles": ["viewer"], "token": token}) for _ in range(FLOOD)]
        self.race("creates keys", flood, (self.client(), key, token), 0)

    def test_creations_after_an_end_of_the_same_record_go_after_a_revocation(self):
        token, key, client = self.boss(), self.key(), self.client()
        self.c.call("principals.create", id="own")
        flood = [(client, "principals.disable", {"id": "own", "token": token})]
        flood += [(client, "keys.create", {"principal": "own", "token": token})] * FLOOD
        self.race("creates keys of a principal that it disables", flood,
                  (self.client(), key, token), 2)

    def test_edits_of_roles_that_inherit_go_after_a_revocation(self):
        token, key, client = self.boss(), self.key(), self.client()
        down = range(CHAIN, 0, -1)  # the worst order for a closure in passes
        calls = [("roles.create", {"name": f"r{number}", "grants": ["allow GET on api:/health"]}) for number in down]
        calls += [("roles.update", {"name": f"r{number}", "inherits": [f"r{number - 1}"]}) for number in down[:-1]]
        self.assertFalse([one for one in self.c.call_many(calls) if isinstance(one, harness.Error)])
        flood = [(client, "roles.update", {"name": "r1", "description": str(at), "token": token})
                 for at in range(100)]
        self.race("changes the first of a chain of roles", flood, (self.client(), key, token), 0)

    def test_revocations_of_another_user_take_turns(self):
        token, key, client = self.boss(), self.key(), self.client()
        keys = self.keys(FLOOD)
        flood = [(client, "keys.revoke", {"id": id, "token": token}) for id in keys]
        self.race("revokes keys of its own", flood, (self.client(OTHER), key, token), 2)

    def test_revocations_of_another_tenant_take_turns(self):
        token, other, client = self.boss(), self.boss("other"), self.client()
        key = self.c.call("keys.create", roles=["viewer"], tenant="other")["id"]
        flood = [(client, "keys.revoke", {"id": id, "token": token}) for id in self.keys(FLOOD)]
        self.race("revokes keys of its own tenant", flood, (client, key, other), 2)

    def test_creations_are_not_stopped_by_revocations(self):
        token, client, other = self.boss(), self.client(), self.client(OTHER)
        keys = self.keys(FLOOD)
        self.hold_writer()
        sent = [client.send("keys.revoke", {"id": id, "token": token}) for id in keys]
        made = other.send("principals.create", {"id": "late", "token": token})
        self.await_waiting(2 + len(keys))
        self.release()
        other.receive(made)
        for number in sent:
            client.receive(number)
        before = self.done().index(("principals.create", "late"))
        self.assertLessEqual(before, 100)
        self.failed("stops creations by revoking", f"created after {before} of {len(keys)} changes")

    def test_changes_of_one_record_keep_their_order_on_a_connection(self):
        client = self.d.client()
        self.hold_writer()
        methods = ["principals.create", "principals.disable", "principals.enable",
                   "principals.delete", "principals.create"]
        sent = [client.send(method, {"id": "p"}) for method in methods]
        self.await_waiting(1 + len(methods))
        self.release()
        for number in sent:
            client.receive(number)
        self.assertEqual([action for action, target in self.done() if target == "p"], methods)
        self.failed("overtakes its own changes", "done in the order in which they were asked for")


class Garbage(Flood):
    def test_a_user_without_a_token_queues_nothing(self):
        self.hold_writer()
        client = self.client()
        garbage = "liq_live_" + "x" * 48
        for method, params in (("keys.create", {"roles": ["viewer"]}), ("keys.renew", {}),
                               ("keys.revoke", {"id": "x"}), ("principals.create", {"id": "x"})):
            calls = [(method, {**params, "token": garbage})] * FLOOD
            # Answered while the writer is held, so by the worker.
            answers = client.call_many(calls)
            self.assertEqual({answer.code for answer in answers}, {"forbidden"}, method)
            self.assertLess(self.waiting(), 10, method)
        self.failed("floods the queue without a token", "each was refused before it was queued")

    def test_nor_does_a_token_or_a_peer_without_the_right(self):
        weak = self.c.call("keys.create", roles=["viewer"])["secret"]
        # It may edit other records than it does, and end one key.
        some = self.c.call("keys.create", roles=["some"])["secret"]
        self.c.call("principals.create", id="x")
        own = self.c.call("keys.list")["items"][0]["id"]
        client = self.client()
        self.hold_writer()
        for method, params in (
                ("keys.create", {"roles": ["viewer"]}), ("keys.revoke", {"id": own}),
                ("keys.delete", {"id": "x" * 500}), ("keys.rollback", {"id": own}),
                ("principals.create", {"id": "y"}), ("principals.disable", {"id": "x"}),
                ("assignments.create", {"principal": "x", "role": "viewer"}),
                ("assignments.delete", {"principal": "x", "role": "viewer"}),
                ("roles.create", {"name": "y"}), ("roles.update", {"name": "y"})):
            for token in ({"token": weak}, {"token": some}, {}):
                answers = client.call_many([(method, {**params, **token})] * 50)
                self.assertEqual({answer.code for answer in answers}, {"forbidden"}, method)
            self.assertLess(self.waiting(), 10, method)
        for method, params in (("tenants.create", {"id": "y"}), ("keys.purge", {"id": own}),
                               ("keys.import", {"hash": "07" * 32, "roles": ["viewer"]}),
                               ("pepper.rotate", {}), ("tenants.disable", {"id": "y"})):
            answers = client.call_many([(method, params)] * 50)
            self.assertEqual({answer.code for answer in answers}, {"forbidden"}, method)
            self.assertLess(self.waiting(), 10, method)
        self.failed("floods the queue with what it may not do, with and without a token",
                    "each was refused before it was queued")
        allowed = client.send("principals.update", {"id": "x", "name": "z", "token": some})
        self.await_waiting(2)
        self.release()
        self.assertEqual(client.receive(allowed)["name"], "z")
        # It was used as often as it was presented.
        uses = {key["id"]: key.get("uses", 0) for key in self.c.call("keys.list")["items"]}
        self.assertEqual(sorted(uses.values())[-2:], [500, 501])

    def test_what_is_queued_is_charged_with_all_its_memory(self):
        token = self.boss()
        self.hold_writer()
        before = self.memory()
        refused = 0
        for _ in range(40):
            client = self.client()
            try:
                for _ in range(FLOOD):
                    client.send("principals.create", {"id": "x", "token": token})
                # A request after them: they have been read.
                client.call("authorize", principal="x", method="GET", path="api:/health")
                refused += len(client.early)
            except (OSError, AssertionError):
                refused += 1  # closed: there is no memory for a message in part
        more = self.memory() - before
        self.assertGreater(refused, 0)
        self.assertLess(more, 24 << 20)
        self.failed("fills the memory with small changes", f"{more >> 20} MiB, then `overloaded`")
        self.release()

    def memory(self):
        status = (harness.Path("/proc") / str(self.d.pid) / "status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024


class Deletion(Flood):
    def setUp(self):
        super().setUp()
        self.c.call("principals.create", id="many")
        self.c.call("assignments.create", principal="many", role="viewer")
        made = self.c.call_many([("keys.create", {"principal": "many"})] * KEYS)
        self.secret = made[-1]["secret"]

    def test_a_principal_with_many_keys_is_deleted_in_slices(self):
        key = self.key()
        self.race("deletes a principal with very many keys",
                  [(self.d.client(), "principals.delete", {"id": "many"})],
                  (self.client(), key, self.boss()), 130)
        self.assert_error("not_found", self.c.call, "principals.get", id="many")
        revoked = [entry for entry in self.done() if entry[0] == "principals.delete"]
        self.assertEqual(len(revoked), KEYS + 2)  # it is disabled first, and removed at last

    def test_what_is_sent_after_a_deletion_is_done_after_it(self):
        client = self.d.client()
        self.hold_writer()
        sent = [client.send(method, {"id": "many"})
                for method in ("principals.delete", "principals.delete", "principals.create")]
        self.await_waiting(1 + len(sent))
        self.release()
        client.receive(sent[0])
        self.assertEqual(client.result_or_error(sent[1]).code, "not_found")
        client.receive(sent[2])
        self.assertEqual(self.d.call("principals.get", id="many")["status"], "active")
        self.failed("overtakes its own deletion in slices", "each waited for the one before")

    def test_a_principal_that_is_enabled_between_two_slices_is_disabled_again(self):
        other = self.d.client()
        self.hold_writer()
        deletion = self.c.send("principals.delete", {"id": "many"})
        enabling = other.send("principals.enable", {"id": "many"})
        self.await_waiting(3)
        self.release()
        self.assertEqual(other.receive(enabling)["status"], "active")
        self.c.receive(deletion)
        # The keys, the removal, and the principal that is disabled twice.
        done = [entry for entry in self.done() if entry[0] == "principals.delete"]
        self.assertEqual(len(done), KEYS + 3)
        self.failed("enables a principal that is being deleted", "the next slice disabled it again")

    def test_a_deletion_that_is_cut_off_leaves_no_right(self):
        self.hold[0] = 1
        self.c.send("principals.delete", {"id": "many"})
        harness.wait_until(self.is_disabled_by_held_commits, what="the deletion has begun")
        self.d.kill()
        self.d.start()
        with self.d.client() as client:
            answer = client.call("authorize", token=self.secret, method="GET", path="api:/loans/7")
            self.denied("uses a key of a principal whose deletion was cut off", answer)
            client.call("principals.delete", id="many")
            active = client.call("keys.list", principal="many", status="active")
            self.assertEqual(active["items"], [])


    def is_disabled_by_held_commits(self):
        """Lets one commit more end, unless the principal is disabled: then that of a slice is held."""
        if self.d.call("principals.get", id="many")["status"] != "active":
            return True
        if self.hold[1] > 0 and self.hold[2] == 0:
            self.hold[2] = 1
        return False


class Count(attack.Attack):
    def test_keys_that_ended_do_not_make_creations_slow(self):
        daemon = self.daemon({"a.policy": POLICY})
        client = daemon.client()
        client.call("principals.create", id="many")

        def made(count):
            return client.call_many([("keys.create", {"principal": "many"})] * count)

        def end(method, keys):
            ended = client.call_many([(method, {"id": key["id"]}) for key in keys])
            self.assertFalse([one for one in ended if isinstance(one, harness.Error)])

        revoked, deleted = made(REVOKED), made(4097)
        end("keys.revoke", revoked)
        # Only now: with a limit each creation would count all before it.
        daemon.write("b.policy", "limits { keys_per_principal 10000 }")
        self.assertEqual(daemon.tool("reload").returncode, 0)
        client.call("keys.create", principal="many")
        end("keys.delete", deleted)
        self.refused("makes keys beside thousands that it deleted and that would have to be counted",
                     "limit_reached", lambda: client.call("keys.create", principal="many"))


if __name__ == "__main__":
    unittest.main()
