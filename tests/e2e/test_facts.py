# SPDX-License-Identifier: Apache-2.0
"""Facts of requests: what is accepted, what they decide, what is said when one is missing."""

import json
import re
import subprocess
import unittest

import harness
import people

POLICY = """\
facts {
    principal.branch          string
    principal.approval_limit  int
    resource.branch           string
    resource.owner            string
    resource.status           draft | active | archived default active
    resource.regions          strings
    context.amount            int
    context.due               time
    context.peer              address
}

tree credit {
    /loans { list GET, /{loan} { read GET, update PUT, approve POST } }
}

condition own_branch = principal.branch is resource.branch

role underwriter {
    allow approve on credit:/loans/{loan} when own_branch and context.amount <= principal.approval_limit
    deny approve on credit:/loans/{loan} when resource.owner is principal.id or resource.status is archived
    allow update on credit:/loans/{loan} when {loan} is principal.id and context.environment is "live"
    allow read on credit:/loans/{loan} when resource.regions has any "EU", "US"
    allow list on credit:/loans
}
role service { allow list on credit:/loans when principal.kind is service }

environment live prefix a_live_
environment test prefix a_test_

stack other {
    authenticate sufficient key
    authenticate required principal
    authorize required role
    authorize required scope
    record optional log
    record optional warn
}
"""

APPROVE = {"action": "approve", "resource": "credit:/loans/7"}
# A secret word, by which tests see that no value is logged.
PRIVATE = "north-and-private"
GOOD = {"principal.branch": PRIVATE, "principal.approval_limit": 500, "resource.branch": PRIVATE,
        "resource.owner": "bob", "context.amount": 100}


class FactsTest(harness.DaemonTest):
    def setUp(self):
        self.d = harness.Daemon({"a.policy": POLICY}, start=False)
        self.addCleanup(self.d.finish)
        config = self.d.folder / "authzd.conf"
        config.write_text(f"decision_log {self.d.folder}/decisions.log\n")
        self.d.arguments += ["--config", str(config)]
        self.d.start()
        self.c = self.d.client()
        self.c.call("principals.create", id="ann")
        self.c.call("assignments.create", principal="ann", role="underwriter")

    def ask(self, facts=None, client=None, **asked):
        given = {} if facts is None else {"facts": facts}
        return (client or self.c).call("authorize", **{"principal": "ann", **APPROVE, **given, **asked})

    def reason(self, facts=None, **asked):
        return self.ask(facts, **asked)["reason"]

    def refused(self, facts, **asked):
        """(param, message) of invalid_request."""
        error = self.assert_error("invalid_request", self.ask, facts, **asked)
        self.assertTrue(error.message.startswith(error.error["param"] + ": "), error)
        return error.error["param"], error.message


