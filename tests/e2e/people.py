# SPDX-License-Identifier: Apache-2.0
"""What the tests of keys, managing and decisions share: a policy, and other users."""

import contextlib
import os
import unittest

import harness

POLICY = """\
environment live prefix liq_live_
environment test prefix liq_test_

tree api {
    /loans { list GET, create POST, /{loan} { read GET, update PUT, delete DELETE
        /payments { list GET, create POST } } }
    /health { GET }
}

scope loans:read { allow GET on api:/loans/** }
scope loans:write includes loans:read { allow all on api:/loans/** }

role anyone { allow GET on api:/health }
role viewer { allow GET on api:/loans/** }
role clerk inherits viewer { allow create on api:/loans }
role auditor { allow GET on api:/loans/** }
exclusive clerk, auditor

principal billing { role viewer at api:/loans/7 }
"""

LIMITS = """
limits {
    keys_per_principal 2
    key_ttl 30d
    key_max_ttl 60d
}
"""

# An ordinary user of the host, not the daemon's. Not 65534, which no line of the configuration matches.
STRANGER = 1


@contextlib.contextmanager
def as_user(uid=STRANGER):
    """The kernel keeps the peer's user of the time of connect: connect inside, use anywhere."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


class PeopleTest(harness.DaemonTest):
    """A daemon with the policy above, and principal alice with role viewer."""

    policy = POLICY

    def setUp(self):
        self.d = self.daemon({"a.policy": self.policy}, *self.arguments())
        self.c = self.d.client()

    def arguments(self):
        return []

    def alice(self, *roles):
        self.c.call("principals.create", id="alice", name="Alice")
        for role in roles or ("viewer",):
            self.c.call("assignments.create", principal="alice", role=role)

    def key(self, **params):
        """(id, secret) of a new key, by default alice's."""
        if not {"principal", "roles", "scopes"} & params.keys():
            params["principal"] = "alice"
        record = self.c.call("keys.create", **params)
        return record["id"], record["secret"]

    def ask(self, secret, method="GET", path="/loans/7", **params):
        return self.c.call("authorize", token=secret, method=method, path=path, **params)

    def assert_reason(self, reason, answer, status=None):
        self.assertEqual(answer["reason"], reason, answer)
        self.assertEqual(answer["allow"], reason == "ok", answer)
        if status is not None:
            self.assertEqual(answer["status"], status, answer)

    def stranger(self):
        """A connection of another user."""
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can be somebody else")
        os.chmod(self.d.folder, 0o711)
        os.chmod(self.d.socket, 0o666)
        with as_user():
            return self.d.client()
