# SPDX-License-Identifier: Apache-2.0
"""A daemon with a policy of two stacks, and authzcheck asked by its words: for the files test_tool*.py."""

import json
import re

import harness

POLICY = {
    "a.policy": """\
environment live prefix liq_live_
environment test prefix liq_test_

tree api "The API" {
    /loans { list GET, create POST, /{loan} { read GET, delete DELETE } }
}
tree ui { /settings { view, manage } }

role viewer { allow GET on api:/** }
role clerk inherits viewer {
    allow create on api:/loans
    allow view on ui:/settings
}
scope loans:read { allow GET on api:/loans/** }

principal billing { role viewer }

stack bank {
    authenticate sufficient key
    authenticate required   principal
    account      requisite  network allow=10.0.0.0/8
    account      requisite  mfa     max_age=10m
    authorize    required   role
}

stack other {
    authenticate sufficient key
    authenticate required   principal
    authorize    required   role
    authorize    required   scope
}
""",
}

TOKEN = re.compile(r"^liq_(live|test)_1[0-9A-Za-z]{11}_[0-9A-Za-z]{38}\n$")
RFC_3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


class Tool(harness.DaemonTest):
    def setUp(self):
        self.served = self.daemon(POLICY)

    def tool(self, *arguments, status=0, text=None, env=None):
        done = self.served.tool(*arguments, text=text, env=env)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments, status=0, **options):
        return json.loads(self.tool("--json", *arguments, status=status, **options).stdout)

    def line(self, *arguments, status=0, **options):
        return self.tool(*arguments, status=status, **options).stdout

    def key(self, *arguments):
        """Makes a key; returns its id and the file that holds its secret."""
        record = self.json("key", "create", *arguments)
        path = self.served.folder / f"{record['id']}.key"
        path.write_text(record["secret"] + "\n", encoding="utf-8")
        return record["id"], path

    def alice(self, *roles):
        self.tool("principal", "create", "alice", "--name", "Alice Baker")
        for role in roles:
            self.tool("assign", "alice", role)