class Deciding(FactsTest):
    def test_facts_decide_and_missing_ones_are_named_sorted(self):
        self.assertEqual(self.reason(GOOD), "ok")
        self.assertEqual(self.reason({**GOOD, "context.amount": 501}), "role")
        self.assertEqual(self.reason({**GOOD, "resource.owner": "ann"}), "denied")
        self.assertEqual(self.reason({**GOOD, "resource.status": "archived"}), "denied")
        answer = self.ask({name: GOOD[name] for name in ("resource.branch", "context.amount")})
        self.assertEqual((answer["allow"], answer["status"], answer["reason"]), (False, 403, "missing_fact"))
        self.assertEqual(answer["missing"], ["principal.approval_limit", "principal.branch", "resource.owner"])
        self.assertNotIn("missing", self.ask(GOOD))
        # Known to be false: it needs no more.
        self.assertEqual(self.reason({**GOOD, "resource.branch": "south", "resource.owner": None}), "role")
        self.assertEqual(self.ask({**GOOD, "resource.owner": None})["missing"], ["resource.owner"])

    def test_a_default_counts_when_nothing_was_given_and_nil_is_nothing(self):
        self.assertEqual(self.reason({**GOOD, "resource.status": None}), "ok")
        self.assertEqual(self.reason({**GOOD, "resource.status": "active"}), "ok")

    def test_the_environment_and_the_kind_are_known(self):
        own = {"action": "update", "resource": "credit:/loans/ann"}
        self.assertEqual(self.reason(**own), "ok")
        self.assertEqual(self.reason(environment="test", **own), "role")
        self.assertEqual(self.reason(action="update", resource="credit:/loans/bob"), "role")
        key = self.c.call("keys.create", principal="ann", environment="test")["secret"]
        live = self.c.call("keys.create", principal="ann")["secret"]
        for token, reason in ((key, "role"), (live, "ok")):
            for _ in range(2):  # looked up, and remembered
                answer = self.c.call("authorize", token=token, environment="*", **own)
                self.assertEqual(answer["reason"], reason)
        for id, kind, reason in (("robot", "service", "ok"), ("carl", "user", "role")):
            self.c.call("principals.create", id=id, kind=kind)
            self.c.call("assignments.create", principal=id, role="service")
            for _ in range(2):
                answer = self.c.call("authorize", principal=id, action="list", resource="credit:/loans")
                self.assertEqual(answer["reason"], reason, id)

    def test_types_are_read_as_they_are_sent(self):
        read = {"action": "read", "resource": "credit:/loans/7"}
        self.assertEqual(self.reason({"resource.regions": ["ASIA", "US", "US"]}, **read), "ok")
        self.assertEqual(self.reason({"resource.regions": []}, **read), "role")
        for value in (7, "2026-12-01T00:00:00Z"):
            self.assertEqual(self.reason({**GOOD, "context.due": value}), "ok")
        self.assertEqual(self.reason({**GOOD, "context.peer": "::ffff:192.0.2.1"}), "ok")

    def test_roles_of_the_store_have_conditions(self):
        self.c.call("principals.create", id="bob")
        made = self.c.call("roles.create", name="closer", grants=[
            "allow update on credit:/loans/{loan} when own_branch and resource.status is not archived",
            "allow read on credit:/loans/{loan}", "deny read on credit:/loans/{loan} when {loan} is resource.owner"])
        self.assertEqual((made["allowed"], made["denied"]), (2, 1))
        self.c.call("assignments.create", principal="bob", role="closer")
        update = {"principal": "bob", "action": "update", "resource": "credit:/loans/7"}
        read = {**update, "action": "read"}
        self.assertEqual(self.reason(GOOD, **update), "ok")
        self.assertEqual(self.reason({**GOOD, "resource.branch": "south"}, **update), "role")
        self.assertEqual(self.reason({**GOOD, "resource.status": "archived"}, **update), "role")
        self.assertEqual(self.ask({"resource.branch": "north"}, **update)["missing"], ["principal.branch"])
        self.assertEqual(self.reason({"resource.owner": "bob"}, **read), "ok")
        self.assertEqual(self.reason({"resource.owner": "7"}, **read), "denied")
        self.assertEqual(self.reason(**read), "missing_fact")
        # The policy lacks a word of the one, and the other's fact has another type.
        self.d.write("a.policy", POLICY.replace("draft | active | archived", "draft | active").replace(
            " or resource.status is archived", "").replace("resource.owner            string", "resource.owner  int")
            .replace("resource.owner is principal.id", "resource.owner is 7"))
        self.c.call("policy.reload")
        self.assertEqual(self.c.call("roles.get", name="closer")["dangling"], [
            "+PUT credit:/loans/{loan} when principal.branch is resource.branch and "
            "resource.status is not archived",
            "-GET credit:/loans/{loan} when {loan} is resource.owner"])
        given = {name: value for name, value in GOOD.items() if name != "resource.owner"}
        self.assertEqual(self.reason(given, **update), "role")
        self.assertEqual(self.reason(**read), "denied")

    def test_a_role_of_the_store_has_512_conditions_with_what_it_inherits(self):
        def grants(first, count):
            return [f"allow list on credit:/loans when context.amount < {n}" for n in range(first, first + count)]

        self.c.call("roles.create", name="low", grants=grants(0, 256))
        self.c.call("roles.create", name="high", grants=grants(256, 255))
        self.c.call("roles.create", name="both", inherits=["low", "high"], grants=grants(511, 1))
        error = self.assert_error("limit_reached", self.c.call, "roles.create", name="more", inherits=["both"],
                                  grants=grants(512, 1))
        self.assertIn("the role 'more' would have more than 512 different conditional grants", error.message)
        error = self.assert_error("limit_reached", self.c.call, "roles.update", name="high",
                                  grants=grants(256, 254) + grants(600, 2))
        self.assertIn("the role 'both' would have", error.message)

    def test_nothing_of_one_request_is_left_for_the_next(self):
        calls = []
        for i in range(600):
            facts = {**GOOD, "context.amount": 100 if i % 3 == 0 else 900}
            calls.append(("authorize", {"principal": "ann", **APPROVE, **({} if i % 5 == 0 else {"facts": facts})}))
        expected = ["missing_fact" if i % 5 == 0 else "ok" if i % 3 == 0 else "role" for i in range(600)]
        self.assertEqual([answer["reason"] for answer in self.c.call_many(calls)], expected)


