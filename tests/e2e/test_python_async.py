#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Python client for asyncio, against the real daemon and against servers that misbehave."""

import asyncio
import inspect
import os
import signal
import tempfile
import threading
import unittest
from pathlib import Path

import harness
import python_client
from python_client import ALLOW, PATIENCE, POLICY, QUESTION, SHORT, authz


class AsyncTest(python_client.Serving, unittest.IsolatedAsyncioTestCase):
    def daemon(self):
        """A daemon with ann, who is a viewer, and her key's secret."""
        daemon = harness.Daemon({"a.policy": POLICY})
        self.addCleanup(daemon.finish)
        with authz.Client(daemon.socket, timeout=PATIENCE) as client:
            client.principals.create("ann")
            client.assignments.create("ann", "viewer")
            return daemon, client.keys.create(principal="ann").api_key

    def client(self, path, **options):
        client = authz.AsyncClient(path, **{"timeout": PATIENCE, **options})
        self.addAsyncCleanup(client.aclose)
        return client


class Deciding(AsyncTest):
    async def test_it_allows_denies_and_is_false_on_errors(self):
        daemon, token = self.daemon()
        client = self.client(daemon.socket)
        self.assertTrue(await client.check(token=token, method="GET", path="/loans/7"))
        self.assertFalse(await client.check(token=token, method="DELETE", path="/loans/7"))
        self.assertIs(await client.allowed(token=token, method="GET", path="/loans/7"), True)
        self.assertIs(await client.can("read", "api:/loans/7", token=token), True)
        self.assertIs(await client.can("delete", "api:/loans/7", token=token), False)
        nowhere = self.client(daemon.folder / "nowhere")
        with self.assertLogs("authz", "WARNING") as logs:
            self.assertIs(await nowhere.allowed(token=token, method="GET", path="/loans/7"), False)
            self.assertIs(await client.allowed(token=token + "\udcff", method="GET", path="/"), False)
            self.assertIs(await client.allowed(token=token, methud="GET", path="/"), False)
        self.assertNotIn(token, "\n".join(logs.output))
        both = await client.authorize_many([{"path": "/loans"}, {"path": "/no"}], token=token, method="GET")
        self.assertEqual([bool(each) for each in both], [True, False])
        self.assertFalse(both)

    async def test_what_was_not_awaited_is_not_true(self):
        client = self.client("/x")
        for call in (client.check, client.allowed):
            with self.assertRaises(TypeError):
                bool(call(**QUESTION))
        with self.assertRaises(TypeError):
            bool(client.can("read", "api:/", principal="ann"))
        for listing in (client.keys.list(), client.permissions(principal="ann")):
            with self.assertRaises(TypeError):
                bool(listing)

    async def test_pending_calls_are_gathered_bounded_and_made_tasks(self):
        daemon, token = self.daemon()
        client = self.client(daemon.socket)
        ask = {"token": token, "method": "GET", "path": "/loans"}
        self.assertTrue(all(await asyncio.gather(client.check(**ask), client.check(**ask))))
        self.assertTrue(await asyncio.wait_for(client.check(**ask), PATIENCE))
        self.assertTrue(await asyncio.create_task(client.check(**ask)))

    async def test_lists_iterate_over_all_pages_and_are_awaited_whole(self):
        daemon, token = self.daemon()
        client = self.client(daemon.socket)
        for number in range(5):
            await client.principals.create(f"p{number}")
        wanted = ["ann"] + [f"p{number}" for number in range(5)]
        self.assertEqual([found.id async for found in client.principals.list(limit=2)], wanted)
        self.assertEqual([found.id for found in (await client.principals.list(limit=2)).data], wanted)
        listed = await client.permissions(token=token, limit=1)
        self.assertEqual(listed.reason, "ok")
        self.assertEqual(len(listed.data), 2)

    async def test_a_key_is_made_rotated_and_revoked(self):
        daemon, _ = self.daemon()
        client = self.client(daemon.socket)
        made = await client.keys.create(name="web", principal="ann", expires_in_days=1)
        self.assertNotIn(made.api_key, repr(made))
        ask = {"method": "GET", "path": "/loans"}
        rotated = await client.keys.rotate(made.id, mode="immediate")
        self.assertFalse(await client.check(token=made.api_key, **ask))
        self.assertTrue(await client.check(token=rotated.api_key, **ask))
        self.assertIsNone((await client.keys.update(made.id, name=None)).name)
        await client.keys.revoke(made.id)
        self.assertFalse(await client.check(token=rotated.api_key, **ask))

    def test_both_clients_have_the_same_methods_with_the_same_parameters(self):
        def methods(thing):
            return {name: list(inspect.signature(each).parameters.values())
                    for name, each in inspect.getmembers(thing, callable) if not name.startswith("_")}

        def shape(thing):
            return {name: [(each.name, each.kind, each.default) for each in parameters]
                    for name, parameters in methods(thing).items()}

        one, other = authz.Client("/x"), authz.AsyncClient("/x")
        spaces = ["keys", "principals", "roles", "assignments", "tenants", "audit", "policy"]
        for name in spaces:
            self.assertEqual(shape(getattr(one, name)), shape(getattr(other, name)), name)
        mine, theirs = shape(one), shape(other)
        self.assertEqual(mine.pop("close"), theirs.pop("aclose"))
        self.assertEqual(mine, theirs)


