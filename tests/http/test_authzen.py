# SPDX-License-Identifier: Apache-2.0
"""AuthZEN beyond the certification's scenario: facts, batches, searches and bad input."""

import datetime
import json
import os
import time
import unittest

from authzen_api import (
    ACTIONS, ALICE, BOB, EVALUATION, EVALUATIONS, IDENTIFIER, ONE, RESOURCES, SUBJECTS, AuthzenTest,
    action, entity,
)

TREES = """\
tree api {
    /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH } }
    /files/{path...} { GET, PUT }
    /both { GET, /{path...} { GET } }
    /health { GET }
}
role viewer { allow GET on api:/** }
role clerk { allow all on api:/loans/{loan}
             allow PUT on api:/files/{path...} }
"""


class Mapping(AuthzenTest):
    policy = TREES

    def people(self):
        self.c.call("principals.create", id="alice")
        self.c.call("assignments.create", principal="alice", role="viewer")
        self.c.call("assignments.create", principal="alice", role="clerk", at=["api:/loans/7", "api:/files/a"])

    def test_a_name_in_capitals_is_a_method_and_another_an_action(self):
        loan = entity("api", "loans/7")
        for name, expected in (("PUT", True), ("update", True), ("put", False), ("read", True),
                               ("DELETE", False)):
            with self.subTest(name):
                self.assertIs(self.decision(ALICE, name, loan), expected)

    def test_an_id_is_a_path_with_or_without_its_slash(self):
        for id in ("loans", "/loans", "/loans/", "loans?x=/../y"):
            self.assertTrue(self.decision(ALICE, "list", entity("api", id)), id)
        self.assertEqual(self.reason(ALICE, "list", entity("api", "//loans")), "malformed_path")
        self.assertEqual(self.reason(ALICE, "list", entity("api", "loans/..")), "malformed_path")
        self.assertEqual(self.reason(ALICE, "list", entity("api", "")), "unknown_resource")
        self.assertEqual(self.reason(ALICE, "list", entity("api:/loans", "7")), "unknown_resource")
        self.assertEqual(self.reason(ALICE, "list", entity("shop", "loans")), "unknown_resource")

    def test_a_token_is_decided_as_its_key_is(self):
        key = self.c.call("keys.create", principal="alice")
        holder = entity("token", key["secret"])
        self.assertTrue(self.decision(holder, "PUT", entity("api", "loans/7")))
        self.assertFalse(self.decision(holder, "PUT", entity("api", "loans/8")))
        self.assertEqual(self.found(ACTIONS, subject=holder, resource=entity("api", "loans/7")),
                         ["read", "update"])
        self.c.call("keys.revoke", id=key["id"])
        self.assertEqual(self.reason(holder, "PUT", entity("api", "loans/7")), "revoked_key")
        self.assertEqual(self.found(ACTIONS, subject=holder, resource=entity("api", "loans/7")), [])

    def test_resources_are_literal_nodes_and_those_of_places(self):
        self.assertEqual(
            self.found(RESOURCES, subject=ALICE, action=action("GET"), resource=entity("api")),
            ["loans", "loans/7", "files", "files/a", "both", "health"])
        self.assertEqual(
            self.found(RESOURCES, subject=ALICE, action=action("PUT"), resource=entity("api")),
            ["loans/7", "files/a"])

    def test_each_result_of_a_search_is_allowed(self):
        for name in ("GET", "PUT", "read", "list"):
            for id in self.found(RESOURCES, subject=ALICE, action=action(name), resource=entity("api")):
                self.assertTrue(self.decision(ALICE, name, entity("api", id)), (name, id))

    def test_a_disabled_principal_is_no_result(self):
        asked = {"subject": entity("user"), "action": action("GET"), "resource": entity("api", "health")}
        self.assertEqual(self.found(SUBJECTS, **asked), ["alice"])
        self.c.call("principals.disable", id="alice")
        self.assertEqual(self.found(SUBJECTS, **asked), [])

    def test_principals_are_found_by_their_kind(self):
        self.c.call("principals.create", id="robot", kind="service")
        self.c.call("assignments.create", principal="robot", role="viewer")
        asked = {"action": action("GET"), "resource": entity("api", "health")}
        self.assertEqual(self.found(SUBJECTS, subject=entity("service"), **asked), ["robot"])
        self.assertEqual(self.found(SUBJECTS, subject=entity("user"), **asked), ["alice"])
        self.assertEqual(self.found(SUBJECTS, subject=entity("token"), **asked), [])


