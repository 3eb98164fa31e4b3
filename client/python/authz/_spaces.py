# SPDX-License-Identifier: Apache-2.0
"""The managing methods, by what they manage. _spaces_async.py has the same for asyncio."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, TypedDict, Union

from ._pages import Listing
from ._records import Assignment, Change, Key, KeyFindings, NewKey, Node, Principal, Problem, Record, Role
from ._wire import Time, given, seconds

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._client import Client

# Names: a list, or one text with commas between them.
Names = Union[str, Sequence[str], None]
# A duration: seconds, or text such as "90d".
Duration = Union[int, str, None]

DAY = 24 * 60 * 60


class Keep(enum.Enum):
    """The default of what an update can remove: None removes it, KEEP leaves it as it is."""

    KEEP = "keep"


KEEP = Keep.KEEP


def names(value: Names) -> Optional[List[str]]:
    if value is None:
        return None
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else list(value)


def texts(value: Union[str, Sequence[str], None]) -> Optional[List[str]]:
    """A list of texts; one text is a list of one. Places and grants may have commas in them."""
    if value is None:
        return None
    return [value] if isinstance(value, str) else list(value)


def days(expires_in: Duration, expires_in_days: Optional[int]) -> Duration:
    return expires_in if expires_in_days is None else expires_in_days * DAY


def changed(**params: Any) -> Dict[str, Any]:
    """The parameters that are not KEEP: None is sent, and removes."""
    return {name: seconds(value) for name, value in params.items() if value is not KEEP}


class KeyFields(TypedDict, total=False):
    """What a new key may have. What is None is not sent."""

    name: Optional[str]
    label: Optional[str]
    principal: Optional[str]
    roles: Names
    scopes: Names
    at: Names
    tenant: Optional[str]
    environment: Optional[str]
    expires_in_days: Optional[int]
    expires_in: Duration
    expires_at: Optional[Time]
    not_before: Optional[Time]
    networks: Names
    rotate_every: Duration
    request_id: Optional[str]
    everywhere: Optional[bool]


def key_params(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """The parameters of keys.create. One that is unknown is for the daemon to refuse."""
    params: Dict[str, Any] = dict(fields)
    for name in ("roles", "scopes", "networks"):
        params[name] = names(params.get(name))
    params["at"] = texts(params.get("at"))
    params["everywhere"] = params.get("everywhere") or None
    params["expires_in"] = days(params.get("expires_in"), params.pop("expires_in_days", None))
    return given(**params)


class Space:
    def __init__(self, client: Client) -> None:
        self._client = client

    def _ask(self, method: str, params: Mapping[str, Any], kind: Any = Record, *, everywhere: bool = False) -> Any:
        """everywhere: in a store that several hosts share, return when no host goes by what was before."""
        return self._client._manage(method, {**params, "everywhere": True} if everywhere else params, kind)

    def _list(self, method: str, params: Mapping[str, Any], kind: Any) -> Listing[Any]:
        return self._client._list(method, params, kind)


class Keys(Space):
    def create(self, **fields: Unpack[KeyFields]) -> NewKey:
        """Makes a key; its api_key is shown this once."""
        made: NewKey = self._ask("keys.create", key_params(fields), NewKey)
        return made

    def get(self, id: str) -> Key:
        found: Key = self._ask("keys.get", {"id": id}, Key)
        return found

    def list(self, *, tenant: Optional[str] = None, principal: Optional[str] = None,
             status: Optional[str] = None, label: Optional[str] = None,
             limit: Optional[int] = None) -> Listing[Key]:
        return self._list("keys.list", given(
            tenant=tenant, principal=principal, status=status, label=label, limit=limit), Key)

    def update(self, id: str, *, name: Union[str, None, Keep] = KEEP, label: Union[str, None, Keep] = KEEP,
               scopes: Union[str, Sequence[str], Keep] = KEEP,
               networks: Union[str, Sequence[str], None, Keep] = KEEP,
               expires_at: Union[Time, None, Keep] = KEEP,
               rotate_every: Union[int, str, None, Keep] = KEEP, everywhere: bool = False) -> Key:
        """Changes what is given; None removes it."""
        made: Key = self._ask("keys.update", changed(
            id=id, name=name, label=label, scopes=scopes if scopes is KEEP else names(scopes),
            networks=networks if networks is KEEP else names(networks), expires_at=expires_at,
            rotate_every=rotate_every), Key, everywhere=everywhere)
        return made

    def rotate(self, id: str, *, mode: Optional[str] = None, overlap: Duration = None,
               finish_old: Optional[bool] = None, request_id: Optional[str] = None, everywhere: bool = False) -> NewKey:
        """Gives the key a new secret. mode: overlap, confirm or immediate."""
        made: NewKey = self._ask("keys.rotate", given(
            id=id, mode=mode, overlap=overlap, finish_old=finish_old, request_id=request_id), NewKey,
            everywhere=everywhere)
        return made

    def renew(self, token: str, *, request_id: Optional[str] = None, everywhere: bool = False) -> NewKey:
        """Gives the key of this token, which is due, its next secret."""
        made: NewKey = self._ask("keys.renew", given(token=token, request_id=request_id), NewKey, everywhere=everywhere)
        return made

    def finish(self, id: str, *, everywhere: bool = False) -> Key:
        """Ends the retiring secret now."""
        made: Key = self._ask("keys.finish", {"id": id}, Key, everywhere=everywhere)
        return made

    def rollback(self, id: str, *, everywhere: bool = False) -> Key:
        """Ends the new secret, and keeps the old one."""
        made: Key = self._ask("keys.rollback", {"id": id}, Key, everywhere=everywhere)
        return made

    def prolong(self, id: str, overlap: Duration, *, everywhere: bool = False) -> Key:
        """Sets when the retiring secret ends, from now."""
        made: Key = self._ask("keys.prolong", given(id=id, overlap=overlap), Key, everywhere=everywhere)
        return made

    def disable(self, id: str, *, local: bool = False, everywhere: bool = False) -> Key:
        """local: refuse it on this host alone and at once, also while the shared database is away."""
        made: Key = self._ask("keys.disable", given(id=id, local=local or None), Key, everywhere=everywhere)
        return made

    def enable(self, id: str, *, everywhere: bool = False) -> Key:
        made: Key = self._ask("keys.enable", {"id": id}, Key, everywhere=everywhere)
        return made

    def revoke(self, id: str, *, local: bool = False, everywhere: bool = False) -> Key:
        """Ends the key for ever; every decision requested afterwards denies it. local: as of disable."""
        made: Key = self._ask("keys.revoke", given(id=id, local=local or None), Key, everywhere=everywhere)
        return made

    def delete(self, id: str, *, everywhere: bool = False) -> Key:
        made: Key = self._ask("keys.delete", {"id": id}, Key, everywhere=everywhere)
        return made

    def restore(self, id: str, *, everywhere: bool = False) -> Key:
        made: Key = self._ask("keys.restore", {"id": id}, Key, everywhere=everywhere)
        return made

    def purge(self, id: str, *, everywhere: bool = False) -> Record:
        """Removes a deleted key at once, with its use."""
        made: Record = self._ask("keys.purge", {"id": id}, everywhere=everywhere)
        return made

    def audit(self, *, key: Optional[str] = None, tenant: Optional[str] = None,
              principal: Optional[str] = None, label: Optional[str] = None, idle: Duration = None,
              expiring: Duration = None, limit: Optional[int] = None) -> Listing[KeyFindings]:
        """Keys that are unused, without an end, about to end, or allow more than they use; or one `key`, whatever it is."""
        return self._list("keys.audit", given(
            key=key, tenant=tenant, principal=principal, label=label, idle=idle, expiring=expiring,
            limit=limit), KeyFindings)


class Principals(Space):
    def create(self, id: str, *, name: Optional[str] = None, kind: Optional[str] = None,
               tenant: Optional[str] = None, attributes: Optional[Mapping[str, str]] = None,
               api_access: Optional[bool] = None, everywhere: bool = False) -> Principal:
        made: Principal = self._ask("principals.create", given(
            id=id, name=name, kind=kind, tenant=tenant, attributes=attributes,
            api_access=api_access), Principal, everywhere=everywhere)
        return made

    def get(self, id: str, *, tenant: Optional[str] = None) -> Principal:
        found: Principal = self._ask("principals.get", given(id=id, tenant=tenant), Principal)
        return found

    def list(self, *, tenant: Optional[str] = None, limit: Optional[int] = None) -> Listing[Principal]:
        return self._list("principals.list", given(tenant=tenant, limit=limit), Principal)

    def update(self, id: str, *, tenant: Optional[str] = None, name: Union[str, None, Keep] = KEEP,
               attributes: Union[Mapping[str, str], None, Keep] = KEEP,
               set_attributes: Optional[Mapping[str, str]] = None, remove_attributes: Names = None,
               api_access: Union[bool, Keep] = KEEP, everywhere: bool = False) -> Principal:
        """Changes what is given; None removes the name, or all attributes. `attributes` replaces all,
        `set_attributes` and `remove_attributes` change some."""
        made: Principal = self._ask("principals.update", {
            **given(id=id, tenant=tenant, set_attributes=set_attributes, remove_attributes=names(remove_attributes)),
            **changed(name=name, attributes=attributes, api_access=api_access)}, Principal, everywhere=everywhere)
        return made

    def enable(self, id: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Principal:
        made: Principal = self._ask("principals.enable", given(id=id, tenant=tenant), Principal, everywhere=everywhere)
        return made

    def disable(self, id: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Principal:
        made: Principal = self._ask("principals.disable", given(id=id, tenant=tenant), Principal, everywhere=everywhere)
        return made

    def delete(self, id: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Principal:
        """Removes the principal and revokes its keys for ever."""
        made: Principal = self._ask("principals.delete", given(id=id, tenant=tenant), Principal, everywhere=everywhere)
        return made


class Roles(Space):
    def create(self, name: str, *, tenant: Optional[str] = None, description: Optional[str] = None,
               inherits: Names = None, grants: Names = None, dry_run: bool = False,
               everywhere: bool = False) -> Role:
        """Makes a role of the store; grants are lines such as "allow GET on api:/**". With dry_run nothing
        is changed: the record has the effect."""
        made: Role = self._ask("roles.create", given(
            name=name, tenant=tenant, description=description, inherits=names(inherits),
            grants=texts(grants), dry_run=dry_run or None), Role, everywhere=everywhere)
        return made

    def get(self, name: str, *, tenant: Optional[str] = None) -> Role:
        found: Role = self._ask("roles.get", given(name=name, tenant=tenant), Role)
        return found

    def list(self, *, tenant: Optional[str] = None, limit: Optional[int] = None) -> Listing[Role]:
        return self._list("roles.list", given(tenant=tenant, limit=limit), Role)

    def update(self, name: str, *, tenant: Optional[str] = None,
               description: Union[str, None, Keep] = KEEP,
               inherits: Union[str, Sequence[str], None, Keep] = KEEP,
               grants: Union[str, Sequence[str], None, Keep] = KEEP, dry_run: bool = False,
               everywhere: bool = False) -> Role:
        """Replaces what is given; None removes it. With dry_run nothing is changed: the record has the effect."""
        made: Role = self._ask("roles.update", {**given(name=name, tenant=tenant, dry_run=dry_run or None), **changed(
            description=description, inherits=inherits if inherits is KEEP else names(inherits),
            grants=grants if grants is KEEP else texts(grants))}, Role, everywhere=everywhere)
        return made

    def delete(self, name: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Role:
        made: Role = self._ask("roles.delete", given(name=name, tenant=tenant), Role, everywhere=everywhere)
        return made


class Assignments(Space):
    def create(self, principal: Optional[str], role: str, *, at: Names = None,
               until: Optional[Time] = None, tenant: Optional[str] = None, everyone: bool = False,
               anyone: bool = False, everywhere: bool = False) -> Assignment:
        """With everyone or anyone the role is of all of them: principal is None."""
        made: Assignment = self._ask("assignments.create", given(
            principal=principal, everyone=everyone or None, anyone=anyone or None, role=role,
            at=texts(at), until=until, tenant=tenant), Assignment, everywhere=everywhere)
        return made

    def delete(self, principal: Optional[str], role: str, *, at: Names = None,
               tenant: Optional[str] = None, everyone: bool = False,
               anyone: bool = False, everywhere: bool = False) -> Record:
        """Removes the role's assignment at these places, or without `at` all of them: its items."""
        made: Record = self._ask("assignments.delete", given(
            principal=principal, everyone=everyone or None, anyone=anyone or None, role=role,
            at=texts(at), tenant=tenant), everywhere=everywhere)
        return made

    def list(self, *, principal: Optional[str] = None, role: Optional[str] = None,
             tenant: Optional[str] = None, limit: Optional[int] = None, everyone: bool = False,
             anyone: bool = False) -> Listing[Assignment]:
        return self._list("assignments.list", given(
            principal=principal, everyone=everyone or None, anyone=anyone or None, role=role,
            tenant=tenant, limit=limit), Assignment)