class Many(FactsTest):
    def many(self, requests, **shared):
        return self.c.call("authorize_many", requests=requests, **{"principal": "ann", **APPROVE, **shared})

    def reasons(self, requests, **shared):
        return [result["reason"] for result in self.many(requests, **shared)["results"]]

    def test_facts_of_an_entry_replace_shared_ones_by_name(self):
        entries = [{}, {"facts": {"context.amount": 501}}, {"facts": {"resource.owner": None}}, {},
                   {"facts": {"resource.owner": "ann"}}, {"facts": {}},
                   {"facts": {"principal.branch": "south"}}]
        self.assertEqual(self.reasons(entries, facts=GOOD),
                         ["ok", "role", "missing_fact", "ok", "denied", "ok", "role"])
        self.assertEqual(self.reasons([{"facts": GOOD}, {}, {"facts": GOOD}]), ["ok", "missing_fact", "ok"])
        missing = self.many([{"facts": {"resource.owner": None}}], facts=GOOD)["results"][0]["missing"]
        self.assertEqual(missing, ["resource.owner"])

    def test_a_call_of_many_turns_keeps_its_shared_facts(self):
        entries = [{"explain": True, **({"facts": {"context.amount": 501}} if i % 7 == 0 else {})}
                   for i in range(1024)]
        expected = ["role" if i % 7 == 0 else "ok" for i in range(1024)]
        self.assertEqual(self.reasons(entries, facts=GOOD), expected)

    def test_what_is_wrong_is_named_with_its_entry(self):
        for entry, shared, param in (
                ({"facts": {"resource.oner": "x"}}, {}, "requests[1].facts.resource.oner"),
                ({"facts": 7}, {}, "requests[1].facts"),
                ({"undeclared": "yes"}, {}, "requests[1].undeclared"),
                ({"undeclared": "yes"}, {"facts": GOOD}, "requests[1].undeclared"),
                ({}, {"facts": {"resource.oner": "x"}}, "facts.resource.oner"),
                ({}, {"facts": [7]}, "facts"),
                ({}, {"undeclared": "refuse"}, "undeclared")):
            with self.subTest(param):
                error = self.assert_error("invalid_request", self.many, [{}, entry], **shared)
                self.assertEqual(error.error["param"], param)

    def test_more_sets_than_a_request_may_have_are_not_read(self):
        sets = [f"resource.set{number}" for number in range(130)]
        declared = "".join(f"    {name} strings\n" for name in sets)
        self.d.write("a.policy", POLICY.replace("facts {\n", "facts {\n" + declared))
        self.c.call("policy.reload")
        full = {name: [""] * 256 for name in sets[:64]}
        for entry in ({name: [""] * 256 for name in sets[64:129]}, {name: [""] * 256 for name in sets[:65]}):
            error = self.assert_error("invalid_request", self.many, [{"facts": entry}], facts=full)
            self.assertIn("more than 64 facts", error.message)
        self.assertEqual(self.reasons([{"facts": full}], facts=full), ["missing_fact"])

    def test_undeclared_of_an_entry_is_about_its_own_facts(self):
        entry = {"facts": {"resource.oner": "x", **GOOD}, "undeclared": "ignore"}
        self.assertEqual(self.reasons([entry, {"facts": GOOD}]), ["ok", "ok"])
        self.assertEqual(self.reasons([{"facts": {"resource.oner": "x", **GOOD}}], undeclared="ignore"), ["ok"])


