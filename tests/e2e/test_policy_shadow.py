# SPDX-License-Identifier: Apache-2.0
"""authzcheck policy shadow: a candidate policy beside the one that a daemon runs. What it says would be decided
is compared with what a daemon decides that runs the candidate."""

import json
import os
import re
import signal
import subprocess
import unittest

import harness
import people

RUNNING = """\
environment live prefix ak_live_
environment sandbox prefix ak_test_
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE, /notes { GET, POST } } }
    /audit { GET }
}
scope reading { allow GET on api:/loans/** }
role viewer { allow GET on api:/** }
role clerk inherits viewer { allow POST on api:/loans }
role old { allow GET on api:/audit }
principal cron { role viewer }
stack web {
    authenticate sufficient key
    authenticate required principal
    account required network allow=192.0.2.0/24
    authorize required role
}
"""
CANDIDATE = """\
environment live prefix ak_live_
tree api {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE, /notes { GET, POST } } }
    /audit { GET }
}
scope reading { allow GET on api:/loans }
role viewer {
    allow GET on api:/**
    deny GET on api:/audit
}
role clerk inherits viewer { allow POST on api:/loans/** }
principal cron { role clerk }
principal batch { role viewer }
stack web {
    authenticate sufficient key
    authenticate required principal
    account required network allow=198.51.100.0/24
    authorize required role
}
"""
QUESTIONS = [
    {"method": method, "path": path}
    for method in ("GET", "POST", "DELETE")
    for path in ("/loans", "/loans/7", "/loans/7/notes", "/loans/8/notes", "/audit", "/nowhere")
]