class Pages(AuthzenTest):
    policy = TREES

    def people(self):
        self.all = [f"u{number:03}" for number in range(150)]
        for number, id in enumerate(self.all):
            self.c.call("principals.create", id=id)
            if number % 3 == 0:
                self.c.call("assignments.create", principal=id, role="viewer")

    def asked(self, **members):
        return {"subject": entity("user"), "action": action("GET"), "resource": entity("api", "health"),
                **members}

    def test_pages_of_any_size_have_each_subject_once(self):
        for limit in (1, 7, 100):
            found, token, pages = [], None, 0
            while token != "":
                page = {"limit": limit} if token is None else {"limit": limit, "token": token}
                answer = self.good(SUBJECTS, self.asked(page=page))
                self.assertLessEqual(len(answer["results"]), limit)
                found += [item["id"] for item in answer["results"]]
                token = answer["page"]["next_token"]
                pages += 1
            self.assertEqual(found, self.all[::3], limit)
            self.assertGreaterEqual(pages, 50 // limit)

    def test_a_token_of_another_search_is_a_bad_request(self):
        token = self.good(SUBJECTS, self.asked(page={"limit": 1}))["page"]["next_token"]
        for body in (self.asked(page={"token": token}, action=action("POST")),
                     self.asked(page={"token": token[:-1] + "z"}),
                     self.asked(page={"token": "x" * 5000}), self.asked(page={"token": 1})):
            status, said = self.post(SUBJECTS, body)
            self.assertEqual(status, 400)
            self.assertIn("page.token", said)


class Facts(AuthzenTest):
    policy = """\
tree api { /a { GET, POST, PUT } }
role viewer { allow GET, POST, PUT on api:/** }
stack other {
    authenticate  sufficient  key
    authenticate  required  principal
    account   required  network  allow=192.0.2.0/24
    account   required  hours    allow=mon-fri/08:00-18:00 zone=UTC
    account   required  mfa      max_age=1d
    authorize required  role
}
"""

    def people(self):
        # A second factor counts for a day, and a test takes less.
        self.good_facts = {"ip": "192.0.2.7", "time": "2026-11-27T12:00:00Z", "mfa_at": int(time.time())}
        self.c.call("principals.create", id="alice")
        self.c.call("assignments.create", principal="alice", role="viewer")

    def asked(self, **other):
        return self.good(EVALUATION, subject=ALICE, action=action("GET"), resource=entity("api", "a"),
                         context={**self.good_facts, **other})

    def test_address_time_and_second_factor_are_facts(self):
        self.assertEqual(self.asked(), {"decision": True})
        stamp = datetime.datetime.now(datetime.timezone.utc).isoformat()
        self.assertEqual(self.asked(mfa_at=stamp), {"decision": True})
        for fact, value, reason in (("ip", "198.51.100.7", "network"), ("ip", "192.0.2.7 ", "network"),
                                    ("ip", 7, "network"), ("ip", None, "network"),
                                    ("time", "2026-11-28T12:00:00Z", "hours"),
                                    ("mfa_at", "2020-11-27T09:00:00Z", "mfa"),
                                    ("mfa_at", "yesterday", "mfa"), ("mfa_at", True, "mfa")):
            with self.subTest(fact=fact, value=value):
                self.assertEqual(self.asked(**{fact: value}),
                                 {"decision": False, "context": {"reason": reason}})

    def test_searches_count_the_same_facts(self):
        asked = {"subject": ALICE, "resource": entity("api", "a")}
        self.assertEqual(self.found(ACTIONS, **asked, context=self.good_facts), ["GET", "POST", "PUT"])
        self.assertEqual(self.found(ACTIONS, **asked), [])


class Batches(AuthzenTest):
    policy = """\
tree api { /a { GET }, /b { GET } }
role viewer { allow GET on api:/a }
stack other {
    authenticate  sufficient  key
    authenticate  required  principal
    account   required  quota  name=all limit=3 period=1h per=principal
    authorize required  role
}
"""

    def people(self):
        self.c.call("principals.create", id="alice")
        self.c.call("assignments.create", principal="alice", role="viewer")

    def batch(self, semantic, *ids):
        return self.decisions(subject=ALICE, action=action("GET"),
                              options={"evaluations_semantic": semantic},
                              evaluations=[{"resource": entity("api", id)} for id in ids])

    def test_what_stands_after_the_end_counts_in_no_quota(self):
        self.assertEqual(self.batch("permit_on_first_permit", "b", "a", "a", "a"), [False, True])
        self.assertEqual(self.batch("deny_on_first_deny", "a", "b", "a", "a"), [True, False])
        self.assertEqual(self.batch("execute_all", "a", "a"), [True, False])

    def test_as_many_evaluations_as_the_bound_are_answered_in_order(self):
        ids = ["b" if number % 5 else "nowhere" for number in range(1024)]
        answer = self.good(EVALUATIONS, subject=ALICE, action=action("GET"),
                           evaluations=[{"resource": entity("api", id)} for id in ids])
        self.assertEqual([item["context"]["reason"] for item in answer["evaluations"]],
                         ["role" if id == "b" else "unknown_resource" for id in ids])
        status, said = self.post(EVALUATIONS, {"evaluations": [{}] * 1025})
        self.assertEqual((status, said), (400, "evaluations: must be at most 1024"))


class Transport(AuthzenTest):
    good_body = b'{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},' \
                b'"resource":{"type":"record","id":"record-1"}}'

    def test_the_request_id_is_echoed_with_an_answer_and_with_an_error(self):
        for body, status in ((self.good_body, 200), (b"{", 400)):
            answered, headers, _ = self.send(EVALUATION, body, **{"X-Request-ID": "bfe9eb29 ab87"})
            self.assertEqual((answered, headers["X-Request-ID"]), (status, "bfe9eb29 ab87"))
        self.assertNotIn("X-Request-ID", self.send(EVALUATION, self.good_body)[1])

    def test_another_content_type_is_a_bad_request(self):
        for type in ("text/plain", "application/jsonp", "application/x-www-form-urlencoded", ""):
            self.assertEqual(self.send(EVALUATION, self.good_body, **{"Content-Type": type})[0], 400, type)
        self.assertEqual(
            self.send(EVALUATION, self.good_body, **{"Content-Type": "application/json; charset=utf-8"})[0], 200)

    def test_json_that_is_not_a_request_is_refused_and_the_next_one_is_answered(self):
        for body in (b"[" * 200000, b"{" * 1000, b'{"a":' * 3000, b"\xff\xfe", b'{"a":"\xc3("}', b'{"a":"\\u0000"}',
                     b'{"a":1,"a":2}', b'{"a":' + b"9" * 100000 + b"}", b'{"a":1e999}', b"null", b"\0",
                     b"{}", b'{"x":[' + b",".join([b"{}"] * 80000) + b"]}"):
            self.assertEqual(self.send(EVALUATION, body)[0], 400, body[:20])
            self.assertEqual(self.send(EVALUATION, self.good_body)[2], b'{"decision":true}')

    def test_a_body_beyond_the_bound_is_refused(self):
        self.assertEqual(self.send(EVALUATION, self.good_body + b" " * (256 * 1024))[0], 413)

    def test_the_metadata_are_below_the_configured_identifier(self):
        connection = self.connect()
        connection.request("GET", "/.well-known/authzen-configuration")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "application/json"))
        metadata = json.load(answer)
        self.assertEqual(metadata.pop("policy_decision_point"), IDENTIFIER)
        self.assertEqual(
            {url.removeprefix(IDENTIFIER) for url in metadata.values()},
            {EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS})

    def test_a_batch_in_flight_keeps_no_other_connection_waiting(self):
        batch = {"subject": ALICE, "action": action("read"), "resource": ONE,
                 "options": {"evaluations_semantic": "deny_on_first_deny"}, "evaluations": [{}] * 1024}
        connections = [self.connect() for _ in range(8)]
        for connection in connections:
            connection.request("POST", EVALUATIONS, json.dumps(batch), {"Content-Type": "application/json"})
        self.assertEqual(self.send(EVALUATION, self.good_body)[2], b'{"decision":true}')
        for connection in connections:
            answer = json.load(connection.getresponse())
            self.assertEqual(answer, {"evaluations": [{"decision": True}] * 1024})

    def test_without_the_daemon_the_answer_is_503(self):
        self.d.stop()
        status, headers, _ = self.send(ACTIONS, b'{"subject":{"type":"user","id":"a"},'
                                                b'"resource":{"type":"record","id":"x"}}')
        self.assertEqual((status, headers["Retry-After"]), (503, "1"))