class Refused(FactsTest):
    def test_what_is_wrong_is_named_without_its_value(self):
        for facts, param, why in (
                ({"resource.oner": PRIVATE}, "facts.resource.oner", "declares no such fact"),
                ({"context.amount": PRIVATE}, "facts.context.amount", "int"),
                ({"context.amount": 1.5}, "facts.context.amount", "must be"),
                ({"resource.status": PRIVATE}, "facts.resource.status", "is one of "),
                ({"resource.owner": 7}, "facts.resource.owner", "string"),
                ({"resource.regions": PRIVATE}, "facts.resource.regions", "set"),
                ({"resource.regions": ["a", 7]}, "facts.resource.regions", "must be"),
                ({"context.due": "tomorrow"}, "facts.context.due", "time"),
                ({"context.peer": "host"}, "facts.context.peer", "address"),
                ({"resource.owner": {"a": 1}}, "facts.resource.owner", "must be"),
                ({"resource.owner": "x" * 1025}, "facts.resource.owner", "1,024"),
                ({"resource.regions": ["a"] * 257}, "facts.resource.regions", "256"),
                ({7: "x"}, "facts", "not text")):
            with self.subTest(param, why=why):
                found, message = self.refused(facts)
                self.assertEqual(found, param)
                self.assertIn(why, message)
                self.assertNotIn(PRIVATE, message)

    def test_what_the_daemon_knows_is_never_a_fact(self):
        known = ("principal.id", "principal.tenant", "principal.kind", "principal.roles", "context.environment",
                 "context.service", "context.ip", "context.time", "context.mfa_age")
        for name in known:
            for mode in ({}, {"undeclared": "ignore"}):
                param, _ = self.refused({name: "x"}, **mode)
                self.assertEqual(param, f"facts.{name}")

    def test_a_fact_that_is_given_twice_is_refused(self):
        pair = b"\xaeresource.owner\xa3bob"
        params = harness.msgpack.packb({"principal": "ann", **APPROVE})
        body = b"\x84" + params[1:] + b"\xa5facts\x82" + pair + pair
        self.c.send_bytes(b"\x94\x00\x7b\xa9authorize\x91" + body)
        error = self.c.result_or_error(123)
        self.assertEqual((error.code, error.error["param"]), ("invalid_request", "facts.resource.owner"))
        self.assertIn("twice", error.message)

    def test_a_token_in_the_place_of_a_name_is_not_repeated(self):
        self.c.call("principals.create", id="carl")
        secret = self.c.call("keys.create", principal="carl")["secret"]
        for name in (secret, f"resource.{secret}", f"{secret}.x"):
            error = self.assert_error("invalid_request", self.ask, {name: "x"})
            self.assertNotIn(secret[-20:], str(error.error))

    def test_gateways_pass_over_what_is_not_declared_and_ill_typed_is_unknown(self):
        self.assertEqual(self.reason({**GOOD, "resource.oner": {"deep": [1.5]}}, undeclared="ignore"), "ok")
        # Unknown, though it has a default: the deny is not surely false.
        answer = self.ask({**GOOD, "resource.status": 7}, undeclared="ignore")
        self.assertEqual((answer["reason"], answer["missing"]), ("missing_fact", ["resource.status"]))
        self.assertEqual(self.refused(GOOD, undeclared="all")[0], "undeclared")

    def test_only_a_trusted_peer_states_facts_of_the_principal(self):
        token = self.c.call("keys.create", principal="ann")["secret"]
        other = self.stranger()
        own = {name: value for name, value in GOOD.items() if not name.startswith("principal.")}
        for facts, reason in ((own, "missing_fact"), (GOOD, "not_trusted"), ({"principal.branch": None}, "not_trusted")):
            answer = other.call("authorize", token=token, facts=facts, **APPROVE)
            self.assertEqual(answer["reason"], reason)
        self.assertEqual(other.call("authorize", token=token, facts=own, **APPROVE)["missing"],
                         ["principal.approval_limit", "principal.branch"])
        answer = other.call("authorize_many", token=token, facts=GOOD, requests=[APPROVE])
        self.assertEqual(answer["results"][0]["reason"], "not_trusted")
        page = other.call("permissions", token=token, facts=GOOD)
        self.assertEqual(page["reason"], "not_trusted")
        error = self.assert_error("invalid_request", other.call, "authorize", token=token,
                                  facts={"principal.id": "bob"}, **APPROVE)
        self.assertEqual(error.error["param"], "facts.principal.id")

    def stranger(self):
        """A peer that is not trusted."""
        self.d.socket.chmod(0o666)
        self.d.folder.chmod(0o755)
        with people.as_user():
            return self.d.client()


