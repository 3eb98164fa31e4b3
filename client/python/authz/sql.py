# SPDX-License-Identifier: Apache-2.0
"""The WHERE of a plan: which rows a caller may have.

    plan = client.plan(principal="ann", action="list", resource="bookings:/bookings/{booking}")
    columns = {"resource.owner": "b.owner_id", "{booking}": "b.id"}
    where = authz.sql.where(plan, columns, "postgresql", placeholder="%s")
    cursor.execute(f"SELECT * FROM bookings b WHERE {where.text}", where.parameters)

`columns` has, for each fact and parameter of the plan, the SQL expression that yields what the service
would send as that fact, and NULL where it would send nothing. A time is whole Unix seconds, a duration whole
seconds; a set is text[] in PostgreSQL, and a JSON array of strings in the others; an address is inet
or text, and in PostgreSQL alone. The expressions go into the text as they are: they are the program's own,
never a caller's. All values of the plan are parameters; none is in the text.

The rows are exactly those that `authorize` would allow with these facts. No comparison is true of NULL, and
strings are compared by their bytes, whatever the collation of a column.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type

from ._errors import Error
from ._wire import Plan, Tree

PLACEHOLDERS = ("$1", "?", "%s")


class SqlError(Error):
    """The plan cannot be asked in this way: `columns` has no expression for one of its facts, the database
    cannot compare addresses, or the plan has a comparison that this version does not know."""


@dataclass(frozen=True)
class Where:
    """What follows WHERE, in parentheses, and the parameters in the order of their placeholders: texts, ints,
    and, in PostgreSQL, bools."""

    text: str
    parameters: Tuple[Any, ...]


def where(plan: Plan, columns: Mapping[str, str], dialect: str, *, placeholder: Optional[str] = None,
          first: int = 1) -> Where:
    """The condition of a plan. dialect: "postgresql", "mysql" (8.0.17 or later), "mariadb" (10.6 or
    later) or "sqlite".

    placeholder: what stands for a parameter, "$1", "?" or "%s"; without it "$1" in PostgreSQL and "?" in the others.
    first: with "$1", the number of the first parameter. SqlError."""
    if dialect not in _DIALECTS:
        raise ValueError(f"dialect: none of {', '.join(_DIALECTS)}")
    if placeholder is None:
        placeholder = "$1" if dialect == "postgresql" else "?"
    if placeholder not in PLACEHOLDERS:
        raise ValueError(f"placeholder: none of {', '.join(PLACEHOLDERS)}")
    writer = _DIALECTS[dialect](columns, placeholder, first)
    if plan.plan == "when":
        return Where(writer.condition(plan.tree), tuple(writer.parameters))
    return Where("(1 = 1)" if plan.plan == "always" else "(1 = 0)", ())


# What compares alike.
_KINDS = {"string": "text", "word": "text", "int": "int", "time": "int", "duration": "int", "bool": "bool",
          "address": "address", "network": "address"}

# The method that writes a comparison of sets, and whether it is negated.
_SETS = {"has": ("has", False), "has not": ("has", True), "has any": ("has_any", False), "has none": ("has_any", True),
         "has all": ("has_all", False), "has not all": ("has_all", True)}


class _Writer:
    """Writes the condition of a tree. The parameters are bound in the order in which they stand in the text."""

    # How a column, and a placeholder, of each kind compare as they must, whatever the column's type and the driver's.
    columns: Mapping[str, str] = {}
    values: Mapping[str, str] = {}

    def __init__(self, names: Mapping[str, str], placeholder: str, first: int) -> None:
        self.names = names
        self.placeholder = placeholder
        self.first = first
        self.parameters: List[Any] = []

    def condition(self, tree: Any) -> str:
        try:
            name, *parts = tree
            if name in ("and", "or"):
                return "(" + f" {name.upper()} ".join([self.condition(part) for part in parts]) + ")"
            if name in ("present", "absent"):
                fact, = parts
                return f"({self.column(fact)} IS {'NOT ' if name == 'present' else ''}NULL)"
            left, right = parts
            return f"({self.comparison(name, left, right)})"
        except (TypeError, ValueError, LookupError):
            raise SqlError("the plan cannot be read") from None

    def comparison(self, name: str, left: Tree, right: Tree) -> str:
        if name == "is not" and left[0] == "word":
            left, right = right, left
        if name == "is not" and left[0] == "fact" and right[0] == "word":
            return self.other_words(left, right)
        if name in ("is", "is not", "<", "<="):
            sign = {"is": "=", "is not": "<>"}.get(name, name)
            return f"{self.operand(left)} {sign} {self.operand(right)}"
        if name in ("within", "not within"):
            return f"{'NOT ' if name == 'not within' else ''}{self.operand(left)} <<= {self.operand(right)}"
        if name not in _SETS:
            raise SqlError(f"the plan has the comparison {name!r}, which this version does not know")
        method, negated = _SETS[name]
        # NULL is in no set, and an empty one has nothing of it: that both are there is said apart.
        there = "".join([f"{self.column(side)} IS NOT NULL AND " for side in (left, right) if _is_open(side)])
        found = getattr(self, method)(left, right)
        return there + (f"NOT ({found})" if negated else found)

    def other_words(self, fact: Tree, word: Tree) -> str:
        """A word that is not this one is one of the others; a text that is none of them is nothing."""
        others = [["word", other] for other in fact[2][1] if other != word[1]]
        return f"{self.operand(fact)} IN ({', '.join(map(self.operand, others))})" if others else "1 = 0"

    def operand(self, operand: Tree) -> str:
        is_open = _is_open(operand)
        name = _type_of(operand) if is_open else operand[0]
        kind = _KINDS.get(name)
        if kind is None:
            raise SqlError(f"the plan compares the type {name!r}, which this version does not know")
        if kind not in self.values:
            raise SqlError("the plan compares addresses, which only PostgreSQL can")
        if is_open:
            return self.columns.get(kind, "{}").format(self.column(operand))
        return self.values[kind].format(self.bind(self.parameter(operand[1])))

    def column(self, operand: Tree) -> str:
        """The caller's expression."""
        name = operand[1] if operand[0] == "fact" else "{" + operand[1] + "}"
        if name not in self.names:
            raise SqlError(f"the plan depends on {name}, for which there is no column")
        return f"({self.names[name]})"

    def bind(self, value: Any) -> str:
        self.parameters.append(value)
        return f"${self.first + len(self.parameters) - 1}" if self.placeholder == "$1" else self.placeholder

    @staticmethod
    def parameter(value: Any) -> Any:
        return value

    # Of sets that are there.

    def set(self, operand: Tree) -> str:
        raise NotImplementedError

    def has(self, left: Tree, right: Tree) -> str:
        raise NotImplementedError

    def has_any(self, left: Tree, right: Tree) -> str:
        raise NotImplementedError

    def has_all(self, left: Tree, right: Tree) -> str:
        raise NotImplementedError


