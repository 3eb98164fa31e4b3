# SPDX-License-Identifier: Apache-2.0
"""What the managing methods return. A field that the daemon left out is None; see PROTOCOL.md."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional

# Fields whose values no repr shows.
SECRETS = frozenset(("secret", "token"))


class Record(Mapping[str, Any]):
    """A result: its fields are attributes, and keys of a mapping. Its repr shows no secret."""

    # Of a change in a store that several hosts share: its place, whether all hosts have it, and which lack it.
    as_of: Optional[str]
    everywhere: Optional[bool]
    lacking: Optional[List[str]]

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields: Dict[str, Any] = dict(fields)

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._fields:
            return self._fields[name]
        if any(name in getattr(kind, "__annotations__", {}) for kind in type(self).__mro__):
            return None
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={'***' if name in SECRETS else repr(value)}"
                          for name, value in self._fields.items())
        return f"{type(self).__name__}({shown})"


class Key(Record):
    id: str
    name: Optional[str]
    label: Optional[str]
    tenant: str
    environment: str
    prefix: str
    principal: Optional[str]
    roles: Optional[List[str]]
    scopes: Optional[List[str]]
    at: Optional[List[str]]
    status: str
    marked: Optional[str]  # in a shared store: this host refuses it, see `local` of revoke
    created_at: int
    created_by: str
    not_before: Optional[int]
    expires_at: Optional[int]
    deleted_at: Optional[int]
    networks: Optional[List[str]]
    generation: int
    rotated_at: Optional[int]
    retiring_until: Optional[int]
    pending_until: Optional[int]
    rotate_every: Optional[int]
    next_rotation_at: Optional[int]
    renew_by: Optional[int]
    last_used_at: Optional[int]
    last_used_ip: Optional[str]
    uses: Optional[int]
    denials: Optional[int]
    denied_for: Optional[Mapping[str, int]]
    days: Optional[List[Mapping[str, int]]]  # of get: day, uses, denials
    dangling: Optional[List[str]]


class NewKey(Key):
    """A key with its secret, which the daemon shows this once."""

    secret: str

    @property
    def api_key(self) -> str:
        """What the holder presents."""
        return str(self._fields["secret"])


class KeyFindings(Record):
    """What keys.audit found about one key."""

    id: str
    name: Optional[str]
    label: Optional[str]
    tenant: str
    principal: Optional[str]
    status: str
    created_at: int
    expires_at: Optional[int]
    last_used_at: Optional[int]
    renew_by: Optional[int]
    findings: List[str]
    granted: Optional[int]
    used: Optional[int]
    unused: Optional[List[str]]
    used_permissions: Optional[List[str]]  # if it was about one key
    unused_scopes: Optional[List[str]]
    narrower: Optional[List[str]]


class Principal(Record):
    id: str
    name: Optional[str]
    kind: Optional[str]
    tenant: Optional[str]
    status: Optional[str]
    attributes: Optional[Mapping[str, str]]
    api_access: Optional[bool]
    created_at: Optional[int]
    declared: Optional[bool]


class Role(Record):
    name: str
    tenant: Optional[str]
    description: Optional[str]
    inherits: Optional[List[str]]
    grants: Optional[List[str]]
    allowed: Optional[int]
    denied: Optional[int]
    created_at: Optional[int]
    updated_at: Optional[int]
    created_by: Optional[str]
    shadowed: Optional[bool]
    dangling: Optional[List[str]]
    declared: Optional[bool]
    # Of a dry run: what it would allow more and less than now, and how many permissions that is.
    gains: Optional[List[Mapping[str, Any]]]
    loses: Optional[List[Mapping[str, Any]]]
    gains_total: Optional[int]
    loses_total: Optional[int]


class Assignment(Record):
    principal: Optional[str]
    everyone: Optional[bool]
    anyone: Optional[bool]
    role: str
    at: Optional[List[str]]
    until: Optional[int]
    tenant: Optional[str]
    declared: Optional[bool]
    shadowed: Optional[bool]
    dangling: Optional[List[str]]


class Change(Record):
    """A record of the audit trail."""

    sequence: int
    time: int
    actor: str
    uid: Optional[int]
    pid: Optional[int]
    action: str
    kind: str
    target: str
    tenant: Optional[str]
    changes: Optional[List[Mapping[str, Any]]]
    record_tag: Optional[str]
    tag: str


class Problem(Record):
    """What audit.verify found."""

    problem: str
    message: str
    sequence: Optional[int]
    last: Optional[int]
    kind: Optional[str]
    target: Optional[str]
    tenant: Optional[str]


class Node(Record):
    """A node of a tree, as the policy declares it; actions are maps of action, methods and description."""

    resource: str
    description: Optional[str]
    actions: List[Mapping[str, Any]]


class Permission(Record):
    """The actions on one resource that roles and scopes allow: always if `when` is None, else on the
    condition that it is the text of."""

    resource: str
    actions: List[str]
    when: Optional[str]
