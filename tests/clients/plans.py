# SPDX-License-Identifier: Apache-2.0
"""Random trees of plans, random rows, and what a tree says of a row, without a database.

The columns have the names of json_each's own, and collations that take other strings for the same."""

import ipaddress
import json

# A fact and its type; an expression for each in the table `r`.
STATES = ["draft", "active", "archived"]
FACTS = {
    "resource.owner": "string", "resource.name": "string", "resource.state": ["word", STATES],
    "resource.tags": "strings", "resource.regions": "strings", "resource.amount": "int", "resource.limit": "int",
    "resource.paid": "bool", "resource.open": "bool", "resource.starts": "time", "resource.ends": "time",
    "resource.term": "duration", "resource.from": "address", "resource.to": "address",
}
COLUMNS = {
    "resource.owner": "value", "resource.name": '"key"', "resource.state": "type", "resource.tags": "atom",
    "resource.regions": "json", "resource.amount": "amount", "resource.limit": "parent", "resource.paid": "paid",
    "resource.open": "root", "resource.starts": "starts", "resource.ends": "ends", "resource.term": "term",
    "resource.from": "r.came_from", "resource.to": "r.went_to", "{booking}": "id",
}
TYPES = {"string": "text", "word": "text", "strings": "text", "int": "bigint", "bool": "bigint", "time": "bigint",
         "duration": "bigint", "address": "text"}

STRINGS = ["", "a", "A", "a ", " a", "\u00e4", "a\u0308", "\u00c4", "\u00df", "ss", "'", '"', "a'b", "\\", "a\\b",
           "%", "_", "a,b", '["a"]', "{a}", "NULL", "null", "7", "07", "7.0", "\uff17", "\ufb01", "fi", "a\u200b",
           "\U0001f600", "\n", "$1", "?", "%s", "{", "true"]
INTS = [-2**63, -2**63 + 1, -1, 0, 1, 9, 10, 17, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 1]
TIMES = [1782907199, 1782907200, 1782907201]
ADDRESSES = ["10.1.2.3", "10.1.2.4", "11.0.0.1", "::1", "2001:db8::1", "::ffff:10.1.2.3", "::ffff:11.0.0.1"]
NETWORKS = ["10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32", "0.0.0.0/0", "::/0"]
IDS = [7, 70, 0, -7, 2**63 - 1]
POOLS = {"string": STRINGS, "word": STATES, "int": INTS, "bool": [True, False], "time": TIMES,
         "duration": [0, 1, 3600], "address": ADDRESSES}

NETWORK_NAMES = ("within", "not within")
ORDERED = ("int", "time", "duration")


def kind_of(name):
    kind = FACTS[name]
    return kind if isinstance(kind, str) else kind[0]


def random_set(dice):
    return [dice.choice(STRINGS[:14]) for _ in range(dice.choice((0, 0, 1, 1, 2, 3)))]


def random_row(dice):
    """The values of a row by their facts; None: not given."""
    row = {name: None if dice.random() < 0.2 else random_set(dice) if kind_of(name) == "strings"
           else dice.choice(POOLS[kind_of(name)]) for name in FACTS}
    return {**row, "{booking}": dice.choice(IDS)}


class Trees:
    """Random trees. Without addresses, none compares them."""

    def __init__(self, dice, addresses):
        self.dice = dice
        self.names = [name for name in FACTS if addresses or kind_of(name) != "address"]

    def tree(self, depth=2, outer=None):
        if depth > 0 and self.dice.random() < 0.7:
            name = {"and": "or", "or": "and"}.get(outer) or self.dice.choice(("and", "or"))
            return [name, *(self.tree(depth - 1, name) for _ in range(self.dice.choice((2, 2, 3))))]
        fact = self.fact(self.dice.choice(self.names))
        if self.dice.random() < 0.1:
            return [self.dice.choice(("present", "absent")), fact]
        kind = kind_of(fact[1])
        if kind == "strings":
            return self.of_sets(fact)
        if kind == "address" and self.dice.random() < 0.5:
            return [self.dice.choice(NETWORK_NAMES), fact, ["network", self.dice.choice(NETWORKS)]]
        names = ("is", "is not", "<", "<=") if kind in ORDERED else ("is", "is not")
        sides = [fact, self.other(kind)]
        if self.dice.random() < 0.5:
            sides.reverse()
        return [self.dice.choice(names), *sides]

    @staticmethod
    def fact(name):
        return ["fact", name, FACTS[name]]

    def other(self, kind):
        """Something of the same type."""
        facts = [name for name in self.names if kind_of(name) == kind]
        if self.dice.random() < 0.3:
            return self.fact(self.dice.choice(facts))
        if kind == "string" and self.dice.random() < 0.3:
            return ["parameter", "booking", "string"]
        value = self.dice.choice(POOLS[kind])
        return [kind, str(address_of(value)) if kind == "address" else value]

    def of_sets(self, fact):
        name = self.dice.choice(("has", "has not", "has any", "has none", "has all", "has not all"))
        constant = ["strings", random_set(self.dice)]
        if name in ("has", "has not"):
            return [name, constant, self.fact("resource.owner")] if self.dice.random() < 0.3 \
                else [name, fact, self.other("string")]
        sides = [fact, constant if self.dice.random() < 0.6 else self.fact("resource.regions")]
        if self.dice.random() < 0.3:
            sides.reverse()
        return [name, *sides]


