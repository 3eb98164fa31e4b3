# SPDX-License-Identifier: Apache-2.0
"""authzcheck role and tenant: arguments, output, and output in a pipe."""

import json
import re
import subprocess
import unittest

import harness
import people


class RoleTool(people.PeopleTest):
    def run_tool(self, *arguments):
        done = subprocess.run([harness.AUTHZCHECK, "--socket", str(self.d.socket), *harness.PATIENT, *arguments],
                              capture_output=True, text=True, timeout=harness.DEADLINE,
                              env=harness.environment(self.d.folder), check=False)
        return done.returncode, done.stdout, done.stderr

    def json(self, *arguments):
        status, out, err = self.run_tool("--json", *arguments)
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def test_the_life_of_a_role(self):
        grants = ["allow delete on api:/loans/{loan}", "deny GET on api:/health"]
        made = self.json("role", "create", "cleaner", "--description", "Takes away",
                         "--inherits", "viewer,clerk", "--grant", grants[0], "--grant", grants[1])
        self.assertEqual(made["grants"], grants)
        self.assertEqual(made["inherits"], ["viewer", "clerk"])
        self.assertEqual(self.json("role", "show", "cleaner"), made)
        status, out, _ = self.run_tool("role", "show", "cleaner")
        self.assertEqual(status, 0)
        for text in ("Takes away", "viewer, clerk", *grants):
            self.assertIn(text, out)
        status, out, _ = self.run_tool("role", "list")
        lines = out.splitlines()
        self.assertEqual(lines[0].split()[:3], ["ROLE", "DESCRIPTION", "INHERITS"])
        self.assertTrue(lines[1].startswith("cleaner  Takes away"), out)
        self.assertTrue(any(line.startswith("viewer ") and line.endswith("policy")
                            for line in lines), out)
        changed = self.json("role", "edit", "cleaner", "--inherits", "", "--description", "")
        self.assertFalse(changed.keys() & {"inherits", "description"})
        self.assertEqual(changed["grants"], grants)
        self.assertEqual(self.json("role", "edit", "cleaner", "--grant", "")["allowed"], 0)
        self.assertEqual(self.json("role", "delete", "cleaner")["name"], "cleaner")
        self.run_tool("role", "create", "cleaner")
        self.assertEqual(self.run_tool("role", "delete", "cleaner")[1],
                         "deleted: role cleaner; its holders have lost it\n")
        status, _, err = self.run_tool("role", "show", "cleaner")
        self.assertEqual((status, "no such role" in err), (1, True), err)

    def test_a_dry_run_prints_what_is_gained_and_lost_and_changes_nothing(self):
        self.d.write("facts.policy", "facts { context.amount int }\n")
        self.c.call("policy.reload")
        ten, twenty = ("allow update on api:/loans/{loan} when context.amount <= " + amount for amount in ("10", "20"))
        self.assertEqual(self.run_tool("role", "create", "cleaner", "--inherits", "viewer", "--grant", ten, "--dry-run"), (0, (
            "gains 4:\n"
            "  list on api:/loans\n"
            "  read on api:/loans/{loan}\n"
            "  update on api:/loans/{loan} when context.amount <= 10\n"
            "  list on api:/loans/{loan}/payments\n"
            "loses 0\n"
            "nothing was changed\n"), ""))
        self.assertEqual(self.run_tool("role", "show", "cleaner")[0], 1)
        self.run_tool("role", "create", "cleaner", "--inherits", "viewer", "--grant", ten)
        self.assertEqual(self.run_tool("role", "edit", "cleaner", "--inherits", "", "--grant", twenty, "--dry-run"), (0, (
            "gains 1:\n"
            "  update on api:/loans/{loan} when context.amount <= 20 (before: when context.amount <= 10)\n"
            "loses 3:\n"
            "  list on api:/loans\n"
            "  read on api:/loans/{loan}\n"
            "  list on api:/loans/{loan}/payments\n"
            "nothing was changed\n"), ""))
        five = "allow update on api:/loans/{loan} when context.amount <= 5"
        self.assertIn("  update on api:/loans/{loan} when context.amount <= 10 (still: when context.amount <= 5)\n",
                      self.run_tool("role", "edit", "cleaner", "--grant", five, "--dry-run")[1])
        dry = self.json("role", "edit", "cleaner", "--grant", five, "--dry-run")
        self.assertEqual((dry["grants"], dry["gains_total"], dry["loses_total"]), ([five], 0, 1))
        self.assertEqual(self.json("role", "show", "cleaner")["grants"], [ten])
        status, out, err = self.run_tool("role", "edit", "cleaner", "--dry-run")
        self.assertEqual((status, out), (2, ""), err)
        self.assertIn("nothing to change: give --description, --inherits or --grant", err)
        status, out, err = self.run_tool("role", "create", "viewer", "--dry-run")
        self.assertEqual((status, out), (1, ""), err)

    def test_a_dry_run_says_how_much_is_left_out(self):
        nodes = "\n".join(f"/n{number} {{ GET }}" for number in range(1100))
        self.d.write("wide.policy", f"tree wide {{\n{nodes}\n}}\nrole all {{ allow GET on wide:/** }}\n")
        self.c.call("policy.reload")
        lines = self.run_tool("role", "create", "r", "--inherits", "all", "--dry-run")[1].splitlines()
        self.assertEqual((lines[0], lines[1000], lines[1001]),
                         ("gains 1100:", "  GET on wide:/n999", "  and 100 more"))

    def test_a_role_of_the_files_is_shown_with_its_grants_and_where_they_stand(self):
        path = self.d.folder / "policy" / "a.policy"
        lines = path.read_text().splitlines()
        shown = self.json("role", "show", "clerk")
        self.assertTrue(shown["declared"])
        self.assertEqual(shown["inherits"], ["viewer"])
        self.assertTrue(shown["grants"])
        self.assertTrue(lines[shown["line"] - 1].startswith("role clerk "), shown)
        status, out, _ = self.run_tool("role", "show", "clerk")
        self.assertEqual(status, 0)
        for grant, position in zip(shown["grants"], shown["positions"], strict=True):
            self.assertIn(grant, lines[position["line"] - 1])
            self.assertRegex(out, rf"(?m)^{re.escape(grant)} .*{position['file']}:{position['line']}$")
        self.assertRegex(out, rf"(?m)^declared in +{shown['file']}:{shown['line']}$")

    def test_a_role_that_the_files_shadow_says_so_wherever_it_is_listed(self):
        self.json("role", "create", "cleaner", "--grant", "allow GET on api:/loans")
        self.json("principal", "create", "bob")
        self.json("assign", "bob", "cleaner")
        listed = self.run_tool("role", "list")[1] + self.run_tool("principal", "show", "bob")[1]
        self.assertNotIn("shadowed", listed)
        self.d.write("b.policy", "role cleaner { allow GET on api:/health }\n")
        self.json("reload")
        listed = self.run_tool("role", "list")[1]
        self.assertRegex(listed, r"(?m)^cleaner .* shadowed$")
        self.assertRegex(listed, r"(?m)^cleaner .* policy$")
        self.assertRegex(self.run_tool("principal", "show", "bob")[1],
                         r"(?m)^cleaner \(shadowed\) +everywhere")
        (held,) = [item for item in self.json("principal", "show", "bob")["assignments"]
                   if item["role"] == "cleaner"]
        self.assertTrue(held["shadowed"])

    def test_mistakes_say_where(self):
        status, _, err = self.run_tool("role", "create", "x", "--grant", "allow GTE on api:/loans")
        self.assertEqual(status, 2, err)
        self.assertIn("--grant 'allow GTE on api:/loans': column 7: ", err)
        self.assertEqual(self.run_tool("role", "edit", "viewer")[0], 2)
        self.assertEqual(self.run_tool("role", "edit", "viewer", "--grant", "")[0], 1)

    def test_tenants_and_their_roles(self):
        self.assertEqual(self.json("tenant", "create", "acme")["status"], "active")
        status, out, _ = self.run_tool("tenant", "list")
        self.assertEqual([line.split()[:2] for line in out.splitlines()[1:]],
                         [["default", "active"], ["acme", "active"]])
        acme = ("--tenant", "acme")
        self.json("role", "create", "cleaner", "--grant", "allow delete on api:/loans/{loan}",
                  *acme)
        self.json("principal", "create", "alice", *acme)
        self.json("assign", "alice", "cleaner", *acme)
        secret = self.json("key", "create", "--principal", "alice", *acme)["secret"]
        self.assertEqual(self.json("principal", "show", "alice", *acme)["assignments"][0]["role"],
                         "cleaner")
        self.assertEqual(len(self.json("key", "list", *acme)["items"]), 1)
        self.assertEqual(self.json("key", "list")["items"], [])
        path = self.d.folder / "token"
        path.write_text(secret, encoding="utf-8")
        check = ("check", "--token-file", str(path), "DELETE", "/loans/7", *acme)
        self.assertEqual(self.run_tool(*check)[0], 0)
        self.assertEqual(self.json("tenant", "disable", "acme")["status"], "inactive")
        status, out, _ = self.run_tool(*check)
        self.assertEqual((status, "inactive_tenant" in out), (1, True), out)
        self.assertEqual(self.json("tenant", "enable", "acme")["status"], "active")
        self.json("unassign", "alice", "cleaner", *acme)
        self.assertEqual(self.run_tool(*check)[0], 1)
        self.assertEqual(self.run_tool("tenant", "disable", "nowhere")[0], 1)


if __name__ == "__main__":
    unittest.main()
