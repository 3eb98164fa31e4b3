# SPDX-License-Identifier: Apache-2.0
"""Gains by what conditions ask about the holder of a role: id, kind, tenant, roles, attributes.

A lead manages roles, principals, assignments and keys, and approves nothing. It changes what others
hold or inherit, so that conditions of roles and scopes that it does not touch become true: for
itself, for others, and for a key of another whose secret it has.
"""

import unittest

import attack

POLICY = """\
facts {
    principal.branch string
    resource.branch  string
}
tree api { /loans { list GET, /{loan} { read GET, approve POST, update PUT, close DELETE } } }
role admin { allow read on authz:/audit }
role staff {
    allow approve on api:/loans/{loan} when principal.roles has "admin"
    allow update on api:/loans/{loan} when not principal.roles has "admin"
}
role own { allow update on api:/loans/{loan} when {loan} is principal.id }
role robots { allow close on api:/loans/{loan} when principal.kind is service }
role tenants { allow read on api:/loans/{loan} when principal.tenant is "default" }
role branch { allow read on api:/loans/{loan} when principal.branch is resource.branch }
role any { allow approve on api:/loans/{loan} }
role lister { allow list on api:/loans }
scope north { allow approve on api:/loans/{loan} when principal.branch is "north" }
scope admins { allow approve on api:/loans/{loan} when principal.roles has "admin" }
role manager {
    allow all on authz:/keys/**, authz:/principals/**, authz:/assignments, authz:/roles/**, authz:/audit
}
"""


class ConditionsOfHolders(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        self.c.call("principals.create", id="lead")
        self.c.call("principals.create", id="eve", attributes={"branch": "south"})
        self.hold("lead", "manager")
        self.token = self.c.call("keys.create", principal="lead")["secret"]

    def hold(self, principal, role):
        self.c.call("assignments.create", principal=principal, role=role)

    def by(self, method, **params):
        return self.c.call(method, token=self.token, **params)

    def no(self, what, method, **params):
        self.refused(what, "forbidden", lambda: self.by(method, **params))

    def test_no_role_that_is_held_begins_or_ends_to_inherit_what_conditions_ask_for(self):
        for holder in ("eve", "lead"):
            self.hold(holder, "staff")
        for name, parents, others in (("without", [], ["admin"]), ("with", ["admin"], [])):
            self.c.call("roles.create", name=name, grants=[], inherits=parents)
            self.hold("eve", name)
            self.no(f"changes what {name} inherits", "roles.update", name=name, inherits=others)
        self.no("deletes a role that inherits admin", "roles.delete", name="with")
        self.by("roles.create", name="own_role", grants=[])
        self.by("assignments.create", principal="lead", role="own_role")
        self.no("lets its own role inherit admin", "roles.update", name="own_role", inherits=["admin"])
        # No condition asks for this one.
        self.hold("lead", "lister")
        self.by("roles.update", name="own_role", inherits=["lister"])

    def test_who_has_what_depends_on_a_role_may_let_it_be_inherited(self):
        self.hold("eve", "staff")
        self.c.call("roles.create", name="made", grants=[])
        self.hold("eve", "made")
        self.c.call("roles.create", name="all", grants=["allow all on api:/loans/{loan}"])
        self.hold("lead", "all")
        self.by("roles.update", name="made", inherits=["admin"])
        self.by("roles.update", name="made", inherits=[])

    def test_nothing_that_depends_on_the_holder_is_for_everyone(self):
        self.hold("eve", "staff")
        for role in ("admin", "own", "robots", "tenants", "branch", "staff"):
            self.no(f"gives {role} to everyone", "assignments.create", everyone=True, role=role)
            self.no(f"gives {role} to anyone", "assignments.create", anyone=True, role=role, at=["api:/loans"])
        self.c.call("assignments.create", everyone=True, role="admin")
        self.no("takes admin from everyone", "assignments.delete", everyone=True, role="admin")
        self.c.call("assignments.create", everyone=True, role="branch")
        self.hold("lead", "lister")
        self.by("assignments.create", everyone=True, role="lister")

    def test_the_tenant_is_known_when_a_role_is_assigned(self):
        self.no("assigns a role for the tenant", "assignments.create", principal="eve", role="tenants")
        self.no("makes a key", "keys.create", roles=["tenants"])

    def test_a_key_without_a_principal_has_neither_an_id_nor_a_kind(self):
        secret = self.by("keys.create", roles=["own", "robots"])["secret"]
        for action, reason in (("update", "missing_fact"), ("close", "role")):
            answer = self.c.call("authorize", token=secret, action=action, resource="api:/loans/7")
            self.denied(f"asks for {action}", answer, reason)

    def test_no_key_of_another_gains_within_what_its_principal_has(self):
        self.hold("eve", "any")
        approve = {"action": "approve", "resource": "api:/loans/7"}
        for scope in ("north", "admins"):
            key = self.by("keys.create", principal="eve", scopes=[scope])["secret"]
            self.denied(f"approves by {scope}", self.c.call("authorize", token=key, **approve), "scope")
        self.no("changes the branch", "principals.update", id="eve", attributes={"branch": "north"})
        self.no("assigns admin", "assignments.create", principal="eve", role="admin")
        self.by("principals.update", id="eve", attributes={"branch": "west"})
        self.by("assignments.delete", principal="eve", role="any")


if __name__ == "__main__":
    unittest.main()
