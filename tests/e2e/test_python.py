#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Python client for threads, against the real daemon and against servers that misbehave."""

import datetime
import functools
import itertools
import os
import re
import signal
import threading
from unittest import mock

import harness
import msgpack
import python_client
from authz import _wire
from python_client import ALLOW, PATIENCE, POLICY, QUESTION, SHORT, authz

README = harness.ROOT / "client" / "python" / "README.md"


class PythonTest(python_client.Serving, harness.DaemonTest):
    def pair(self, policy=POLICY, **options):
        """A daemon, and a client of it that is patient."""
        daemon = self.daemon({"a.policy": policy})
        return daemon, self.client(daemon.socket, **options)

    def client(self, path, **options):
        client = authz.Client(path, **{"timeout": PATIENCE, **options})
        self.addCleanup(client.close)
        return client

    def key(self, client, **params):
        """A key of ann, who is a viewer."""
        client.principals.create("ann")
        client.assignments.create("ann", "viewer")
        return client.keys.create(principal="ann", **params)


class Deciding(PythonTest):
    def test_a_decision_is_true_only_when_allowed(self):
        _, client = self.pair()
        key = self.key(client)
        allowed = client.check(token=key.api_key, method="GET", path="/loans/7")
        denied = client.check(token=key.api_key, method="DELETE", path="/loans/7")
        self.assertTrue(allowed)
        self.assertEqual((allowed.principal, allowed.key, allowed.status), ("ann", key.id, 200))
        self.assertFalse(denied)
        self.assertEqual((denied.status, denied.reason), (403, "role"))
        self.assertFalse(authz.Decision())

    def test_allowed_and_can_are_true_when_allowed_and_false_when_denied(self):
        _, client = self.pair()
        token = self.key(client).api_key
        self.assertIs(client.allowed(token=token, method="GET", path="/loans/7"), True)
        self.assertIs(client.allowed(token=token, method="DELETE", path="/loans/7"), False)
        self.assertIs(client.can("read", "api:/loans/7", token=token), True)
        self.assertIs(client.can("delete", "api:/loans/7", token=token), False)

    def test_allowed_is_false_on_every_error_and_logs_no_token(self):
        daemon, client = self.pair()
        token = self.key(client).api_key
        nowhere = self.client(daemon.folder / "nowhere")
        ask = {"token": token, "method": "GET", "path": "/loans/7"}
        with self.assertLogs("authz", "WARNING") as logs:
            self.assertIs(nowhere.allowed(**ask), False)
            self.assertIs(client.allowed(**ask, methud="GET"), False)
            self.assertIs(client.allowed(**{**ask, "token": token + "\udcff"}), False)
            self.assertIs(client.allowed(**{**ask, "token": object()}), False)
            self.assertIs(client.allowed(**{**ask, "path": "/" + "x" * 300_000}), False)
            self.assertIs(client.allowed(**ask, mfa_at=datetime.datetime(2026, 1, 1)), False)
            self.assertIs(client.allowed(**ask, timeout="soon"), False)
        self.assertEqual(len(logs.output), 7)
        self.assertNotIn(token, "\n".join(logs.output))
        self.assertTrue(client.allowed(**ask), "the client goes on")

    def test_several_are_true_only_when_all_are_allowed(self):
        _, client = self.pair()
        token = self.key(client).api_key
        read, delete = {"method": "GET"}, {"method": "DELETE"}
        both = client.authorize_many([read, read], token=token, path="/loans/7")
        mixed = client.authorize_many([read, delete], token=token, path="/loans/7")
        self.assertTrue(both)
        self.assertFalse(mixed)
        self.assertEqual([bool(decision) for decision in mixed], [True, False])
        self.assertEqual(mixed[1].reason, "role")
        self.assertFalse(mixed[1:])
        self.assertFalse(authz.Decisions([]))

    def test_permissions_list_what_roles_allow_page_by_page(self):
        _, client = self.pair()
        token = self.key(client).api_key
        listed = client.permissions(token=token, limit=1)
        self.assertEqual(listed.reason, "ok")
        self.assertEqual({item.resource for item in listed}, {"api:/loans", "api:/loans/{loan}"})
        self.assertEqual({item.when for item in listed}, {None})
        self.assertTrue(listed)
        nobody = client.permissions(principal="nobody")
        self.assertFalse(nobody)
        self.assertEqual((nobody.reason, nobody.status, nobody.data), ("unknown_principal", 401, []))

    def test_a_time_may_be_a_datetime_with_a_zone(self):
        _, client = self.pair()
        end = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
        self.assertEqual(self.key(client, expires_at=end).expires_at, int(end.timestamp()))
        with self.assertRaises(authz.AuthzError) as caught:
            client.keys.create(principal="ann", expires_at=datetime.datetime(2099, 1, 1))
        self.assertEqual(caught.exception.code, "invalid_request")


    def test_facts_are_sent_as_the_protocol_has_them(self):
        end = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
        facts = {"resource.regions": {"EU"}, "resource.tags": ("a", "b"), "context.due": end, "context.gone": None,
                 "context.took": datetime.timedelta(hours=8), "context.amount": 5, "context.urgent": False}
        sent = _wire.given(principal="ann", facts=facts, tenant=None)
        self.assertEqual(sent, {"principal": "ann", "facts": {
            "resource.regions": ["EU"], "resource.tags": ["a", "b"], "context.due": int(end.timestamp()),
            "context.gone": None, "context.took": 28800, "context.amount": 5, "context.urgent": False}})


