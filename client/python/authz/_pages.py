# SPDX-License-Identifier: Apache-2.0
"""Lists that come in pages, and iterate over all of them."""

from __future__ import annotations

from typing import (Any, AsyncIterator, Awaitable, Callable, Dict, Generator, Generic, Iterator, List,
                    Mapping, NoReturn, Optional, Type, TypeVar)

from ._records import Permission, Record
from ._wire import unreadable

R = TypeVar("R", bound=Record)

# Asks for one page; the argument is {} or the cursor.
Fetch = Callable[[Dict[str, str]], Mapping[str, Any]]
AsyncFetch = Callable[[Dict[str, str]], Awaitable[Mapping[str, Any]]]


def items_of(page: Mapping[str, Any], kind: Type[R]) -> List[R]:
    items = page.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unreadable()
    return [kind(item) for item in items]


def cursor_of(page: Mapping[str, Any]) -> Optional[Dict[str, str]]:
    """What the next page is asked for with; None: the list is complete."""
    cursor = page.get("cursor")
    return None if cursor is None else {"cursor": cursor}


class Listing(Generic[R]):
    """A list. The first page is there; iterating asks for the others. data is all of it."""

    def __init__(self, fetch: Fetch, kind: Type[R]) -> None:
        self._fetch = fetch
        self._kind = kind
        self._page = fetch({})
        self._first = items_of(self._page, kind)
        self._data: Optional[List[R]] = None

    def __iter__(self) -> Iterator[R]:
        if self._data is not None:
            yield from self._data
            return
        yield from self._first
        cursor = cursor_of(self._page)
        while cursor is not None:
            page = self._fetch(cursor)
            yield from items_of(page, self._kind)
            cursor = cursor_of(page)

    @property
    def data(self) -> List[R]:
        """All items."""
        if self._data is None:
            self._data = list(self)
        return self._data

    def __bool__(self) -> bool:
        """True when there is an item."""
        return next(iter(self), None) is not None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._kind.__name__})"


class Permissions(Listing[Permission]):
    """What permissions lists."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__(fetch, Permission)

    @property
    def status(self) -> int:
        return int(self._page["status"])

    @property
    def reason(self) -> str:
        """ok, or why nothing is listed."""
        return str(self._page["reason"])

    @property
    def revision(self) -> str:
        return str(self._page["revision"])


L = TypeVar("L", bound=Listing[Any])


class AsyncListing(Generic[R, L]):
    """A list of the asyncio client: `async for` asks for page after page, `await` for all of it."""

    def __init__(self, fetch: AsyncFetch, kind: Type[R], whole: Callable[[Fetch], L]) -> None:
        self._fetch = fetch
        self._kind = kind
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[R]:
        cursor: Optional[Dict[str, str]] = {}
        while cursor is not None:
            page = await self._fetch(cursor)
            for item in items_of(page, self._kind):
                yield item
            cursor = cursor_of(page)

    async def _all(self) -> L:
        first = dict(await self._fetch({}))
        cursor = cursor_of(first)
        items_of(first, self._kind)
        while cursor is not None:
            page = await self._fetch(cursor)
            items_of(page, self._kind)
            first["items"] = first["items"] + page["items"]
            cursor = cursor_of(page)
        first.pop("cursor", None)
        return self._whole(lambda _: first)

    def __await__(self) -> Generator[Any, None, L]:
        return self._all().__await__()

    def __bool__(self) -> NoReturn:
        raise TypeError("a list that was not awaited is neither empty nor not: await it")