class Connecting(AsyncTest):
    async def test_all_requests_share_one_connection_and_answers_come_in_any_order(self):
        count = 50

        def serve(connection, _):
            requests = [connection.read() for _ in range(count)]
            for request in reversed(requests):
                connection.answer(request[1], {**ALLOW, "principal": request[3][0]["principal"]})
            self.assertEqual(len({request[1] for request in requests}), count)
            connection.read()

        server = self.serve(serve)
        client = self.client(server.path)
        names = [f"p{number}" for number in range(count)]
        decisions = await asyncio.gather(*(client.check(**{**QUESTION, "principal": name})
                                           for name in names))
        self.assertEqual([decision.principal for decision in decisions], names)
        self.assertEqual(server.accepted, 1)
        await client.aclose()

    async def test_more_requests_than_a_connection_takes_are_all_answered(self):
        daemon, token = self.daemon()
        client = self.client(daemon.socket)
        decisions = await asyncio.gather(*(client.check(token=token, method="GET", path="/loans")
                                           for _ in range(1500)))
        self.assertTrue(all(decisions))

    async def test_at_most_1024_requests_are_outstanding_and_the_others_wait(self):
        counted = threading.Event()

        def serve(connection, _):
            self.assertTrue(counted.wait(harness.DEADLINE))
            python_client.answer_all(connection)

        client = self.client(self.serve(serve).path)
        tasks = [asyncio.create_task(client.check(**QUESTION)) for _ in range(1100)]
        while not client._of_loop() or client._of_loop()[False].connection is None:
            await asyncio.sleep(0)
        connection = client._of_loop()[False].connection
        for _ in range(len(tasks)):
            await asyncio.sleep(0)
        self.assertEqual(len(connection.waiting), 1024)
        counted.set()
        self.assertTrue(all(await asyncio.gather(*tasks)))
        await client.aclose()

    async def test_a_restarted_daemon_is_asked_again_without_help(self):
        daemon, token = self.daemon()
        client = self.client(daemon.socket)
        key = (await client.keys.list()).data[0].id
        daemon.kill()
        daemon.start()
        self.assertTrue(await client.check(token=token, method="GET", path="/loans"))
        daemon.stop()
        daemon.start()
        self.assertEqual((await client.keys.disable(key)).status, "inactive", "nothing of it was sent before")

    async def test_a_stopped_daemon_allows_nothing_and_is_asked_again_when_it_goes_on(self):
        daemon, token = self.daemon()
        client = self.client(daemon.socket)
        ask = {"token": token, "method": "GET", "path": "/loans"}
        self.assertTrue(await client.check(**ask))
        daemon.pause()
        try:
            with self.assertRaises(authz.Unavailable):
                await client.check(**ask, timeout=SHORT)
            self.assertFalse(await client.allowed(**ask, timeout=SHORT))
        finally:
            daemon.signal(signal.SIGCONT)
        self.assertTrue(await client.check(**ask))

    async def test_a_late_answer_ends_the_connection_and_answers_nothing(self):
        late = threading.Event()

        def serve(connection, which):
            if which > 0:
                python_client.answer_all(connection)
                return
            first = connection.read()
            # Otherwise the question's time was over before it was sent.
            if first[2] == "authorize":
                self.assertTrue(late.wait(harness.DEADLINE))
                connection.answer(first[1], ALLOW)
                while (request := connection.read()) is not None:
                    connection.answer(request[1], {})

        server = self.serve(serve)
        client = self.client(server.path)
        question = asyncio.create_task(client.check(**QUESTION, timeout=SHORT))
        change = asyncio.create_task(client.call("keys.revoke", id="k"))
        with self.assertRaises(authz.Unavailable):
            await question
        late.set()
        with self.assertRaises(authz.Unavailable):
            await change
        self.assertTrue(await client.check(**QUESTION))
        self.assertEqual(server.accepted, 2)
        await client.aclose()

    async def test_the_answer_of_a_cancelled_call_is_for_nobody(self):
        arrived, cancelled = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def serve(connection, _):
            first = connection.read()
            loop.call_soon_threadsafe(arrived.set)
            self.assertTrue(cancelled.wait(harness.DEADLINE))
            second = connection.read()
            connection.answer(first[1], ALLOW)
            connection.answer(second[1], {**ALLOW, "allow": False, "status": 403, "reason": "role"})
            connection.read()

        server = self.serve(serve)
        client = self.client(server.path)
        task = asyncio.create_task(client.check(**QUESTION))
        await arrived.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        cancelled.set()
        self.assertFalse(await client.check(**QUESTION))
        self.assertEqual(server.accepted, 1)
        await client.aclose()

    async def test_when_the_connection_breaks_questions_are_asked_again_and_changes_are_not(self):
        def serve(connection, which):
            if which == 0:
                connection.read()
                connection.read()
            else:
                python_client.answer_all(connection)

        server = self.serve(serve)
        client = self.client(server.path)
        question, change = await asyncio.gather(
            client.check(**QUESTION), client.call("keys.revoke", id="k"), return_exceptions=True)
        self.assertTrue(question)
        self.assertIsInstance(change, authz.Unavailable)
        self.assertEqual(server.accepted, 2)
        await client.aclose()

    async def test_a_key_is_made_with_one_request_id_however_often_it_is_sent(self):
        seen = []

        def serve(connection, which):
            request = connection.read()
            seen.append(request[3][0]["request_id"])
            if which > 0:
                connection.answer(request[1], {"id": "k", "secret": "s"})
                connection.read()

        client = self.client(self.serve(serve).path)
        self.assertEqual((await client.keys.create(scopes="a")).api_key, "s")
        self.assertEqual(len(seen), 2)
        self.assertEqual(seen[0], seen[1])
        await client.aclose()


class Loops(unittest.TestCase):
    def test_each_event_loop_and_each_forked_child_has_its_own_connection(self):
        with tempfile.TemporaryDirectory(prefix="authz-") as folder:
            server = python_client.Server(Path(folder) / "s", python_client.answer_all)
            client = authz.AsyncClient(server.path, timeout=PATIENCE)

            async def ask():
                return await client.allowed(**QUESTION)

            async def last():
                answered = await ask()
                await client.aclose()
                return answered

            loop = asyncio.new_event_loop()
            self.assertTrue(loop.run_until_complete(ask()))
            self.assertTrue(loop.run_until_complete(ask()))
            for make in (asyncio.new_event_loop, lambda: loop):
                child = os.fork()
                if child == 0:
                    os._exit(0 if make().run_until_complete(ask()) else 1)
                self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            self.assertTrue(loop.run_until_complete(last()))
            loop.close()
            self.assertEqual(server.accepted, 3)
            again = authz.AsyncClient(server.path, timeout=PATIENCE)

            async def once():
                async with again:
                    return await again.allowed(**QUESTION)

            self.assertTrue(asyncio.run(once()))
            server.finish()