class Managing(PythonTest):
    def test_a_key_is_made_listed_rotated_and_revoked(self):
        _, client = self.pair()
        made = self.key(client, name="Production Integration", scopes="loans:read, loans:write",
                        expires_in_days=365)
        self.assertEqual(made.scopes, ["loans:read", "loans:write"])
        self.assertEqual(made.expires_at - made.created_at, 365 * 24 * 60 * 60)
        ask = {"method": "GET", "path": "/loans"}
        self.assertTrue(client.check(token=made.api_key, **ask))
        listed = client.keys.list().data
        self.assertEqual([(key.id, key.name, key.prefix) for key in listed],
                         [(made.id, "Production Integration", made.prefix)])
        self.assertIsNotNone(listed[0].last_used_at)
        rotated = client.keys.rotate(made.id, mode="immediate")
        self.assertFalse(client.check(token=made.api_key, **ask))
        self.assertTrue(client.check(token=rotated.api_key, **ask))
        self.assertEqual(client.keys.disable(made.id).status, "inactive")
        self.assertEqual(client.keys.enable(made.id).status, "active")
        self.assertEqual(client.keys.revoke(made.id).status, "revoked")
        self.assertFalse(client.check(token=rotated.api_key, **ask))

    def test_an_update_removes_what_is_none_and_keeps_the_rest(self):
        _, client = self.pair()
        made = self.key(client, name="n", label="l")
        changed = client.keys.update(made.id, name=None)
        self.assertIsNone(changed.name)
        self.assertEqual(changed.label, "l")
        client.principals.update("ann", name="Ann")
        self.assertEqual(client.principals.update("ann", attributes={"team": "x"}).name, "Ann")
        self.assertEqual(dict(client.principals.update("ann", set_attributes={"desk": "7"},
                                                       remove_attributes="team").attributes), {"desk": "7"})
        self.assertIsNone(client.principals.update("ann", attributes=None).attributes)
        self.assertIsNone(client.principals.update("ann", name=None).name)

    def test_lists_iterate_over_all_pages(self):
        _, client = self.pair()
        ids = [f"p{number}" for number in range(5)]
        for each in ids:
            client.principals.create(each)
        self.assertEqual([found.id for found in client.principals.list(limit=2)], ids)
        self.assertEqual(len(client.principals.list(limit=1).data), 5)
        self.assertEqual([change.target for change in client.audit.list(limit=1)
                          if change.action == "principals.create"], ids)
        self.assertEqual([change.action for change in client.audit.list(kind="principal", target="p3")],
                         ["principals.create"])
        self.assertEqual(client.audit.verify(limit=1).data, [])

    def test_roles_assignments_and_the_policy_are_managed(self):
        _, client = self.pair()
        client.principals.create("bob")
        role = client.roles.create("auditor", grants="allow GET on api:/loans/**", inherits="viewer")
        self.assertEqual(role.inherits, ["viewer"])
        client.assignments.create("bob", "auditor", at="api:/loans/7")
        self.assertEqual([(each.role, each.at) for each in client.assignments.list(principal="bob")],
                         [("auditor", ["api:/loans/7"])])
        self.assertTrue(client.check(principal="bob", method="GET", path="/loans/7"))
        client.assignments.delete("bob", "auditor")
        self.assertFalse(client.check(principal="bob", method="GET", path="/loans/7"))
        for holder in "everyone", "anyone":
            made = client.assignments.create(None, "auditor", at="api:/loans/8", **{holder: True})
            self.assertEqual((made.principal, made[holder], made.role), (None, True, "auditor"))
            self.assertTrue(client.check(principal="bob", method="GET", path="/loans/8"))
            self.assertEqual(len(client.assignments.list(**{holder: True}).data), 1)
            client.assignments.delete(None, "auditor", at="api:/loans/8", **{holder: True})
        self.assertFalse(client.check(principal="bob", method="GET", path="/loans/8"))
        dry = client.roles.update("auditor", inherits=None, dry_run=True)
        self.assertEqual((dry.gains, dry.gains_total, dry.loses_total), ([], 0, len(dry.loses)))
        self.assertEqual(client.roles.get("auditor").inherits, ["viewer"])
        self.assertGreater(client.roles.create("other", inherits="viewer", dry_run=True).gains_total, 0)
        client.roles.delete("auditor")
        nodes = list(client.policy.tree(tree="api", limit=1))
        self.assertEqual((nodes[0].resource, nodes[0].actions), ("api:/", []))
        self.assertIn("api:/loans/{loan}", [node.resource for node in nodes])
        self.assertEqual(client.policy.names().scopes, ["loans:read", "loans:write"])
        self.assertTrue(client.policy.status().ok)
        self.assertEqual(client.policy.reload().diagnostics, [])

    def test_an_error_has_its_code_param_ids_and_diagnostics(self):
        daemon, client = self.pair()
        keys = [self.key(client), client.keys.create(principal="ann")]
        with self.assertRaises(authz.AuthzError) as caught:
            client.keys.create(principal="ann")
        self.assertEqual(caught.exception.code, "limit_reached")
        self.assertEqual(set(caught.exception.ids), {key.id for key in keys})
        with self.assertRaises(authz.AuthzError) as caught:
            client.keys.create(scopes=["loans:fly"])
        self.assertEqual((caught.exception.code, caught.exception.param), ("invalid_request", "scopes"))
        daemon.write("a.policy", "nonsense\n")
        with self.assertRaises(authz.AuthzError) as caught:
            client.policy.reload()
        self.assertEqual(caught.exception.code, "invalid_policy")
        self.assertEqual(caught.exception.diagnostics[0]["line"], 1)
        self.assertNotIsInstance(caught.exception, authz.Unavailable)

    def test_a_client_with_a_token_manages_by_the_token_alone(self):
        daemon, client = self.pair()
        token = self.key(client).api_key
        with self.assertRaises(authz.AuthzError) as caught:
            self.client(daemon.socket, token=token).keys.list()
        self.assertEqual(caught.exception.code, "forbidden")

    def test_no_repr_and_no_text_of_an_error_shows_a_secret(self):
        daemon, client = self.pair()
        made = self.key(client)
        secret = made.api_key
        for thing in (made, client.keys.rotate(made.id), client.call("keys.create", principal="ann"),
                      self.client(daemon.socket, token=secret), client.keys,
                      client.check(token=secret, method="GET", path="/loans")):
            for text in (repr(thing), str(thing), f"{thing}"):
                self.assertNotIn(getattr(thing, "secret", secret), text)
        with self.assertRaises(authz.AuthzError) as caught:
            client.check(token=secret + "\udcff", method="GET", path="/")
        error = caught.exception
        self.assertIsNone(error.__cause__)
        self.assertTrue(error.__suppress_context__)
        self.assertNotIn(secret, repr(error) + str(error))

    def test_a_known_field_that_is_absent_is_none_and_an_unknown_one_is_an_error(self):
        _, client = self.pair()
        made = self.key(client)
        self.assertIsNone(made.name)
        with self.assertRaises(AttributeError):
            made.nme  # pylint: disable=pointless-statement

    def test_the_readme_runs_as_written(self):
        daemon, client = self.pair()
        names = {"token": self.key(client).api_key}
        blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
        self.assertEqual(len(blocks), 4)
        os.environ["AUTHZ_SOCKET"] = str(daemon.socket)
        self.addCleanup(os.environ.pop, "AUTHZ_SOCKET")
        names["print"] = lambda *_: None
        # The README's clients have a second, which a loaded machine may exceed.
        for kind in (authz.Client, authz.AsyncClient):
            patient = functools.partialmethod(kind.__init__, timeout=PATIENCE)
            self.enterContext(mock.patch.object(kind, "__init__", patient))
        exec("\n".join(blocks) + "\nimport asyncio\nasyncio.run(ask())\n", names)  # pylint: disable=exec-used
        self.assertEqual(client.keys.get(names["key"].id).status, "revoked")
        self.assertTrue(names["decision"])
        names["client"].close()


