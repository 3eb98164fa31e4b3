# SPDX-License-Identifier: Apache-2.0
"""The daemon gives up what it does not need, and everything it does goes on working."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from harness import AUTHZD, SMALL_POLICY, wait_until

AUTHORIZE = {"method": "GET", "path": "/loans", "principal": "ann"}
POLICY = SMALL_POLICY + "\nprincipal ann {\n    role viewer\n}\n"
WIDER = POLICY.replace("role viewer\n", "role clerk\n")


def fields_of(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def helper_of(pid):
    """The process that looks up names."""
    return next(int(child) for task in Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split())


class Confined(harness.DaemonTest):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authz-confined-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)

    def configured(self, lines, **more):
        config = self.folder / "authzd.conf"
        config.write_text(lines)
        return self.daemon({"a.policy": POLICY}, "--config", str(config), **more)

    def skip_if_instrumented(self, daemon):
        if "a build with a sanitizer" in daemon.log():
            self.skipTest("a build with a sanitizer is not confined")

    def may_create(self, daemon):
        return daemon.call("authorize", **{**AUTHORIZE, "method": "POST"})["allow"]

    def test_status_says_what_is_in_force(self):
        (self.folder / "modules").mkdir()
        (self.folder / "log").mkdir()
        daemon = self.configured(
            f"modules {self.folder}/modules\ndecision_log {self.folder}/log/decisions\n")
        self.skip_if_instrumented(daemon)
        self.assertIn("confinement   seccomp, landlock (policy, state, modules, log), "
                      "capabilities none\n", daemon.tool("status").stdout)
        shown = json.loads(daemon.tool("--json", "status").stdout)["confinement"]
        self.assertGreaterEqual(shown.pop("landlock"), 1)
        self.assertEqual(shown, {"seccomp": True, "capabilities": False,
                                 "folders": ["policy", "state", "modules", "log"]})
        self.assertNotIn("not confined", daemon.log())

    def test_every_thread_is_confined_and_has_no_capabilities(self):
        daemon = self.daemon({"a.policy": POLICY})
        self.skip_if_instrumented(daemon)
        threads = list(Path(f"/proc/{daemon.pid}/task").iterdir())
        self.assertGreater(len(threads), 3)
        for thread in threads:
            fields = fields_of(f"{daemon.pid}/task/{thread.name}")
            self.assertEqual(fields["Seccomp"], "2")
            self.assertEqual(fields["NoNewPrivs"], "1")
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(fields[name], "0" * 16, name)
            if os.geteuid() == 0:
                self.assertEqual(fields["CapBnd"], "0" * 16)

    def test_no_confinement_is_an_option_that_warns(self):
        daemon = self.daemon({"a.policy": POLICY}, "--no-confinement")
        self.assertIn("warn: not confined: files and system calls are not limited", daemon.log())
        self.assertEqual(fields_of(daemon.pid)["Seccomp"], "0")
        self.assertEqual(fields_of(daemon.pid)["CapEff"], "0" * 16)
        self.assertIn("confinement   no seccomp, no landlock, capabilities none\n",
                      daemon.tool("status").stdout)

    @unittest.skipUnless(os.geteuid() == 0, "is about root")
    def test_root_without_a_user_is_a_warning(self):
        self.assertIn('warn: runs as root: name a user of its own in authzd.conf line="user NAME"',
                      self.daemon({"a.policy": POLICY}).log())
        daemon = self.configured("user daemon\n", start=False)
        for path in (daemon.folder, daemon.policy):
            path.chmod(0o755)
        daemon.start()
        self.assertNotIn("runs as root", daemon.log())

    def test_a_kernel_without_one_of_the_limits_is_a_warning(self):
        for call, warning, shown in (
                ("landlock_create_ruleset", "this kernel has no Landlock",
                 "seccomp, no landlock, capabilities none"),
                ("seccomp", "this kernel has no seccomp",
                 "no seccomp, landlock (policy, state), capabilities none")):
            with self.subTest(call):
                daemon = self.daemon({"a.policy": POLICY}, start=False)
                daemon.prefix = ["/usr/bin/python3", "-c", harness.WITHOUT_CALL, call]
                daemon.start()
                self.skip_if_instrumented(daemon)
                self.assertIn(f"warn: {warning}", daemon.log())
                self.assertIn(f"confinement   {shown}\n", daemon.tool("status").stdout)
                self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])

    @unittest.skipUnless(os.geteuid() == 0, "only root sees the descriptors of the process")
    def test_what_is_inherited_is_given_up(self):
        """Descriptors, the umask, the limit of core files; and closed standard descriptors are opened."""
        daemon = self.daemon({"a.policy": POLICY}, start=False)
        daemon.prefix = ["prlimit", "--core=unlimited",
                         "sh", "-c", f'umask 000; exec "$@" 0<&- 7<{self.folder}', "sh"]
        daemon.start()
        links = {}
        for entry in Path(f"/proc/{daemon.pid}/fd").iterdir():
            links[int(entry.name)] = os.readlink(entry)
        self.assertEqual(links[0], "/dev/null")
        self.assertNotIn(str(self.folder), links.values())
        self.assertEqual(int(fields_of(daemon.pid)["Umask"], 8), 0o022)
        limits = Path(f"/proc/{daemon.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        self.assertEqual([path.name for path in daemon.state.iterdir()
                          if path.stat().st_mode & 0o077], [])

    def test_the_folder_may_be_exchanged(self):
        """By another target of a link, also one in the middle of the path, and by a rename."""
        releases = self.folder / "releases"
        for number, text in ((1, POLICY), (2, WIDER)):
            (releases / f"{number}" / "policy").mkdir(parents=True)
            (releases / f"{number}" / "policy" / "a.policy").write_text(text)
        current = self.folder / "links" / "current"
        current.parent.mkdir()
        current.symlink_to(releases / "1")

        def switch(number):
            aside = current.with_name("new")
            aside.symlink_to(releases / str(number))
            aside.rename(current)

        for path in (current / "policy", self.folder / "links" / "policy"):
            with self.subTest(path):
                if not path.exists():
                    path.symlink_to(releases / "1" / "policy")
                daemon = self.daemon({"a.policy": POLICY}, start=False)
                daemon.policy = path
                daemon.start()
                self.assertFalse(self.may_create(daemon))
                if path.is_symlink():
                    path.unlink()
                    path.symlink_to(releases / "2" / "policy")
                else:
                    switch(2)
                if path.parent == current:
                    daemon.call("policy.reload")
                    self.assertTrue(self.may_create(daemon))
                    switch(1)
                    daemon.call("policy.reload")
                    self.assertFalse(self.may_create(daemon))
        daemon = self.daemon({"a.policy": POLICY})
        new = daemon.folder / "new"
        new.mkdir()
        (new / "a.policy").write_text(WIDER)
        daemon.policy.rename(daemon.folder / "old")
        new.rename(daemon.policy)
        daemon.call("policy.reload")
        self.assertTrue(self.may_create(daemon))

    def test_a_link_to_a_folder_elsewhere_is_refused_until_the_next_start(self):
        daemon = self.daemon({"a.policy": POLICY}, start=False)
        self.skip_if_instrumented(daemon)
        elsewhere = self.folder / "policy"
        elsewhere.mkdir()
        (elsewhere / "a.policy").write_text(WIDER)
        daemon.start()
        self.skip_if_instrumented(daemon)
        daemon.policy.rename(daemon.folder / "old")
        daemon.policy.symlink_to(elsewhere)
        with self.assertRaises(harness.Error) as caught:
            daemon.call("policy.reload")
        self.assertIn("Permission denied", str(caught.exception.error))
        self.assertFalse(self.may_create(daemon))
        daemon.stop()
        daemon.start()
        self.assertTrue(self.may_create(daemon))

    def test_the_decision_log_is_opened_again(self):
        log = self.folder / "log"
        log.mkdir()
        daemon = self.configured(f"decision_log {log}/decisions\n")
        (log / "decisions").rename(log / "decisions.1")
        daemon.signal(signal.SIGHUP)
        wait_until((log / "decisions").exists)

    def test_a_pepper_beside_the_state_is_rotated(self):
        (self.folder / "secret").mkdir(mode=0o700)
        daemon = self.configured(f"pepper {self.folder}/secret/pepper\n")
        before = (self.folder / "secret" / "pepper").read_text()
        daemon.call("pepper.rotate")
        self.assertNotEqual((self.folder / "secret" / "pepper").read_text(), before)
        if "a build with a sanitizer" not in daemon.log():
            self.assertEqual(daemon.call("status")["confinement"]["folders"],
                             ["policy", "state", "pepper"])

    def test_users_are_looked_up_by_a_process_of_its_own(self):
        """Name services open sockets; and the process ends with the daemon, however that ends."""
        daemon = self.daemon({"a.policy": POLICY})
        daemon.replace("a.policy", POLICY + "principal bob {\n    peer user no-such-user-here\n}\n")
        daemon.call("policy.reload")
        self.assertIn("this machine has no user 'no-such-user-here'",
                      str(daemon.call("policy.status")["diagnostics"]))
        daemon.replace("a.policy", POLICY + "principal bob {\n    peer user daemon\n}\n")
        daemon.call("policy.reload")
        for end in (daemon.stop, daemon.kill):
            pidfd = os.pidfd_open(helper_of(daemon.pid))
            self.addCleanup(os.close, pidfd)
            self.assertEqual(fields_of(helper_of(daemon.pid))["CapEff"], "0" * 16)
            end()
            wait_until(lambda fd=pidfd: harness.select.select([fd], [], [], 0)[0])
            daemon.start()

    def test_without_that_process_a_policy_with_users_is_refused(self):
        daemon = self.daemon({"a.policy": POLICY})
        os.kill(helper_of(daemon.pid), signal.SIGKILL)
        daemon.replace("a.policy", POLICY + "principal bob {\n    peer user daemon\n}\n")
        with self.assertRaises(harness.Error):
            daemon.call("policy.reload")
        self.assertTrue(daemon.call("authorize", **AUTHORIZE)["allow"])

    def test_the_option_takes_no_value(self):
        done = subprocess.run([AUTHZD, "--no-confinement=yes"], capture_output=True, text=True,
                              check=False, timeout=harness.DEADLINE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("this option takes no value", done.stderr)


if __name__ == "__main__":
    unittest.main()
