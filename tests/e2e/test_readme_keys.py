# SPDX-License-Identifier: Apache-2.0
"""The commands of README's "Keys" and "Conditions", run in a shell as they stand."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness


def section(title, level="###"):
    """The indented lines after a heading, up to the next one."""
    text = (harness.ROOT / "README.md").read_text(encoding="utf-8")
    body = re.sub(r"^```.*?^```", "", text.split(f"\n{level} {title}\n")[1], flags=re.M | re.S).split("\n##")[0]
    return [line[4:] for line in body.splitlines() if line.startswith("    ")]


class Keys(harness.DaemonTest):
    def test_rotate_without_downtime(self):
        daemon = self.daemon(harness.ROOT / "policy" / "examples" / "loanpro")
        tools = Path(harness.AUTHZCHECK).parent
        done = subprocess.run(
            ["sh", "-eux"], input="\n".join(section("Rotate without downtime")),
            capture_output=True, text=True, cwd=daemon.folder, timeout=harness.DEADLINE,
            env={**harness.environment(daemon.folder), "AUTHZ_SOCKET": str(daemon.socket),
                 "PATH": f"{tools}:/usr/bin:/bin"}, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [line for line in done.stdout.splitlines() if line.strip()]
        self.assertEqual(sum(line.startswith("allow  key ") for line in said), 2, done.stdout)
        self.assertRegex(done.stdout, r"old secret until +in 2 days")
        # Afterwards there is one secret, the one in the file.
        record = daemon.call("keys.list", principal="loans-api")["items"][0]
        self.assertEqual(record["generation"], 2)
        self.assertNotIn("retiring_until", record)
        token = (daemon.folder / "loans.key").read_text().strip()
        answer = daemon.call("authorize", token=token, method="GET", path="/loans/7")
        self.assertTrue(answer["allow"], answer)
        self.assertEqual((daemon.folder / "loans.key").stat().st_mode & 0o777, 0o600)

    def test_create_and_the_leak_drill(self):
        daemon = self.daemon(harness.ROOT / "policy" / "examples" / "loanpro")
        tools = Path(harness.AUTHZCHECK).parent
        lines = section("Create") + section("Leak drill") + section("Look after them")
        done = subprocess.run(
            ["sh", "-eux"], input="\n".join(lines), capture_output=True, text=True,
            cwd=daemon.folder, timeout=harness.DEADLINE,
            env={**harness.environment(daemon.folder), "AUTHZ_SOCKET": str(daemon.socket),
                 "PATH": f"{tools}:/usr/bin:/bin"}, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [line.split(":")[0].split("  ")[0] for line in done.stdout.splitlines()
                if line.startswith(("allow ", "deny "))]
        self.assertEqual(said, ["allow", "deny 401 unknown_key", "allow"], done.stdout)
        self.assertIn("keys.rotate", done.stdout)
        self.assertIn("1 key disabled", done.stderr)
        record = daemon.call("keys.list", principal="crm")["items"][0]
        self.assertEqual(record["status"], "inactive")


class Conditions(unittest.TestCase):
    def test_the_section_does_as_it_says(self):
        folder = tempfile.TemporaryDirectory(prefix="authz-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        lines = section("Conditions", "##")
        self.assertIn("sleep 1", lines)
        lines[lines.index("sleep 1")] = 'until [ -S "$AUTHZ_SOCKET" ]; do sleep 0.02; done; trap \'kill $!\' EXIT'
        tools, daemons = Path(harness.AUTHZCHECK).parent, Path(harness.AUTHZD).parent
        done = subprocess.run(
            ["sh", "-eu"], input="\n".join(lines) + "; trap - EXIT; wait $! || true\n", capture_output=True, text=True,
            cwd=harness.ROOT, timeout=harness.DEADLINE, check=False, preexec_fn=harness.die_with_parent,
            env={**harness.environment(Path(folder.name)), "TMPDIR": folder.name,
                 "PATH": f"{tools}:{daemons}:/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [line for line in done.stdout.splitlines() if line.startswith(("allow ", "deny "))]
        promised = [line.split("# ")[1] for line in lines if line.startswith("ask ") and "# " in line]
        self.assertEqual([word.split(":")[0] for word in promised], ["allow", "deny 403 role", "deny 403 missing_fact"])
        self.assertEqual([line.split("  ")[0].split(":")[0] for line in said[:3]],
                         [word.split(":")[0] for word in promised])
        self.assertTrue(said[2].endswith(": context.amount"), said[2])
        self.assertIn("context.amount <= principal.refund_limit: 101 <= 100, false", done.stdout)
        self.assertRegex(done.stdout, r"refund when resource.branch is .south. and context.amount <= 100")
        self.assertIn('when resource.branch is "south"\n', done.stdout)
        self.assertIn('  $1 = "south"\n', done.stdout)


if __name__ == "__main__":
    unittest.main()
