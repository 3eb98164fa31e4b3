# SPDX-License-Identifier: Apache-2.0
"""The WHERE that the clients make of a plan lists exactly the rows that the plan is true of."""

import asyncio
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parents[1] / "client" / "python")]
import authz  # noqa: E402
import harness  # noqa: E402
import mariadb  # noqa: E402
import plans  # noqa: E402
import postgres  # noqa: E402

ROWS, TREES, RANDOM = 100, 600, 200
DIALECTS = ("postgresql", "mysql", "sqlite")
ACTIONS = 60       # each with a condition of its own

# Texts that no policy can have are among them.
BRANCHES = ["north", "a'b", '"', "\\", "a,b", "\n", ""]


def plan_of(tree):
    return authz.Plan(plan="when", revision="1", when="…", tree=tree)


class Table:
    """The rows in a database; `list(plan)` has the numbers of those that its WHERE lists."""

    def __init__(self, rows):
        self.rows = rows
        names = [*plans.FACTS, "{booking}"]
        self.make([plans.COLUMNS[name].removeprefix("r.") for name in names])
        self.insert([[number, *(row[name] for name in names)] for number, row in enumerate(rows)])

    def expected(self, tree):
        return [number for number, row in enumerate(self.rows) if plans.holds(tree, row)]


class SQLite(Table):
    dialect = "sqlite"

    def make(self, names):
        self.database = sqlite3.connect(":memory:")
        types = {"id": "INTEGER", '"key"': "TEXT COLLATE NOCASE", "value": "TEXT COLLATE RTRIM", "amount": "",
                 "came_from": "TEXT", "went_to": "TEXT", "type": "TEXT COLLATE NOCASE", "atom": "TEXT",
                 "json": "TEXT COLLATE NOCASE"}
        columns = [f"{name} {types.get(name, 'INTEGER')}" for name in names]
        self.database.execute(f"CREATE TABLE r (n INTEGER, {', '.join(columns)})")

    def insert(self, rows):
        for row in rows:
            values = [plans.as_json(value, escaped=row[0] % 2 == 0) for value in row]
            self.database.execute(f"INSERT INTO r VALUES ({', '.join('?' * len(row))})", values)

    def list(self, plan):
        where = authz.sql.where(plan, plans.COLUMNS, self.dialect)
        found = self.database.execute(f"SELECT n FROM r WHERE {where.text} ORDER BY n", where.parameters)
        return [number for number, in found]


class PostgreSQL(Table):
    dialect = "postgresql"

    def __init__(self, rows, server):
        self.server = server
        super().__init__(rows)

    def make(self, names):
        types = {"id": "bigint", '"key"': "text COLLATE caseless", "value": "varchar", "type": "text COLLATE caseless",
                 "atom": "varchar[]", "json": "text[] COLLATE caseless", "paid": "boolean", "root": "boolean",
                 "came_from": "inet", "went_to": "text"}
        self.server.query("CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level1', "
                          "deterministic = false)")
        columns = [f"{name} {types.get(name, 'bigint')}" for name in names]
        self.server.query(f"CREATE TABLE r (n int, {', '.join(columns)})")

    def insert(self, rows):
        for row in rows:
            self.server.query(f"INSERT INTO r VALUES ({', '.join(f'${i + 1}' for i in range(len(row)))})",
                              [*map(plans.as_array, row)])

    def list(self, plan):
        where = authz.sql.where(plan, plans.COLUMNS, self.dialect)
        return [int(number) for number, in
                self.server.query(f"SELECT n FROM r WHERE {where.text} ORDER BY n", where.parameters)]


class MariaDB(Table):
    dialect = "mariadb"
    escapes = True
    NAMES = {'"key"': "`key`"}

    def __init__(self, rows, server):
        self.server = server
        super().__init__(rows)

    def make(self, names):
        types = {"id": "BIGINT", '"key"': "VARCHAR(200)", "value": "VARCHAR(200)", "type": "VARCHAR(200)",
                 "atom": "JSON", "json": "JSON", "came_from": "TEXT", "went_to": "TEXT", "paid": "BOOLEAN"}
        columns = [f"{self.NAMES.get(name, name)} {types.get(name, 'BIGINT')}" for name in names]
        self.server.query(f"CREATE TABLE r (n INT, {', '.join(columns)}) CHARACTER SET utf8mb4 "
                          "COLLATE utf8mb4_general_ci")

    def insert(self, rows):
        for row in rows:
            values = [plans.as_json(value, escaped=self.escapes and row[0] % 2 == 0) for value in row]
            self.server.query(f"INSERT INTO r VALUES ({', '.join('?' * len(row))})", values)

    def list(self, plan):
        columns = {name: self.NAMES.get(column, column) for name, column in plans.COLUMNS.items()}
        where = authz.sql.where(plan, columns, self.dialect)
        return [int(number) for number, in
                self.server.query(f"SELECT n FROM r WHERE {where.text} ORDER BY n", where.parameters)]


