# SPDX-License-Identifier: Apache-2.0
"""Module quota: exact over all workers, kept over reloads, not used by refused requests."""

import os
import threading
import time
import unittest

import harness

POLICY = """\
environment live prefix a_live_
tree api { /a { GET, POST }, /b { GET } }
role r { allow GET on api:/a, api:/b }
principal p { role r }
principal q { role r }
stack web {
    authenticate sufficient key
    authenticate required principal
    account required quota name=api limit=LIMIT period=PERIOD per=key
    authorize required role
    authorize required scope
}
stack two {
    authenticate required principal
    account required quota name=each limit=3 period=1h per=principal
    account requisite quota name=all limit=4 period=2h per=tenant
    authorize required role
}
stack far {
    authenticate required principal
    account required quota name=far limit=2 period=1h per=ip
    authorize required role
}
"""


def policy(limit=100, period="1h"):
    return {"a.policy": POLICY.replace("LIMIT", str(limit)).replace("PERIOD", period)}


class Quota(harness.DaemonTest):
    def key(self, d):
        made = d.call("keys.create", roles=["r"])
        return made["id"], made["secret"]

    def ask(self, d, **more):
        more = {"method": "GET", "path": "/a", "service": "web", **more}
        return d.call("authorize", **more)

    def pound(self, d, token, total=1000, connections=8):
        """This many calls at once; returns how many were allowed, and every answer."""
        answers = [[] for _ in range(connections)]

        def run(i):
            with harness.Client(d.socket) as client:
                answers[i] = client.call_many(
                    [("authorize", {"token": token, "method": "GET", "path": "/a",
                                    "service": "web"})] * (total // connections), window=32)
        threads = [threading.Thread(target=run, args=(i,)) for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        every = [answer for part in answers for answer in part]
        return sum(answer["allow"] for answer in every), every

    def test_a_hundred_of_a_thousand_parallel_calls_pass_whatever_happens_meanwhile(self):
        d = self.daemon(policy(), "--workers", "4")
        key, token = self.key(d)
        stop = threading.Event()

        def disturb():
            n = 0
            while not stop.is_set():
                n += 1
                d.write("b.policy", f"# {n}\nrole extra{n} {{ allow GET on api:/b }}\n")
                d.call("policy.reload")
        other = threading.Thread(target=disturb)
        other.start()
        try:
            allowed, every = self.pound(d, token)
        finally:
            stop.set()
            other.join()
        self.assertEqual((len(every), allowed), (1000, 100))
        left = sorted(a["quota"]["remaining"] for a in every if a["allow"])
        self.assertEqual(left, list(range(100)), "each answer has another number")
        for answer in every:
            if not answer["allow"]:
                self.assertEqual((answer["status"], answer["reason"]), (429, "quota"))
                self.assertEqual((answer["quota"]["limit"], answer["quota"]["remaining"]), (100, 0))
            self.assertTrue(3500 < answer["quota"]["reset"] <= 3600, answer["quota"])
        # a new secret is the same key, a reload the same quota, another key another one
        made = d.call("keys.rotate", id=key)
        self.assertEqual(self.ask(d, token=made["secret"])["reason"], "quota")
        self.assertEqual(self.ask(d, token=token)["reason"], "quota")
        d.write("a.policy", policy(limit=101)["a.policy"])
        d.call("policy.reload")
        self.assertEqual(self.ask(d, token=token)["quota"]["remaining"], 0)
        self.assertEqual(self.ask(d, token=token)["reason"], "quota")
        _, another = self.key(d)
        self.assertEqual(self.ask(d, token=another)["quota"]["remaining"], 100)
        counters = d.call("status")["quotas"]
        self.assertEqual(counters, {"counters": 2, "uncounted": 0})
        self.assertIn("2 counters in use", d.tool("status").stdout)

    def test_refused_requests_are_not_counted(self):
        d = self.daemon(policy(limit=2))
        _, token = self.key(d)
        for more in ({"method": "POST"}, {"path": "/none"}, {"path": "//"}, {"tenant": "acme"}):
            answer = self.ask(d, token=token, **more)
            self.assertFalse(answer["allow"])
            self.assertNotIn("quota", answer)
        self.assertEqual(self.ask(d, token=token)["quota"], {"limit": 2, "remaining": 1,
                                                             "reset": 3600})
        # nor does authorize_many with an invalid entry
        client = d.client()
        many = [{"path": "/a"}, {"path": "/b"}, {"path": "/a", "acton": "x"}]
        self.assert_error("invalid_request", client.call, "authorize_many", service="web",
                          token=token, method="GET", requests=many)
        answers = client.call("authorize_many", service="web", token=token, method="GET",
                              requests=many[:2] * 2)["results"]
        self.assertEqual([a["allow"] for a in answers], [True, False, False, False])

    def test_all_charges_are_taken_or_none(self):
        d = self.daemon(policy())
        ask = lambda who: self.ask(d, service="two", principal=who)
        self.assertEqual([ask("p")["quota"]["remaining"] for _ in range(3)], [2, 1, 0])
        refused = ask("p")
        self.assertEqual((refused["reason"], refused["quota"]["limit"]), ("quota", 3))
        # the fourth allowed request is q's first; p's refused one was not counted
        self.assertEqual(ask("q")["quota"]["remaining"], 0)
        refused = ask("q")
        self.assertEqual((refused["reason"], refused["quota"]["limit"]), ("quota", 4))

    def test_each_address_has_its_own_and_an_unknown_one_has_none(self):
        d = self.daemon(policy())
        ask = lambda **more: self.ask(d, service="far", principal="p", **more)
        self.assertEqual((ask()["status"], ask()["reason"]), (429, "quota"))
        self.assertNotIn("quota", ask())
        self.assertEqual([ask(ip="10.0.0.1")["allow"] for _ in range(3)], [True, True, False])
        self.assertEqual([ask(ip="::ffff:10.0.0.1")["allow"]], [False])
        self.assertTrue(ask(ip="2001:db8::1")["allow"])
        self.assertEqual(self.ask(d, principal="p")["reason"], "quota")

    def test_a_window_ends(self):
        d = self.daemon(policy(limit=1, period="1s"))
        _, token = self.key(d)
        begin = time.monotonic()
        self.assertTrue(self.ask(d, token=token)["allow"])
        harness.wait_until(lambda: self.ask(d, token=token)["allow"], what="a new window")
        self.assertGreater(time.monotonic() - begin, 0.99)

    def test_the_tool_shows_it(self):
        d = self.daemon(policy(limit=1))
        _, token = self.key(d)
        env = {"AUTHZ_TOKEN": token}
        self.assertEqual(d.tool("check", "--service", "web", "GET", "/a", env=env).returncode, 0)
        done = d.tool("check", "--service", "web", "GET", "/a", env=env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("429", done.stdout)
        self.assertIn("quota", done.stdout)


if __name__ == "__main__":
    unittest.main()