class Reported(FactsTest):
    def test_no_value_is_in_a_log_a_warning_or_a_watched_decision(self):
        watch = self.c.call("decisions.watch")
        self.ask(GOOD)
        self.ask({**GOOD, "context.amount": 77777777})
        self.assert_error("invalid_request", self.ask, {"context.amount": PRIVATE})
        items = self.c.call("decisions.watch", cursor=watch["cursor"], end=True)["items"]
        self.assertEqual(items[0]["facts"], sorted(GOOD, key=list(DECLARED).index))
        self.assertNotIn(PRIVATE, str(items))
        self.assertNotIn("77777777", str(items))
        self.d.stop()
        texts = self.d.log() + (self.d.folder / "decisions.log").read_text()
        self.assertIn("the policy marks", texts)
        self.assertNotIn(PRIVATE, texts)
        self.assertNotIn("77777777", texts)

    def test_status_counts_what_was_missing_until_the_policy_changes(self):
        self.assertEqual(self.c.call("status")["missing_facts"], {})
        self.ask({**GOOD, "resource.owner": None})
        self.c.call("authorize_many", principal="ann", requests=[{**APPROVE, "facts": {**GOOD, "resource.owner": None}},
                                                                 {**APPROVE, "facts": {**GOOD, "context.amount": None}}])
        self.assertEqual(self.c.call("status")["missing_facts"], {"resource.owner": 2, "context.amount": 1})
        self.assertIn("resource.owner 2, context.amount 1", re.sub(r"\s+", " ", self.d.tool("status").stdout))
        # A role of the store is no other policy.
        self.c.call("roles.create", name="extra", grants=["allow list on credit:/loans"])
        self.assertEqual(self.c.call("status")["missing_facts"], {"resource.owner": 2, "context.amount": 1})
        self.d.write("a.policy", POLICY + "role more { allow list on credit:/loans }\n")
        self.c.call("policy.reload")
        self.assertEqual(self.c.call("status")["missing_facts"], {})
        self.ask({**GOOD, "context.amount": None})
        self.assertEqual(self.c.call("status")["missing_facts"], {"context.amount": 1})

    def test_the_names_of_facts_are_among_the_policys_names(self):
        self.assertEqual(self.c.call("policy.names")["facts"], list(DECLARED))

    def test_they_come_with_their_types_words_and_defaults(self):
        self.d.write("a.policy", """\
facts {
    context.text     string   default "a b"
    context.all      strings  default "EU", "US"
    context.count    int      default -7
    context.yes      bool     default true
    context.at       time     default 2026-11-22T03:05:38Z
    context.within   duration default 90s
    context.from     address  default 10.0.0.1
    context.state    draft | active default active
    context.none     int
}
tree api { /loans { list GET } }
""")
        self.c.call("policy.reload")
        names = self.c.call("policy.names")
        self.assertEqual(names["facts"], [one["name"] for one in names["fact_types"]])
        self.assertEqual([{**one, "name": one["name"].split(".")[1]} for one in names["fact_types"]], [
            {"name": "text", "type": "string", "default": "a b"},
            {"name": "all", "type": "strings", "default": ["EU", "US"]},
            {"name": "count", "type": "int", "default": -7},
            {"name": "yes", "type": "bool", "default": True},
            {"name": "at", "type": "time", "default": 1795316738},
            {"name": "within", "type": "duration", "default": 90},
            {"name": "from", "type": "address", "default": "10.0.0.1"},
            {"name": "state", "type": "word", "words": ["draft", "active"], "default": "active"},
            {"name": "none", "type": "int"},
        ])
        # A default may be stated as it stands there.
        stated = {one["name"]: one["default"] for one in names["fact_types"] if "default" in one}
        self.assertFalse(self.c.call("authorize", method="GET", path="/loans", tree="api", facts=stated)["allow"])


class Shadowed(FactsTest):
    def test_a_decision_with_facts_is_not_judged_by_another_policy(self):
        aside = self.d.folder / "candidate"
        aside.mkdir()
        (aside / "a.policy").write_text(POLICY, encoding="utf-8")
        words = [harness.AUTHZCHECK, "--socket", str(self.d.socket), "policy", "shadow", "--json", "--count", "3",
                 "--running", str(self.d.policy), str(aside)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                              env=harness.environment(self.d.folder)) as process:
            harness.wait_until(lambda: "decisions are watched" in self.d.log(), what="a watch")
            own = {"action": "update", "resource": "credit:/loans/ann"}
            self.ask(GOOD)
            self.ask(**own)
            self.ask(environment="test", **own)
            found = json.loads(process.communicate()[0])
        self.assertEqual((found["not_judged_because"], found["same"]), ({"facts": 1}, 2))


