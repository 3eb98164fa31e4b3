# SPDX-License-Identifier: Apache-2.0
"""What the asyncio client's methods return until they are awaited."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generator, NoReturn, TypeVar

T = TypeVar("T")


class Pending(Coroutine[Any, Any, T]):
    """A coroutine that is neither true nor false: `if client.check(...)` without await raises, where a
    plain coroutine would be true and let everything through."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __bool__(self) -> NoReturn:
        self._coroutine.close()
        raise TypeError("nothing was decided yet: await it")

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()
