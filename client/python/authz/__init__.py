# SPDX-License-Identifier: Apache-2.0
"""Ask authzd whether something is allowed, and manage its keys.

    client = authz.Client()
    if client.check(token=token, method="GET", path="/loans/7"):
        ...

Client is for threads, AsyncClient for asyncio. Nothing is allowed without an answer of a trusted daemon.
"""

from . import sql
from ._aio import AsyncClient
from ._client import Client
from ._errors import AuthzError, Error, NotEverywhere, Stale, StoreUnavailable, Unavailable, Untrusted
from ._pages import AsyncListing, Listing, Permissions
from ._pending import Pending
from ._records import (Assignment, Change, Key, KeyFindings, NewKey, Node, Permission, Principal, Problem, Record,
                       Role)
from ._spaces import KEEP
from ._wire import Decision, Decisions, Plan, Quota, Request

__version__ = "0.1.0"

__all__ = [
    "KEEP", "Assignment", "AsyncClient", "AsyncListing", "AuthzError", "Change", "Client", "Decision",
    "Decisions", "Error", "Key", "KeyFindings", "Listing", "NewKey", "Node", "NotEverywhere", "Pending", "Permission", "Permissions",
    "Plan", "Principal", "Problem", "Quota", "Record", "Request", "Role", "Stale", "StoreUnavailable", "Unavailable", "Untrusted", "sql",
]