class Shadow(people.PeopleTest):
    policy = RUNNING

    def setUp(self):
        super().setUp()
        self.c.call("tenants.create", id="acme")
        for name, inherits, grants in (("teller", ["viewer"], ["allow all on api:/loans/{loan}/notes"]),
                                       ("quiet", [], ["allow GET on api:/audit"])):
            self.c.call("roles.create", name=name, inherits=inherits, grants=grants)
        for tenant, principal, roles in (
            ("default", "alice", [("viewer", ["api:/loans/7"])]),
            ("default", "bob", [("teller", None), ("quiet", ["api:/audit"])]),
            ("default", "dave", [("old", None)]),
            ("acme", "alice", [("clerk", None)]),
        ):
            self.c.call("principals.create", id=principal, tenant=tenant)
            for role, at in roles:
                self.c.call("assignments.create", principal=principal, role=role, tenant=tenant,
                            **({"at": at} if at else {}))
        self.folder = self.d.folder / "next"
        self.folder.mkdir()
        (self.folder / "a.policy").write_text(CANDIDATE, encoding="utf-8")
        self.secrets = [self.key(**fields)[1] for fields in (
            {"principal": "bob"}, {"principal": "bob", "scopes": ["reading"]}, {"roles": ["clerk", "old"]},
            {"scopes": ["reading"], "networks": ["192.0.2.0/24"]}, {"principal": "cron", "at": ["api:/loans/7"]},
            {"principal": "alice", "tenant": "acme"})]

    def subjects(self):
        """(parameters, may it be judged?)"""
        yield from (({"principal": name}, True) for name in (
            "alice", "bob", "dave", "cron", "batch", "nobody"))
        yield {"principal": "alice", "tenant": "acme"}, True
        yield {"principal": "bob", "environment": "sandbox"}, True
        yield from (({"token": secret}, True) for secret in self.secrets)
        yield {"token": self.secrets[3], "ip": "192.0.2.7"}, True
        yield {"token": "ak_live_nonsense"}, True
        yield {}, True
        yield {"principal": "cron", "service": "web", "ip": "192.0.2.1"}, True
        yield {"principal": "cron", "service": "web", "ip": "198.51.100.1"}, True
        yield {"token": self.secrets[5], "tenant": "acme"}, True

    def ask_all(self):
        """[(reason of the daemon, parameters)] of every subject and every question."""
        asked = [({**subject, **question}) for subject, _ in self.subjects() for question in QUESTIONS]
        return [(answer["reason"], params) for params, answer in zip(
            asked, self.c.call_many([("authorize", params) for params in asked]))]

    def watching(self, *options):
        """Starts it; returns when it watches."""
        process = subprocess.Popen(
            [harness.AUTHZCHECK, "--socket", str(self.d.socket), *harness.PATIENT, "policy", "shadow",
             *map(str, options), str(self.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=harness.environment(self.d.folder), preexec_fn=harness.die_with_parent)
        self.addCleanup(self.end, process)
        said = []
        while "watching" not in "".join(said[-1:]):
            said.append(process.stderr.readline())
            self.assertTrue(said[-1], "".join(said))
        process.warned = "".join(said)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, process, status=None, number=None):
        if number is not None:
            process.send_signal(number)
        out, err = process.communicate(timeout=harness.DEADLINE)
        if status is not None:
            self.assertEqual(process.returncode, status, out + err)
        return out

    def test_what_all_hold_is_judged_too(self):
        for holder, role, at in (("everyone", "clerk", "api:/loans"), ("everyone", "teller", "api:/loans/8"),
                                 ("anyone", "viewer", "api:/loans/7")):
            self.c.call("assignments.create", **{holder: True}, role=role, at=[at])
        self.test_what_it_says_is_what_a_daemon_decides_that_runs_the_candidate()

    def test_what_it_says_is_what_a_daemon_decides_that_runs_the_candidate(self):
        process = self.watching("--json", "--running", self.d.policy, "--count",
                                len(QUESTIONS) * sum(1 for _ in self.subjects()))
        before = self.ask_all()
        found = json.loads(self.finish(process, 1))
        self.d.write("a.policy", CANDIDATE)
        self.assertEqual(self.d.tool("reload").returncode, 0)
        after = self.ask_all()
        allowed = [(b[0] == "ok", a[0] == "ok") for b, a in zip(before, after)]
        expected = {
            "seen": len(before), "dropped": 0, "gaps": 0,
            "lost": allowed.count((True, False)), "gained": allowed.count((False, True)),
            "reason": sum(1 for b, a in zip(before, after) if a[0] != b[0] and "ok" not in (a[0], b[0])),
            "same": sum(1 for b, a in zip(before, after) if a[0] == b[0]), "not_judged": 0,
            "judged": len(before)}
        self.assertEqual({name: found[name] for name in expected}, expected, found["not_judged_because"])
        self.assertGreater(min(expected["lost"], expected["gained"], expected["reason"]), 0)
        # By statement, by key and by principal it is the same number.
        divergent = expected["lost"] + expected["gained"] + expected["reason"]
        self.assertEqual(sum(rule["count"] for rule in found["rules"]), divergent)
        self.assertEqual(sum(one["count"] for one in found["keys"]),
                         sum(1 for b, a in zip(before, after) if a[0] != b[0] and "token" in a[1]))
        lost = {(one["running"]["position"].rpartition("/")[2], one["candidate"]["position"].rpartition("/")[2])
                for one in found["rules"] if one["change"] == "lost" and "position" in one["candidate"]
                and "position" in one["running"]}
        self.assertIn(("a.policy:8", "a.policy:9"), lost)
        self.assertIn("cron", [one["principal"] for one in found["principals"]])
        self.assertIn({"allow": True, "reason": "ok", "rule": "role teller of the store"},
                      [one["running"] for one in found["rules"]])
        text = json.dumps(found)
        for secret in self.secrets:
            self.assertNotIn(secret, text)

    def test_for_people_there_is_a_table_and_ctrl_c_ends_it(self):
        process = self.watching("--running", self.d.policy)
        self.c.call("authorize", principal="dave", method="GET", path="/audit")
        self.c.call("authorize", principal="cron", method="GET", path="/loans")
        out = self.finish(process, 1, signal.SIGINT)
        self.assertIn("2 decisions in ", out)
        self.assertRegex(out, r"\n +1  the same\n +1  allow -> deny\n +0  deny -> allow\n")
        self.assertRegex(out, r"\n1 +allow -> deny +ok \S*/policy/a.policy:10 +role +GET /audit by dave\n")
        self.assertRegex(out, r"\ndave +default +1 ")

    def test_nothing_differs_and_a_time_ends_it(self):
        (self.folder / "a.policy").write_text(RUNNING, encoding="utf-8")
        process = self.watching("--running", self.d.policy, "--for", "1s")
        asked = 0
        while process.poll() is None:
            self.c.call("authorize", principal="cron", method="GET", path="/loans")
            asked += 1
        same = int(re.search(r"(\d+)  the same", self.finish(process, 0))[1])
        self.assertTrue(0 < same <= asked, (same, asked))

    def test_without_the_running_policy_it_says_what_it_cannot_judge(self):
        process = self.watching("--json", "--count", 3)
        self.assertIn("is not known here", process.warned)
        for principal in ("bob", "dave", "cron"):
            self.c.call("authorize", principal=principal, method="GET", path="/audit")
        found = json.loads(self.finish(process, 1))
        self.assertEqual((found["not_judged_because"], found["lost"]), ({"stored_role": 1}, 2))
        self.assertNotIn("position", found["rules"][0]["running"])

    def test_the_running_policy_is_found_in_git(self):
        top = self.d.folder / "repository"
        (top / "policy").mkdir(parents=True)
        (top / "policy" / "a.policy").write_text(RUNNING, encoding="utf-8")
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
            subprocess.run(["git", "-C", str(top), *words], check=True, env=harness.environment(self.d.folder))
        self.folder = top / "policy"
        (self.folder / "a.policy").write_text(CANDIDATE, encoding="utf-8")
        process = self.watching("--json", "--count", 1)
        self.c.call("authorize", principal="bob", method="GET", path="/audit")
        found = json.loads(self.finish(process, 1))
        self.assertEqual(found["running"]["name"], "HEAD:policy")
        self.assertEqual(found["rules"][0]["candidate"]["reason"], "denied")

    def test_roles_that_change_meanwhile_are_read_again(self):
        process = self.watching("--json", "--count", 3, "--running", self.d.policy)
        ask = {"principal": "bob", "method": "POST", "path": "/loans/7/notes"}
        self.assertTrue(self.c.call("authorize", **ask)["allow"])
        self.c.call("roles.update", name="teller", grants=["allow POST on api:/loans"])
        self.assertFalse(self.c.call("authorize", **ask)["allow"])
        self.assertTrue(self.c.call("authorize", **{**ask, "path": "/loans"})["allow"])
        found = json.loads(self.finish(process))
        self.assertEqual(found["not_judged"] + found["same"], 3)
        self.assertGreaterEqual(found["same"], 2, found)

    def test_what_cannot_be_judged_is_counted_by_its_cause(self):
        key = self.key(roles=["viewer"], environment="sandbox")[1]
        candidate = RUNNING.replace("environment live prefix ak_live_\n", "").replace(
            "role old {", "role gone { allow GET on api:/audit }\nrole old {").replace(
            "principal cron { role viewer }", "principal cron {\n    role viewer\n    peer user root\n}")
        (self.folder / "a.policy").write_text(candidate, encoding="utf-8")
        # A role that the running policy had once.
        self.d.write("a.policy", RUNNING + "role gone { allow GET on api:/audit }\n")
        self.assertEqual(self.d.tool("reload").returncode, 0)
        self.c.call("principals.create", id="erin")
        self.c.call("assignments.create", principal="erin", role="gone")
        self.d.write("a.policy", RUNNING)
        self.assertEqual(self.d.tool("reload").returncode, 0)
        process = self.watching("--json", "--count", 5, "--running", self.d.policy)
        for subject in ({"token": key}, {"principal": "erin"}, {},
                        {"principal": "cron", "path": "/loans/ak_live_1" + 11 * "a" + "_" + 40 * "b"},
                        {"principal": "cron"}):
            self.c.call("authorize", **{"method": "GET", "path": "/audit", **subject})
        found = json.loads(self.finish(process, 0))
        self.assertEqual(found["not_judged_because"],
                         {"refused_key": 1, "unknown_role": 1, "peer": 1, "redacted": 1})
        self.assertEqual((found["not_judged"], found["same"]), (4, 1))

    def test_a_role_of_the_store_that_the_policy_outgrew_is_not_judged(self):
        # `all` of the role teller does not grow, and its text alone does not say what it was.
        grown = RUNNING.replace("/notes { GET, POST }", "/notes { GET, POST, PUT }")
        self.d.write("a.policy", grown)
        self.assertEqual(self.d.tool("reload").returncode, 0)
        (self.folder / "a.policy").write_text(grown, encoding="utf-8")
        process = self.watching("--json", "--count", 2, "--running", self.d.policy)
        for principal in ("bob", "cron"):
            self.c.call("authorize", principal=principal, method="PUT", path="/loans/7/notes")
        found = json.loads(self.finish(process, 0))
        self.assertEqual((found["not_judged_because"], found["same"]), ({"stored_role": 1}, 1))

    def test_another_running_policy_is_refused(self):
        done = self.d.tool("policy", "shadow", "--running", self.folder, self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the daemon runs revision", done.stderr)

    def test_it_changes_nothing_and_a_watcher_that_is_stopped_delays_nobody(self):
        def state():
            status = self.c.call("status")
            return (status["policy"]["revision"], status["policy"]["serial"], status["store"]["keys"],
                    status["store"]["principals"], self.c.call("audit.list", limit=1000)["items"])
        before = state()
        process = self.watching("--json", "--running", self.d.policy)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        # More than its buffer holds, all answered while the watcher stands.
        many = [{"path": f"/loans/{i}{'x' * 900}"} for i in range(200)]
        for _ in range(5):
            answer = self.c.call("authorize_many", principal="cron", method="GET", requests=many)
            self.assertEqual(sum(one["allow"] for one in answer["results"]), 200)
        process.send_signal(signal.SIGCONT)
        found = json.loads(self.finish(process, 0, signal.SIGINT))
        self.assertEqual(found["gaps"], 0)
        self.assertEqual(found["seen"], 1000)
        self.assertEqual(found["judged"] + found["dropped"], 1000)
        self.assertGreater(found["dropped"], 0)
        self.assertEqual(state(), before)

    def test_quotas_are_judged_only_where_both_policies_take_the_same(self):
        line = "    account required quota name=api limit=1 period=1h per=ip\n"
        quota = RUNNING.replace("    authorize required role\n", line + "    authorize required role\n")
        self.d.write("a.policy", quota)
        self.assertEqual(self.d.tool("reload").returncode, 0)
        ask = {"principal": "cron", "service": "web", "ip": "192.0.2.1", "method": "GET", "path": "/loans"}
        for number, (candidate, expected) in enumerate((
                (quota, {"same": 2, "gained": 0, "not_judged": 0}),
                (RUNNING, {"same": 1, "gained": 1, "not_judged": 0}),
                (quota.replace("limit=1", "limit=9"), {"same": 0, "gained": 0, "not_judged": 2}))):
            self.d.write("a.policy", quota + f"# {len(candidate)}\n")
            self.assertEqual(self.d.tool("reload").returncode, 0)
            (self.folder / "a.policy").write_text(candidate, encoding="utf-8")
            ask["ip"] = f"192.0.2.{number}"
            process = self.watching("--json", "--count", 2, "--running", self.d.policy)
            reasons = [self.c.call("authorize", **ask)["reason"] for _ in range(2)]
            found = json.loads(self.finish(process))
            with self.subTest(expected=expected):
                self.assertEqual({name: found[name] for name in expected}, expected, (found, reasons))


if __name__ == "__main__":
    unittest.main()
