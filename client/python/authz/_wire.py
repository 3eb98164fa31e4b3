# SPDX-License-Identifier: Apache-2.0
"""MessagePack-RPC: requests, answers, what may be sent again, and decisions. No sockets."""

from __future__ import annotations

import dataclasses
import datetime
import os
from typing import (AbstractSet, Any, Callable, Dict, Iterable, Iterator, List, Mapping, NoReturn, Optional, Sequence,
                    Tuple, TypedDict, Union, overload)

import msgpack  # type: ignore

from ._errors import AuthzError, Stale, StoreUnavailable, Unavailable

MAX_REQUEST = 256 * 1024       # bytes that the daemon reads
MAX_ANSWER = 4 * 1024 * 1024   # bytes that it sends
MAX_MANY = 1024                # requests in one authorize_many, and outstanding on one connection
READ_SIZE = 64 * 1024

IDS = 2**32

# Seconds between attempts to connect: soon after a daemon that restarts quickly, and seldom enough
# to cost nothing while it takes long.
FIRST_PAUSE = 0.005
LAST_PAUSE = 0.16

STATUS_OK = 200
STATUS_UNAVAILABLE = 503

CODES = frozenset((
    "invalid_request", "unknown_method", "forbidden", "not_found", "conflict", "limit_reached",
    "invalid_policy", "overloaded", "stale", "unavailable", "internal"))
KINDS = {"stale": Stale, "unavailable": StoreUnavailable}

# Seconds that a change with everywhere=True has at least: the daemon answers when it is proven.
EVERYWHERE_TIMEOUT = 120.0

YIELD_SECRETS = frozenset(("keys.create", "keys.rotate", "keys.renew"))
READS = frozenset(("authorize", "authorize_many", "permissions", "plan", "status", "keys.audit", "audit.verify",
                   "policy.names", "policy.tree", "principals.permissions",
                   "roles.holders", "who", "whoami", "decisions.try"))

# Methods that ask and nothing else: they yield no secret.
ASKING = frozenset(("authorize", "authorize_many", "permissions", "plan"))
# Methods that a socket for decisions takes; the others go to the one for managing.
DECIDING = ASKING | {"keys.renew"}

Time = Union[int, datetime.datetime]


