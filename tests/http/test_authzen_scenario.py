# SPDX-License-Identifier: Apache-2.0
"""The requests of AuthZEN's certification scenario (openid/authzen, certification/), level by level.

All seven levels are held as the scenario has them; properties are facts of the policy (scenario.policy).
"""

import unittest

from authzen_api import (
    ACTIONS, ACTIVE, ADMIN, ALICE, ARCHIVED, BOB, CONTEXT, EVALUATION, EVALUATIONS, ONE, RESOURCES,
    SUBJECTS, TWO, AuthzenTest, action, entity,
)

READ, WRITE = action("read"), action("write")


class Basic(AuthzenTest):
    def test_the_four_rules_by_identifiers(self):
        for subject, name, expected in ((ALICE, "read", True), (ALICE, "write", True),
                                        (BOB, "read", True), (BOB, "write", False)):
            with self.subTest(subject=subject["id"], action=name):
                self.assertIs(self.decision(subject, name, ONE), expected)

    def test_context_properties_and_unknown_members_change_nothing(self):
        self.assertTrue(self.decision(ALICE, "read", ONE, context=CONTEXT))
        self.assertTrue(self.decision(ALICE, "read", ONE, foo="bar", futureField={"nested": True}))
        answer = self.good(EVALUATION, {
            "subject": entity("user", "alice", department="Sales", role="manager"),
            "action": action("read", method="GET"),
            "resource": entity("record", "record-1", status="active", owner="bob")})
        self.assertEqual(answer, {"decision": True})

    def test_the_same_request_has_the_same_decision_each_time(self):
        self.assertEqual([self.decision(ALICE, "read", ONE) for _ in range(5)], [True] * 5)

    def test_what_lacks_a_member_or_has_another_type_is_a_bad_request(self):
        whole = {"subject": ALICE, "action": READ, "resource": ONE}
        wrong = [{name: value for name, value in whole.items() if name != left_out} for left_out in whole]
        wrong += [{**whole, "subject": {"id": "alice"}}, {**whole, "subject": {"type": "user"}},
                  {**whole, "action": {}}, {**whole, "resource": {"id": "record-1"}},
                  {**whole, "resource": {"type": "record"}}, {**whole, "subject": "alice"},
                  {**whole, "action": {"name": 123}}, b"{", b""]
        for body in wrong:
            with self.subTest(body):
                status, said = self.post(EVALUATION, body)
                self.assertEqual(status, 400)
                self.assertIs(type(said), str)


class Batch(AuthzenTest):
    def test_decisions_stand_in_the_order_of_the_evaluations(self):
        self.assertEqual(self.decisions(
            subject=ALICE, action=READ, evaluations=[{"resource": ONE}, {"resource": TWO}]), [True, True])
        self.assertEqual(self.decisions(
            subject=BOB, resource=ONE, evaluations=[{"action": READ}, {"action": WRITE}]), [True, False])

    def test_evaluations_without_defaults_and_with_a_context_of_their_own(self):
        self.assertEqual(self.decisions(evaluations=[
            {"subject": ALICE, "action": READ, "resource": ONE},
            {"subject": BOB, "action": WRITE, "resource": ONE}]), [True, False])
        self.assertEqual(self.decisions(
            subject=ALICE, action=READ, context={"time": "2025-06-27T18:03-07:00"}, evaluations=[
                {"resource": ONE},
                {"resource": TWO, "context": {"time": "2025-06-27T19:00-07:00", "source": "x"}}]),
            [True, True])

    def test_an_evaluation_that_lacks_a_member_is_denied_alone(self):
        self.assertEqual(self.decisions(
            subject=ALICE, action=READ, options={"evaluations_semantic": "execute_all"},
            evaluations=[{"resource": ONE}, {}]), [True, False])

    def test_without_evaluations_the_answer_is_one_decision(self):
        whole = {"subject": ALICE, "action": READ, "resource": ONE}
        self.assertEqual(self.good(EVALUATIONS, whole), {"decision": True})
        self.assertEqual(self.good(EVALUATIONS, {**whole, "evaluations": []}), {"decision": True})


