# SPDX-License-Identifier: Apache-2.0
"""Wants another file of root's, or another policy, under a name that the daemon trusts.

A hard link is a second name of a file: what the daemon does with the one, it does with the other.
"""

import os
import stat
import unittest

import attack

OWN = 1  # the user that the daemon becomes: `daemon`

POLICY = """\
tree api { /a { GET } }
role r { allow GET on api:/a }
principal p { role r }
"""


class HardLinks(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY}, start=False)
        self.precious = self.d.folder / "precious"
        self.precious.write_text("root's own\n")
        self.precious.chmod(0o600)
        self.lock = self.d.state / "lock"

    def as_its_user(self):
        """The daemon is started as root, and becomes another user."""
        config = self.d.folder / "authzd.conf"
        config.write_text(f"user daemon\nlisten {self.d.socket} 0666 both\n")
        for path in (self.d.folder, self.d.policy):
            path.chmod(0o755)
        self.d.command = lambda *more: [
            *self.d.prefix, attack.harness.AUTHZD, "--config", str(config), "--policy",
            str(self.d.policy), "--state", str(self.d.state), *more]

    def refuses(self, tried, *words):
        before = self.precious.stat()
        status, said = self.d.refuses_to_start()
        self.assertEqual(status, 1, said)
        for word in words:
            self.assertIn(word, said)
        after = self.precious.stat()
        self.assertEqual((after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)),
                         (before.st_uid, before.st_gid, stat.S_IMODE(before.st_mode)), tried)
        self.assertEqual(self.precious.read_text(), "root's own\n", tried)
        self.failed(tried, said.strip().splitlines()[-1])

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes another user")
    def test_the_lock_is_no_second_name_of_a_file_of_roots(self):
        self.as_its_user()
        os.chown(self.d.state, OWN, OWN)
        os.link(self.precious, self.lock)
        self.refuses("lets the daemon give away a file by its lock", "hard links", str(self.lock))
        self.lock.unlink()
        self.lock.symlink_to(self.precious)
        self.refuses("the same by a symbolic link", "is a symbolic link", str(self.lock))
        self.lock.unlink()
        os.link(self.precious, self.d.folder / "third")
        self.d.start()
        made = self.lock.stat()
        self.assertEqual((made.st_uid, made.st_nlink), (OWN, 1), "its own lock is its own")

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes another user")
    def test_a_lock_that_the_daemon_did_not_make_is_not_given_away(self):
        self.as_its_user()
        os.chown(self.d.state, OWN, OWN)
        self.lock.write_text("")
        self.lock.chmod(0o600)
        self.d.start()
        self.assertEqual(self.lock.stat().st_uid, 0)
        self.failed("gets an old file of root's by the lock's name", "it still belongs to root")

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes another user")
    def test_a_folder_of_roots_with_files_is_not_given_away(self):
        self.as_its_user()
        (self.d.state / "shadow").write_text("x")
        self.refuses("gets a folder of root's that has files", "as root, chown -R ", f": {self.d.state}")
        self.assertEqual(self.d.state.stat().st_uid, 0)
        (self.d.state / "shadow").unlink()
        self.d.start()
        self.assertEqual(self.d.state.stat().st_uid, OWN, "an empty one is for the daemon")

    def test_a_policy_has_one_name(self):
        path = self.d.policy / "a.policy"
        other = self.d.folder / "second-name"
        os.link(path, other)
        self.refuses("changes a policy by its second name, at the start", "hard links", str(path))
        other.unlink()
        self.d.start()
        os.link(path, other)
        with open(other, "a", encoding="utf-8") as file:
            file.write("role r2 { allow GET on api:/a }\n")
        error = self.assert_error("invalid_policy", self.d.call, "policy.reload")
        self.assertIn("hard links", str(error.error))
        self.failed("the same, at a reload", "invalid_policy")
        self.assertTrue(self.d.call("authorize", principal="p", method="GET", path="/a")["allow"])


if __name__ == "__main__":
    unittest.main()
