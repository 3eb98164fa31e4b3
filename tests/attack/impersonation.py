# SPDX-License-Identifier: Apache-2.0
"""Acts as a principal that it may not be, or gains by what a principal may, through `impersonate`."""

import os
import unittest

import attack
import grant_to_itself
import harness
import people
import revoke_floods

POLICY = people.POLICY + """
role boss { allow all on authz:/** , api:/** }
role granter {
    allow all on authz:/keys/**, authz:/principals/**, authz:/assignments
    allow grant on authz:/grants/roles/{role}, authz:/grants/scopes/{scope}
}
"""

REFUSED = "the principal is not accepted"


class GrantToItself(grant_to_itself.GrantToItself):
    """All that the granter tries by a key it tries by itself, beside its keys."""

    def daemon(self, policy=None, *arguments, **options):
        return super().daemon(policy, *self.configured("impersonate user root\n"), *arguments, **options)

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("the configuration names root")
        super().setUp()

    def by(self, method, token=None, **params):
        who = {"impersonate": "granter"} if token is None else {"token": token}
        return self.c.call(method, **who, **params)

    def test_what_it_made_by_a_key_or_by_itself_is_one(self):
        for maker in (self.token, None):
            puppet = f"puppet-{maker is None}"
            self.c.call("principals.create", id=puppet)
            self.key(maker, principal=puppet)
            for giver in (self.token, None):
                self.no(f"gives a role to a puppet whose key it made, {maker is None} {giver is None}",
                        "assignments.create", giver, principal=puppet, role="viewer")

    def test_a_child_gives_nothing_to_the_principal_that_made_it(self):
        child = self.key(roles=["assigner"])["secret"]
        self.no("the child of a principal gives it a role", "assignments.create", child,
                principal="granter", role="viewer")
        child_of_scopes = self.key(scopes=["granting"])["secret"]
        twin = self.key(scopes=["health"])
        self.no("the child gives a scope to its twin", "keys.update", child_of_scopes,
                id=twin["id"], scopes=["write"])
        self.by("assignments.create", child, principal="eve", role="viewer")

    def test_a_principal_that_made_both_and_holds_it_does_not_stand_in_the_way(self):
        self.c.call("principals.create", id="chief")
        self.c.call("assignments.create", principal="chief", role="chief")
        def by_chief(**params):
            return self.c.call("keys.create", impersonate="chief", **params)
        granter = by_chief(principal="granter")["secret"]
        by_chief(principal="eve")
        self.by("assignments.create", granter, principal="eve", role="viewer")
        # When the chief no longer holds it, it does.
        self.c.call("principals.create", id="zoe")
        by_chief(principal="zoe")
        self.c.call("assignments.delete", principal="chief", role="chief")
        self.no("the key that a principal made gives to another one, and the principal has it not",
                "assignments.create", granter, principal="zoe", role="viewer")


