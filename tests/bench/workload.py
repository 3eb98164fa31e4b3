# SPDX-License-Identifier: Apache-2.0
"""The benchmark's policies, principals, keys and requests.

W1: a trusted peer names a principal that an inherited
role allows; W2 the same, denied; W3 as W1 by one of many keys; W4 as W3 on a policy of 5,000 roles
and 50,000 nodes.
"""

import itertools
import random
import re

import msgpack

LEAVES = ("payments", "notes", "escrow", "fees", "documents", "contacts", "history", "schedule")
NODES_PER_COLLECTION = 2 + len(LEAVES)
FIRST_ID = 0x10000  # ids from here on have the same width: see load.c
WINDOW = 1000  # requests outstanding while the store is filled; the daemon allows 1,024
KEYS_PER_PRINCIPAL = 10
READER = "reader"  # the role that inherits two others
ASKED = {"method": "GET", "path": "/loans/123/payments"}
DENIED = {"method": "DELETE", "path": "/loans/123/payments"}

# Eight facts as a service sends them with each request; a role that the principal does not hold reads them.
FACTS = {"resource.owner": "principal-00017", "resource.branch": "north", "resource.status": "active",
         "resource.regions": ["EU", "US"], "resource.amount": 125000, "context.channel": "web",
         "context.urgent": False, "context.due": 1790000000}
DECLARED = """
facts {
	resource.owner   string
	resource.branch  string
	resource.status  draft | active | archived
	resource.regions strings
	resource.amount  int
	context.channel  string
	context.urgent   bool
	context.due      time
}

role approver {
	allow GET on api:/loans/{id}/payments when resource.owner is principal.id and
		resource.branch is not "south" and resource.status is active and
		resource.regions has "EU" and resource.amount < 1000000 and
		context.channel in "web", "app" and not context.urgent and context.time < context.due
}
"""


def collection(number):
    return "loans" if number == 0 else f"c{number:05}"


def tree_text(first, last):
    """The tree's collections first..last-1; a tree may be continued in another file."""
    lines = ["tree api {"]
    for number in range(first, last):
        lines.append(f"\t/{collection(number)} {{")
        lines.append("\t\tlist GET, create POST")
        lines.append("\t\t/{id} {")
        lines.append("\t\t\tread GET, update PUT, delete DELETE")
        lines.extend(f"\t\t\t/{leaf} {{ GET, POST, DELETE }}" for leaf in LEAVES)
        lines.append("\t\t}\n\t}")
    lines.append("}\n")
    return "\n".join(lines)


def role_text(number, grants, collections):
    """A role with this many different grants, spread over the tree."""
    name = f"r{number:05}"
    lines = [f"role {name} {{"]
    at = number * grants
    for grant in range(grants):
        node = (at + grant) * 7919 % (collections * len(LEAVES))
        place = f"api:/{collection(node // len(LEAVES))}/{{id}}/{LEAVES[node % len(LEAVES)]}"
        lines.append(f"\tallow {'GET' if grant % 2 else 'POST'} on {place}")
    lines.append("}\n")
    return "\n".join(lines)


def policy(collections, roles, grants):
    """{file: text}: the tree and the roles in files of a bearable size, and the role that is asked
    about: it inherits two, one of which allows what the benchmark asks."""
    files = {}
    for part, first in enumerate(range(0, collections, 1000)):
        files[f"tree-{part:02}.policy"] = tree_text(first, min(first + 1000, collections))
    for part, first in enumerate(range(0, roles - 3, 1000)):
        last = min(first + 1000, roles - 3)
        files[f"roles-{part:02}.policy"] = "\n".join(
            role_text(number, grants, collections) for number in range(first, last)
        )
    others = "\n".join(f"\tallow GET on api:/loans/{{id}}/{leaf}" for leaf in LEAVES)
    files["asked.policy"] = (
        f"role payments-reader {{\n{others}\n}}\n\n"
        "role list-reader {\n\tallow list on api:/loans\n}\n\n"
        f"role {READER} inherits payments-reader, list-reader {{\n"
        "\tallow read on api:/loans/{id}\n}\n" + DECLARED
    )
    return files


# Ten modules that all answer or mark the decision, for the principal of W1.
TEN = """\
stack ten {
	authenticate optional  peer
	authenticate required  principal
	account      required  network  allow=10.0.0.0/8,2001:db8::/32
	account      required  hours    allow=mon-sun/00:00-24:00
	account      required  mfa      max_age=1h
	account      required  quota    name=ten limit=1000000000000 period=1h per=principal
	authorize    required  role
	authorize    required  scope
	record       optional  log      only=deny
	record       optional  log      sample=1/1000
}

# The built-in stack, with the log.
stack logged {
	authenticate sufficient key
	authenticate required   principal
	authorize    required   role
	authorize    required   scope
	record       optional   log
}
"""