class AsMySQL(MariaDB):
    """What is written for MySQL, where MariaDB does the same: without escapes in sets."""
    dialect = "mysql"
    escapes = False


CONFORMANCE = HERE.parent / "conformance"
SQL_GO = os.environ.get("SQL_GO", str(harness.ROOT / "build" / "tests" / "conformance" / "sql_go"))
SHARED = json.loads((CONFORMANCE / "sql.json").read_text(encoding="utf-8"))


def where_or_error(case, dialect):
    options = {name: case[name] for name in ("placeholder", "first") if name in case}
    return written(case["plan"], SHARED["columns"], dialect, **options)


def written(plan, columns, dialect, **options):
    try:
        where = authz.sql.where(authz._wire.read_plan(plan), columns, dialect, **options)
    except authz.sql.SqlError as error:
        return {"error": str(error)}
    return {"text": where.text, "parameters": list(where.parameters)}


def replay_python():
    return [{dialect: where_or_error(case, dialect) for dialect in case["expect"]} for case in SHARED["cases"]]


def other_clients():
    """The replayers of the other clients; one whose packages are not there is skipped, as by ../conformance/run."""
    if (harness.ROOT / "client/node/node_modules/@msgpack/msgpack/package.json").exists():
        yield "node", ["node", CONFORMANCE / "sql.mjs"]
    if Path(SQL_GO).exists():
        yield "go", [SQL_GO]
    yield "php", ["php", CONFORMANCE / "php" / "sql.php"]


def as_php(written):
    """PDO binds a bool as a text, false as an empty one: so in PHP those of PostgreSQL are "true" and "false"."""
    texts = [str(value).lower() if isinstance(value, bool) else value for value in written.get("parameters", ())]
    return {**written, "parameters": texts} if texts else written


def replay(command, file):
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False, timeout=harness.DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


class Shared(unittest.TestCase):
    """../conformance/sql.json: the same text and the same parameters from each client."""

    def compare(self, got, spelt=dict):
        self.assertEqual(len(got), len(SHARED["cases"]))
        for case, by_dialect in zip(SHARED["cases"], got):
            for dialect, expected in case["expect"].items():
                with self.subTest(case["name"], dialect=dialect):
                    said = by_dialect[dialect]
                    if "error" in expected:
                        self.assertIn(expected["error"], said["error"])
                    else:
                        # true is not 1
                        self.assertEqual(json.dumps(said, sort_keys=True), json.dumps(spelt(expected), sort_keys=True))

    def test_python_writes_what_all_clients_write(self):
        self.compare(replay_python())

    def test_the_other_clients_write_it_too(self):
        for name, command in other_clients():
            with self.subTest(name):
                self.compare(replay(command, CONFORMANCE / "sql.json"), as_php if name == "php" else dict)

    def test_each_client_writes_the_same_of_random_plans(self):
        trees = plans.Trees(random.Random(int(os.environ.get("AUTHZ_TEST_SEED", "15"))), addresses=True)
        cases = [{"name": f"random {i}", "plan": {"plan": "when", "revision": "1", "when": "…", "tree": trees.tree()}}
                 for i in range(RANDOM)]
        columns = {name: column for name, column in plans.COLUMNS.items() if name != "resource.owner"}
        for case in cases:
            case["expect"] = {dialect: written(case["plan"], columns, dialect) for dialect in DIALECTS}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "random.json"
            file.write_text(json.dumps({"columns": columns, "cases": cases}), encoding="utf-8")
            for name, command in other_clients():
                for case, got in zip(cases, replay(command, file)):
                    for dialect, expected in case["expect"].items():
                        if name == "php":
                            expected = as_php(expected)
                        with self.subTest(name, dialect=dialect, tree=case["plan"]["tree"]):
                            # A refusal is worded as the language does.
                            self.assertEqual("error" in got[dialect], "error" in expected)
                            if "error" not in expected:
                                self.assertEqual(json.dumps(got[dialect], sort_keys=True),
                                                 json.dumps(expected, sort_keys=True))

    def test_the_text_of_random_plans_is_the_same_with_other_values(self):
        trees, with_text = plans.Trees(random.Random(16), addresses=True), 0
        for _ in range(RANDOM):
            tree = trees.tree()
            for dialect in DIALECTS:
                one, other = (written({"plan": "when", "revision": "1", "when": "…", "tree": each}, plans.COLUMNS,
                                      dialect)
                              for each in (tree, plans.with_other_values(tree)))
                self.assertEqual("error" in one, "error" in other)
                if "text" in one:
                    with_text += 1
                    self.assertEqual(one["text"], other["text"])
                    numbered = re.findall(r"\$(\d+)", one["text"])
                    count = len(numbered) if dialect == "postgresql" else one["text"].count("?")
                    self.assertEqual(count, len(one["parameters"]))
                    self.assertEqual(numbered, [str(i + 1) for i in range(len(numbered))])
        self.assertGreater(with_text, RANDOM)

    def test_no_value_is_in_a_text(self):
        for case in SHARED["cases"]:
            for written in case["expect"].values():
                for value in plans.values_in(case["plan"].get("tree", ["and"])) if "text" in written else ():
                    self.assertNotIn(f"'{value}'", written["text"])


