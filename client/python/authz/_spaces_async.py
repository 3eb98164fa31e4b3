# SPDX-License-Identifier: Apache-2.0
"""The managing methods for asyncio: those of _spaces.py, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Union

from ._pages import AsyncListing, Listing
from ._pending import Pending
from ._records import Assignment, Change, Key, KeyFindings, NewKey, Node, Principal, Problem, Record, Role
from ._spaces import KEEP, Duration, Keep, KeyFields, Names, changed, key_params, names, texts
from ._wire import Time, given

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._aio import AsyncClient


class AsyncSpace:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _ask(self, method: str, params: Mapping[str, Any], kind: Any = Record, *,
             everywhere: bool = False) -> Pending[Any]:
        """everywhere: in a store that several hosts share, return when no host goes by what was before."""
        return self._client._manage(method, {**params, "everywhere": True} if everywhere else params, kind)

    def _list(self, method: str, params: Mapping[str, Any], kind: Any) -> AsyncListing[Any, Listing[Any]]:
        return self._client._list(method, params, kind)


class AsyncKeys(AsyncSpace):
    def create(self, **fields: Unpack[KeyFields]) -> Pending[NewKey]:
        """Makes a key; its api_key is shown this once."""
        return self._ask("keys.create", key_params(fields), NewKey)

    def get(self, id: str) -> Pending[Key]:
        return self._ask("keys.get", {"id": id}, Key)

    def list(self, *, tenant: Optional[str] = None, principal: Optional[str] = None,
             status: Optional[str] = None, label: Optional[str] = None,
             limit: Optional[int] = None) -> AsyncListing[Key, Listing[Key]]:
        return self._list("keys.list", given(
            tenant=tenant, principal=principal, status=status, label=label, limit=limit), Key)

    def update(self, id: str, *, name: Union[str, None, Keep] = KEEP, label: Union[str, None, Keep] = KEEP,
               scopes: Union[str, Sequence[str], Keep] = KEEP,
               networks: Union[str, Sequence[str], None, Keep] = KEEP,
               expires_at: Union[Time, None, Keep] = KEEP,
               rotate_every: Union[int, str, None, Keep] = KEEP, everywhere: bool = False) -> Pending[Key]:
        """Changes what is given; None removes it."""
        return self._ask("keys.update", changed(
            id=id, name=name, label=label, scopes=scopes if scopes is KEEP else names(scopes),
            networks=networks if networks is KEEP else names(networks), expires_at=expires_at,
            rotate_every=rotate_every), Key, everywhere=everywhere)

    def rotate(self, id: str, *, mode: Optional[str] = None, overlap: Duration = None,
               finish_old: Optional[bool] = None, request_id: Optional[str] = None,
               everywhere: bool = False) -> Pending[NewKey]:
        """Gives the key a new secret. mode: overlap, confirm or immediate."""
        return self._ask("keys.rotate", given(
            id=id, mode=mode, overlap=overlap, finish_old=finish_old, request_id=request_id), NewKey,
            everywhere=everywhere)

    def renew(self, token: str, *, request_id: Optional[str] = None, everywhere: bool = False) -> Pending[NewKey]:
        """Gives the key of this token, which is due, its next secret."""
        return self._ask("keys.renew", given(token=token, request_id=request_id), NewKey, everywhere=everywhere)

    def finish(self, id: str, *, everywhere: bool = False) -> Pending[Key]:
        """Ends the retiring secret now."""
        return self._ask("keys.finish", {"id": id}, Key, everywhere=everywhere)

    def rollback(self, id: str, *, everywhere: bool = False) -> Pending[Key]:
        """Ends the new secret, and keeps the old one."""
        return self._ask("keys.rollback", {"id": id}, Key, everywhere=everywhere)

    def prolong(self, id: str, overlap: Duration, *, everywhere: bool = False) -> Pending[Key]:
        """Sets when the retiring secret ends, from now."""
        return self._ask("keys.prolong", given(id=id, overlap=overlap), Key, everywhere=everywhere)

    def disable(self, id: str, *, local: bool = False, everywhere: bool = False) -> Pending[Key]:
        """local: refuse it on this host alone and at once, also while the shared database is away."""
        return self._ask("keys.disable", given(id=id, local=local or None), Key, everywhere=everywhere)

    def enable(self, id: str, *, everywhere: bool = False) -> Pending[Key]:
        return self._ask("keys.enable", {"id": id}, Key, everywhere=everywhere)

    def revoke(self, id: str, *, local: bool = False, everywhere: bool = False) -> Pending[Key]:
        """Ends the key for ever; every decision requested afterwards denies it. local: as of disable."""
        return self._ask("keys.revoke", given(id=id, local=local or None), Key, everywhere=everywhere)

    def delete(self, id: str, *, everywhere: bool = False) -> Pending[Key]:
        return self._ask("keys.delete", {"id": id}, Key, everywhere=everywhere)

    def restore(self, id: str, *, everywhere: bool = False) -> Pending[Key]:
        return self._ask("keys.restore", {"id": id}, Key, everywhere=everywhere)

    def purge(self, id: str, *, everywhere: bool = False) -> Pending[Record]:
        """Removes a deleted key at once, with its use."""
        return self._ask("keys.purge", {"id": id}, everywhere=everywhere)

    def audit(self, *, key: Optional[str] = None, tenant: Optional[str] = None,
              principal: Optional[str] = None, label: Optional[str] = None, idle: Duration = None,
              expiring: Duration = None, limit: Optional[int] = None) -> AsyncListing[KeyFindings, Listing[KeyFindings]]:
        """Keys that are unused, without an end, about to end, or allow more than they use; or one `key`, whatever it is."""
        return self._list("keys.audit", given(
            key=key, tenant=tenant, principal=principal, label=label, idle=idle, expiring=expiring,
            limit=limit), KeyFindings)


class AsyncPrincipals(AsyncSpace):
    def create(self, id: str, *, name: Optional[str] = None, kind: Optional[str] = None,
               tenant: Optional[str] = None, attributes: Optional[Mapping[str, str]] = None,
               api_access: Optional[bool] = None, everywhere: bool = False) -> Pending[Principal]:
        return self._ask("principals.create", given(
            id=id, name=name, kind=kind, tenant=tenant, attributes=attributes,
            api_access=api_access), Principal, everywhere=everywhere)

    def get(self, id: str, *, tenant: Optional[str] = None) -> Pending[Principal]:
        return self._ask("principals.get", given(id=id, tenant=tenant), Principal)

    def list(self, *, tenant: Optional[str] = None,
             limit: Optional[int] = None) -> AsyncListing[Principal, Listing[Principal]]:
        return self._list("principals.list", given(tenant=tenant, limit=limit), Principal)

    def update(self, id: str, *, tenant: Optional[str] = None, name: Union[str, None, Keep] = KEEP,
               attributes: Union[Mapping[str, str], None, Keep] = KEEP,
               set_attributes: Optional[Mapping[str, str]] = None, remove_attributes: Names = None,
               api_access: Union[bool, Keep] = KEEP, everywhere: bool = False) -> Pending[Principal]:
        """Changes what is given; None removes the name, or all attributes. `attributes` replaces all,
        `set_attributes` and `remove_attributes` change some."""
        return self._ask("principals.update", {
            **given(id=id, tenant=tenant, set_attributes=set_attributes, remove_attributes=names(remove_attributes)),
            **changed(name=name, attributes=attributes, api_access=api_access)}, Principal, everywhere=everywhere)

    def enable(self, id: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Pending[Principal]:
        return self._ask("principals.enable", given(id=id, tenant=tenant), Principal, everywhere=everywhere)

    def disable(self, id: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Pending[Principal]:
        return self._ask("principals.disable", given(id=id, tenant=tenant), Principal, everywhere=everywhere)

    def delete(self, id: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Pending[Principal]:
        """Removes the principal and revokes its keys for ever."""
        return self._ask("principals.delete", given(id=id, tenant=tenant), Principal, everywhere=everywhere)


class AsyncRoles(AsyncSpace):
    def create(self, name: str, *, tenant: Optional[str] = None, description: Optional[str] = None,
               inherits: Names = None, grants: Names = None, dry_run: bool = False,
               everywhere: bool = False) -> Pending[Role]:
        """Makes a role of the store; grants are lines such as "allow GET on api:/**". With dry_run nothing
        is changed: the record has the effect."""
        return self._ask("roles.create", given(
            name=name, tenant=tenant, description=description, inherits=names(inherits),
            grants=texts(grants), dry_run=dry_run or None), Role, everywhere=everywhere)

    def get(self, name: str, *, tenant: Optional[str] = None) -> Pending[Role]:
        return self._ask("roles.get", given(name=name, tenant=tenant), Role)

    def list(self, *, tenant: Optional[str] = None,
             limit: Optional[int] = None) -> AsyncListing[Role, Listing[Role]]:
        return self._list("roles.list", given(tenant=tenant, limit=limit), Role)

    def update(self, name: str, *, tenant: Optional[str] = None,
               description: Union[str, None, Keep] = KEEP,
               inherits: Union[str, Sequence[str], None, Keep] = KEEP,
               grants: Union[str, Sequence[str], None, Keep] = KEEP, dry_run: bool = False,
               everywhere: bool = False) -> Pending[Role]:
        """Replaces what is given; None removes it. With dry_run nothing is changed: the record has the effect."""
        return self._ask("roles.update", {**given(name=name, tenant=tenant, dry_run=dry_run or None), **changed(
            description=description, inherits=inherits if inherits is KEEP else names(inherits),
            grants=grants if grants is KEEP else texts(grants))}, Role, everywhere=everywhere)

    def delete(self, name: str, *, tenant: Optional[str] = None, everywhere: bool = False) -> Pending[Role]:
        return self._ask("roles.delete", given(name=name, tenant=tenant), Role, everywhere=everywhere)


class AsyncAssignments(AsyncSpace):
    def create(self, principal: Optional[str], role: str, *, at: Names = None,
               until: Optional[Time] = None, tenant: Optional[str] = None, everyone: bool = False,
               anyone: bool = False, everywhere: bool = False) -> Pending[Assignment]:
        """With everyone or anyone the role is of all of them: principal is None."""
        return self._ask("assignments.create", given(
            principal=principal, everyone=everyone or None, anyone=anyone or None, role=role,
            at=texts(at), until=until, tenant=tenant), Assignment, everywhere=everywhere)

    def delete(self, principal: Optional[str], role: str, *, at: Names = None,
               tenant: Optional[str] = None, everyone: bool = False,
               anyone: bool = False, everywhere: bool = False) -> Pending[Record]:
        """Removes the role's assignment at these places, or without `at` all of them: its items."""
        return self._ask("assignments.delete", given(
            principal=principal, everyone=everyone or None, anyone=anyone or None, role=role,
            at=texts(at), tenant=tenant), everywhere=everywhere)

    def list(self, *, principal: Optional[str] = None, role: Optional[str] = None,
             tenant: Optional[str] = None, limit: Optional[int] = None, everyone: bool = False,
             anyone: bool = False
             ) -> AsyncListing[Assignment, Listing[Assignment]]:
        return self._list("assignments.list", given(
            principal=principal, everyone=everyone or None, anyone=anyone or None, role=role,
            tenant=tenant, limit=limit), Assignment)