# Roles that allow what W1 asks: one that has a condition on something else, and one on a condition
# of three comparisons, whose third fact has its default.
ELSEWHERE = "elsewhere"
CONDITIONAL = "conditional"
CONDITIONS = f"""\
facts {{
	principal.limit int
	resource.stage  draft | active | archived default active
	context.amount  int
}}

role {ELSEWHERE} inherits payments-reader {{
	allow POST on api:/loans/{{id}}/payments when context.amount <= principal.limit
}}

role {CONDITIONAL} {{
	allow GET on api:/loans/{{id}}/payments
		when resource.owner is principal.id and context.amount <= principal.limit and resource.stage is active
}}
"""

# Grants on conditions: what compiles as many different ones, and as many grants, as a policy may have of the former.
CONDITIONAL_FACTS = """\
facts {
	principal.branch string
	principal.limit  int
	resource.branch  string
	resource.owner   string
	resource.status  draft | active | archived default active
	context.amount   int
	context.channel  string
}

"""


def condition_text(number):
    """A condition of one, two or three comparisons; each number's is another one."""
    return (f"resource.owner is principal.id and context.amount <= {number}",
            f"resource.status is active and principal.limit > {number}",
            f"resource.branch is principal.branch and context.amount <= principal.limit and context.amount > {number}",
            f"context.channel in \"web\", \"app-{number}\"",
            f"context.amount < {number}")[number % 5]


def grants_text(conditions):
    """The tree of W1 and 10,000 grants on it, each on one of this many conditions, or on none."""
    files = policy(20, 1250, 8)
    files.pop("asked.policy")
    text = "\n".join(files.values())
    if conditions == 0:
        return text
    numbers = itertools.cycle(range(1, conditions + 1))
    return CONDITIONAL_FACTS + re.sub(
        r"(?m)^\tallow .*", lambda found: f"{found[0]} when {condition_text(next(numbers))}", text)


SIZES = {
    "small": (20, 50, 8),  # 200 nodes
    "roles": (20, 1000, 8),
    "large": (5000, 5000, 20),  # 50,000 nodes, 100,000 grants
}


def fill(client, keys, say):
    """Creates the principals and keys over the socket; returns the tokens."""
    count = max(1, keys // KEYS_PER_PRINCIPAL)
    ids = [f"p{number:07}" for number in range(count)]
    say(f"creating {count:,} principals and {keys:,} keys")
    expect_no_errors(client.call_many(
        (("principals.create", {"id": one, "name": one, "kind": "service"}) for one in ids), WINDOW))
    expect_no_errors(client.call_many(
        (("assignments.create", {"principal": one, "role": READER}) for one in ids), WINDOW))
    answers = expect_no_errors(client.call_many(
        (("keys.create", {"principal": ids[number % count], "name": f"k{number}"})
         for number in range(keys)), WINDOW))
    return ids, [answer["secret"] for answer in answers]


def expect_no_errors(answers):
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class Question:
    """One request as bytes, with the offsets that change, and the answer it must have."""

    def __init__(self, params, allow, tokens=(), method="authorize", decisions=1):
        self.params = params
        self.allow = allow
        self.tokens = tokens
        self.method = method
        self.decisions = decisions
        self.request = self.bytes_for(tokens[0] if tokens else None)
        self.id_at = 3  # [0, uint32 id, …: 0x94 0x00 0xce
        self.token_at = self.request.index(tokens[0].encode()) if tokens else 0
        self.answer = b""
        self.mask = b""

    def bytes_for(self, token):
        params = {"token": token, **self.params} if token else self.params
        return msgpack.packb([0, FIRST_ID, self.method, [params]])

    def learn(self, client):
        """Asks the daemon, and finds the answer's bytes and which of them never change."""
        pick = random.Random(1)
        tokens = [self.tokens[0], self.tokens[-1]] if self.tokens else [None]
        if self.tokens:
            tokens += [pick.choice(self.tokens) for _ in range(200)]
        answers = [self.ask(client, self.bytes_for(token)) for token in tokens]
        if len({len(answer) for answer in answers}) != 1:
            raise AssertionError("answers differ in length: the benchmark counts bytes")
        self.answer = answers[0]
        mask = bytearray(b"\xff" * len(self.answer))
        for answer in answers:
            for at, (one, other) in enumerate(zip(self.answer, answer)):
                if one != other:
                    mask[at] = 0
            for found in re.finditer(rb"[0-9a-f]{16}|1[0-9A-Za-z]{11}|p[0-9]{7}", answer):
                mask[found.start():found.end()] = bytes(found.end() - found.start())
        mask[self.id_at:self.id_at + 4] = bytes(4)
        self.mask = bytes(mask)

    def ask(self, client, request):
        client.send_bytes(request)
        unpacker = msgpack.Unpacker()
        data = b""
        while True:
            more = client.socket.recv(1 << 16)
            if not more:
                raise AssertionError("the daemon closed the connection")
            data += more
            unpacker.feed(more)
            for _, _, error, result in unpacker:
                if error is not None:
                    raise AssertionError(f"the daemon answered {error}")
                self.check(result)
                return data

    def check(self, result):
        for one in result.get("results", [result]):
            if one.get("allow") is not self.allow:
                raise AssertionError(f"expected allow={self.allow}, got {result}")
