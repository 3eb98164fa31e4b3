# SPDX-License-Identifier: Apache-2.0
"""A user who may not manage wants to put a new policy into effect before it is meant to be."""

import os
import unittest

import attack
import harness
import people

NEXT = people.POLICY + "role night { allow GET on api:/loans }\n"


class ForbiddenReload(attack.Attack):
    def test_a_forbidden_reload_does_nothing(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can be somebody else")
        # Nothing is watched, so that only a requested reload can find the new policy.
        daemon = self.daemon({"a.policy": people.POLICY}, start=False)
        (daemon.folder / "authzd.conf").write_text("watch no\n")
        daemon.arguments += ["--config", str(daemon.folder / "authzd.conf")]
        daemon.start()
        client = daemon.client()
        before = client.call("policy.status")
        os.chmod(daemon.folder, 0o711)
        os.chmod(daemon.socket, 0o666)
        daemon.write("a.policy", NEXT)
        with people.as_user():
            stranger = daemon.client()
        self.refused("reloads the policy", "forbidden", lambda: stranger.call("policy.reload"))
        self.refused("reloads it once more", "forbidden", lambda: stranger.call("policy.reload"))
        after = client.call("policy.status")
        for field in ("revision", "serial", "attempted_at", "reloads"):
            self.assertEqual(before[field], after[field], field)
        self.failed("has the new policy in effect", "the policy is as before")

        client.call("policy.reload")
        self.assertEqual(client.call("policy.status")["roles"], before["roles"] + 1)
        entries = [item for item in client.call("audit.list")["items"]
                   if item["action"] == "policy.reload"]
        self.assertEqual([item["actor"] for item in entries], ["uid:0"])
        self.failed("is named as the author of the change", "the trail names root")


if __name__ == "__main__":
    unittest.main()