class AsyncTenants(AsyncSpace):
    def create(self, id: str, *, everywhere: bool = False) -> Pending[Record]:
        return self._ask("tenants.create", {"id": id}, everywhere=everywhere)

    def enable(self, id: str, *, everywhere: bool = False) -> Pending[Record]:
        return self._ask("tenants.enable", {"id": id}, everywhere=everywhere)

    def disable(self, id: str, *, everywhere: bool = False) -> Pending[Record]:
        return self._ask("tenants.disable", {"id": id}, everywhere=everywhere)

    def list(self, *, limit: Optional[int] = None) -> AsyncListing[Record, Listing[Record]]:
        return self._list("tenants.list", given(limit=limit), Record)


class AsyncAudit(AsyncSpace):
    def list(self, *, tenant: Optional[str] = None, actor: Optional[str] = None,
             key: Optional[str] = None, kind: Optional[str] = None, target: Optional[str] = None,
             since: Optional[Time] = None, until: Optional[Time] = None,
             after: Optional[int] = None, newest_first: Optional[bool] = None,
             limit: Optional[int] = None) -> AsyncListing[Change, Listing[Change]]:
        """kind and target: what was changed, such as "principal" and its id; key is short for both."""
        return self._list("audit.list", given(
            tenant=tenant, actor=actor, key=key, kind=kind, target=target, since=since, until=until,
            after=after, newest_first=newest_first, limit=limit), Change)

    def verify(self, *, limit: Optional[int] = None) -> AsyncListing[Problem, Listing[Problem]]:
        """Checks the whole trail: what is wrong with it. limit: records to check in one call."""
        return self._list("audit.verify", given(limit=limit), Problem)


class AsyncPolicy(AsyncSpace):
    def names(self) -> Pending[Record]:
        return self._ask("policy.names", {})

    def status(self) -> Pending[Record]:
        return self._ask("policy.status", {})

    def reload(self) -> Pending[Record]:
        """Loads the policy folder; AuthzError with diagnostics when it has errors."""
        return self._ask("policy.reload", {})

    def tree(self, *, tree: Optional[str] = None, limit: Optional[int] = None) -> AsyncListing[Node, Listing[Node]]:
        """The nodes that grants can name, parents before children."""
        return self._list("policy.tree", given(tree=tree, limit=limit), Node)
