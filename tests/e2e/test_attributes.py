# SPDX-License-Identifier: Apache-2.0
"""Attributes of principals are facts of conditions: of the declared types, at once, for good, and given
only by callers that have what they give."""

import unittest

import harness

FACTS = """
facts {
    principal.branch   string
    principal.limit    int default 0
    principal.since    time
    principal.regions  strings
    principal.level    low | high
    principal.vip      bool
}
"""
POLICY = """
tree api { /loans/{branch} { read GET, sign POST, close DELETE } }
role clerk {
    allow read  on api:/loans/{branch} when {branch} is principal.branch
    allow sign  on api:/loans/{branch} when principal.limit >= 500 or principal.vip
    allow close on api:/loans/{branch} when principal.regions has {branch}
}
role boss { allow all on api:/loans/{branch} }
role people { allow all on authz:/principals/**, authz:/assignments, authz:/keys/** }
role anyone { allow sign on api:/loans/{branch} when principal.level is high }
"""

WRONG = {
    "limit": ("5oo", "", "9223372036854775808", "1.5", "true"),
    "since": ("yesterday", "2026-13-01T00:00:00Z", ""),
    "level": ("middle", "", "High"),
    "vip": ("yes", "", "1"),
    "regions": (",".join(str(i) for i in range(257)), "EU, US", "EU ,US", " EU", "EU,US "),
}
RIGHT = {
    "limit": ("-5", "9223372036854775807", "0"),
    "since": ("2026-07-01T08:00:00Z", "1782892800"),
    "level": ("low", "high"),
    "vip": ("true", "false"),
    "regions": ("", "EU,US", "New York,EU", ",", ",".join(str(i) for i in range(256))),
    "branch": ("", "north"),
    "undeclared": ("anything",),
}