class Connecting(PythonTest):
    def test_a_restarted_daemon_is_asked_again_without_help(self):
        daemon, client = self.pair()
        made = self.key(client)
        daemon.kill()
        daemon.start()
        self.assertTrue(client.check(token=made.api_key, method="GET", path="/loans"))
        daemon.stop()
        daemon.start()
        self.assertEqual(client.keys.disable(made.id).status, "inactive", "nothing of it was sent before")

    def test_a_stopped_daemon_allows_nothing_and_is_asked_again_when_it_goes_on(self):
        daemon, client = self.pair()
        ask = {"token": self.key(client).api_key, "method": "GET", "path": "/loans"}
        daemon.pause()
        try:
            with self.assertRaises(authz.Unavailable):
                client.check(**ask, timeout=SHORT)
            self.assertFalse(client.allowed(**ask, timeout=SHORT))
        finally:
            daemon.signal(signal.SIGCONT)
        self.assertTrue(client.check(**ask))

    def test_the_deadline_is_one_second_unless_another_is_given(self):
        self.assertEqual(authz.Client("/x")._settings.timeout, 1.0)
        self.assertEqual(authz.AsyncClient("/x")._settings.timeout, 1.0)
        for wrong in (0, -1, float("nan")):
            with self.assertRaises(ValueError):
                authz.Client("/x", timeout=wrong)

    def test_a_call_may_have_no_deadline(self):
        client = self.client(self.serve(python_client.answer_all).path)
        self.assertTrue(client.check(**QUESTION, timeout=float("inf")))
        client.close()

    def test_an_answer_after_its_deadline_answers_nothing(self):
        asked_again = threading.Event()

        def serve(connection, which):
            request = connection.read()
            if which == 0:
                self.assertIsNone(connection.read(), "the client closed the connection")
                asked_again.set()
            else:
                connection.answer(request[1], {**ALLOW, "allow": False, "status": 403, "reason": "role"})
                connection.read()

        client = self.client(self.serve(serve).path)
        with self.assertRaises(authz.Unavailable):
            client.check(**QUESTION, timeout=SHORT)
        self.assertFalse(client.check(**QUESTION))
        self.assertTrue(asked_again.wait(harness.DEADLINE))
        client.close()

    def test_ids_begin_at_random_and_none_is_used_twice(self):
        ids = {0: [], 1: []}

        def serve(connection, which):
            while len(ids[which]) < 50 and (request := connection.read()) is not None:
                ids[which].append(request[1])
                connection.answer(request[1], ALLOW)

        server = self.serve(serve)
        for which in (0, 1):
            client = self.client(server.path)
            for _ in range(50):
                client.check(**QUESTION)
            client.close()
        self.assertNotEqual(ids[0][0], ids[1][0])
        for each in ids.values():
            self.assertEqual(len(set(each)), 50)

    def test_a_request_that_yields_a_secret_is_sent_again_with_its_own_request_id(self):
        seen = []

        def serve(connection, which):
            while (request := connection.read()) is not None:
                seen.append(request[3][0])
                if which == 0:
                    return
                connection.answer(request[1], {"secret": "s", "id": "k"})

        client = self.client(self.serve(serve).path)
        self.assertEqual(client.keys.create(scopes="a").api_key, "s")
        client.keys.rotate("k")
        client.keys.renew("token")
        client.close()
        self.assertEqual(seen[0], seen[1])
        ids = [params["request_id"] for params in seen[1:]]
        self.assertEqual(len(set(ids)), 3)
        for each in ids:
            self.assertRegex(each, r"^[0-9a-f]{32}$")

    def test_each_thread_has_a_connection_that_ends_with_it(self):
        _, client = self.pair()
        token = self.key(client).api_key
        together, done, wrong = threading.Barrier(5), threading.Barrier(5), []

        def ask():
            together.wait(harness.DEADLINE)
            for path in ("/loans/1", "/loans/2"):
                if not client.check(token=token, method="GET", path=path):
                    wrong.append(path)
            together.wait(harness.DEADLINE)
            done.wait(harness.DEADLINE)

        def connections():
            return client.status().counters["connections"]

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        together.wait(harness.DEADLINE)
        together.wait(harness.DEADLINE)
        self.assertEqual(connections(), 5)
        done.wait(harness.DEADLINE)
        for thread in threads:
            thread.join(harness.DEADLINE)
        self.assertEqual(wrong, [])
        harness.wait_until(lambda: connections() == 1, what="one connection")

    def test_a_forked_child_has_a_connection_of_its_own(self):
        server = self.serve(python_client.answer_all)
        client = self.client(server.path)
        self.assertTrue(client.check(**QUESTION))
        child = os.fork()
        if child == 0:
            os._exit(0 if client.allowed(**QUESTION) and client.allowed(**QUESTION) else 1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertTrue(client.check(**QUESTION))
        client.close()
        self.assertEqual(server.accepted, 2)

    def test_a_call_that_a_signal_ends_leaves_no_answer_for_the_next(self):
        class Ended(Exception):
            pass

        def end(*_):
            raise Ended

        def serve(connection, which):
            request = connection.read()
            if which == 0:
                os.kill(os.getpid(), signal.SIGUSR1)
                self.assertIsNone(connection.read())
            else:
                connection.answer(request[1], ALLOW)
                connection.read()

        before = signal.signal(signal.SIGUSR1, end)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        client = self.client(self.serve(serve).path)
        with self.assertRaises(Ended):
            client.check(**QUESTION)
        self.assertTrue(client.check(**QUESTION))
        client.close()

    def test_a_handler_that_asks_while_its_thread_waits_has_its_own_answer(self):
        asked, inner = threading.Event(), []

        def serve(connection, which):
            while (request := connection.read()) is not None:
                if which == 0:
                    os.kill(os.getpid(), signal.SIGUSR1)
                    self.assertTrue(asked.wait(harness.DEADLINE))
                connection.answer(request[1], {**ALLOW, "principal": request[3][0]["principal"]})
                asked.set()

        client = self.client(self.serve(serve).path)
        before = signal.signal(
            signal.SIGUSR1, lambda *_: inner.append(client.check(**{**QUESTION, "principal": "in"})))
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        self.assertEqual(client.check(**QUESTION).principal, "ann")
        self.assertEqual([decision.principal for decision in inner], ["in"])
        client.close()

    def test_a_closed_client_allows_nothing(self):
        _, client = self.pair()
        token = self.key(client).api_key
        client.close()
        with self.assertRaises(authz.Unavailable):
            client.check(token=token, method="GET", path="/loans")

    def test_bytes_after_an_answer_end_the_connection(self):
        def serve(connection, _):
            request = connection.read()
            connection.socket.sendall(b"".join(
                python_client.msgpack.packb([1, number, None, ALLOW]) for number in (request[1], 7)))
            connection.read()

        client = self.client(self.serve(serve).path)
        with self.assertRaises(authz.Unavailable):
            client.check(**QUESTION)
        client.close()

    def test_an_answer_that_is_read_in_one_step_says_what_each_of_its_fields_says(self):
        usual = {**ALLOW, "principal": "ann", "key": "k", "tenant": "", "environment": "test", "renew": False}
        answers = [usual, {**usual, "renew_by": 1_900_000_000}, {**usual, "status": 403, "allow": False},
                   {**usual, "quota": {"limit": 9, "remaining": 8, "reset": 7}}, {**usual, "later": [1]}]
        number, request = 0x12345678, msgpack.packb([0, 0x12345678, "authorize", [QUESTION]])
        self.assertTrue(_wire.quick_decision(msgpack.packb([1, number, None, usual]), request))
        for answer in answers:
            whole = msgpack.packb([1, number, None, answer])
            for at, byte in itertools.product(range(len(whole)), range(256)):
                changed = whole[:at] + bytes([byte]) + whole[at + 1:]
                quick = _wire.quick_decision(changed, request)
                if quick is not None:
                    self.assertEqual(quick, self.thorough(changed, number), changed)
            for twice in ("allow", "status", "reason"):
                doubled = whole[:8] + bytes([whole[8] + 1]) + msgpack.packb(twice) + msgpack.packb(answer[twice])
                self.assertIsNone(_wire.quick_decision(doubled + whole[9:], request))

    @staticmethod
    def thorough(data, number):
        """The same answer read field by field; None when it is not one."""
        decoder = _wire.Decoder()
        try:
            decoder.feed(data)
            answer = decoder.next()
            if answer is None or answer[0] != number or decoder.rest > 0:
                return None
            return _wire.read_decision(_wire.result_of(answer))
        except authz.Error:
            return None

    def test_an_error_that_is_not_known_counts_as_internal(self):
        def serve(connection, _):
            while (request := connection.read()) is not None:
                connection.answer(request[1], error={"code": "lunar", "message": "m"})

        client = self.client(self.serve(serve).path)
        with self.assertRaises(authz.AuthzError) as caught:
            client.check(**QUESTION)
        self.assertEqual(caught.exception.code, "internal")
        client.close()