class Tool(FactsTest):
    def check(self, *facts, **options):
        words = [word for fact in facts for word in ("--fact", fact)]
        return self.d.tool("check", "--principal", "ann", *words, *options.get("more", ()), "approve", "credit:/loans/7")

    def test_facts_of_the_command_line_are_typed_as_json_or_text(self):
        good = ["principal.branch=north", "principal.approval_limit=500", "resource.branch=\"north\"",
                "resource.owner=bob"]
        done = self.check(*good, "context.amount=500")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.check(*good)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "deny 403 missing_fact: it depends on facts that are not known: "
                                      "context.amount\n")
        self.assertEqual(done.stderr, "authzcheck: to state what is not known: "
                                      "--fact context.amount=VALUE\n")
        done = self.check(*good, more=["--json"])
        self.assertEqual(json.loads(done.stdout)["missing"], ["context.amount"])
        done = self.check(*good, 'context.amount="500"')
        self.assertEqual(done.returncode, 2)
        self.assertIn("facts.context.amount", done.stderr)
        for wrong in ("context.amount", "=7", "context.amount=1.5", 'context.amount={"a":1}', "resource.regions=[1]"):
            with self.subTest(wrong):
                done = self.check(wrong)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn("--fact", done.stderr)

    def test_the_fact_that_was_meant_is_proposed(self):
        done = self.check("resource.onwer=bob")
        self.assertEqual((done.returncode, done.stderr.splitlines()), (2, [
            "authzcheck: invalid_request: facts.resource.onwer: the policy declares no such fact",
            "authzcheck: did you mean 'resource.owner'?"]))
        self.assertIn("--fact owner: a fact's name begins with principal., resource., ", self.check("owner=bob").stderr)

    def test_an_attribute_that_is_nearly_a_fact_is_kept_and_the_fact_proposed(self):
        words = ["principal", "create", "eve", "--attribute", "brnch=north", "--attribute", "branch=north"]
        done = self.d.tool(*words, "--attribute", "approval_limit=5", "--attribute", "telephone=1")
        self.assertEqual((done.returncode, done.stderr), (0,
            "authzcheck: no condition reads attribute 'brnch': did you mean 'branch'?\n"))

    def test_can_takes_facts_too(self):
        done = self.d.tool("can", "--principal", "ann", "--fact", "resource.regions=[\"EU\"]", "credit")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_without_a_daemon_facts_are_read_by_the_folders_declarations(self):
        run = lambda *words: harness.run_tool("policy", "can", self.d.policy, "--role", "underwriter", *words)
        self.assertEqual(run("--fact", "resource.regions=[\"EU\"]").returncode, 0)
        for words, why in ((["resource.oner=x"], "resource.owner"), (["context.amount=x"], "int"),
                           (["principal.id=x"], "known"), (["context.amount=1", "context.amount=2"], "twice")):
            with self.subTest(words):
                done = run(*[word for fact in words for word in ("--fact", fact)])
                self.assertEqual(done.returncode, 2)
                self.assertIn(why, done.stderr)

    def test_names_are_completed(self):
        done = harness.run_tool("__complete", "check", "--socket", self.d.socket, "--fact", "context.")
        self.assertEqual([line.split("\t")[0] for line in done.stdout.splitlines()],
                         ["context.amount=", "context.due=", "context.peer="])
        done = harness.run_tool("__complete", "principal", "create", "--socket", self.d.socket, "--attribute", "")
        self.assertEqual(done.stdout.splitlines(),
                         [name.partition(".")[2] + "=" for name in DECLARED if name.startswith("principal.")])
        done = harness.run_tool("__complete", "policy", "can", str(self.d.policy), "--fact", "context.a")
        self.assertEqual(done.stdout.splitlines(), ["context.amount="])


# In the order of the policy.
DECLARED = re.findall(r"^    ([a-z]+\.[a-z_]+) ", POLICY.partition("}")[0], re.M)


if __name__ == "__main__":
    unittest.main()
