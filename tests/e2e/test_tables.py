# SPDX-License-Identifier: Apache-2.0
"""Tables for people: they fit the terminal, go through a pager, and say when they are empty."""

import json
import unittest

import harness
import people
import terminal

LONG = "a name that is much longer than any column of a narrow terminal could hold at all"


def widest(text):
    return max(len(line) for line in text.splitlines())


class Seen(harness.DaemonTest):
    def seen(self, *arguments, status=0, **options):
        returned, text = terminal.run(self.served, *arguments, **options)
        self.assertIn(returned, (0, 1) if status is None else (status,), text)
        return text


class Tables(Seen):
    @classmethod
    def setUpClass(cls):
        cls.served = harness.Daemon({"a.policy": people.POLICY})
        cls.addClassCleanup(cls.served.finish)
        for command in (("principal", "create", "alice"), ("assign", "alice", "viewer"),
                        ("key", "create", "--principal", "alice", "--name", LONG, "--label", "ci",
                         "--scope", "loans:read", "--expires-in", "9d")):
            done = cls.served.tool(*command)
            assert done.returncode == 0, done.stderr

    def test_a_table_fits_the_terminal_and_cuts_the_longest_values(self):
        text = self.seen("key", "list", columns=100)
        table = text.splitlines()[:2]
        self.assertLessEqual(widest("\n".join(table)), 100, text)
        self.assertRegex(table[1], r"^\w{12}  a name th.*…  ")
        self.assertIn("EXPIRES", table[0])
        self.assertIn("in 9 days", table[1])

    def test_columns_that_do_not_fit_are_named(self):
        text = self.seen("key", "list", columns=80)
        self.assertNotIn("CREATED", text)
        self.assertRegex(text.splitlines()[-1],
                         r"^too narrow for .*created.*: --wide shows all, --columns A,B some$")
        self.assertLessEqual(widest("\n".join(text.splitlines()[:2])), 80, text)

    def test_the_environment_may_say_how_wide_the_terminal_is(self):
        text = self.seen("key", "list", columns=80, env={"COLUMNS": "400"})
        self.assertIn(LONG, text)
        self.assertNotIn("too narrow", text)

    def test_wide_shows_all_and_a_pipe_gets_all(self):
        for text in (self.seen("key", "list", "--wide", columns=40),
                     self.served.tool("key", "list").stdout):
            self.assertIn(LONG, text)
            for title in ("LABEL", "ENVIRONMENT", "CREATED", "BY", "LAST USED"):
                self.assertIn(title, text.splitlines()[0])

    def test_columns_are_chosen_by_title_or_name(self):
        line = self.served.tool("key", "list", "--columns", "status,last-used,ROLES,id").stdout
        self.assertEqual(line.splitlines()[0].split(), ["STATUS", "LAST", "USED", "ROLES", "KEY"])
        self.assertRegex(line.splitlines()[1], r"^active  never      -      \w{12}$")

    def test_a_column_that_does_not_exist_is_refused_with_those_that_do(self):
        done = self.served.tool("key", "list", "--columns", "stauts")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--columns 'stauts': did you mean 'status'? There are key, tenant, name, ", done.stderr)
        done = self.served.tool("role", "list", "--columns", "quux")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such column; there are role, description, ", done.stderr)
        self.assertEqual(self.served.tool("--json", "key", "list", "--columns", "key").returncode, 2)

    def test_an_empty_list_says_so_to_people_alone(self):
        cases = [
            (("key", "list", "--principal", "nobody"), "no keys\n"),
            (("key", "audit", "--principal", "nobody"), "no keys with findings\n"),
            (("log", "--key", "1aaaaaaaaaaa"), "no records\n"),
        ]
        for arguments, expected in cases:
            done = self.served.tool(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((done.stdout, done.stderr), ("", expected), arguments)
            done = self.served.tool("--json", *arguments)
            self.assertEqual((json.loads(done.stdout), done.stderr), ({"items": []}, ""), arguments)
        # Of several lists the empty ones alone.
        self.assertEqual(self.served.tool("principal", "show", "billing").stderr, "no keys\n")

    def test_the_log_folds_what_changed_and_loses_none_of_it(self):
        wide = self.served.tool("log").stdout
        self.assertGreater(widest(wide), 120)
        for columns in (80, 100, 120):
            text = self.seen("log", columns=columns)
            self.assertLessEqual(widest(text), columns, text)
            self.assertEqual("".join(text.split()), "".join(wide.split()))


class Lines(Seen):
    """What is not a table is folded between words, and loses none."""

    ASKED = (("status",), ("check", "--principal", "alice", "DELETE", "/loans/7"),
             ("check", "--explain", "--service", "bank", "--principal", "alice", "DELETE", "/loans/7"))

    @classmethod
    def setUpClass(cls):
        cls.served = harness.Daemon({"a.policy": people.POLICY + """
            stack other {
                authenticate required principal
                authorize required role
            }
            stack bank {
                authenticate required principal
                account requisite network allow=10.0.0.0/8,192.168.0.0/16,127.0.0.0/8,2001:db8::/32
                authorize required role
            }"""})
        cls.addClassCleanup(cls.served.finish)
        cls.served.call("principals.create", id="alice")
        cls.served.call("assignments.create", principal="alice", role="viewer")

    def test_status_and_explanations_fit_the_terminal(self):
        positions = str(self.served.folder)
        for words in self.ASKED:
            whole = self.seen(*words, status=None, columns=1000)
            for columns in (40, 60, 80):
                text = self.seen(*words, status=None, columns=columns)
                # A position is never cut: it stands on a line of its own where it is too long.
                lines = [line for line in text.splitlines()
                         if not line.strip().startswith(positions)]
                self.assertLessEqual(widest("\n".join(lines)), columns, text)
                self.assertFalse([line for line in lines if line.endswith(" ")], text)
                if words[0] == "check":  # of a status the numbers change
                    self.assertEqual("".join(text.split()), "".join(whole.split()))
            if words != self.ASKED[1]:
                self.assertGreater(widest(whole), 80, whole)


class Long(harness.DaemonTest):
    def test_a_long_first_column_is_cut_within_the_line_but_no_id_of_a_key(self):
        daemon = self.daemon({"a.policy": people.POLICY})
        long = "z" * 100
        for command in (("principal", "create", long), ("key", "create", "--principal", long)):
            self.assertEqual(daemon.tool(*command).returncode, 0)
        for columns in (40, 60, 80, 100):
            _, text = terminal.run(daemon, "principal", "list", columns=columns)
            table = [line for line in text.splitlines() if not line.startswith("too narrow")]
            self.assertLessEqual(widest("\n".join(table)), columns, table)
            self.assertTrue(any(line.startswith("z" * 19) and "…" in line for line in table), table)
        self.assertIn(long, terminal.run(daemon, "principal", "list", columns=200)[1])
        _, text = terminal.run(daemon, "key", "list", columns=20)
        self.assertRegex(text.splitlines()[1], r"^\w{12}  ")


class Pager(Seen):
    @classmethod
    def setUpClass(cls):
        cls.served = harness.Daemon({"a.policy": people.POLICY})
        cls.addClassCleanup(cls.served.finish)
        assert cls.served.tool("principal", "create", "alice").returncode == 0

    PAGER = {"PAGER": "sed 's/^/paged /'; echo LESS=$LESS LESSSECURE=$LESSSECURE", "LESS": None}

    def test_lists_go_through_the_pager_on_a_terminal(self):
        for arguments in (("principal", "list"), ("log",), ("role", "list")):
            lines = self.seen(*arguments, env=self.PAGER).splitlines()
            shown = [line for line in lines if not line.startswith("too narrow")]
            self.assertTrue(all(line.startswith("paged ") for line in shown[:-1]), lines)
            self.assertEqual(shown[-1], "LESS=FRX LESSSECURE=1")

    def test_there_is_no_pager_without_a_terminal_or_a_list(self):
        env = {"PAGER": "echo paged"}
        self.assertNotIn("paged", self.served.tool("principal", "list", env=env).stdout)
        for arguments in (("principal", "list", "--no-pager"), ("--json", "principal", "list"),
                          ("principal", "show", "alice"), ("key", "list"), ("status",)):
            self.assertNotIn("paged", self.seen(*arguments, env=env), arguments)
        for pager in ("", "cat"):
            self.assertIn("alice", self.seen("principal", "list", env={"PAGER": pager}))

    def test_a_pager_that_cannot_start_is_not_used(self):
        for pager in ("nosuchpager", "nosuchpager -R", "/nosuch/pager"):
            text = self.seen("principal", "list", env={"PAGER": pager})
            self.assertIn("alice", text)
            self.assertIn(f"$PAGER: cannot start '{pager}': printed without it\n", text)
            self.assertNotIn("not found", text)
        text = self.seen("principal", "list", env={"PAGER": "L=1 sed 's/^/paged /'"})
        self.assertIn("paged alice", text)

    def test_a_pager_that_fails_is_named_with_the_remedy(self):
        for pager, returned in (("false", 1), ("cat; exit 7", 7), ("$NOSUCH nosuch", 127)):
            text = self.seen("principal", "list", env={"PAGER": pager})
            self.assertIn(f"the pager ended with status {returned}", text)
            self.assertIn("--no-pager prints without it", text)

    def test_a_reader_who_leaves_early_is_no_failure(self):
        client = self.served.client()
        made = [("principals.create", {"id": f"p{number:05}", "name": "n" * 200})
                for number in range(3000)]
        self.assertFalse([answer for answer in client.call_many(made)
                          if isinstance(answer, harness.Error)])
        text = self.seen("principal", "list", "--wide", env={"PAGER": "head -1"})
        self.assertEqual(len(text.splitlines()), 1, text)
        self.assertIn("PRINCIPAL", text)


if __name__ == "__main__":
    unittest.main()