class Attributes(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": FACTS + POLICY})
        self.c = self.d.client()

    def key(self, principal, **attributes):
        self.c.call("principals.create", id=principal, attributes=attributes)
        self.c.call("assignments.create", principal=principal, role="clerk")
        return self.c.call("keys.create", principal=principal)["secret"]

    def reason(self, token, method, branch="north"):
        return self.c.call("authorize", token=token, method=method, path=f"/loans/{branch}")["reason"]

    def test_they_decide_and_a_change_counts_at_once(self):
        token = self.key("ann", branch="north")
        for _ in range(2):
            self.assertEqual(self.reason(token, "GET"), "ok")
            self.assertEqual(self.reason(token, "GET", "south"), "role")
            self.assertEqual(self.reason(token, "DELETE"), "missing_fact")
        self.c.call("principals.update", id="ann",
                    attributes={"branch": "south", "limit": "500", "regions": "EU,north"})
        self.assertEqual(self.reason(token, "GET"), "role")
        self.assertEqual(self.reason(token, "GET", "south"), "ok")
        self.assertEqual(self.reason(token, "POST"), "ok")
        self.assertEqual(self.reason(token, "DELETE"), "ok")
        self.assertEqual(self.reason(token, "DELETE", "US"), "role")
        self.c.call("principals.update", id="ann", attributes={})
        self.assertEqual(self.reason(token, "GET", "south"), "missing_fact")

    def test_a_principal_without_attributes_is_unknown_to_conditions_or_has_the_default(self):
        token = self.key("ann")
        for _ in range(2):  # looked up, then known
            self.assertEqual(self.reason(token, "GET"), "missing_fact")
            self.assertEqual(self.reason(token, "POST"), "missing_fact")  # the limit is 0, vip unknown
        self.c.call("principals.update", id="ann", attributes={"vip": "false"})
        self.assertEqual(self.reason(token, "POST"), "missing_fact")  # the level decides for anyone
        self.c.call("principals.update", id="ann", attributes={"vip": "false", "level": "low"})
        self.assertEqual(self.reason(token, "POST"), "role")

    def test_a_trusted_peer_names_a_principal_that_has_them(self):
        self.key("ann", branch="north")
        for branch, reason in (("north", "ok"), ("south", "role")):
            self.assertEqual(self.c.call("authorize", principal="ann", method="GET",
                                         path=f"/loans/{branch}")["reason"], reason)

    def test_those_that_are_declared_must_be_of_their_types(self):
        self.c.call("principals.create", id="ann")
        for name, texts in WRONG.items():
            for text in texts:
                with self.subTest(name=name, text=text[:30]):
                    error = self.assert_error("invalid_request", self.c.call, "principals.update",
                                              id="ann", attributes={name: text})
                    self.assertIn(f"{name}'", str(error))
                    if text:
                        self.assertNotIn(text, str(error))
        for name, texts in RIGHT.items():
            for text in texts:
                with self.subTest(name=name, text=text[:30]):
                    record = self.c.call("principals.update", id="ann", attributes={name: text})
                    self.assertEqual(record["attributes"], {name: text})
                    self.assertNotIn("dangling", record)
        for name in ("id", "tenant", "kind", "roles"):
            self.assert_error("invalid_request", self.c.call, "principals.update", id="ann",
                              attributes={name: "x"})
        self.assert_error("invalid_request", self.c.call, "principals.create", id="bob",
                          attributes={"limit": "much"})
        self.assert_error("not_found", self.c.call, "principals.get", id="bob")

    def test_bounds_hold_at_the_limit_and_one_past(self):
        client = self.daemon({"a.policy": FACTS + POLICY + "facts {" + "".join(
            f"\n principal.set{i} strings" for i in range(4)) + "\n}\n"}).client()
        client.call("principals.create", id="ann")
        sets = {f"set{i}": ",".join(f"{member:03}" for member in range(256)) for i in range(4)}
        full = {"a": "x" * 4000, "b": "x" * 4000}  # each name and text has two bytes more in the record
        for most, more in (({f"n{i}": "x" for i in range(64)}, {f"n{i}": "x" for i in range(65)}),
                           ({"a": "x" * 4096}, {"a": "x" * 4097}),
                           ({**full, "c": "x" * 177}, {**full, "c": "x" * 178}),
                           (sets, {**sets, "regions": "one"})):
            with self.subTest(names=len(more), text=sum(map(len, more.values()))):
                client.call("principals.update", id="ann", attributes=most)
                self.assert_error("invalid_request", client.call, "principals.update", id="ann", attributes=more)
                self.assertEqual(client.call("principals.get", id="ann")["attributes"], most)

    def test_one_that_a_new_policy_declares_otherwise_is_unknown_and_dangles(self):
        token = self.key("ann", branch="north", limit="700")
        self.assertEqual(self.reason(token, "POST"), "ok")
        self.d.write("a.policy", FACTS.replace("int default 0", "duration default 600s")
                     .replace("branch   string", "branch   int") +
                     POLICY.replace(">= 500", ">= 500s").replace("when {branch} is principal.branch",
                                                                 "when principal.branch is 7"))
        said = self.d.tool("reload").stdout
        self.assertIn("principal ann has attribute 'branch', which is not of the type", said)
        self.assertEqual(self.c.call("principals.get", id="ann")["dangling"], ["branch"])
        self.assertEqual(self.reason(token, "GET"), "missing_fact")
        self.assertEqual(self.reason(token, "POST"), "ok")  # 700 seconds
        self.assertIn("branch", self.d.tool("principal", "show", "ann").stdout)

    def test_a_folder_that_is_checked_against_the_daemon_says_which_it_declares_otherwise(self):
        self.key("ann", branch="north", limit="1")
        folder = self.d.folder / "next"
        folder.mkdir()
        (folder / "a.policy").write_text(FACTS.replace("branch   string", "branch   bool") + POLICY.replace(
            "when {branch} is principal.branch", "when principal.branch"), encoding="utf-8")
        said = self.d.tool("policy", "check", folder, "--against", self.d.socket).stdout
        self.assertIn("principal ann has attribute 'branch', which is not of the type", said)
        self.assertNotIn("'limit'", said)

    def change(self, **params):
        return self.c.call("principals.update", id="ann", **params).get("attributes")

    def test_some_change_and_the_others_stay(self):
        self.key("ann", branch="north", limit="700", team="x")
        self.assertEqual(self.change(set_attributes={"limit": "5", "vip": "true"}),
                         {"branch": "north", "team": "x", "limit": "5", "vip": "true"})
        self.assertEqual(self.change(remove_attributes=["branch", "none"]),
                         {"team": "x", "limit": "5", "vip": "true"})
        self.assertEqual(self.change(set_attributes={"branch": "south"}, remove_attributes=["team", "vip"]),
                         {"limit": "5", "branch": "south"})
        self.assertEqual(self.change(set_attributes={}, remove_attributes=[]), {"limit": "5", "branch": "south"})
        self.assertIsNone(self.change(attributes=None))
        self.assertEqual(self.change(set_attributes={"branch": ""}), {"branch": ""})

    def test_a_change_of_some_is_decided_at_once(self):
        token = self.key("ann", branch="north", limit="700")
        self.change(set_attributes={"branch": "south"})
        self.assertEqual([self.reason(token, "GET", "south"), self.reason(token, "GET"), self.reason(token, "POST")],
                         ["ok", "role", "ok"])
        self.change(remove_attributes=["limit"])
        self.assertEqual(self.reason(token, "POST"), "missing_fact")  # the limit is 0, and vip is open

    def test_an_invalid_change_of_some_is_refused_and_changes_nothing(self):
        self.key("ann", branch="north")
        full = {f"n{i}": "x" for i in range(64)}
        for param, wrong in (("set_attributes", {"set_attributes": {"limit": "much"}}),
                             ("set_attributes", {"set_attributes": {"id": "x"}}),
                             ("set_attributes", {"set_attributes": {"branch": None}}),
                             ("set_attributes", {"set_attributes": full}),
                             ("set_attributes", {"set_attributes": {"a": "x" * 4097}}),
                             ("set_attributes", {"set_attributes": {"a": "x" * 4096, "b": "x" * 4096}}),
                             ("set_attributes", {"set_attributes": {"limit": "1"}, "attributes": {}}),
                             ("remove_attributes", {"remove_attributes": ["branch"], "attributes": {}}),
                             ("remove_attributes", {"remove_attributes": ["branch"],
                                                    "set_attributes": {"branch": "x"}}),
                             ("remove_attributes", {"remove_attributes": ["x"] * 65}),
                             ("remove_attributes", {"remove_attributes": "branch"})):
            with self.subTest(**wrong):
                self.assertEqual(self.assert_error("invalid_request", self.change, **wrong).error["param"], param)
        for wrong in ("set_attributes", "remove_attributes"):
            self.assert_error("invalid_request", self.c.call, "principals.create", id="new", **{wrong: {}})
        self.assertEqual(self.change(), {"branch": "north"})
        del full["n0"]
        self.assertEqual(len(self.change(set_attributes=full)), 64)

    def test_one_that_dangles_does_not_hinder_a_change_of_another(self):
        self.key("ann", branch="north")
        self.d.write("a.policy", (FACTS + POLICY).replace("branch   string", "branch   int").replace(
            "when {branch} is principal.branch", "when principal.branch is 7"))
        self.d.tool("reload")
        self.assertEqual(self.change(set_attributes={"limit": "5"}), {"branch": "north", "limit": "5"})
        self.assertEqual(self.c.call("principals.get", id="ann")["dangling"], ["branch"])
        self.assert_error("invalid_request", self.change, set_attributes={"branch": "south"})
        self.assertEqual(self.change(set_attributes={"branch": "7"}), {"limit": "5", "branch": "7"})

    def test_changes_of_two_at_once_are_both_there(self):
        self.key("ann")
        clients = [self.d.client() for _ in range(2)]
        asked = [(client, client.send("principals.update", {"id": "ann", "set_attributes": {f"{name}{number}": "x"}}))
                 for number in range(20) for name, client in zip("ab", clients)]
        for client, number in asked:
            client.receive(number)
        self.assertEqual(len(self.change()), 40)

    def test_they_are_there_after_a_crash(self):
        token = self.key("ann", branch="north")
        self.c.call("principals.update", id="ann", attributes={"branch": "south"})
        self.d.kill()
        self.d.start()
        self.c = self.d.client()
        self.assertEqual(self.reason(token, "GET", "south"), "ok")
        self.assertEqual(self.reason(token, "GET", "north"), "role")


class Gains(harness.DaemonTest):
    def setUp(self):
        self.d = self.daemon({"a.policy": FACTS + POLICY}, *self.configured(harness.may_impersonate()))
        self.c = self.d.client()
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="clerk")

    def manager(self, *roles):
        self.c.call("principals.create", id="max", attributes={"branch": "north"})
        for role in ("people", *roles):
            self.c.call("assignments.create", principal="max", role=role)
        return self.c.call("keys.create", principal="max")["secret"]

    def manager_again(self, role):
        self.c.call("assignments.create", principal="max", role=role)
        return self.c.call("keys.create", principal="max")["secret"]

    def update(self, token, id, **attributes):
        return self.c.call("principals.update", token=token, id=id, attributes=attributes)

    def test_no_caller_gives_by_an_attribute_what_it_does_not_have(self):
        token = self.manager()
        for attributes in ({"branch": "north"}, {"limit": "500"}, {"vip": "true"},
                           {"regions": "north"}, {"level": "high"}):
            with self.subTest(attributes=attributes):
                self.assert_error("forbidden", self.update, token, "ann", **attributes)
        # What anyone may do depends on the level.
        self.assert_error("forbidden", self.c.call, "principals.create", token=token, id="new",
                          attributes={"level": "high"})

    def test_a_kind_gives_what_everyone_of_it_has(self):
        self.d.write("a.policy", FACTS + POLICY + """
role machine { allow close on api:/loans/{branch} when principal.kind is service }
""")
        self.d.tool("reload")
        self.c.call("assignments.create", everyone=True, role="machine")
        token = self.manager()
        self.assert_error("forbidden", self.c.call, "principals.create", token=token, id="robot", kind="service")
        self.assertEqual(self.c.call("principals.create", token=token, id="bob")["kind"], "user")

    def test_a_caller_that_has_it_gives_it(self):
        token = self.manager("boss")
        for attributes in ({"branch": "north"}, {"limit": "500"}, {"regions": "north", "level": "high"}):
            self.assertEqual(self.update(token, "ann", **attributes)["attributes"], attributes)

    def some(self, token, id, **params):
        return self.c.call("principals.update", token=token, id=id, **params).get("attributes")

    def test_a_change_of_some_gives_as_one_of_all(self):
        self.c.call("principals.update", id="ann", attributes={"limit": "1", "level": "low"})
        token = self.manager()
        for params in ({"set_attributes": {"limit": "500"}}, {"set_attributes": {"level": "high"}},
                       {"set_attributes": {"branch": "south"}, "remove_attributes": ["level"]},
                       {"remove_attributes": ["limit"]}):  # a trusted peer may state what a record leaves open
            self.assert_error("forbidden", self.some, token, "ann", **params)
        self.assertEqual(self.some(token, "ann", set_attributes={"limit": "0"}), {"level": "low", "limit": "0"})
        self.assertEqual(self.some(self.manager_again("boss"), "ann", set_attributes={"level": "high"},
                                   remove_attributes=["limit"]), {"level": "high"})

    def test_no_caller_changes_some_of_its_own_that_conditions_read(self):
        token = self.manager("boss")
        for params in ({"set_attributes": {"branch": "south"}}, {"remove_attributes": ["branch"]},
                       {"set_attributes": {"limit": "1"}}, {"attributes": None}):
            self.assert_error("forbidden", self.some, token, "max", **params)
        self.assertEqual(self.some(token, "max", set_attributes={"team": "x"}), {"branch": "north", "team": "x"})

    def test_attributes_that_no_condition_reads_are_free(self):
        self.assertEqual(self.update(self.manager(), "ann", team="x")["attributes"], {"team": "x"})

    def test_no_caller_changes_its_own(self):
        token = self.manager("boss")
        for attributes in ({"branch": "south"}, {"limit": "1"}, {}):
            self.assert_error("forbidden", self.update, token, "max", **attributes)

    def test_no_caller_without_a_key_changes_its_own_together_with_its_access_to_the_api(self):
        self.manager("boss")
        for attributes in ({"branch": "south"}, {"limit": "1"}, {}):
            self.c.call("principals.update", id="max", api_access=False)
            self.assert_error("forbidden", self.c.call, "principals.update", impersonate="max", id="max",
                              api_access=True, attributes=attributes)
        self.c.call("principals.update", impersonate="max", id="max", api_access=True)


class Declared(harness.DaemonTest):
    def test_the_attributes_of_a_principal_of_the_files_decide_and_are_shown(self):
        d = self.daemon({"a.policy": FACTS + POLICY + """
principal batch { role clerk
    attribute branch "north"
    attribute limit 500 }
"""})
        with d.client() as c:
            record = c.call("principals.get", id="batch")
            self.assertEqual(record["attributes"], {"branch": "north", "limit": "500"})
            for method, branch, reason in (("GET", "north", "ok"), ("GET", "south", "role"),
                                           ("POST", "south", "ok")):
                self.assertEqual(c.call("authorize", principal="batch", method=method,
                                        path=f"/loans/{branch}")["reason"], reason)


if __name__ == "__main__":
    unittest.main()