class _PostgreSQL(_Writer):
    # The cast to text takes away the own equality of a type such as citext. An address of IPv4 may be written as one
    # of IPv6.
    columns = {"text": '{}::text COLLATE "C"',
               "address": r"regexp_replace(host({}::inet), '^::ffff:([0-9.]+)$', '\1')::inet"}
    values = {"text": "{}::text", "int": "{}::bigint", "bool": "{}::boolean", "address": "{}::inet"}

    def set(self, operand: Tree) -> str:
        if _is_open(operand):
            return f'{self.column(operand)}::text[] COLLATE "C"'
        return f"ARRAY[{', '.join(map(self.bind, operand[1]))}]::text[]"

    def has(self, left: Tree, right: Tree) -> str:
        return f"{self.operand(right)} = ANY ({self.set(left)})"

    def has_any(self, left: Tree, right: Tree) -> str:
        return f"{self.set(left)} && {self.set(right)}"

    def has_all(self, left: Tree, right: Tree) -> str:
        return f"{self.set(left)} @> {self.set(right)}"


class _Json(_Writer):
    """Sets are JSON arrays, and bools are 1 and 0."""

    @staticmethod
    def parameter(value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value

    def set(self, operand: Tree) -> str:
        if _is_open(operand):
            return self.column(operand)
        return self.bind(json.dumps(operand[1], ensure_ascii=False, separators=(",", ":")))


class _MySQL(_Json):
    # The bytes of UTF-8: a collation takes `a` for `A`, or for `a` and a space.
    columns = {"text": "CAST(CONVERT({} USING utf8mb4) AS BINARY)"}
    values = {"text": "CAST(CONVERT({} USING utf8mb4) AS BINARY)", "int": "CAST({} AS SIGNED)",
              "bool": "CAST({} AS SIGNED)"}

    def has(self, left: Tree, right: Tree) -> str:
        array = self.set(left)
        member = self.column(right) if _is_open(right) else self.bind(right[1])
        return f"JSON_CONTAINS({array}, JSON_QUOTE(CONVERT({member} USING utf8mb4)))"

    def has_any(self, left: Tree, right: Tree) -> str:
        return f"JSON_OVERLAPS({self.set(left)}, {self.set(right)})"

    def has_all(self, left: Tree, right: Tree) -> str:
        return f"JSON_CONTAINS({self.set(left)}, {self.set(right)})"


class _MariaDB(_MySQL):
    """JSON_CONTAINS takes an escape such as \\u00e4 for another text than the letter; JSON_TABLE reads both alike."""

    def members(self, operand: Tree, name: str) -> str:
        return f"JSON_TABLE({self.set(operand)}, '$[*]' COLUMNS (authz_member LONGTEXT PATH '$')) AS {name}"

    def has(self, left: Tree, right: Tree) -> str:
        return (f"{self.operand(right)} IN (SELECT CAST(authz_a.authz_member AS BINARY) FROM "
                f"{self.members(left, 'authz_a')})")

    def has_any(self, left: Tree, right: Tree) -> str:
        return (f"EXISTS (SELECT 1 FROM {self.members(left, 'authz_a')}, {self.members(right, 'authz_b')} "
                f"WHERE {_SAME_MEMBER})")

    def has_all(self, left: Tree, right: Tree) -> str:
        return (f"NOT EXISTS (SELECT 1 FROM {self.members(right, 'authz_b')} WHERE NOT EXISTS "
                f"(SELECT 1 FROM {self.members(left, 'authz_a')} WHERE {_SAME_MEMBER}))")


_SAME_MEMBER = "CAST(authz_a.authz_member AS BINARY) = CAST(authz_b.authz_member AS BINARY)"


class _SQLite(_Json):
    """The caller's expressions stand in a row of their own, `authz_s`, outside of json_each, whose columns such as
    `value` and `id` would hide the caller's."""

    # A column of numbers would take a text for a number, and '07' for 7.
    columns = {"text": "CAST({} AS TEXT) COLLATE BINARY"}
    values = {"text": "{}", "int": "CAST({} AS INTEGER)", "bool": "CAST({} AS INTEGER)"}

    def has(self, left: Tree, right: Tree) -> str:
        return (f"{self.operand(right)} IN (SELECT authz_a.value FROM (SELECT {self.set(left)} AS a) AS authz_s, "
                "json_each(authz_s.a) AS authz_a)")

    def has_any(self, left: Tree, right: Tree) -> str:
        return (f"EXISTS (SELECT 1 FROM (SELECT {self.set(left)} AS a, {self.set(right)} AS b) AS authz_s, "
                "json_each(authz_s.a) AS authz_a, json_each(authz_s.b) AS authz_b "
                "WHERE authz_a.value = authz_b.value)")

    def has_all(self, left: Tree, right: Tree) -> str:
        return (f"NOT EXISTS (SELECT 1 FROM (SELECT {self.set(left)} AS a, {self.set(right)} AS b) AS authz_s, "
                "json_each(authz_s.b) AS authz_b WHERE authz_b.value NOT IN "
                "(SELECT authz_a.value FROM json_each(authz_s.a) AS authz_a))")


_DIALECTS: Dict[str, Type[_Writer]] = {"postgresql": _PostgreSQL, "mysql": _MySQL, "mariadb": _MariaDB,
                                       "sqlite": _SQLite}


def _is_open(operand: Tree) -> bool:
    """A fact or a parameter, of which each row has its own value."""
    return operand[0] in ("fact", "parameter")


def _type_of(operand: Tree) -> str:
    """Of a fact of words, the type is an array with them."""
    return str(operand[2] if isinstance(operand[2], str) else operand[2][0])