class Broken(Exception):
    """The connection ended. sent: a byte of the request was sent."""

    def __init__(self, why: str, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class NotThere(Exception):
    """Nobody listens. again: it may be a daemon that restarts."""

    def __init__(self, why: str, again: bool) -> None:
        super().__init__(why)
        self.again = again


def repeatable(method: str, params: Mapping[str, Any]) -> bool:
    """True when a second request does no other thing than the first."""
    return (method in READS or method.endswith((".get", ".list", ".status"))
            or (method in YIELD_SECRETS and "request_id" in params))


def with_request_id(method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, with a request_id of their own if the method yields a secret."""
    if method in YIELD_SECRETS and "request_id" not in params:
        return {**params, "request_id": os.urandom(16).hex()}
    return params


def first_id() -> int:
    return int.from_bytes(os.urandom(4), "big")


class Encoder:
    """Makes requests of one thread's connection."""

    def __init__(self) -> None:
        self.packer: Any = None  # kept for the next request: making one takes as long as packing

    def pack(self, number: int, method: str, params: Mapping[str, Any]) -> bytes:
        # Out of reach while it packs, since what is packed may run code that asks, too; and one that failed or
        # holds much is not kept.
        packer, self.packer = self.packer or msgpack.Packer(use_bin_type=True), None
        try:
            data: bytes = packer.pack([0, number, method, [params]])
        except (TypeError, ValueError, OverflowError, RecursionError):
            # Not chained: the cause may hold the value, and that may be a token.
            raise AuthzError("invalid_request", "a parameter cannot be sent: neither text, a whole number, "
                             "a bool, a list nor a map") from None
        if len(data) > MAX_REQUEST:
            raise AuthzError("invalid_request", f"the request has more than {MAX_REQUEST} bytes")
        self.packer = packer
        return data


# Its id, error and result. Without an id: the daemon's last on its connection, about no request.
Answer = Tuple[Optional[int], Any, Any]


class Decoder:
    """Splits what a connection receives into answers; Unavailable when it is something else."""

    def __init__(self) -> None:
        self.twice = False
        self.fed = 0
        self.read = 0
        self.unpacker = msgpack.Unpacker(
            raw=False, strict_map_key=True, object_pairs_hook=self.pairs, read_size=READ_SIZE,
            max_buffer_size=MAX_ANSWER + READ_SIZE)

    def pairs(self, pairs: Iterable[Tuple[Any, Any]]) -> Dict[Any, Any]:
        # msgpack's C gives a list, its Python an iterator.
        given_pairs = pairs if type(pairs) is list else list(pairs)
        found = dict(given_pairs)
        if len(found) != len(given_pairs):
            self.twice = True
        return found

    @property
    def rest(self) -> int:
        """Bytes after the last answer."""
        return self.fed - self.read

    def feed(self, data: bytes) -> None:
        self.fed += len(data)
        try:
            self.unpacker.feed(data)
        except Exception:  # pylint: disable=broad-except
            raise unreadable() from None

    def next(self) -> Optional[Answer]:
        """The next answer; None when it is not complete yet."""
        try:
            message = self.unpacker.unpack()
        except msgpack.OutOfData:
            if self.rest > MAX_ANSWER:
                raise unreadable() from None
            return None
        except Exception:  # pylint: disable=broad-except
            raise unreadable() from None
        self.read = self.unpacker.tell()
        if self.twice or type(message) is not list or len(message) != 4:
            raise unreadable()
        kind, number, error, result = message
        if type(kind) is not int or kind != 1:
            raise unreadable()
        if number is not None and (type(number) is not int or not 0 <= number < IDS):
            raise unreadable()
        if error is not None and result is not None:
            raise unreadable()
        return number, error, result


def unreadable() -> Unavailable:
    return Unavailable("the answer cannot be read, or no request asked for it")


def refusal(error: Any) -> AuthzError:
    """The daemon's error as an exception; a code that is unknown counts as internal."""
    fields = error if isinstance(error, dict) else {}

    def text(name: str) -> Optional[str]:
        value = fields.get(name)
        return value if isinstance(value, str) else None

    def items(name: str, kind: type) -> List[Any]:
        value = fields.get(name)
        return [item for item in value if isinstance(item, kind)] if isinstance(value, list) else []

    code = text("code")
    kind = KINDS.get(code or "", AuthzError)
    return kind(code if code is not None and code in CODES else "internal", text("message") or "",
                text("param"), items("ids", str), items("diagnostics", dict), fields.get("may_stand") is True)


def result_of(answer: Answer) -> Dict[str, Any]:
    """The result of an answer, which is a map; AuthzError when it is an error."""
    _, error, result = answer
    if error is not None:
        raise refusal(error)
    if type(result) is not dict:
        raise unreadable()
    return result


def farewell_of(answer: Answer) -> Exception:
    """What an answer without an id says: why the daemon ends the connection."""
    _, error, _ = answer
    if isinstance(error, dict) and error.get("message"):
        return refusal(error)
    return unreadable()


# Decisions


@dataclasses.dataclass(frozen=True)
class Quota:
    limit: int
    remaining: int
    reset: int  # seconds from now


@dataclasses.dataclass(frozen=True)
class Decision:
    """What the daemon decided. It is true only when the request is allowed: `if decision: ...`"""

    allow: bool = False
    status: int = STATUS_UNAVAILABLE  # the HTTP status to answer with
    reason: str = "unavailable"
    revision: Optional[str] = None
    key: Optional[str] = None
    principal: Optional[str] = None
    tenant: Optional[str] = None
    environment: Optional[str] = None
    renew: bool = False
    renew_by: Optional[int] = None
    quota: Optional[Quota] = None
    fact: Optional[str] = None
    explain: Optional[Mapping[str, Any]] = dataclasses.field(default=None, repr=False)
    missing: Optional[Tuple[str, ...]] = None  # of "missing_fact": the facts by whose absence it was not decided

    def __bool__(self) -> bool:
        return self.allow is True


# The type of each field as it is received. A class of its own would not do: true is not 1.
_KINDS = {"allow": bool, "status": int, "reason": str, "revision": str, "key": str, "principal": str, "tenant": str,
          "environment": str, "renew": bool, "renew_by": int, "quota": dict, "fact": str, "explain": dict, "missing": list}


# Those whose value is neither a map nor a list.
_flat_kind = {name: kind for name, kind in _KINDS.items() if kind not in (dict, list)}.get
# What each decision calls, without looking for it in its module or class.
_unpack, _new, _set = msgpack.unpackb, object.__new__, object.__setattr__


def _read_quota(value: Any) -> Optional[Quota]:
    names = ("limit", "remaining", "reset")
    if not isinstance(value, dict) or not all(type(value.get(name)) is int for name in names):
        return None
    return Quota(*(value[name] for name in names))


def _read_fields(result: Any, revision: Optional[str] = None) -> Optional[Decision]:
    """The decision, of which `result` becomes a part; None when it is not one."""
    if type(result) is not dict:
        return None
    unknown = []
    for name, value in result.items():
        kind = _KINDS.get(name)
        if type(value) is kind:
            if kind is str and "\0" in value:
                return None
        elif kind is None or name == "explain":
            unknown.append(name)
        else:
            return None
    for name in unknown:
        del result[name]
    if "quota" in result:
        result["quota"] = quota = _read_quota(result["quota"])
        if quota is None:
            return None
    if "missing" in result:
        if not all(type(name) is str for name in result["missing"]):
            return None
        result["missing"] = tuple(result["missing"])
    if revision is not None:
        result.setdefault("revision", revision)
    return _decision_of(result)


def _decision_of(fields: Dict[str, Any]) -> Optional[Decision]:
    """The decision that has these fields, each of its kind; None when they contradict each other."""
    status = fields.get("status", 0)
    if not 100 <= status <= 599 or fields.get("allow") is not (status == STATUS_OK) or "reason" not in fields:
        return None
    # Without the class's __init__, which takes longer than all of this, and without a copy: nobody else has the
    # fields. What is missing has its default.
    decision = _new(Decision)
    _set(decision, "__dict__", fields)
    return decision


def read_decision(result: Any) -> Decision:
    decision = _read_fields(result)
    if decision is None or not decision.revision:
        raise unreadable()
    return decision


# What may read an answer in one step, of the bytes that came first and the request; None when it cannot.
Quick = Optional[Callable[[bytes, bytes], Optional[Any]]]


def quick_decision(data: bytes, request: bytes) -> Optional[Decision]:
    """The decision of an answer as nearly all are: whole, to this request, without an error, and a flat map of known
    fields. None leaves it to Decoder and read_decision, which look at everything, and take half as long again."""
    # 8 bytes: a list of four, of which the first says that it is an answer, the id as it was sent, and no error.
    if data[:8] != b"\x94\x01" + request[2:7] + b"\xc0":
        return None
    try:
        fields = _unpack(data)[3]
    except Exception:  # pylint: disable=broad-except
        return None
    # As many fields as the map's first byte says, so that none is given twice; and no NUL, as in no text. An id that
    # has one is rare.
    if type(fields) is not dict or data[8] != 0x80 | len(fields) or 0 in data:
        return None
    for name, value in fields.items():
        if type(value) is not _flat_kind(name):
            return None
    return _decision_of(fields) if "revision" in fields and fields["revision"] else None


class Decisions(Sequence[Decision]):
    """The decisions of authorize_many, in the order of the requests. It is true only when there is one
    and all are allowed."""

    def __init__(self, items: Sequence[Decision]) -> None:
        self._items = tuple(items)

    @overload
    def __getitem__(self, at: int) -> Decision: ...

    @overload
    def __getitem__(self, at: slice) -> Decisions: ...

    def __getitem__(self, at: Union[int, slice]) -> Union[Decision, Decisions]:
        return Decisions(self._items[at]) if isinstance(at, slice) else self._items[at]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._items)

    def __bool__(self) -> bool:
        return len(self._items) > 0 and all(self._items)

    def __repr__(self) -> str:
        return f"Decisions({list(self._items)!r})"


def read_decisions(result: Any, count: int) -> Decisions:
    """One that cannot be read is a denial; the others keep theirs."""
    revision, results = result.get("revision"), result.get("results")
    if not isinstance(revision, str) or not revision or not isinstance(results, list) \
            or len(results) != count:
        raise unreadable()
    found = [_read_fields(one, revision) for one in results]
    return Decisions([Decision() if one is None else one for one in found])


# Plans


Tree = Sequence[Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """Of which resources of a node a request would be allowed. `authz.sql.where` makes the WHERE of a query of it.

    It is neither true nor false: compare `plan`."""

    plan: str  # "always", "never", or "when": where the condition is true
    revision: str
    reason: Optional[str] = None  # of "never", as in a decision
    status: int = STATUS_OK       # of "never": the HTTP status of the reason
    when: Optional[str] = None    # the condition as text
    tree: Optional[Tree] = None   # the same as nested lists; PROTOCOL.md, `plan`
    node: Optional[str] = None    # as declared
    missing: Tuple[str, ...] = ()  # facts without which the plan has less in it

    def __bool__(self) -> NoReturn:
        raise TypeError("a plan is not a decision: compare its `plan`")


_PLAN_KINDS = {"plan": str, "revision": str, "reason": str, "status": int, "when": str, "tree": list, "node": str,
               "missing": list}
# What each plan has, and without which it says nothing.
_PLAN_NEEDS = {"always": ("revision",), "never": ("revision", "reason", "status"), "when": ("revision", "when", "tree")}


def read_plan(result: Any) -> Plan:
    """What the result says; one that is not complete is unreadable."""
    fields = {name: value for name, value in result.items() if name in _PLAN_KINDS}
    if any(type(value) is not _PLAN_KINDS[name] for name, value in fields.items()):
        raise unreadable()
    needed = _PLAN_NEEDS.get(fields.get("plan", ""))
    if needed is None or not all(fields.get(name) for name in needed):
        raise unreadable()
    missing = tuple(fields.pop("missing", ()))
    if not all(type(name) is str for name in missing):
        raise unreadable()
    return Plan(**fields, missing=missing)


# Parameters


def seconds(value: Any) -> Any:
    """A time as Unix seconds; a datetime must have its zone."""
    if not isinstance(value, datetime.datetime):
        return value
    if value.tzinfo is None:
        raise AuthzError("invalid_request", "a datetime without a zone is not a time: add tzinfo")
    return int(value.timestamp())


def _fact(value: Any) -> Any:
    """A value of a fact as it is sent."""
    if isinstance(value, datetime.timedelta):
        return int(value.total_seconds())
    return list(value) if isinstance(value, (set, frozenset, tuple)) else seconds(value)


def _sent(name: str, value: Any) -> Any:
    if name == "facts" and isinstance(value, Mapping):
        return {fact: _fact(one) for fact, one in value.items()}
    return seconds(value)


def given(**params: Any) -> Dict[str, Any]:
    """The parameters that are not None, with times as Unix seconds."""
    return dict(given_of(params))


def given_of(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """As given; `params` itself when all are texts."""
    for value in params.values():
        if type(value) is not str:
            return {name: _sent(name, value) for name, value in params.items() if value is not None}
    return params


# A value of a fact that the policy declares; None: as if it were not there.
Fact = Union[str, int, bool, datetime.datetime, datetime.timedelta, Sequence[str], AbstractSet[str], None]


class Facts(TypedDict, total=False):
    """Who asks, for which service, and what is known of the request. What is None is not sent.

    Either token or principal, or neither. principal, ip, mfa_at and time are facts that only a trusted
    peer may state; facts, which the policy declares, such as {"resource.owner": "ann"}, are for every peer, those of
    the principal excepted. undeclared="ignore" ignores those that it does not declare. as_of: of several hosts
    that share a store, one that has this change decides; see Client.as_of."""

    token: Optional[str]
    principal: Optional[str]
    service: Optional[str]
    environment: Optional[str]
    tenant: Optional[str]
    ip: Optional[str]
    mfa_at: Optional[Time]
    time: Optional[Time]
    explain: Optional[bool]
    facts: Optional[Mapping[str, Fact]]
    undeclared: Optional[str]
    as_of: Optional[str]


class Request(Facts, total=False):
    """A request for a decision, as authorize in PROTOCOL.md has it: either method and path, or action and
    resource."""

    method: Optional[str]
    path: Optional[str]
    tree: Optional[str]
    action: Optional[str]
    resource: Optional[str]


class Asked(TypedDict, total=False):
    """What plan and permissions take both."""

    token: Optional[str]
    principal: Optional[str]
    tree: Optional[str]
    service: Optional[str]
    environment: Optional[str]
    tenant: Optional[str]
    ip: Optional[str]
    mfa_at: Optional[Time]
    time: Optional[Time]
    facts: Optional[Mapping[str, Fact]]
    undeclared: Optional[str]
    as_of: Optional[str]


class Planned(Asked, total=False):
    """What plan takes: a request whose path or resource may be a node as declared, "bookings:/bookings/{booking}"."""

    method: Optional[str]
    path: Optional[str]
    action: Optional[str]
    resource: Optional[str]


class Listed(Asked, total=False):
    """What permissions takes."""

    at: Optional[str]
    limit: Optional[int]


def many(requests: Sequence[Mapping[str, Any]], shared: Mapping[str, Any]) -> Dict[str, Any]:
    """The parameters of authorize_many."""
    if not 1 <= len(requests) <= MAX_MANY:
        raise AuthzError("invalid_request", f"requests: must be from 1 to {MAX_MANY}", "requests")
    return {**given_of(shared), "requests": [dict(given_of(request)) for request in requests]}
