# SPDX-License-Identifier: Apache-2.0
"""Reads the tokens of other users in logs, where clients put them into the wrong field."""

import json
import unittest
import urllib.parse

import attack
import harness

POLICY = """\
environment live prefix a_live_
facts {
    resource.owner   string
    principal.branch string
}
tree api { /a { GET }, /{any} { GET } }
role r { allow GET on api:/a }
role owner { allow GET on api:/{any} when resource.owner is principal.branch }
principal p { role r }
stack all { authenticate sufficient key
    authenticate required principal
    authorize required role
    record optional warn
    record optional log }
stack authz { record optional warn
    record optional log }
"""

# A part of a secret that is longer than this must not appear anywhere.
LEFT = 12


class TokenInLog(attack.Attack):
    def start(self, form):
        d = harness.Daemon({"a.policy": POLICY}, "--log-format", form, start=False)
        self.addCleanup(d.finish)
        self.decisions = d.folder / "decisions.log"
        config = d.folder / "authzd.conf"
        config.write_text(f"decision_log {self.decisions}\n")
        d.arguments += ["--config", str(config)]
        return d.start()

    def parts(self, token):
        secret = token.rsplit("_", 1)[1]
        return [secret[i:i + LEFT + 1] for i in range(len(secret) - LEFT)]

    def assert_nothing_left(self, tried, text, token):
        for part in self.parts(token):
            self.assertNotIn(part, text, tried)

    def spelled(self, token):
        """The token with some of its characters percent-encoded, or all of them."""
        head, kid, secret = token[:-51], token[-51:-39], token[-38:]
        for form in ("%{:02x}", "%{:02X}"):
            yield f"{head}{kid}{form.format(ord('_'))}{secret}"
            yield f"{head}{kid}_{form.format(ord(secret[0]))}{secret[1:]}"
            yield f"{head}{form.format(ord(kid[0]))}{kid[1:]}_{secret}"
            yield "".join(form.format(ord(c)) for c in token)
            for step in (2, 5, 11):
                yield "".join(form.format(ord(c)) if i % step == 0 else c
                              for i, c in enumerate(token))

    def asked(self, token):
        """Each field of a request, with the token in it."""
        whole = {"principal": "p", "service": "all", "method": "GET", "path": "/a"}
        named = {"principal": "p", "service": "all", "action": "GET", "resource": "api:/a"}
        for field in ("principal", "method", "environment", "tenant", "tree"):
            yield field, {**whole, field: token}
        yield "action", {**named, "action": token}
        yield "path", {**whole, "path": f"/{token}"}
        yield "path, within a word", {**whole, "path": f"/x{token}y/a"}
        yield "path, twice", {**whole, "path": f"/{token}/{token}?q={token}"}
        yield "path, after Bearer", {**whole, "path": f"/Bearer {token}\n\"{token}\""}
        yield "resource", {**named, "resource": f"api:/{token}"}
        yield "resource that is not one", {**named, "resource": token}
        yield "path, without its last characters", {**whole, "path": f"/{token[:-7]}"}
        yield "token and path", {"token": token, "service": "all", "method": "GET",
                                 "path": f"/{token}"}

    def test_a_token_in_any_field_of_a_decision_is_in_no_log(self):
        for form in ("text", "json"):
            d = self.start(form)
            client = d.client()
            token = client.call("keys.create", roles=["r"])["secret"]
            for field, params in self.asked(token):
                client.call("authorize", **params)
            d.stop()
            for name, text in (("log", d.log()), ("decision log", self.decisions.read_text())):
                self.assertGreaterEqual(text.count("_..."), 10, f"{name}: the lines are there")
                self.assert_nothing_left(name, text, token)
                self.failed(f"reads a token in the {name} ({form}), sent in each field", "redacted")
            for line in self.decisions.read_text().splitlines():
                json.loads(line)

    def test_a_percent_encoded_token_is_in_no_log(self):
        for form in ("text", "json"):
            d = self.start(form)
            client = d.client()
            token = client.call("keys.create", roles=["r"])["secret"]
            for spelled in self.spelled(token):
                for path in (f"/x/{spelled}", f"/{spelled}/{spelled}", f"/{token[-51:-39]}_{spelled}"):
                    client.call("authorize", principal="p", service="all", method="GET", path=path)
                client.call("authorize", principal=spelled, service="all", action="GET",
                            resource=f"api:/{spelled}")
            d.stop()
            for name, text in (("log", d.log()), ("decision log", self.decisions.read_text())):
                self.assertGreaterEqual(text.count("..."), 50, f"{name}: the lines are there")
                self.assert_nothing_left(name, urllib.parse.unquote(text), token)
                self.failed(f"reads a percent-encoded token in the {name} ({form})", "redacted")

    def test_a_token_as_a_fact_or_an_attribute_is_in_no_log_and_seen_by_no_watch(self):
        for form in ("text", "json"):
            d = self.start(form)
            client = d.client()
            token = client.call("keys.create", roles=["r"])["secret"]
            client.call("principals.create", id="ann", attributes={"branch": token, "other": token})
            client.call("assignments.create", principal="ann", role="owner", at=[f"api:/{token}"])
            client.call("principals.update", id="ann", attributes={"branch": f"x{token}"})
            cursor = client.call("decisions.watch")["cursor"]
            seen = 0
            for name in ("resource.owner", "principal.branch"):
                for path in (f"/{token}", "/other"):
                    asked = {"principal": "ann", "service": "all", "method": "GET", "path": path,
                             "facts": {name: token, f"x.{token}": token}, "undeclared": "ignore"}
                    for method in ("plan", "decisions.try"):
                        client.call(method, **asked)
                    seen += client.call("authorize", **asked)["status"] in (200, 403)
            self.assertEqual(seen, 4)
            watched = client.call("decisions.watch", cursor=cursor, end=True)
            self.assertEqual((watched["seen"], watched["dropped"]), (4, 0))
            # In the path, and in the place that the role is held at.
            self.assertEqual([item.get("redacted") for item in watched["items"]], [True] * 4)
            trail = client.call("audit.list", limit=1000)["items"]
            d.stop()
            for name, text in (("log", d.log()), ("decision log", self.decisions.read_text())):
                self.assertEqual(text.count("_..."), 2, f"{name}: the lines are there")
                self.assert_nothing_left(name, text, token)
            self.assert_nothing_left("watch", json.dumps(watched["items"]), token)
            self.assert_nothing_left("trail", json.dumps(trail), token)
            self.failed(f"reads a token that came as a fact or an attribute ({form})", "redacted")

    def test_a_kid_before_a_token_hides_nothing(self):
        d = self.start("text")
        client = d.client()
        token = client.call("keys.create", roles=["r"])["secret"]
        kid = token[-51:-39]
        for path in (f"/{kid}_{token[-51:]}", f"/{kid}_{kid}_{kid}_{token[-51:]}"):
            client.call("authorize", principal="p", service="all", method="GET", path=path)
        d.stop()
        self.assertIn("_...", self.decisions.read_text())
        self.assert_nothing_left("logs", d.log() + self.decisions.read_text(), token)
        self.failed("spares a token that follows the id of its key", "redacted")

    def test_a_line_that_is_cut_within_a_token_shows_too_little_of_it(self):
        d = self.start("text")
        client = d.client()
        token = client.call("keys.create", roles=["r"])["secret"]
        for bound in (800, 2048, 4096, 8192):
            for pad in range(bound - 500, bound + 20, 5):
                client.call("authorize", principal="p", service="all", action="x" * pad + token,
                            resource=f"api:/{'x' * pad}{token}")
        d.stop()
        self.assert_nothing_left("log", d.log(), token)
        self.assert_nothing_left("decision log", self.decisions.read_text(), token)
        self.failed("makes the cut of a long line spare a part of a token", "redacted")

    def test_a_token_as_an_id_or_a_name_is_in_no_log_and_in_no_trail(self):
        d = self.start("text")
        client = d.client()
        made = client.call("keys.create", roles=["r"])
        token = made["secret"]
        for method, params in (("principals.create", {"id": token}),
                               ("tenants.create", {"id": token})):
            self.refused(f"{method} with a token as the id", "invalid_request",
                         lambda m=method, p=params: client.call(m, **p))
        client.call("keys.update", id=made["id"], name=f"for {token}", label=token)
        messages = []
        for method, params in (
            ("keys.create", {"principal": token}), ("keys.create", {"roles": [token]}),
            ("keys.create", {"roles": ["r", "r", token]}), ("keys.create", {"scopes": [token]}),
            ("keys.create", {"roles": ["r"], "at": [token]}),
            ("keys.create", {"roles": ["r"], "networks": [token]}),
            ("keys.get", {"id": token}), ("keys.list", {"principal": token}),
            ("principals.get", {"id": token}), ("assignments.create", {"principal": token, "role": "r"}),
            ("assignments.create", {"principal": "p", "role": token}),
            ("roles.create", {"id": f"x {token}", "grants": [token]}),
            ("keys.list", {token: 1}), (token, {}),
        ):
            with self.assertRaises(harness.Error) as caught:
                client.call(method, **params)
            messages.append(json.dumps(caught.exception.error))
        self.assert_nothing_left("an error's message", "\n".join(messages), token)
        self.failed("reads a token in the messages of errors, which clients log", "redacted")
        trail = json.dumps(client.call("audit.list", limit=1000)["items"], ensure_ascii=False)
        self.assertIn("_…", trail)
        self.assert_nothing_left("the audit trail", trail, token)
        self.failed("reads a token in the audit trail", "redacted")
        d.stop()
        self.assert_nothing_left("log", d.log() + self.decisions.read_text(), token)


if __name__ == "__main__":
    unittest.main()
