# SPDX-License-Identifier: Apache-2.0
"""The WHERE of a plan: which rows a caller may have.

    plan = client.plan(principal="ann", action="list", path="bookings:/bookings/{booking}")
    where = authz.sql.where(plan, {"resource.owner": "b.owner_id", "{booking}": "b.id"}, "postgresql")
    rows = cursor.execute(f"SELECT … FROM bookings b WHERE {where.text}", where.parameters)

`columns` has, for each fact and parameter of the plan, the SQL expression that yields what the service
would send as that fact: NULL where it would send nothing; a time or a duration as a number of seconds; a
set as text[] in PostgreSQL and as a JSON array of strings in MySQL and SQLite. The expressions are the
caller's own and go into the text as they are. All values are parameters, none is in the text.

The rows are exactly those whose facts `authorize` would allow: no comparison is true of NULL, and strings
are compared by bytes, whatever the collation of a column.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._errors import Error

# What stands for a parameter where nothing else is asked for, as the drivers for Python expect it.
PLACEHOLDERS = {"postgresql": "$1", "mysql": "%s", "sqlite": "?"}

Tree = Sequence[Any]


class NoColumn(Error):
    """The plan has a fact for which there is no column, or that the database cannot compare."""


@dataclass(frozen=True)
class Where:
    text: str
    parameters: Tuple[Any, ...]


def where(plan: Mapping[str, Any], columns: Mapping[str, str], dialect: str,
          placeholder: Optional[str] = None, first: int = 1) -> Where:
    """A condition for WHERE, in parentheses. dialect: postgresql, mysql or sqlite. placeholder: `$1`, `?` or
    `%s`; with `$1`, `first` is the first number that is free. NoColumn, ValueError."""
    if dialect not in PLACEHOLDERS:
        raise ValueError(f"the dialect is none of {', '.join(PLACEHOLDERS)}: {dialect}")
    if placeholder not in (None, "$1", "?", "%s"):
        raise ValueError("the placeholder is none of $1, ?, %s")
    writer = _WRITERS[dialect](columns, placeholder or PLACEHOLDERS[dialect], first)
    kind = plan["plan"]
    if kind == "when":
        text = writer.tree(plan["tree"])
    elif kind in ("always", "never"):
        text = "(1 = 1)" if kind == "always" else "(1 = 0)"
    else:
        raise ValueError(f"no plan: {kind!r}")
    return Where(text, tuple(writer.parameters))


class _Writer:
    """Writes a tree. The subclasses are the dialects: how a value is bound, and how sets and addresses are
    compared."""

    def __init__(self, columns: Mapping[str, str], placeholder: str, first: int) -> None:
        self._columns = columns
        self._placeholder = placeholder
        self._next = first
        self.parameters: List[Any] = []

    # The tree

    def tree(self, tree: Tree) -> str:
        name, *parts = tree
        if name in ("and", "or"):
            return "(" + f" {name.upper()} ".join(map(self.tree, parts)) + ")"
        if name in ("present", "absent"):
            return f"({self._column(parts[0])} IS {'NOT ' if name == 'present' else ''}NULL)"
        try:
            compare = _COMPARISONS[name]
        except KeyError:
            raise ValueError(f"the plan has {name!r}, which this version does not know") from None
        return "(" + compare(self, name, parts[0], parts[1]) + ")"

    def order(self, name: str, left: Tree, right: Tree) -> str:
        return f"{self.operand(left)} {name} {self.operand(right)}"

    def equal(self, name: str, left: Tree, right: Tree) -> str:
        if name == "is not" and _is_word(left, right):
            return self._other_words(left, right)
        return f"{self.operand(left)} {'=' if name == 'is' else '<>'} {self.operand(right)}"

    def _other_words(self, fact: Tree, word: Tree) -> str:
        """`is not` of one word is `is one of the others`: a row that has none of the words is not listed."""
        others = [other for other in fact[2][1] if other != word[1]]
        if not others:
            return "1 = 0"
        column = self.operand(fact)
        return f"{column} IN ({', '.join(self.text_value(other) for other in others)})"

    def operand(self, operand: Tree) -> str:
        kind = operand[0]
        if kind in ("fact", "parameter"):
            type_name = _type_of(operand)
            column = self._column(operand)
            if type_name in ("string", "word"):
                return self.text(column)
            return self.address(column) if type_name == "address" else f"({column})"
        if kind in ("string", "word"):
            return self.text_value(operand[1])
        if kind == "address":
            return self.address_value(operand[1])
        return self.number_value(operand[1], kind)

    def _column(self, operand: Tree) -> str:
        name = operand[1] if operand[0] == "fact" else "{" + operand[1] + "}"
        try:
            return self._columns[name]
        except KeyError:
            raise NoColumn(f"the plan depends on {name}, and `columns` has no expression for it") from None

    def bind(self, value: Any) -> str:
        self.parameters.append(value)
        if self._placeholder != "$1":
            return self._placeholder
        self._next += 1
        return f"${self._next - 1}"

    # What dialects do their own way

    def text(self, column: str) -> str:
        raise NotImplementedError

    def text_value(self, value: str) -> str:
        raise NotImplementedError

    def number_value(self, value: Union[int, bool], kind: str) -> str:
        raise NotImplementedError

    def address(self, column: str) -> str:
        raise NoColumn("the plan compares addresses, which only PostgreSQL can")

    def address_value(self, value: str) -> str:
        raise NoColumn("the plan compares addresses, which only PostgreSQL can")

    def within(self, name: str, left: Tree, network: Tree) -> str:
        raise NoColumn("the plan compares addresses, which only PostgreSQL can")

    def set(self, operand: Tree) -> str:
        """The expression of a set."""
        return self._column(operand) if operand[0] == "fact" else self.set_value(operand[1])

    def set_value(self, members: Sequence[str]) -> str:
        raise NotImplementedError

    def has(self, name: str, left: Tree, right: Tree) -> str:
        raise NotImplementedError

    def has_any(self, name: str, left: Tree, right: Tree) -> str:
        raise NotImplementedError

    def has_all(self, name: str, left: Tree, right: Tree) -> str:
        raise NotImplementedError


class _PostgreSQL(_Writer):
    """The types of all parameters are written, as the server cannot infer each of them. `COLLATE "C"` is
    the order of bytes; the cast to text takes the type's own equality away, as that of citext."""

    def text(self, column: str) -> str:
        return f'({column})::text COLLATE "C"'

    def text_value(self, value: str) -> str:
        return self.bind(value) + "::text"

    def number_value(self, value: Union[int, bool], kind: str) -> str:
        return self.bind(value) + ("::boolean" if kind == "bool" else "::bigint")

    def address(self, column: str) -> str:
        return f"({column})::inet"

    def address_value(self, value: str) -> str:
        return self.bind(value) + "::inet"

    def within(self, name: str, left: Tree, network: Tree) -> str:
        inside = f"{self.operand(left)} <<= {self.bind(network[1])}::inet"
        return inside if name == "within" else f"NOT {inside}"

    def set(self, operand: Tree) -> str:
        return f'({super().set(operand)})::text[] COLLATE "C"'

    def set_value(self, members: Sequence[str]) -> str:
        return self.bind(list(members))

    def has(self, name: str, left: Tree, right: Tree) -> str:
        found = f"{self.operand(right)} = ANY ({self.set(left)})"
        return found if name == "has" else f"NOT {found}"

    def has_any(self, name: str, left: Tree, right: Tree) -> str:
        found = f"{self.set(left)} && {self.set(right)}"
        return found if name == "has any" else f"NOT ({found})"

    def has_all(self, name: str, left: Tree, right: Tree) -> str:
        found = f"{self.set(left)} @> {self.set(right)}"
        return found if name == "has all" else f"NOT ({found})"


