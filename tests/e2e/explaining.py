# SPDX-License-Identifier: Apache-2.0
"""What tests of explanations share: the examples, and a check of the positions that are reported."""

import harness

EXAMPLES = harness.ROOT / "policy" / "examples"


def line_at(file, line):
    with open(file, encoding="utf-8") as lines:
        return lines.read().splitlines()[line - 1]


class Explaining(harness.DaemonTest):
    def example(self, name):
        self.d = self.daemon(EXAMPLES / name)
        self.c = self.d.client()
        return self.c

    def explain(self, **params):
        answer = self.c.call("authorize", explain=True, **params)
        plain = self.c.call("authorize", **params)
        told = answer.pop("explain")
        self.assertEqual(answer, plain)
        return answer, told

    def assert_written(self, told):
        """Checks that the file has at each position what the explanation says about it."""
        places = 0
        stack = told.get("stack", {})
        if "line" in stack:
            self.assertIn(f"stack {stack['name']} ", line_at(stack["file"], stack["line"]))
        for group in told.get("groups", []):
            for line in group["lines"]:
                if "line" in line:
                    words = line_at(line["file"], line["line"]).split("#")[0].split()
                    self.assertEqual(words, [group["group"], line["control"], line["module"],
                                             *line.get("arguments", [])])
                    places += 1
        for rule in told.get("rules", []) + told.get("needed", []):
            self.assertIn(rule["rule"], line_at(rule["file"], rule["line"]))
            places += 1
        return places