class Tenants(Space):
    def create(self, id: str, *, everywhere: bool = False) -> Record:
        made: Record = self._ask("tenants.create", {"id": id}, everywhere=everywhere)
        return made

    def enable(self, id: str, *, everywhere: bool = False) -> Record:
        made: Record = self._ask("tenants.enable", {"id": id}, everywhere=everywhere)
        return made

    def disable(self, id: str, *, everywhere: bool = False) -> Record:
        made: Record = self._ask("tenants.disable", {"id": id}, everywhere=everywhere)
        return made

    def list(self, *, limit: Optional[int] = None) -> Listing[Record]:
        return self._list("tenants.list", given(limit=limit), Record)


class Audit(Space):
    def list(self, *, tenant: Optional[str] = None, actor: Optional[str] = None,
             key: Optional[str] = None, kind: Optional[str] = None, target: Optional[str] = None,
             since: Optional[Time] = None, until: Optional[Time] = None,
             after: Optional[int] = None, newest_first: Optional[bool] = None,
             limit: Optional[int] = None) -> Listing[Change]:
        """kind and target: what was changed, such as "principal" and its id; key is short for both."""
        return self._list("audit.list", given(
            tenant=tenant, actor=actor, key=key, kind=kind, target=target, since=since, until=until,
            after=after, newest_first=newest_first, limit=limit), Change)

    def verify(self, *, limit: Optional[int] = None) -> Listing[Problem]:
        """Checks the whole trail: what is wrong with it. limit: records to check in one call."""
        return self._list("audit.verify", given(limit=limit), Problem)


class Policy(Space):
    def names(self) -> Record:
        made: Record = self._ask("policy.names", {})
        return made

    def status(self) -> Record:
        made: Record = self._ask("policy.status", {})
        return made

    def reload(self) -> Record:
        """Loads the policy folder; AuthzError with diagnostics when it has errors."""
        made: Record = self._ask("policy.reload", {})
        return made

    def tree(self, *, tree: Optional[str] = None, limit: Optional[int] = None) -> Listing[Node]:
        """The nodes that grants can name, parents before children."""
        return self._list("policy.tree", given(tree=tree, limit=limit), Node)
