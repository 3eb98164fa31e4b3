# SPDX-License-Identifier: Apache-2.0
"""authorize, authorize_many and permissions: the first check that fails gives the reason."""

import json
import threading
import time
import unittest

import harness
import people


class Authorize(people.PeopleTest):
    def raw(self, client, params):
        """The answer's bytes without its id."""
        client.send_bytes(client.request(7, "authorize", params))
        return client.socket.recv(4096)

    def test_a_principal_by_name(self):
        self.alice()
        answer = self.c.call("authorize", principal="alice", method="GET", path="/loans/7")
        self.assert_reason("ok", answer, 200)
        self.assertEqual((answer["principal"], answer["tenant"]), ("alice", "default"))
        self.assertNotIn("key", answer)
        self.assertRegex(answer["revision"], "^[0-9a-f]{16}$")
        answer = self.c.call("authorize", principal="nobody", method="GET", path="/loans/7")
        self.assert_reason("unknown_principal", answer, 401)
        answer = self.c.call("authorize", principal="alice", tenant="acme", method="GET",
                             path="/loans/7")
        self.assert_reason("unknown_principal", answer, 401)
        self.assert_reason("ok", self.c.call("authorize", principal="billing", action="read",
                                             resource="api:/loans/7"))

    def test_each_reason_and_what_comes_before_it(self):
        self.alice()
        now = int(time.time())
        self.c.call("principals.create", id="off")
        _, good = self.key()
        _, test = self.key(environment="test")
        _, net = self.key(networks=["10.0.0.0/8"])
        inactive, dead = self.key()
        _, offs = self.key(principal="off")
        _, future = self.key(not_before=now + 999)
        revoked, gone = self.key(environment="test")
        self.c.call("keys.disable", id=inactive)
        self.c.call("keys.revoke", id=revoked)
        self.c.call("principals.disable", id="off")
        nowhere = {"path": "/nowhere"}
        cases = [
            # Each breaks a later rule as well; the earlier one is the reason.
            ("malformed_token", 401, "x", {"environment": "test", **nowhere}),
            ("unknown_key", 401, people_token(), {"environment": "test", **nowhere}),
            ("unknown_key", 401, with_another_secret(gone), {"environment": "test"}),
            ("revoked_key", 401, gone, nowhere),
            ("inactive_key", 401, dead, {"environment": "test"}),
            ("inactive_key", 401, future, {}),
            ("inactive_principal", 401, offs, {"environment": "test"}),
            ("wrong_environment", 401, test, {"tenant": "acme", **nowhere}),
            ("wrong_tenant", 401, good, {"tenant": "acme", "service": "no"}),
            ("unknown_service", 403, good, {"service": "no", "path": "//"}),
            ("malformed_path", 400, good, {"path": "/loans/../x"}),
            ("malformed_path", 400, good, {"path": ""}),
            ("unknown_resource", 404, good, {"path": "/nowhere"}),
            ("unknown_resource", 404, good, {"tree": "ui"}),
            ("unknown_action", 403, good, {"method": "PATCH"}),
            ("network", 403, net, {"method": "DELETE"}),
            ("role", 403, good, {"method": "DELETE"}),
            ("ok", 200, good, {}),
        ]
        for reason, status, token, params in cases:
            with self.subTest(reason, **params):
                asked = {"method": "GET", "path": "/loans/7", **params}
                answer = self.c.call("authorize", token=token, **asked)
                self.assert_reason(reason, answer, status)
        answer = self.c.call("authorize", method="GET", path="/loans/7")
        self.assert_reason("missing_token", answer, 401)

    def test_the_form_of_a_request(self):
        self.alice()
        _, token = self.key()
        cases = [
            ("method", {}), ("path", {"method": "GET"}), ("method", {"path": "/"}),
            ("resource", {"action": "read"}), ("action", {"resource": "api:/loans"}),
            ("action", {"method": "GET", "path": "/", "action": "read", "resource": "api:/"}),
            ("principal", {"method": "GET", "path": "/", "principal": "alice"}),
            ("ip", {"method": "GET", "path": "/", "ip": "300.1.1.1"}),
            ("mfa_at", {"method": "GET", "path": "/", "mfa_at": "yesterday"}),
            ("explain", {"method": "GET", "path": "/", "explain": 1}),
            ("Method", {"Method": "GET", "path": "/"}),
        ]
        for param, params in cases:
            with self.subTest(params):
                error = self.assert_error("invalid_request", self.c.call, "authorize",
                                          token=token, **params)
                self.assertEqual(error.error.get("param"), param, error)
                self.assertTrue(error.message.startswith(f"{param}: "), error)

    def test_a_method_with_a_hyphen_is_one_like_others(self):
        name = "methods-with-hyphens.policy"
        text = (harness.ROOT / "tests" / "corpus" / "accept" / name).read_text()
        daemon = self.daemon({name: text + "principal p { role r }\n"})
        for method, path, reason in (("BASELINE-CONTROL", "/b", "unknown_action"),
                                     ("VERSION-CONTROL", "/b", "ok"),
                                     ("VERSION-CONTROL", "/a", "unknown_action"),
                                     ("Version-Control", "/b", "unknown_action"),
                                     ("version", "/b", "unknown_action")):
            answer = daemon.call("authorize", principal="p", method=method, path=path)
            self.assertEqual(answer["reason"], reason, (method, path))
        done = daemon.tool("check", "--principal", "p", "VERSION-CONTROL", "/b")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_an_untrusted_peer_states_no_facts(self):
        self.alice()
        _, token = self.key()
        other = self.stranger()
        asked = {"method": "GET", "path": "/loans/7"}
        for fact in ({"ip": "10.0.0.1"}, {"mfa_at": 1}, {"time": 1}):
            self.assert_reason("not_trusted", other.call("authorize", token=token, **asked, **fact),
                               403)
            self.assert_reason("not_trusted", other.call("authorize", token="x", **asked, **fact))
        answer = other.call("authorize", principal="alice", **asked)
        self.assert_reason("not_trusted", answer, 403)
        self.assertEqual(set(answer), {"allow", "status", "reason", "revision"})
        self.assert_reason("ok", other.call("authorize", token=token, **asked))
        page = other.call("permissions", principal="alice")
        self.assertEqual((page["status"], page["reason"], page["items"]), (403, "not_trusted", []))

    def test_to_an_untrusted_peer_every_401_is_the_same(self):
        self.alice()
        self.c.call("principals.create", id="off")
        inactive, dead = self.key()
        revoked, gone = self.key()
        _, test = self.key(environment="test")
        _, offs = self.key(principal="off")
        self.c.call("keys.disable", id=inactive)
        self.c.call("keys.revoke", id=revoked)
        self.c.call("principals.disable", id="off")
        other = self.stranger()
        asked = {"method": "GET", "path": "/loans/7"}
        answers = {
            self.raw(other, {**asked, "token": token})
            for token in ("", "x", people_token(), dead, gone, test, offs)
        }
        answers.add(self.raw(other, asked))
        self.assertEqual(len(answers), 1)
        self.assertIn(b"unauthenticated", answers.pop())

    def test_many_are_answered_in_order(self):
        self.alice()
        _, token = self.key()
        result = self.c.call("authorize_many", token=token, method="GET", requests=[
            {"path": "/loans/7"}, {"path": "/nowhere"}, {"path": "/loans/7", "method": "DELETE"},
            {"path": "/health"}, {"path": "/loans/7", "token": "x"},
        ])
        self.assertEqual([answer["reason"] for answer in result["results"]],
                         ["ok", "unknown_resource", "role", "ok", "malformed_token"])
        self.assertRegex(result["revision"], "^[0-9a-f]{16}$")
        self.assertEqual(self.c.call("authorize_many", requests=[])["results"], [])

    def test_many_and_one_agree(self):
        self.alice("clerk")
        id, token = self.key(scopes=["loans:read"])
        asked = [
            {"method": method, "path": path, **who}
            for method in ("GET", "POST", "DELETE", "PATCH")
            for path in ("/loans", "/loans/7", "/health", "/x", "//")
            for who in ({"token": token}, {"principal": "alice"}, {"principal": "nobody"}, {})
        ]
        many = self.c.call("authorize_many", requests=asked)
        for one, answer in zip(asked, many["results"]):
            alone = self.c.call("authorize", **one)
            self.assertEqual({**answer, "revision": many["revision"]}, alone)
        self.assertEqual(self.c.call("keys.get", id=id)["uses"], 2 * 20)

    def test_entries_share_a_path_or_have_their_own(self):
        for shared, own in (({"method": "GET", "path": "/loans/7"}, {"path": "/health"}),
                            ({"method": "GET", "path": "/loans/%2e"}, {"path": "/loans"}),
                            ({"action": "read", "resource": "api:/loans/7"},
                             {"resource": "api:/loans"})):
            entries = [{}, own, {}, own, {}]
            results = self.c.call("authorize_many", principal="alice", requests=entries, **shared)
            for entry, result in zip(entries, results["results"], strict=True):
                alone = self.c.call("authorize", **{"principal": "alice", **shared, **entry})
                self.assertEqual(result["reason"], alone["reason"], (shared, entry))

    def test_the_same_bytes_of_a_path_are_decided_by_how_and_where_they_are_asked(self):
        self.alice()
        self.d.write("web.policy", "tree web { /{any} { /{more} { GET } } }\n")
        self.c.call("policy.reload")
        asked = [
            {"method": "GET", "path": "/loans/7"}, {"method": "GET", "path": "/loans/7", "tree": "web"},
            {"method": "GET", "path": "/loans/7", "tree": "none"}, {"method": "DELETE", "path": "/loans/7"},
            {"method": "GET", "path": "api:/loans/7"}, {"action": "read", "resource": "api:/loans/7"},
            {"action": "read", "resource": "web:/loans/7"}, {"action": "read", "resource": "/loans/7"},
        ]
        reasons = set()
        for first in asked:
            pairs = [entry for second in asked for entry in (first, second)]
            results = self.c.call("authorize_many", principal="alice", requests=pairs)["results"]
            for entry, result in zip(pairs, results, strict=True):
                alone = self.c.call("authorize", principal="alice", **entry)
                alone.pop("revision")
                self.assertEqual(result, alone, entry)
                reasons.add(result["reason"])
        self.assertEqual(reasons, {"ok", "role", "unknown_resource", "unknown_action", "malformed_path"})

    def test_many_decisions_of_one_key_are_each_counted(self):
        self.alice()
        id, token = self.key()
        read, delete = ({"method": method, "path": "/loans/7"} for method in ("GET", "DELETE"))
        _, other = self.key()
        asked = [read, read, delete, delete, read, {**read, "path": "/health"}, {**read, "ip": "192.0.2.1"},
                 {**read, "ip": "192.0.2.2"}, {**read, "token": other}, read, {**read, "ip": "192.0.2.3"}]
        self.c.call("authorize_many", token=token, requests=asked)
        key = self.c.call("keys.get", id=id)
        self.assertEqual((key["uses"], key["denials"], key["last_used_ip"]), (10, 2, "192.0.2.3"))

    def test_one_bad_entry_fails_the_call_and_counts_nothing(self):
        self.alice()
        id, token = self.key()
        good = {"method": "GET", "path": "/loans/7"}
        for bad, param in (({"method": "GET"}, "requests[1].path"),
                           ({**good, "ip": "x"}, "requests[1].ip"),
                           ({**good, "nope": 1}, "requests[1].nope"),
                           ({**good, "path": 7}, "requests[1].path"), (3, "requests[1]")):
            error = self.assert_error("invalid_request", self.c.call, "authorize_many",
                                      token=token, requests=[good, bad, good])
            self.assertEqual(error.error["param"], param)
            self.assertRegex(error.message, r"^requests\[1\](\.[a-z]+)?: [a-z]")
            self.assertNotRegex(error.message, r"\.([a-z]+): \1:")  # named once
        self.assertEqual(self.c.call("keys.get", id=id)["uses"], 0)
        self.assert_error("invalid_request", self.c.call, "authorize_many", token=token,
                          requests=[good] * 1025)
        full = self.c.call("authorize_many", token=token, requests=[good] * 1024)
        self.assertEqual(len(full["results"]), 1024)

    def test_permissions_and_decisions_agree(self):
        self.alice("clerk")
        _, token = self.key(scopes=["loans:read"])
        for who in ({"token": token}, {"principal": "alice"}):
            page = self.c.call("permissions", **who)
            self.assertEqual((page["status"], page["reason"]), (200, "ok"))
            allowed = {(item["resource"], action) for item in page["items"]
                       for action in item["actions"]}
            self.assertIn(("api:/loans", "list"), allowed)
            for resource in ("api:/loans", "api:/loans/{loan}", "api:/loans/{loan}/payments"):
                for action in ("list", "create", "read", "update", "delete"):
                    answer = self.c.call("authorize", action=action,
                                         resource=resource.replace("{loan}", "7"), **who)
                    self.assertEqual((resource, action) in allowed, answer["allow"],
                                     (who, resource, action, answer))
            self.assertEqual(self.c.pages("permissions", limit=1, **who)[0], page["items"])
        page = self.c.call("permissions", token="x")
        self.assertEqual((page["status"], page["reason"], page["items"]),
                         (401, "malformed_token", []))
        self.assert_error("invalid_request", self.c.call, "permissions")
        self.assert_error("invalid_request", self.c.call, "permissions", principal="alice",
                          tree="nope")

    def test_after_the_answer_to_a_revocation_nothing_is_allowed(self):
        self.alice()
        keys = [self.key() for _ in range(4)]
        for id, secret in keys:
            revoked = threading.Event()
            stop = threading.Event()
            wrong = []

            def ask(secret=secret, revoked=revoked, stop=stop, wrong=wrong):
                with harness.Client(self.d.socket) as client:
                    while not stop.is_set():
                        after = revoked.is_set()
                        answers = client.call_many([("authorize", {
                            "token": secret, "method": "GET", "path": "/loans/7"})] * 16)
                        if after and any(answer["allow"] for answer in answers):
                            wrong.append(answers)

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            self.c.call("keys.revoke", id=id)
            revoked.set()
            for _ in range(40):
                self.assert_reason("revoked_key", self.ask(secret))
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])