class _Json(_Writer):
    """Sets are JSON arrays. What is false instead of NULL where an operand is NULL is guarded, so that its
    negation is not true."""

    def number_value(self, value: Union[int, bool], kind: str) -> str:
        return self.bind(int(value))

    def set_value(self, members: Sequence[str]) -> str:
        return self.bind(json.dumps(list(members), ensure_ascii=False))


class _SQLite(_Json):
    """Columns of a function json_each, such as `value` and `id`, would hide the caller's columns of these
    names. So the caller's expressions stand outside of it, or in a row of their own beside it."""

    def text(self, column: str) -> str:
        return f"({column}) COLLATE BINARY"

    def text_value(self, value: str) -> str:
        return self.bind(value)

    def has(self, name: str, left: Tree, right: Tree) -> str:
        found = "%s %sIN (SELECT authz_a.value FROM (SELECT (%s) AS a) AS authz_s, json_each(authz_s.a) AS authz_a)"
        if name == "has":
            return found % (self.operand(right), "", self.set(left))
        guard = f"{self._given(left)} AND {self._given(right)} AND "
        return guard + found % (self.operand(right), "NOT ", self.set(left))

    def _given(self, operand: Tree) -> str:
        return f"({self._column(operand)}) IS NOT NULL" if operand[0] in ("fact", "parameter") else "1 = 1"

    def has_any(self, name: str, left: Tree, right: Tree) -> str:
        found = (f"EXISTS (SELECT 1 FROM (SELECT ({self.set(left)}) AS a, ({self.set(right)}) AS b) AS authz_s, "
                 "json_each(authz_s.a) AS authz_a JOIN json_each(authz_s.b) AS authz_b "
                 "ON authz_a.value = authz_b.value)")
        return f"{self._given(left)} AND {self._given(right)} AND {'' if name == 'has any' else 'NOT '}{found}"

    def has_all(self, name: str, left: Tree, right: Tree) -> str:
        other = (f"EXISTS (SELECT 1 FROM (SELECT ({self.set(left)}) AS a, ({self.set(right)}) AS b) AS authz_s, "
                 "json_each(authz_s.b) AS authz_b WHERE authz_b.value NOT IN "
                 "(SELECT authz_a.value FROM json_each(authz_s.a) AS authz_a))")
        return f"{self._given(left)} AND {self._given(right)} AND {'NOT ' if name == 'has all' else ''}{other}"


