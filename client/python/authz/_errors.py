# SPDX-License-Identifier: Apache-2.0
"""What a call raises: the daemon's refusals, and the absence of an answer, apart from each other."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional


class Error(Exception):
    """Every error of this package."""


class AuthzError(Error):
    """The daemon answered with an error. A denial is none: it is a Decision that is false.

    code: such as "not_found", "conflict", "invalid_request"; compare this, never the message.
    param: the parameter that is wrong, such as "scopes[0]". ids: what counts towards a limit, or is
    in the way. diagnostics: what is wrong with a policy, maps as policy.reload describes them.
    """

    def __init__(self, code: str, message: str = "", param: Optional[str] = None,
                 ids: Optional[List[str]] = None,
                 diagnostics: Optional[List[Mapping[str, Any]]] = None, may_stand: bool = False) -> None:
        super().__init__(code, message, param, ids, diagnostics, may_stand)
        self.code = code
        self.message = message
        self.param = param
        self.ids = ids or []
        self.diagnostics = diagnostics or []
        self.may_stand = may_stand

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code

    def __repr__(self) -> str:
        return f"AuthzError({self.code!r}, {self.message!r}, param={self.param!r}, ids={self.ids!r})"


class Stale(AuthzError):
    """This host of a store that several hosts share knows nothing recent enough, or has not the change
    of `as_of`. Nothing was changed; ask again, or ask another host."""


class StoreUnavailable(AuthzError):
    """The database of a shared store does not answer. With may_stand true the change may have been made:
    repeat it with the same request_id, or look."""


class NotEverywhere(Error):
    """A change with everywhere=True was made and is durable, but not all hosts reported it in time.

    result: what the call returns otherwise, a new secret included. lacking: names of these hosts."""

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result
        self.lacking: List[str] = list(result.get("lacking") or [])

    def __str__(self) -> str:
        return f"the change is made, but some hosts may lack it: {', '.join(self.lacking)}"


class Unavailable(Error):
    """There is no answer: no daemon, none before the deadline, or one that cannot be read. A change
    that was sent may or may not have been made."""


class Untrusted(Unavailable):
    """A user serves the socket who is not trusted. Nothing was sent; the message says what to do."""