class Marked(harness.DaemonTest):
    POLICY = {"a.policy": """\
tree api { /loans { list GET, /{loan} { delete DELETE } } }
role viewer { allow GET on api:/** }
principal billing { role viewer }
stack bank {
    authenticate required principal
    authorize    required warn
    authorize    required role
}
"""}

    def test_the_log_has_the_caller_the_request_and_the_revision(self):
        daemon = self.daemon(self.POLICY, "--log-format", "json")
        with harness.Client(daemon.socket) as client:
            for method, path in (("GET", "/loans?secret=1"), ("DELETE", '/loans/"')):
                client.call("authorize", principal="billing", service="bank", method=method,
                            path=path)
            revision = client.call("policy.status")["revision"]
        daemon.stop()
        lines = [json.loads(line) for line in daemon.log().splitlines() if "the policy marks" in line]
        for line in lines:
            del line["time"], line["message"], line["level"]
        self.assertEqual(lines[0], {
            "allow": True, "reason": "ok", "service": "bank", "action": "GET",
            "resource": "api:/loans", "key": "", "principal": "billing", "revision": revision})
        self.assertEqual(
            [(line["allow"], line["action"], line["resource"]) for line in lines[1:]],
            [(False, "DELETE", 'api:/loans/"')])

    def test_the_log_has_the_caller_of_the_longest_request(self):
        policy = self.POLICY["a.policy"].replace("authorize    required warn", "record optional warn")
        daemon = self.daemon({"a.policy": policy}, "--log-format", "json")
        client = daemon.client()
        for name, value in (("path", "/loans/" + "x" * 200000), ("method", "X" * 200000)):
            client.call("authorize", **{"principal": "billing", "service": "bank", "method": "GET",
                                        "path": "/loans", name: value})
        client.call("authorize", principal="billing", service="bank", method="GET",
                    path="/loans/" + '"' * 4000)
        daemon.stop()
        lines = [line for line in daemon.log().splitlines() if "the policy marks" in line]
        self.assertEqual(len(lines), 3)
        for line in lines:
            self.assertEqual(json.loads(line)["principal"], "billing")


def people_token():
    """A well-formed token of no key."""
    import test_keys
    body = "liq_live_1" + "A" * 11 + "_" + "b" * 32
    return body + test_keys.crc(body)


def with_another_secret(token):
    """Well formed, with the key's id, and not its token."""
    import test_keys
    body = token[:-7] + ("a" if token[-7] != "a" else "b")
    return body + test_keys.crc(body)


if __name__ == "__main__":
    unittest.main()
