# SPDX-License-Identifier: Apache-2.0
"""What an attack on a real daemon is written with: a test of e2e/harness.py that says what it tried.

    class Lent(attack.Attack):
        def test_a_lent_right_cannot_be_kept(self):
            daemon = self.daemon({"a.policy": "..."})
            self.refused("gives itself the role for good", "forbidden", lambda: client.call(...))

An attack is one file. The first line of its docstring says what an attacker wants. A test passes when
the attempt fails; tests/attack/run prints every attempt and how it failed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import harness  # noqa: E402


class Attack(harness.DaemonTest):
    def failed(self, tried, how):
        """Prints an attempt that the test has found to fail."""
        print(f"# tried: {tried}; failed: {how}", flush=True)

    def refused(self, tried, code, call):
        """call() must raise harness.Error with this code, or one of these codes."""
        codes = (code,) if isinstance(code, str) else code
        with self.assertRaises(harness.Error, msg=tried) as caught:
            call()
        self.assertIn(caught.exception.code, codes, tried)
        self.failed(tried, caught.exception.code)
        return caught.exception.error

    def denied(self, tried, answer, reason=None):
        """An answer of authorize must deny, with this reason code if one is given."""
        self.assertFalse(answer["allow"], f"{tried}: {answer}")
        if reason is not None:
            self.assertEqual(answer["reason"], reason, tried)
        self.failed(tried, answer["reason"])