class Listing(harness.DaemonTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.dice = random.Random(14)
        self.rows = [plans.random_row(self.dice) for _ in range(ROWS)]

    def postgresql(self):
        server = postgres.Server(self.folder)
        self.addCleanup(server.close)
        return PostgreSQL(self.rows, server)

    def compare(self, table, addresses):
        trees = plans.Trees(self.dice, addresses)
        some = 0
        for _ in range(TREES):
            tree = trees.tree()
            expected = table.expected(tree)
            self.assertEqual(table.list(plan_of(tree)), expected, tree)
            some += 0 < len(expected) < ROWS
        self.assertGreater(some, TREES // 2)

    def test_sqlite_lists_the_rows_of_random_plans(self):
        self.compare(SQLite(self.rows), addresses=False)

    def test_postgresql_lists_the_rows_of_random_plans(self):
        self.compare(self.postgresql(), addresses=True)

    def mariadb(self, kind=MariaDB):
        server = mariadb.Server(self.folder)
        self.addCleanup(server.close)
        return kind(self.rows, server)

    def test_mariadb_lists_the_rows_of_random_plans(self):
        self.compare(self.mariadb(), addresses=False)

    def test_what_is_written_for_mysql_lists_the_rows_of_random_plans_in_mariadb(self):
        self.compare(self.mariadb(AsMySQL), addresses=False)

    def policy(self):
        words = {"word": " | ".join(plans.STATES) + " default active"}
        facts = [f"{name} {words.get(plans.kind_of(name), plans.kind_of(name))}" for name in plans.FACTS]
        lines = ["facts {", *facts, "principal.branch string", "principal.rank int", "}",
                 f"tree t {{ /{{booking}} {{ {', '.join(f'a{i}' for i in range(ACTIONS))} }} }}", "role r {"]
        for i in range(ACTIONS):
            condition = plans.Conditions(self.dice, addresses=i % 4 == 0).condition()
            lines.append(f"allow a{i} on t:/{{booking}} when {condition}")
            if i % 5 == 0:
                lines.append(f"deny a{i} on t:/{{booking}} when {plans.Conditions(self.dice, False).condition(1)}")
        lines += ["}", "principal ann { role r }", "principal bob { role r at t:/7, t:/07, t:/70 }", ""]
        return "\n".join(lines)

    def allowed(self, client, facts, **asked):
        """The numbers of the rows that authorize allows, each with its columns as facts."""
        requests = []
        for row in self.rows:
            given = {name: value for name, value in row.items() if name in plans.FACTS and value is not None}
            requests.append({"resource": f"t:/{row['{booking}']}", "facts": {**facts, **given}})
        decisions = client.authorize_many(requests, **asked)
        return [number for number, decision in enumerate(decisions) if decision]

    def test_the_rows_of_a_plan_are_those_that_authorize_allows(self):
        client = authz.Client(self.daemon({"a.policy": self.policy()}).socket, timeout=harness.DEADLINE)
        tables = [SQLite(self.rows), self.postgresql()]
        some = 0
        for i in range(ACTIONS):
            facts = {"principal.branch": self.dice.choice(BRANCHES), "principal.rank": self.dice.choice(plans.INTS)}
            asked = {"principal": self.dice.choice(("ann", "ann", "bob")), "action": f"a{i}"}
            plan = client.plan(resource="t:/{booking}", facts=facts, **asked)
            expected = self.allowed(client, facts, **asked)
            for table in tables[i % 4 == 0:]:
                self.assertEqual(table.list(plan), expected, plan)
            some += 0 < len(expected) < ROWS
        self.assertGreater(some, ACTIONS // 3)

    def test_each_client_makes_the_same_of_a_plan_of_the_daemon(self):
        path = self.daemon({"a.policy": self.policy()}).socket
        cases = []
        with authz.Client(path, timeout=harness.DEADLINE) as client:
            for i in range(ACTIONS):
                ask = {"principal": "ann", "action": f"a{i}", "resource": "t:/{booking}",
                       "facts": {"principal.branch": self.dice.choice(BRANCHES), "principal.rank": 17}}
                where = authz.sql.where(client.plan(**ask), plans.COLUMNS, "postgresql")
                cases.append({"ask": ask, "expect": {"postgresql": {"text": where.text,
                                                                    "parameters": list(where.parameters)}}})
        file = Path(self.folder) / "asked.json"
        file.write_text(json.dumps({"socket": str(path), "columns": plans.COLUMNS, "cases": cases}), encoding="utf-8")
        for name, command in other_clients():
            with self.subTest(name):
                spelt = as_php if name == "php" else dict
                self.assertEqual(replay(command, file),
                                 [{"postgresql": spelt(case["expect"]["postgresql"])} for case in cases])

    def test_the_tool_writes_what_the_clients_write(self):
        daemon = self.daemon({"a.policy": self.policy()})
        columns = [word for name, column in plans.COLUMNS.items() for word in ("--column", f"{name}={column}")]
        with authz.Client(daemon.socket, timeout=harness.DEADLINE) as client:
            for i in range(ACTIONS):
                dialect = "postgresql" if i % 4 == 0 else ("mariadb", "mysql", "sqlite")[i % 3]
                plan = client.plan(principal="ann", action=f"a{i}", resource="t:/{booking}")
                where = authz.sql.where(plan, plans.COLUMNS, dialect)
                done = daemon.tool("plan", "--json", "--principal", "ann", f"a{i}", "t:/{booking}", "--sql", dialect,
                                   *columns)
                self.assertEqual(json.loads(done.stdout)["sql"], {"dialect": dialect, "where": where.text,
                                                                  "parameters": list(where.parameters)})

    def test_what_a_plan_cannot_be_is_unreadable_and_no_plan_is_true(self):
        good = {"plan": "when", "revision": "1", "when": "a", "tree": ["present", ["fact", "resource.owner", "string"]]}
        with self.assertRaises(TypeError):
            bool(authz._wire.read_plan(good))
        for wrong in ({"plan": "maybe"}, {"plan": "when", "tree": "x"}, {"plan": "when", "tree": []}, {"plan": 1},
                      {"plan": "never"}, {"revision": ""}, {"missing": [1]}):
            with self.subTest(wrong), self.assertRaises(authz.Unavailable):
                authz._wire.read_plan({**good, **wrong})

    def test_both_clients_of_python_ask_for_plans(self):
        path = self.daemon({"a.policy": self.policy()}).socket
        asked = {"principal": "nobody", "action": "a0", "resource": "t:/{booking}"}

        async def ask():
            async with authz.AsyncClient(path, timeout=harness.DEADLINE) as client:
                return await client.plan(**asked)

        plan = asyncio.run(ask())
        self.assertEqual((plan.plan, plan.reason, plan.status), ("never", "unknown_principal", 401))
        with authz.Client(path, timeout=harness.DEADLINE) as client:
            self.assertEqual(client.plan(**asked), plan)
        self.assertEqual(authz.sql.where(plan, {}, "sqlite"), authz.sql.Where("(1 = 0)", ()))


if __name__ == "__main__":
    unittest.main()