class Search(AuthzenTest):
    def test_who_may_read_a_record(self):
        asked = {"subject": entity("user"), "action": READ, "resource": ONE}
        found = self.good(SUBJECTS, asked)
        self.assertEqual(found, {"results": [ALICE, BOB]})
        self.assertEqual(self.good(SUBJECTS, {**asked, "context": CONTEXT}), found)
        self.assertEqual(self.good(SUBJECTS, {**asked, "subject": ALICE}), found)

    def test_what_somebody_may_read(self):
        asked = {"subject": ALICE, "action": READ, "resource": entity("record")}
        found = self.good(RESOURCES, asked)
        self.assertEqual(found, {"results": [ONE, TWO]})
        self.assertEqual(self.good(RESOURCES, {**asked, "context": CONTEXT}), found)
        self.assertEqual(self.good(RESOURCES, {**asked, "resource": ONE}), found)

    def test_what_somebody_may_do(self):
        asked = {"subject": ALICE, "resource": ONE}
        found = self.good(ACTIONS, asked)
        self.assertEqual(found, {"results": [READ, WRITE]})
        self.assertEqual(self.good(ACTIONS, {**asked, "context": CONTEXT}), found)

    def test_pages_follow_each_other_until_an_empty_token(self):
        asked = {"subject": entity("user"), "action": READ, "resource": ONE}
        first = self.good(SUBJECTS, {**asked, "page": {"limit": 1}})
        self.assertEqual(first["results"], [ALICE])
        second = self.good(SUBJECTS, {**asked, "page": {"token": first["page"]["next_token"]}})
        self.assertEqual(second, {"page": {"next_token": "", "count": 1}, "results": [BOB]})

    def test_unknown_identifiers_and_types_find_nothing(self):
        nobody, ship = entity("user", "nonexistent-user"), entity("spaceship", "x")
        for path, body in (
                (ACTIONS, {"subject": nobody, "resource": ONE}),
                (ACTIONS, {"subject": ship, "resource": ONE}),
                (ACTIONS, {"subject": ALICE, "resource": ship}),
                (ACTIONS, {"subject": ALICE, "resource": entity("record", "record-9")}),
                (RESOURCES, {"subject": nobody, "action": READ, "resource": entity("record")}),
                (RESOURCES, {"subject": ALICE, "action": READ, "resource": entity("spaceship")}),
                (RESOURCES, {"subject": ALICE, "action": action("fly"), "resource": entity("record")}),
                (SUBJECTS, {"subject": entity("spaceship"), "action": READ, "resource": ONE}),
                (SUBJECTS, {"subject": entity("user"), "action": READ, "resource": ship}),
                (SUBJECTS, {"subject": entity("user"), "action": action("fly"), "resource": ONE})):
            with self.subTest(path=path, body=body):
                self.assertEqual(self.good(path, body), {"results": []})

    def test_what_is_given_must_be_identified(self):
        for path, body in (
                (SUBJECTS, {"subject": entity("user"), "resource": ONE}),
                (RESOURCES, {"action": READ, "resource": entity("record")}),
                (ACTIONS, {"subject": ALICE}),
                (SUBJECTS, {"subject": entity("user"), "action": READ, "resource": entity("record")}),
                (RESOURCES, {"subject": entity("user"), "action": READ, "resource": entity("record")}),
                (ACTIONS, {"subject": entity("user"), "resource": ONE})):
            with self.subTest(path=path, body=body):
                self.assertEqual(self.post(path, body)[0], 400)


class Properties(AuthzenTest):
    def test_properties_of_subject_and_resource_decide(self):
        archived = entity("record", "record-1", status="archived")
        active = entity("record", "record-2", status="active")
        for subject, resource, expected in ((ALICE, ARCHIVED, False), (ADMIN, ARCHIVED, True), (ALICE, ACTIVE, True),
                                            (ALICE, active, True), (ADMIN, archived, True), (BOB, archived, False),
                                            (entity("user", "bob", role="clerk"), archived, False)):
            with self.subTest(subject=subject, resource=resource):
                self.assertIs(self.decision(subject, "write", resource), expected)
        self.assertEqual(self.reason(BOB, "write", archived), "missing_fact")

    def test_properties_of_an_action_decide(self):
        for soft, expected in ((True, True), (False, False), (None, False)):
            answer = self.good(EVALUATION, subject=ALICE, action=action("delete", soft=soft), resource=ONE)
            self.assertIs(answer["decision"], expected)
        answer = self.good(EVALUATION, subject=ALICE, action=action("delete", soft="yes"), resource=ONE)
        self.assertEqual(answer, {"decision": False,
                                  "context": {"reason": "missing_fact", "missing": ["action.soft"]}})
        self.assertEqual(self.good("/access/v1/evaluations", subject=ALICE, resource=ONE, evaluations=[
            {"action": action("delete", soft=7)}, {"action": action("delete", soft=False)}])["evaluations"][0], answer)

    def test_what_no_fact_is_named_or_of_its_type_changes_nothing_else(self):
        self.assertTrue(self.decision(ALICE, "write", entity("record", "record-2", stat="archived", status=None)))
        odd = entity("record", "record-2", status={"deep": "active"})
        self.assertEqual(self.reason(ALICE, "write", odd), "missing_fact")
        self.assertTrue(self.decision(ALICE, "read", odd))
        self.assertTrue(self.decision(ALICE, "read", ONE, context={"environment": "x", "roles": ["admin"], "ip": "::1"}))

    def test_facts_that_are_too_large_are_a_bad_request(self):
        status, said = self.post(EVALUATION, {"subject": ALICE, "action": READ, "resource": {
            **ONE, "properties": {"status": "x" * 1025}}})
        self.assertEqual((status, said), (200, {"decision": True}))
        status, said = self.post(EVALUATION, {"subject": ALICE, "action": READ, "resource": {
            **ONE, "properties": {f"x{i}": "y" * 1000 for i in range(100)}}})
        self.assertEqual((status, said), (200, {"decision": True}), "undeclared ones do not count")

    def test_batches_with_properties(self):
        self.assertEqual(self.decisions(
            subject=ALICE, action=WRITE, evaluations=[{"resource": ACTIVE}, {"resource": ARCHIVED}]),
            [True, False])
        self.assertEqual(self.decisions(
            action=WRITE, resource=ARCHIVED, evaluations=[{"subject": ALICE}, {"subject": ADMIN}]),
            [False, True])
        self.assertEqual(self.decisions(
            subject=ALICE, action=WRITE, resource=ACTIVE, evaluations=[{}, {"resource": ARCHIVED}]),
            [True, False])

    def test_searches_with_properties(self):
        self.assertEqual(
            self.found(SUBJECTS, subject=entity("user"), action=WRITE, resource=ARCHIVED), ["bob"])
        self.assertEqual(
            self.found(RESOURCES, subject=ADMIN, action=WRITE, resource=entity("record")), ["record-2"])
        self.assertIn("write", self.found(ACTIONS, subject=ADMIN, resource=ARCHIVED))


if __name__ == "__main__":
    unittest.main()