@unittest.skipUnless(os.getuid() == 0, "needs other users")
class Peers(AuthzenTest):
    """A program of a user of its own, as authz-http is."""

    user = 1
    lines = ""

    def setUp(self):
        self.d = self.daemon({"a.policy": self.policy}, start=False)
        self.d.folder.chmod(0o755)
        path = self.d.folder / "authzd.conf"
        path.write_text(self.lines)
        self.d.arguments += ["--config", str(path)]
        self.d.start()
        self.d.socket.chmod(0o666)
        self.c = self.d.client()
        self.people()
        self.start_http(self.user)

    def ask(self, path, **members):
        return self.post(path, members)


class Stranger(Peers):
    def test_a_program_that_is_not_trusted_allows_nothing(self):
        status, answer = self.ask(EVALUATION, subject=ALICE, action=action("read"), resource=ONE)
        self.assertEqual((status, answer), (200, {"decision": False, "context": {"reason": "not_trusted"}}))


class Trusted(Peers):
    lines = "trust user daemon\n"

    def test_a_trusted_program_evaluates_and_searches_without_managing(self):
        self.assertEqual(self.ask(EVALUATION, subject=ALICE, action=action("read"), resource=ONE),
                         (200, {"decision": True}))
        self.assertEqual(self.ask(ACTIONS, subject=BOB, resource=ONE), (200, {"results": [action("read")]}))
        self.assertEqual(
            self.ask(RESOURCES, subject=BOB, action=action("write"), resource=entity("record"))[1],
            {"results": [entity("record", "record-2")]})

    def test_it_lists_principals_with_a_line_of_the_configuration_alone(self):
        status, said = self.ask(SUBJECTS, subject=entity("user"), action=action("read"), resource=ONE)
        self.assertEqual(status, 500)
        self.assertIn("may not list principals", said)


class Managing(Peers):
    lines = "trust user daemon\nmanage user daemon authz:/principals list\n"

    def test_a_program_that_may_list_principals_searches_subjects(self):
        self.assertEqual(
            self.ask(SUBJECTS, subject=entity("user"), action=action("read"), resource=ONE),
            (200, {"results": [ALICE, BOB]}))


if __name__ == "__main__":
    unittest.main()