class _MySQL(_Json):
    """Bytes of UTF-8 are compared: a collation would take `a` for `A`, and `a ` for `a`."""

    def text(self, column: str) -> str:
        return f"CAST(CONVERT({column} USING utf8mb4) AS BINARY)"

    def text_value(self, value: str) -> str:
        return self.text(self.bind(value))

    def has(self, name: str, left: Tree, right: Tree) -> str:
        member = self._column(right) if right[0] in ("fact", "parameter") else self.bind(right[1])
        found = f"JSON_CONTAINS({self.set(left)}, JSON_QUOTE({member}))"
        return found if name == "has" else f"NOT {found}"

    def has_any(self, name: str, left: Tree, right: Tree) -> str:
        found = f"JSON_OVERLAPS({self.set(left)}, {self.set(right)})"
        return found if name == "has any" else f"NOT {found}"

    def has_all(self, name: str, left: Tree, right: Tree) -> str:
        found = f"JSON_CONTAINS({self.set(left)}, {self.set(right)})"
        return found if name == "has all" else f"NOT {found}"


def _type_of(operand: Tree) -> str:
    kind = operand[2]
    return kind if isinstance(kind, str) else str(kind[0])


def _is_word(left: Tree, right: Tree) -> bool:
    return left[0] == "fact" and right[0] == "word" and _type_of(left) == "word"


_Compare = Callable[[_Writer, str, Tree, Tree], str]
_COMPARISONS: Dict[str, _Compare] = {
    "is": lambda writer, *rest: writer.equal(*rest), "is not": lambda writer, *rest: writer.equal(*rest),
    "<": lambda writer, *rest: writer.order(*rest), "<=": lambda writer, *rest: writer.order(*rest),
    "within": lambda writer, *rest: writer.within(*rest), "not within": lambda writer, *rest: writer.within(*rest),
    "has": lambda writer, *rest: writer.has(*rest), "has not": lambda writer, *rest: writer.has(*rest),
    "has any": lambda writer, *rest: writer.has_any(*rest), "has none": lambda writer, *rest: writer.has_any(*rest),
    "has all": lambda writer, *rest: writer.has_all(*rest),
    "has not all": lambda writer, *rest: writer.has_all(*rest),
}
_WRITERS = {"postgresql": _PostgreSQL, "mysql": _MySQL, "sqlite": _SQLite}
