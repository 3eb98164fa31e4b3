# SPDX-License-Identifier: Apache-2.0
"""The Python clients and a store that several hosts share, against a daemon of a script."""

import asyncio
import sys
import unittest

import harness
from scripted import Refusal, Scripted

sys.path.insert(0, str(harness.ROOT / "client" / "python"))

import authz  # noqa: E402  pylint: disable=wrong-import-position
import authz.web  # noqa: E402  pylint: disable=wrong-import-position

PLACE = "4711-9f86d081884c7d65"
KEY = {"id": "13kT9aQ2mZx7", "status": "revoked", "as_of": PLACE}
ALLOW = {"allow": True, "status": 200, "reason": "ok", "revision": "r"}
STALE = {"allow": False, "status": 503, "reason": "stale", "revision": "r"}
ASK = {"principal": "ann", "method": "GET", "path": "/loans"}


class Sync(unittest.TestCase):
    def client(self, **answers):
        self.served = Scripted({name.replace("_", ".", 1): answer for name, answer in answers.items()})
        self.addCleanup(self.served.finish)
        client = self.make(str(self.served.socket), timeout=harness.DEADLINE)
        self.addCleanup(self.end, client)
        return client

    make, end = authz.Client, staticmethod(lambda client: client.close())

    @staticmethod
    def run_(result):
        return result

    def params(self, method):
        return [params for asked, params in self.served.asked if asked == method]

    def test_a_change_says_its_place_and_a_client_as_of_it_sends_it(self):
        client = self.client(keys_revoke=KEY, authorize=ALLOW, keys_list={"items": []})
        place = self.run_(client.keys.revoke(KEY["id"])).as_of
        self.assertEqual(place, PLACE)
        later = client.as_of(place)
        self.assertTrue(self.run_(later.check(**ASK)))
        self.run_(later.keys.list())
        self.assertTrue(self.run_(client.check(as_of=PLACE, **ASK)))
        self.run_(client.check(**ASK))
        self.assertEqual([params.get("as_of") for params in self.params("authorize")], [PLACE, PLACE, None])
        self.assertEqual(self.params("keys.list"), [{"as_of": PLACE}])
        self.assertEqual(self.params("keys.revoke"), [{"id": KEY["id"]}])

    def test_everywhere_is_sent_and_what_some_hosts_lack_is_an_error_with_the_result(self):
        answer = {**KEY, "everywhere": True}
        client = self.client(keys_revoke=lambda _: answer, keys_create=lambda _: {**answer, "secret": "s"},
                             roles_update={"name": "x", "everywhere": True})
        self.assertTrue(self.run_(client.keys.revoke(KEY["id"], everywhere=True)).everywhere)
        self.run_(client.roles.update("x", description=None, everywhere=True))
        self.assertEqual(self.params("roles.update"), [{"name": "x", "description": None, "everywhere": True}])
        answer.update(everywhere=False, lacking=["b"])
        with self.assertRaises(authz.NotEverywhere) as caught:
            self.run_(client.keys.create(scopes="loans:read", everywhere=True))
        self.assertEqual((caught.exception.lacking, caught.exception.result.api_key), (["b"], "s"))
        self.assertNotIn("'s'", str(caught.exception) + repr(caught.exception))
        self.assertTrue(self.params("keys.create")[0]["everywhere"])

    def test_local_marks_a_key_of_this_host(self):
        client = self.client(keys_disable={"id": KEY["id"], "local": True})
        self.run_(client.keys.disable(KEY["id"], local=True))
        self.assertEqual(self.params("keys.disable"), [{"id": KEY["id"], "local": True}])

    def test_stale_and_the_databases_absence_are_errors_of_their_own(self):
        client = self.client(permissions=Refusal("stale"), authorize=STALE,
                             keys_revoke=Refusal("unavailable", "away", may_stand=True))
        with self.assertRaises(authz.Stale):
            self.run_(client.permissions(principal="ann"))
        with self.assertRaises(authz.StoreUnavailable) as caught:
            self.run_(client.keys.revoke(KEY["id"]))
        self.assertTrue(caught.exception.may_stand)
        decision = self.run_(client.check(**ASK))
        self.assertEqual((bool(decision), decision.status, decision.reason), (False, 503, "stale"))
        self.assertFalse(self.run_(client.allowed(**ASK)))


class Async(Sync):
    make = authz.AsyncClient

    def setUp(self):
        self.loop = asyncio.new_event_loop()
        self.addCleanup(self.loop.close)

    def end(self, client):  # pylint: disable=method-hidden
        self.loop.run_until_complete(client.aclose())

    def run_(self, result):  # pylint: disable=arguments-differ
        async def awaited():
            return await result
        return self.loop.run_until_complete(awaited())


class Web(unittest.TestCase):
    def test_a_stale_denial_is_answered_503_with_retry_after(self):
        served = Scripted({"authorize": STALE})
        self.addCleanup(served.finish)
        app = authz.web.WSGIMiddleware(lambda *_: self.fail("it passed"), authz.Client(str(served.socket)))
        answered = []
        app({"REQUEST_METHOD": "GET", "REQUEST_URI": "/loans"},
            lambda status, headers: answered.append((status, dict(headers))))
        (status, headers), = answered
        self.assertTrue(status.startswith("503 "), status)
        self.assertEqual(headers["Retry-After"], "1")


if __name__ == "__main__":
    unittest.main()