class Conditions:
    """Random conditions in the language of policies. `{booking}` is the path's parameter."""

    # What a policy cannot have comes with the request.
    TEXTS = [f'"{text}"' for text in STRINGS if not set(text) & set('"\\\n\u200b')]
    VALUES = {"string": [*TEXTS, "{booking}", "principal.id", "principal.branch"], "word": STATES,
              "int": [*map(str, INTS), "principal.rank"], "bool": ["true", "false"],
              "time": ["2026-07-01T12:00:00Z", "2026-07-01T12:00:01Z"], "duration": ["1s", "1h"],
              "address": ADDRESSES[:5]}
    NETWORKS = ["10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32"]

    def __init__(self, dice, addresses):
        self.dice = dice
        self.names = [name for name in FACTS if addresses or kind_of(name) != "address"]

    def condition(self, depth=2):
        if depth > 0 and self.dice.random() < 0.7:
            both = f" {self.dice.choice(('and', 'or'))} ".join(
                self.condition(depth - 1) for _ in range(self.dice.choice((2, 2, 3))))
            return f"{self.dice.choice(('', 'not '))}({both})"
        return self.dice.choice(("", "", "not ")) + self.predicate(self.dice.choice(self.names))

    def predicate(self, name):
        kind = kind_of(name)
        if kind == "bool" and self.dice.random() < 0.5:
            return name
        if kind == "strings":
            return f"{name} has {self.dice.choice((self.one, self.some))('string', name)}"
        if self.dice.random() < 0.3:
            items = [self.one(kind, name) for _ in range(self.dice.choice((1, 2, 3)))]
            items += {"string": ["resource.tags"], "address": [self.dice.choice(self.NETWORKS)]}.get(kind, [])
            return f"{name} {self.dice.choice(('in', 'not in'))} {', '.join(items)}"
        signs = ("is", "is not", "<", "<=", ">", ">=") if kind in ORDERED else ("is", "is not")
        return f"{name} {self.dice.choice(signs)} {self.one(kind, name)}"

    def one(self, kind, name):
        facts = [other for other in self.names if kind_of(other) == kind and other != name]
        return self.dice.choice(facts) if facts and self.dice.random() < 0.3 else self.dice.choice(self.VALUES[kind])

    def some(self, kind, name):
        items = [self.one(kind, name) for _ in range(self.dice.choice((1, 2)))]
        items += self.dice.choice(([], ["resource.regions"] if name != "resource.regions" else []))
        return f"{self.dice.choice(('any', 'all'))} {', '.join(items)}"


def address_of(text):
    """One of IPv4 that is written as one of IPv6 is that of IPv4."""
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def value_of(operand, row):
    kind, value = operand[0], operand[1]
    if kind == "parameter":
        return str(row["{booking}"])
    if kind == "fact":
        kind, value = kind_of(value), row[value]
    if value is not None and kind == "address":
        return address_of(value)
    return ipaddress.ip_network(value) if kind == "network" else value


def holds(tree, row):
    """What PROTOCOL.md says that the tree means, of a row."""
    name, *parts = tree
    if name in ("and", "or"):
        return (all if name == "and" else any)(holds(part, row) for part in parts)
    values = [value_of(part, row) for part in parts]
    if name in ("present", "absent"):
        return (values[0] is not None) == (name == "present")
    if None in values:
        return False
    left, right = values
    return {
        "is": lambda: left == right, "is not": lambda: left != right, "<": lambda: left < right,
        "<=": lambda: left <= right, "has": lambda: right in left, "has not": lambda: right not in left,
        "has any": lambda: bool({*left} & {*right}), "has none": lambda: not {*left} & {*right},
        "has all": lambda: {*left} >= {*right}, "has not all": lambda: not {*left} >= {*right},
        "within": lambda: left in right, "not within": lambda: left not in right,
    }[name]()


def values_in(tree):
    """Each value that is not to be in a text of SQL."""
    if tree[0] in ("and", "or"):
        return [value for part in tree[1:] for value in values_in(part)]
    return [str(value) for side in tree[1:] if side[0] not in ("fact", "parameter")
            for value in (side[1] if isinstance(side[1], list) else [side[1]])]


def other_value(value):
    """Another value, which means something to SQL if it is a text; unequal ones stay unequal."""
    if isinstance(value, list):
        return [other_value(each) for each in value]
    if isinstance(value, str):
        return "'\"`\\;-- $1 ? %s " + value
    return not value if isinstance(value, bool) else value ^ 1


def with_other_values(tree):
    """The same tree with other values; the words of a fact are changed alike."""
    name, *parts = tree
    if name in POOLS or name in ("strings", "network"):
        return [name, other_value(parts[0])]
    return [name, *(with_other_values(part) if isinstance(part, list) else part for part in parts)]


def as_json(value, escaped=False):
    return json.dumps(value, ensure_ascii=escaped) if isinstance(value, list) else value


def as_array(value):
    """The text of an array of PostgreSQL."""
    if not isinstance(value, list):
        return value
    quoted = ['"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value]
    return "{" + ",".join(quoted) + "}"
