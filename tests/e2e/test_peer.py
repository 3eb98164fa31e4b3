# SPDX-License-Identifier: Apache-2.0
"""Module peer: the kernel says which user asks, and the policy which principal that is."""

import grp
import os
import pwd
import signal
import unittest

import harness
from people import as_user

POLICY = """\
environment live prefix a_live_
environment test prefix a_test_
tree api { /jobs { list GET, create POST }, /health { GET } }
role anyone { allow GET on api:/health }
role worker { allow GET on api:/jobs }
role mailer { allow create on api:/jobs }

principal jobs { peer user USER
    role worker }
principal mail { peer group GROUP
    role mailer }

stack local {
    authenticate required peer
    authorize required role
}
stack mixed {
    authenticate sufficient key
    authenticate sufficient principal
    authenticate required peer
    authorize required role
    authorize required scope
}
"""

# Ordinary users and groups of every Debian; root is in none of the groups.
USER, OTHER, GROUP = "daemon", "bin", "mail"


@unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
class Peer(harness.DaemonTest):
    def start(self, policy=POLICY, **words):
        words = {"USER": USER, "GROUP": GROUP, **words}
        for name, value in words.items():
            policy = policy.replace(name, value)
        config = "listen {socket} 0666 both\ntrust user root\n"
        d = harness.Daemon({"a.policy": policy}, start=False)
        self.addCleanup(d.finish)
        d.folder.chmod(0o755)
        path = d.folder / "authzd.conf"
        path.write_text(config.format(socket=d.socket))
        d.command = lambda *more: [harness.AUTHZD, "--policy", str(d.policy), "--state",
                                   str(d.state), "--config", str(path), *more]
        return d.start()

    def client_as(self, d, user=None, groups=()):
        """A connection of that user, in its own group and these groups only."""
        uid = pwd.getpwnam(user).pw_uid if user else 4242
        with as_user(uid):
            if not groups:
                return d.client()
        kept = os.getgroups()
        os.setgroups([grp.getgrnam(name).gr_gid for name in groups])
        os.setegid(uid)
        os.seteuid(uid)
        try:
            return d.client()
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(kept)

    def ask(self, client, method="GET", path="/jobs", service="local", **more):
        return client.call("authorize", method=method, path=path, service=service, **more)

    def test_the_kernels_peer_is_the_principal_that_the_files_declare(self):
        d = self.start()
        c = self.client_as(d, USER)
        answer = self.ask(c)
        self.assertTrue(answer["allow"], answer)
        self.assertEqual((answer["principal"], answer["tenant"]), ("jobs", "default"))
        self.assertEqual(self.ask(c, "POST")["reason"], "role")
        self.assertEqual(self.ask(c, "POST")["principal"], "jobs")
        self.assertTrue(self.ask(c, service="mixed")["allow"])
        many = c.call("authorize_many", service="local", path="/jobs",
                      requests=[{"method": "GET"}, {"method": "POST"}, {"method": "GET"}])
        self.assertEqual([r["allow"] for r in many["results"]], [True, False, True])
        # by a group of the user; and not by a group whose number is the user's
        m = self.client_as(d, groups=[GROUP])
        answer = self.ask(m, "POST")
        self.assertEqual((answer["allow"], answer["principal"]), (True, "mail"))
        # by both: the user's own line takes precedence
        both = self.client_as(d, USER, groups=[GROUP])
        self.assertEqual(self.ask(both, "POST")["reason"], "role")

    def test_other_users_are_anonymous_and_get_no_details(self):
        d = self.start()
        for c in (self.client_as(d, OTHER), self.client_as(d)):
            answer = self.ask(c)
            answer.pop("revision")
            self.assertEqual(answer, {"allow": False, "status": 401, "reason": "unauthenticated"})
        root = d.client()
        answer = self.ask(root)
        self.assertEqual((answer["reason"], answer.get("principal")), ("missing_token", None))

    def test_without_module_peer_the_peer_is_anonymous(self):
        d = self.start(POLICY + "stack open {\n authenticate required key anonymous=allow\n"
                       " authorize required role\n}\n")
        c = self.client_as(d, USER)
        answer = self.ask(c, service="open")
        self.assertEqual((answer["reason"], answer.get("principal")), ("role", None))
        answer = self.ask(c, path="/health", service="open")
        self.assertTrue(answer["allow"] and "principal" not in answer, answer)
        self.assertEqual(c.call("authorize", method="GET", path="/jobs")["status"], 401,
                         "nor does the built-in stack")

    def test_a_token_or_a_named_principal_is_asked_instead(self):
        d = self.start(USER="root", GROUP="daemon")
        root = d.client()
        self.assertTrue(self.ask(root)["allow"])
        answer = self.ask(root, service="mixed", principal="mail")
        self.assertEqual((answer["reason"], answer["principal"]), ("role", "mail"))
        self.assertEqual(self.ask(root, principal="mail")["reason"], "no_decision")
        made = root.call("keys.create", roles=["mailer"])
        self.assertEqual(self.ask(root, service="mixed", token=made["secret"])["reason"], "role")
        self.assertTrue(self.ask(root, "POST", service="mixed", token=made["secret"])["allow"])
        self.assertEqual(self.ask(root, service="mixed", token="a_live_x")["status"], 401)

    def test_a_peer_is_of_the_default_tenant_and_of_environments_that_are_there(self):
        d = self.start()
        c = self.client_as(d, USER)
        for more in ({}, {"environment": "test"}, {"environment": "*"}, {"tenant": "default"},
                     {"tenant": "*"}):
            self.assertTrue(self.ask(c, **more)["allow"], more)
        for more in ({"environment": "prod"}, {"tenant": "acme"}):
            self.assertEqual(self.ask(c, **more)["status"], 401, more)

    def test_names_of_users_are_looked_up_again_only_by_a_reload(self):
        d = self.start()
        said = d.tool("status", "--json").stdout
        self.assertNotIn("nobody is known", said)
        d.write("a.policy", POLICY.replace("USER", "nobody-of-that-name").replace("GROUP", GROUP))
        d.call("policy.reload")
        self.assertIn("this machine has no user 'nobody-of-that-name'",
                      d.tool("status", "--json").stdout)
        c = self.client_as(d, USER)
        self.assertEqual(self.ask(c)["status"], 401)
        d.write("a.policy", POLICY.replace("USER", USER).replace("GROUP", GROUP))
        d.signal(signal.SIGHUP)
        harness.wait_until(lambda: self.ask(c)["allow"], what="the peer is known again")

    def test_two_names_of_one_peer_are_refused(self):
        d = harness.Daemon({"a.policy": POLICY.replace("USER", USER).replace("GROUP", GROUP)
                            + f"principal twin {{ peer user {USER} }}\n"}, start=False)
        self.addCleanup(d.finish)
        status, said = d.refuses_to_start()
        self.assertEqual(status, 1)
        self.assertIn(f"peer user '{USER}' is principal 'jobs' already", said)


if __name__ == "__main__":
    unittest.main()