class Impersonation(attack.Attack):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.begin("impersonate user daemon\nmanage user bin authz:/** all\n")

    def begin(self, lines):
        self.d = self.daemon({"a.policy": POLICY}, start=False)
        decide = f"{self.d.folder}/decide.sock"
        lines += f"listen {self.d.socket} 0666 both\nlisten {decide} 0666 decide\n"
        configured = self.configured(lines)
        self.d.command = lambda *more: [harness.AUTHZD, "--policy", str(self.d.policy), "--state",
                                        str(self.d.state), *configured, *more]
        self.d.start()
        os.chmod(self.d.folder, 0o711)
        self.c = self.d.client()
        for id in ("boss", "away"):
            self.c.call("principals.create", id=id)
            self.c.call("assignments.create", principal=id, role="boss")
        self.c.call("principals.disable", id="away")
        with people.as_user(1):
            self.front = self.d.client()
            self.front_decides = harness.Client(decide)
        with people.as_user(2):
            self.other = self.d.client()

    def test_only_a_peer_that_a_line_names_impersonates(self):
        self.assertIn("items", self.front.call("keys.list", impersonate="boss"))
        self.refused("asks itself for what only the principal may", "forbidden",
                     lambda: self.front.call("keys.list"))
        for name, client in (("root", self.c), ("a manager of everything", self.other)):
            error = self.refused(f"{name} impersonates without a line", "forbidden",
                                 lambda: client.call("keys.list", impersonate="boss"))
            self.assertIn("`impersonate` line", error["message"])
        self.refused("impersonates through a socket for decisions", "forbidden",
                     lambda: self.front_decides.call("keys.list", impersonate="boss"))

    def test_who_is_nobody_is_refused_in_one_way(self):
        self.c.call("tenants.create", id="acme")
        self.c.call("principals.create", id="theirs", tenant="acme")
        self.c.call("assignments.create", principal="theirs", role="boss", tenant="acme")
        self.c.call("assignments.create", everyone=True, role="boss")
        self.c.call("assignments.create", anyone=True, role="boss", at=["authz:/"])
        names = ("nobody", "away", "theirs", "acme/theirs", "everyone", "anyone", "daemon", "root",
                 "every principal", "every caller", "uid:0", "key:1abc", "principal:boss", "*", "",
                 ".", "..", " ", "boss ", " boss", "BOSS", "boss\0", "\0", "bo\0ss", "boss/",
                 "boss key:1", "a b", "x" * 128, "x" * 129, "x" * 100000, "\x7f", "бoss")
        for method, params in (("keys.list", {}), ("keys.create", {"roles": ["viewer"]}),
                               ("audit.list", {"tenant": "acme"})):
            for name in names:
                error = self.refused(f"{method} as {name[:20]!r}", "forbidden",
                                     lambda: self.front.call(method, impersonate=name, **params))
                self.assertEqual(error["message"], REFUSED)
        for value in (None, 7, True, ["boss"], {"id": "boss"}, b"\xff"):
            self.refused(f"impersonates {value!r}", "invalid_request",
                         lambda: self.front.call("keys.list", impersonate=value))
        error = self.refused("gives a token, too", "invalid_request", lambda: self.front.call(
            "keys.list", impersonate="boss", token="liq_live_x"))
        self.assertEqual(error["param"], "impersonate")
        # Of another tenant than the call names.
        self.refused("names another tenant", "not_found", lambda: self.front.call(
            "keys.list", impersonate="boss", tenant="acme"))

    def test_what_is_for_peers_alone_is_for_no_principal(self):
        for method, params in (
                ("tenants.list", {}), ("tenants.create", {"id": "t"}), ("policy.reload", {}),
                ("policy.status", {}), ("status", {}), ("pepper.rotate", {}), ("store.backup", {}),
                ("keys.purge", {"id": "1"}), ("keys.import", {"hash": "00" * 32, "roles": ["viewer"]}),
                ("audit.verify", {}), ("decisions.watch", {}), ("hosts.list", {})):
            self.refused(f"{method} as a principal", "forbidden",
                         lambda: self.front.call(method, impersonate="boss", **params))
        for method in ("authorize", "permissions", "plan", "authorize_many"):
            error = self.refused(f"{method} as a principal", "invalid_request",
                                 lambda: self.front.call(method, impersonate="boss"))
            self.assertEqual(error["param"], "impersonate")

    def test_no_answer_of_one_principal_is_given_to_another(self):
        self.c.call("principals.create", id="second")
        self.c.call("assignments.create", principal="second", role="boss")
        token = self.c.call("keys.create", principal="boss")["secret"]
        request = {"roles": ["viewer"], "request_id": "0123456789abcdef" * 2}
        made = self.front.call("keys.create", impersonate="boss", **request)
        self.assertEqual(self.front.call("keys.create", impersonate="boss", **request)["secret"],
                         made["secret"])
        for name, who in (("another principal", {"impersonate": "second"}),
                          ("the principal's own key", {"token": token})):
            self.refused(f"{name} repeats its request", "conflict",
                         lambda: self.front.call("keys.create", **who, **request))
        self.refused("root repeats its request", "conflict",
                     lambda: self.c.call("keys.create", **request))

    def test_it_ends_when_the_principal_does(self):
        for method, back in (("principals.disable", "principals.enable"),
                             ("principals.delete", None)):
            self.front.call("keys.list", impersonate="boss")
            self.c.call(method, id="boss")
            self.refused(f"goes on after {method}", "forbidden",
                         lambda: self.front.call("keys.list", impersonate="boss"))
            if back is not None:
                self.c.call(back, id="boss")
        # One of the same name has what it is given, and no more.
        self.c.call("principals.create", id="boss")
        self.refused("goes on as another one of that name", "forbidden",
                     lambda: self.front.call("keys.list", impersonate="boss"))


class Waiting(revoke_floods.Flood):
    """The change of a principal waits in the queue while somebody disables the principal."""

    def start(self):
        os.environ["HOLD_COMMITS_FILE"] = str(self.d.folder / "hold")
        os.environ["LD_PRELOAD"] = os.environ["HOLD_COMMITS"]
        try:
            self.d.start(*self.configured("impersonate user daemon\n"))
        finally:
            del os.environ["LD_PRELOAD"]
            del os.environ["HOLD_COMMITS_FILE"]
        self.d.socket.chmod(0o666)
        self.c = self.d.client()

    def test_a_change_that_waits_is_judged_again(self):
        self.boss()
        front, ender = self.client(), self.d.client()
        self.hold_writer()
        made = [front.send("keys.create", {"roles": ["viewer"], "impersonate": "boss"})
                for _ in range(5)]
        self.await_waiting(1 + len(made))
        ended = ender.send("principals.disable", {"id": "boss"})
        self.await_waiting(2 + len(made))
        self.release()
        ender.receive(ended)
        for number in made:
            error = self.refused("a change that waited while its principal was disabled",
                                 "forbidden", lambda: front.receive(number))
            self.assertEqual(error["message"], REFUSED)


if __name__ == "__main__":
    unittest.main()
