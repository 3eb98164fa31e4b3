# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio: one connection, on which all requests of an event loop are outstanding."""

from __future__ import annotations

import asyncio
import copy
import os
import socket
import weakref
from typing import (TYPE_CHECKING, Any, Callable, Coroutine, Dict, Mapping, MutableMapping, Optional, Sequence, Set,
                    Tuple, Type, Union)

from . import _client, _wire
from ._client import DEFAULT_TIMEOUT, Settings, next_pause, no_time, note
from ._errors import NotEverywhere, Unavailable
from ._pages import AsyncListing, Listing, Permissions
from ._pending import Pending
from ._records import Permission, Record
from ._spaces_async import (AsyncAssignments, AsyncAudit, AsyncKeys, AsyncPolicy, AsyncPrincipals, AsyncRoles,
                            AsyncTenants)

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Requests that may be outstanding before others wait for room: a semaphore for each would take longer than the rest.
AT_ONCE = _wire.MAX_MANY // 2


class _Connection(asyncio.Protocol):
    """A connection and the requests that are outstanding on it."""

    def __init__(self, made: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self.socket = made
        self.loop = loop
        self.transport: Optional[asyncio.Transport] = None
        # What is outstanding, with its deadline and, if it may be read in one step, its bytes; one timer is enough
        # for all of it.
        self.waiting: Dict[int, Tuple[asyncio.Future[Any], float, Optional[bytes]]] = {}
        self.timer: Optional[asyncio.TimerHandle] = None
        self.due = 0.0
        self.dropped: Set[int] = set()  # cancelled: their answers may still come, and are for nobody
        self.failed: Optional[Exception] = None
        self.encoder, self.decoder = _wire.Encoder(), _wire.Decoder()
        self.number = _wire.first_id()
        self.used = 0

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.failed is not None:
            return
        try:
            if len(self.waiting) == 1 and self.decoder.rest == 0 and self.take_only(data):
                return
            self.decoder.feed(data)
            while self.decoder.rest > 0:
                answer = self.decoder.next()
                if answer is None:
                    break
                self.take(answer)
        except Exception as error:  # pylint: disable=broad-except
            self.fail(error)

    def take_only(self, data: bytes) -> bool:
        """Takes the decision for the only request that is outstanding, if nothing else came and it can be read in
        one step."""
        (number, (future, _, request)), = self.waiting.items()
        decision = _wire.quick_decision(data, request) if request is not None else None
        if decision is None:
            return False
        del self.waiting[number]
        if not future.done():
            future.set_result(decision)
        return True

    def take(self, answer: _wire.Answer) -> None:
        number = answer[0]
        if number is None:
            raise _wire.farewell_of(answer)
        found = self.waiting.pop(number, None)
        if found is not None:
            if not found[0].done():
                found[0].set_result(answer)
        elif number in self.dropped:
            self.dropped.remove(number)
        else:
            raise _wire.unreadable()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        if exc is not None:
            self.drain()
        self.fail(_wire.Broken("the connection broke", True))

    # What the client calls

    def drain(self) -> bool:
        """Takes what came already, such as why the daemon closed; False at the connection's end."""
        try:
            data = self.socket.recv(_wire.READ_SIZE, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        self.data_received(data)
        return len(data) > 0

    def fail(self, error: Exception) -> None:
        """Ends the connection: everything outstanding fails with the error."""
        if self.failed is None:
            self.failed = error
            if self.transport is not None:
                self.transport.abort()
        if self.timer is not None:
            self.timer.cancel()
        waiting, self.waiting = self.waiting, {}
        for future, _, _ in waiting.values():
            if not future.done():
                future.set_exception(self.failed)

    def usable(self) -> bool:
        return self.failed is None and self.used < _wire.IDS

    def await_until(self, deadline: float) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.due = deadline
        self.timer = self.loop.call_at(deadline, self.expire)

    def expire(self) -> None:
        """Gives up what missed its deadline. Its answer would come after it, and end the connection."""
        self.timer = None
        now = self.loop.time()
        for number, (future, deadline, _) in list(self.waiting.items()):
            if deadline <= now:
                del self.waiting[number]
                if not future.done():
                    future.set_exception(no_time())
                if not self.waiting:
                    self.fail(_wire.Broken("an answer was too late", True))
        if self.waiting:
            self.await_until(min(deadline for _, deadline, _ in self.waiting.values()))

    async def ask(self, method: str, params: Mapping[str, Any], deadline: float) -> Union[_wire.Answer, _wire.Decision]:
        self.number = number = (self.number + 1) % _wire.IDS
        data = self.encoder.pack(number, method, params)
        self.used += 1
        # What may be sent again need not find out first that the daemon has closed the connection.
        if not self.waiting and not _wire.repeatable(method, params) and not self.drain():
            self.fail(_wire.Broken("the connection broke", False))
        if self.failed is not None:
            raise _wire.Broken("the connection broke", False) if isinstance(self.failed, _wire.Broken) \
                else self.failed
        assert self.transport is not None
        future: asyncio.Future[Union[_wire.Answer, _wire.Decision]] = self.loop.create_future()
        self.waiting[number] = (future, deadline, data if method == "authorize" else None)
        if self.timer is None or self.due > deadline:
            self.await_until(deadline)
        self.transport.write(data)
        try:
            return await future
        except asyncio.CancelledError:
            if self.waiting.pop(number, None) is not None:
                if self.loop.time() < deadline:
                    self.dropped.add(number)
                elif not self.waiting:
                    self.fail(_wire.Broken("an answer was too late", True))
            raise


class _Link:
    """The connection of one event loop to one socket, made when it is needed."""

    def __init__(self, settings: Settings, managing: bool, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self.managing = managing
        self.loop = loop
        self.connection: Optional[_Connection] = None
        self.was_connected = False
        self.connecting = asyncio.Lock()
        self.room = asyncio.Semaphore(_wire.MAX_MANY - AT_ONCE)

    async def connected(self) -> _Connection:
        async with self.connecting:
            if self.connection is not None and self.connection.usable():
                return self.connection
            made = self.settings.connect(self.settings.path_for(self.managing), self.was_connected)
            try:
                _, self.connection = await self.loop.create_unix_connection(
                    lambda: _Connection(made, self.loop), sock=made)
            except BaseException:
                made.close()
                raise
            self.was_connected = True
            return self.connection

    async def exchange(self, method: str, params: Mapping[str, Any], timeout: float) -> Any:
        """The result: a map, or a decision that was read in one step."""
        loop = self.loop
        deadline = loop.time() + timeout
        again, pause = False, 0.0
        while True:
            try:
                connection = self.connection
                if connection is not None and connection.usable() and len(connection.waiting) < AT_ONCE:
                    answer = await connection.ask(method, params, deadline)
                else:
                    answer = await asyncio.wait_for(self.ask_later(method, params, deadline), deadline - loop.time())
            except _wire.Broken as broken:
                if again or (broken.sent and not _wire.repeatable(method, params)):
                    raise Unavailable(str(broken)) from None
                again = True
            except _wire.NotThere as away:
                pause = next_pause(pause)
                if not (away.again and _wire.repeatable(method, params)) or deadline - loop.time() <= pause:
                    raise Unavailable(str(away)) from None
                await asyncio.sleep(pause)
            except asyncio.TimeoutError:
                raise no_time() from None
            else:
                return _wire.result_of(answer) if type(answer) is tuple else answer

    async def ask_later(self, method: str, params: Mapping[str, Any], deadline: float
                        ) -> Union[_wire.Answer, _wire.Decision]:
        """Asks once there is a connection and room on it."""
        connection = await self.connected()
        if len(connection.waiting) < AT_ONCE:
            return await connection.ask(method, params, deadline)
        async with self.room:
            return await connection.ask(method, params, deadline)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.fail(Unavailable("the client is closed"))


class AsyncClient:
    """Asks authzd from the tasks of an event loop. Arguments and methods are those of Client; await what
    they return, and `async for` over lists."""

    def __init__(self, path: Union[str, os.PathLike[str], None] = None, *, token: Optional[str] = None,
                 timeout: float = DEFAULT_TIMEOUT, server_user: Union[str, int, None] = None) -> None:
        self._settings = Settings(path, token, timeout, server_user)
        self._links: MutableMapping[asyncio.AbstractEventLoop, Dict[bool, _Link]] = \
            weakref.WeakKeyDictionary()
        # The links of the loop that asked last: a weak dictionary takes long to look into.
        self._last: Tuple[Callable[[], Optional[asyncio.AbstractEventLoop]], Dict[bool, _Link]] = (lambda: None, {})
        self._process = _client.process
        self._closed = False
        self._as_of: Optional[str] = None
        self.keys = AsyncKeys(self)
        self.principals = AsyncPrincipals(self)
        self.roles = AsyncRoles(self)
        self.assignments = AsyncAssignments(self)
        self.tenants = AsyncTenants(self)
        self.audit = AsyncAudit(self)
        self.policy = AsyncPolicy(self)

    def __repr__(self) -> str:
        return f"AsyncClient({self._settings.path!r})"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def as_of(self, place: Optional[str]) -> AsyncClient:
        """A client on the same connections whose calls are answered by a host that has the change at this
        place, the `as_of` of a change's result, of those that share a store. A host that does not reach it
        within a second is Stale, and its decisions are denied as "stale". None: as ever."""
        other = copy.copy(self)
        other._as_of = place
        other.keys = AsyncKeys(other)
        other.principals = AsyncPrincipals(other)
        other.roles = AsyncRoles(other)
        other.assignments = AsyncAssignments(other)
        other.tenants = AsyncTenants(other)
        other.audit = AsyncAudit(other)
        other.policy = AsyncPolicy(other)
        return other

    async def aclose(self) -> None:
        """Closes the connection of this event loop. No call succeeds afterwards."""
        self._closed = True
        for link in self._of_loop().values():
            link.close()
        await asyncio.sleep(0)  # in this turn of the loop the transport closes

    def _of_loop(self) -> Dict[bool, _Link]:
        if self._process is not _client.process:
            # The parent's: its requests and its event loop are not ours to touch.
            self._links, self._last = weakref.WeakKeyDictionary(), (lambda: None, {})
            self._process = _client.process
        loop = asyncio.get_running_loop()
        last, links = self._last
        if last() is not loop:
            links = self._links.setdefault(loop, {})
            self._last = (weakref.ref(loop), links)
        return links

    async def _exchange(self, method: str, params: Mapping[str, Any],
                        timeout: Optional[float] = None) -> Dict[str, Any]:
        managing = False
        if method not in _wire.ASKING:
            params = _wire.with_request_id(method, params)
            managing = self._settings.managing(method, params)
        result: Dict[str, Any] = await self._ask(managing, method, params, timeout)
        return result

    def _ask(self, managing: bool, method: str, params: Mapping[str, Any],
             timeout: Optional[float]) -> Coroutine[Any, Any, Any]:
        if self._closed:
            raise Unavailable("the client is closed")
        if self._as_of is not None and "as_of" not in params:
            params = {**params, "as_of": self._as_of}
        links = self._of_loop()
        link = links.get(managing)
        if link is None:
            link = links[managing] = _Link(self._settings, managing, asyncio.get_running_loop())
        return link.exchange(method, params, self._settings.timeout if timeout is None else timeout)

    # Decisions

    async def _check(self, timeout: Optional[float], request: Mapping[str, Any]) -> _wire.Decision:
        result = await self._ask(False, "authorize", _wire.given_of(request), timeout)
        return result if type(result) is _wire.Decision else _wire.read_decision(result)

    def check(self, *, timeout: Optional[float] = None,
              **request: Unpack[_wire.Request]) -> Pending[_wire.Decision]:
        """Asks for one decision. It is true only when allowed; AuthzError and Unavailable otherwise
        than by a decision."""
        return Pending(self._check(timeout, request))

    authorize = check

    async def _allowed(self, timeout: Optional[float], request: Mapping[str, Any]) -> bool:
        try:
            return bool(await self._check(timeout, request))
        except Exception as error:  # pylint: disable=broad-except
            note(error)
            return False

    def allowed(self, *, timeout: Optional[float] = None, **request: Unpack[_wire.Request]) -> Pending[bool]:
        """True when the request is allowed; False when it is denied and on every error, which is
        logged."""
        return Pending(self._allowed(timeout, request))

    def can(self, action: str, resource: str, *, timeout: Optional[float] = None,
            **facts: Unpack[_wire.Facts]) -> Pending[bool]:
        """As allowed, for an action on a resource."""
        return Pending(self._allowed(timeout, {**facts, "action": action, "resource": resource}))

    async def _many(self, requests: Sequence[Mapping[str, Any]], timeout: Optional[float],
                    shared: Mapping[str, Any]) -> _wire.Decisions:
        params = _wire.many(requests, shared)
        return _wire.read_decisions(await self._exchange("authorize_many", params, timeout), len(requests))

    def authorize_many(self, requests: Sequence[_wire.Request], *, timeout: Optional[float] = None,
                       **shared: Unpack[_wire.Request]) -> Pending[_wire.Decisions]:
        """Several decisions by one policy, in the order of the requests. Fields in shared apply to each
        request that does not set them itself."""
        return Pending(self._many(requests, timeout, shared))

    async def _plan(self, timeout: Optional[float], planned: Mapping[str, Any]) -> _wire.Plan:
        return _wire.read_plan(await self._exchange("plan", _wire.given_of(planned), timeout))

    def plan(self, *, timeout: Optional[float] = None, **planned: Unpack[_wire.Planned]) -> Pending[_wire.Plan]:
        """Of which resources of a node the request would be allowed: plan(action="list",
        resource="bookings:/bookings/{booking}", principal="ann"). authz.sql.where makes a WHERE of it."""
        return Pending(self._plan(timeout, planned))

    def permissions(self, **listed: Unpack[_wire.Listed]) -> AsyncListing[Permission, Permissions]:
        """What roles and scopes allow. Its reason, once it was awaited, says why it is empty."""
        params = _wire.given_of(listed)
        return AsyncListing(lambda cursor: self._exchange("permissions", {**params, **cursor}),
                            Permission, Permissions)

    # Anything else

    async def _record(self, method: str, params: Mapping[str, Any], kind: Type[Record],
                      timeout: Optional[float] = None) -> Any:
        return kind(await self._exchange(method, params, timeout))

    async def _change(self, method: str, params: Mapping[str, Any], kind: Type[Record]) -> Any:
        record = kind(await self._exchange(method, params, self._settings.patience()))
        if record.get("everywhere") is not True:
            raise NotEverywhere(record)
        return record

    def call(self, method: str, *, timeout: Optional[float] = None, **params: Any) -> Pending[Record]:
        """Any method of PROTOCOL.md, with its parameters as they are."""
        return Pending(self._record(method, params, Record, timeout))

    def status(self) -> Pending[Record]:
        return Pending(self._record("status", {}, Record))

    def _manage(self, method: str, params: Mapping[str, Any], kind: Type[Record]) -> Pending[Any]:
        everywhere = params.get("everywhere") is True
        params = self._settings.with_token(params)
        return Pending(self._change(method, params, kind) if everywhere else self._record(method, params, kind))

    def _list(self, method: str, params: Mapping[str, Any],
              kind: Type[Record]) -> AsyncListing[Any, Listing[Any]]:
        params = self._settings.with_token(params)
        return AsyncListing(lambda cursor: self._exchange(method, {**params, **cursor}), kind,
                            lambda fetch: Listing(fetch, kind))
