# SPDX-License-Identifier: Apache-2.0
"""The client for threads: one connection a thread."""

from __future__ import annotations

import copy
import errno
import logging
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence, Type, Union

from . import _trust, _wire
from ._errors import Error, NotEverywhere, Unavailable
from ._pages import Listing, Permissions
from ._records import Record
from ._spaces import Assignments, Audit, Keys, Policy, Principals, Roles, Tenants

if TYPE_CHECKING:
    from typing_extensions import Unpack

log = logging.getLogger("authz")

DEFAULT_TIMEOUT = 1.0  # seconds that a call has, connecting included
LONGEST_POLL = 24 * 60 * 60  # seconds; as milliseconds, an int of C has no more than 24 days

# What connecting fails with while a daemon restarts: nobody listens, or too many wait.
AWAY = (errno.ECONNREFUSED, errno.EAGAIN)
# A daemon that starts makes its socket before its rights are set. Without a connection before, the
# path or the rights are wrong.
AWAY_AFTER = (errno.ENOENT, errno.EACCES)


class Settings:
    """Which socket, user, token and time the calls of a client have. Its repr shows no token."""

    def __init__(self, path: Union[str, os.PathLike[str], None], token: Optional[str], timeout: float,
                 server_user: Union[str, int, None]) -> None:
        if not timeout > 0:
            raise ValueError("timeout: must be more than 0 seconds")
        self.fixed = path is not None or _trust.environment("AUTHZ_SOCKET") is not None
        self.path = _trust.default_socket() if path is None else _trust.usable(os.fspath(path))
        self.token = token
        self.timeout = timeout
        self.server = _trust.server_user(server_user)

    def managing(self, method: str, params: Mapping[str, Any]) -> bool:
        """True when the call goes to the socket for managing, which is beside the default one."""
        return not self.fixed and method not in _wire.DECIDING and "token" not in params

    def path_for(self, managing: bool) -> str:
        return _trust.managing_socket() if managing else self.path

    def with_token(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """The parameters of a managing call: a client with a token manages by it alone."""
        return {"token": self.token, **params} if self.token is not None else dict(params)

    def patience(self) -> float:
        """The time of a change that is to be everywhere."""
        return max(self.timeout, _wire.EVERYWHERE_TIMEOUT)

    def connect(self, path: str, was_connected: bool) -> socket.socket:
        """A connected socket that a trusted user serves. It does not wait."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            made.setblocking(False)
            made.connect(path)
            _trust.check(made, path, self.server)
        except OSError as error:
            made.close()
            again = error.errno in AWAY or (was_connected and error.errno in AWAY_AFTER)
            raise _wire.NotThere(f"the daemon's socket {path} cannot be reached: {error.strerror}",
                                 again) from None
        except BaseException:
            made.close()
            raise
        return made


process = object()  # another one in each process


def _forked() -> None:
    global process
    process = object()


os.register_at_fork(after_in_child=_forked)


def next_pause(pause: float) -> float:
    return min(pause * 2, _wire.LAST_PAUSE) if pause else _wire.FIRST_PAUSE


def no_time() -> Unavailable:
    return Unavailable("no answer before the deadline")


class _Channel:
    """One connection of one thread, made when it is needed and made again after it broke."""

    def __init__(self, settings: Settings, managing: bool) -> None:
        self.settings = settings
        self.managing = managing
        self.socket: Optional[socket.socket] = None
        self.was_connected = False
        self.busy = False
        self.encoder = _wire.Encoder()
        self.begin()

    def begin(self) -> None:
        """Ids that are not the parent's, for this process."""
        self.process = process
        self.number = _wire.first_id()
        self.used = 0

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Closes this process's descriptor; after a fork the other process keeps its own."""
        made, self.socket = self.socket, None
        if made is not None:
            made.close()

    def renew(self) -> None:
        """Ends a connection that is another process's, or whose ids were all used."""
        self.close()
        if self.process is not process:
            self.begin()

    def exchange(self, method: str, params: Mapping[str, Any], timeout: float, quick: _wire.Quick = None) -> Any:
        """The result: what `quick` made of the answer, if it is there and could, and otherwise a map."""
        deadline = time.monotonic() + timeout
        again, pause = False, 0.0
        while True:
            if self.process is not process or self.used == _wire.IDS:
                self.renew()
            self.number = number = (self.number + 1) % _wire.IDS
            self.used += 1
            data = self.encoder.pack(number, method, params)
            try:
                answer = self.attempt(number, data, deadline, quick)
            except _wire.Broken as broken:
                self.close()
                if again or (broken.sent and not _wire.repeatable(method, params)):
                    raise Unavailable(str(broken)) from None
                again = True
            except _wire.NotThere as away:
                pause = next_pause(pause)
                if not (away.again and _wire.repeatable(method, params)) or deadline - time.monotonic() <= pause:
                    raise Unavailable(str(away)) from None
                time.sleep(pause)
            except BaseException:
                # Whatever it was, a signal included: the answer may still come.
                self.close()
                raise
            else:
                return _wire.result_of(answer) if type(answer) is tuple else answer

    def attempt(self, number: int, data: bytes, deadline: float, quick: _wire.Quick) -> Any:
        """The answer, or what `quick` made of it."""
        made = self.socket
        if made is None:
            made = self.connect()
        broken = self.send(made, data, deadline)
        try:
            received = self.read(made, deadline)
            if quick is not None and broken is None:
                found = quick(received, data)
                if found is not None:
                    if time.monotonic() > deadline:
                        raise no_time()
                    return found
            answer = self.complete(made, received, deadline)
        except _wire.Broken:
            raise broken or _wire.Broken("the connection broke", True) from None
        if answer[0] != number or broken is not None:
            if answer[0] is None:
                raise _wire.farewell_of(answer)
            raise broken or _wire.unreadable()
        return answer

    def connect(self) -> socket.socket:
        made = self.socket = self.settings.connect(self.settings.path_for(self.managing), self.was_connected)
        self.was_connected, self.used = True, 1
        self.decoder = _wire.Decoder()
        self.readable = select.poll()
        self.readable.register(made, select.POLLIN)
        return made

    @staticmethod
    def wait(poll: select.poll, deadline: float) -> None:
        """Waits until the socket is ready; Unavailable at the deadline."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise no_time()
            if poll.poll(left * 1000 if left < LONGEST_POLL else LONGEST_POLL * 1000):
                return

    def send(self, made: socket.socket, data: bytes, deadline: float) -> Optional[_wire.Broken]:
        """Sends all of it. When the connection broke, that: the daemon may have said why before."""
        sent = 0
        while True:
            try:
                sent += made.send(data[sent:] if sent else data, socket.MSG_NOSIGNAL)
                if sent == len(data):
                    return None
            except BlockingIOError:
                writable = select.poll()
                writable.register(made, select.POLLOUT)
                self.wait(writable, deadline)
            except OSError:
                return _wire.Broken("the connection broke", sent > 0)

    def read(self, made: socket.socket, deadline: float) -> bytes:
        """What comes next, in time."""
        while True:
            self.wait(self.readable, deadline)
            try:
                data = made.recv(_wire.READ_SIZE)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                raise _wire.Broken("the connection broke", True)
            return data

    def complete(self, made: socket.socket, data: bytes, deadline: float) -> _wire.Answer:
        """The answer that begins with `data`, in time, and no byte after it."""
        decoder = self.decoder
        while True:
            decoder.feed(data)
            answer = decoder.next()
            if answer is not None:
                if decoder.rest > 0:
                    raise _wire.unreadable()
                if time.monotonic() > deadline:
                    raise no_time()
                return answer
            data = self.read(made, deadline)


class Client:
    """Asks authzd from any number of threads, and from children after a fork.

    path: the socket; without it the default one, as all clients find it. token: what managing calls
    present; without it they are the process's own. timeout: seconds that each call has.
    server_user: the daemon's user, by name or number, to trust beside root and the process's own.
    """

    def __init__(self, path: Union[str, os.PathLike[str], None] = None, *, token: Optional[str] = None,
                 timeout: float = DEFAULT_TIMEOUT, server_user: Union[str, int, None] = None) -> None:
        self._settings = Settings(path, token, timeout, server_user)
        self._local = threading.local()
        self._closed = False
        self._as_of: Optional[str] = None
        self.keys = Keys(self)
        self.principals = Principals(self)
        self.roles = Roles(self)
        self.assignments = Assignments(self)
        self.tenants = Tenants(self)
        self.audit = Audit(self)
        self.policy = Policy(self)

    def __repr__(self) -> str:
        return f"Client({self._settings.path!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def as_of(self, place: Optional[str]) -> Client:
        """A client on the same connections whose calls are answered by a host that has the change at this
        place, the `as_of` of a change's result, of those that share a store. A host that does not reach it
        within a second is Stale, and its decisions are denied as "stale". None: as ever."""
        other = copy.copy(self)
        other._as_of = place
        other.keys = Keys(other)
        other.principals = Principals(other)
        other.roles = Roles(other)
        other.assignments = Assignments(other)
        other.tenants = Tenants(other)
        other.audit = Audit(other)
        other.policy = Policy(other)
        return other

    def close(self) -> None:
        """Closes this thread's connections; those of other threads close when these end. No call
        succeeds afterwards."""
        self._closed = True
        for channel in self._channels().values():
            channel.close()

    def _channels(self) -> Dict[bool, _Channel]:
        channels: Dict[bool, _Channel]
        try:
            channels = self._local.channels
        except AttributeError:
            channels = self._local.channels = {}
        return channels

    def _exchange(self, method: str, params: Mapping[str, Any],
                  timeout: Optional[float] = None) -> Dict[str, Any]:
        managing = False
        if method not in _wire.ASKING:
            params = _wire.with_request_id(method, params)
            managing = self._settings.managing(method, params)
        result: Dict[str, Any] = self._ask(managing, method, params, timeout)
        return result

    def _ask(self, managing: bool, method: str, params: Mapping[str, Any], timeout: Optional[float],
             quick: _wire.Quick = None) -> Any:
        if self._closed:
            raise Unavailable("the client is closed")
        if self._as_of is not None and "as_of" not in params:
            params = {**params, "as_of": self._as_of}
        try:
            channel = self._local.channels[managing]
        except (AttributeError, KeyError):
            channel = self._channels()[managing] = _Channel(self._settings, managing)
        if channel.busy:
            # A signal's handler that asks while its thread waits has a connection of its own.
            channel = _Channel(self._settings, managing)
        channel.busy = True
        try:
            return channel.exchange(method, params, self._settings.timeout if timeout is None else timeout, quick)
        finally:
            channel.busy = False

    # Decisions

    def check(self, *, timeout: Optional[float] = None, **request: Unpack[_wire.Request]) -> _wire.Decision:
        """Asks for one decision. It is true only when allowed; AuthzError and Unavailable otherwise
        than by a decision."""
        result = self._ask(False, "authorize", _wire.given_of(request), timeout, _wire.quick_decision)
        return result if type(result) is _wire.Decision else _wire.read_decision(result)

    authorize = check

    def allowed(self, *, timeout: Optional[float] = None, **request: Unpack[_wire.Request]) -> bool:
        """True when the request is allowed; False when it is denied and on every error, which is
        logged."""
        try:
            return bool(self.check(timeout=timeout, **request))
        except Exception as error:  # pylint: disable=broad-except
            note(error)
            return False

    def can(self, action: str, resource: str, *, timeout: Optional[float] = None,
            **facts: Unpack[_wire.Facts]) -> bool:
        """As allowed, for an action on a resource: can("read", "api:/loans/7", principal="ann")."""
        return self.allowed(timeout=timeout, action=action, resource=resource, **facts)

    def authorize_many(self, requests: Sequence[_wire.Request], *, timeout: Optional[float] = None,
                       **shared: Unpack[_wire.Request]) -> _wire.Decisions:
        """Several decisions by one policy, in the order of the requests. Fields in shared apply to each
        request that does not set them itself."""
        params = _wire.many(requests, shared)
        return _wire.read_decisions(self._exchange("authorize_many", params, timeout), len(requests))

    def plan(self, *, timeout: Optional[float] = None, **planned: Unpack[_wire.Planned]) -> _wire.Plan:
        """Of which resources of a node the request would be allowed: plan(action="list",
        resource="bookings:/bookings/{booking}", principal="ann"). authz.sql.where makes a WHERE of it."""
        return _wire.read_plan(self._exchange("plan", _wire.given_of(planned), timeout))

    def permissions(self, **listed: Unpack[_wire.Listed]) -> Permissions:
        """What roles and scopes allow: iterate over it. Its reason says why it is empty."""
        params = _wire.given_of(listed)
        return Permissions(lambda cursor: self._exchange("permissions", {**params, **cursor}))

    # Anything else

    def call(self, method: str, *, timeout: Optional[float] = None, **params: Any) -> Record:
        """Any method of PROTOCOL.md, with its parameters as they are."""
        return Record(self._exchange(method, params, timeout))

    def status(self) -> Record:
        return Record(self._exchange("status", {}))

    def _manage(self, method: str, params: Mapping[str, Any], kind: Type[Record]) -> Any:
        everywhere = params.get("everywhere") is True
        record = kind(self._exchange(method, self._settings.with_token(params),
                                     self._settings.patience() if everywhere else None))
        if everywhere and record.get("everywhere") is not True:
            raise NotEverywhere(record)
        return record

    def _list(self, method: str, params: Mapping[str, Any], kind: Type[Record]) -> Listing[Any]:
        params = self._settings.with_token(params)
        return Listing(lambda cursor: self._exchange(method, {**params, **cursor}), kind)


def note(error: Exception) -> None:
    """An error that became a denial. Only errors of this package hold no parameter."""
    why = str(error) if isinstance(error, Error) else type(error).__name__
    log.warning("denied without a decision: %s", why)
