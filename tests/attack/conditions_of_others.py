# SPDX-License-Identifier: Apache-2.0
"""Gives on weaker conditions what it has on stronger ones.

A lead approves loans up to 500, of the own branch alone, and never archived ones. The lead makes
roles, assigns them and makes keys. Nothing of that may let anybody approve what the lead may not.
"""

import attack

POLICY = """\
facts {
    principal.branch string
    resource.branch  string
    resource.owner   string
    resource.status  draft | active | archived default active
    context.amount   int
    context.urgent   bool default false
}
condition small = context.amount <= 500
tree api { /loans { list GET, /{loan} { read GET, approve POST, update PUT, close DELETE } } }
role lead {
    allow approve on api:/loans/{loan} when small
    deny  approve on api:/loans/{loan} when resource.status is archived
    allow update on api:/loans/{loan} when resource.owner is principal.id
    allow close on api:/loans/{loan} when not context.urgent
    allow read on api:/loans/{loan} when principal.branch is resource.branch
}
role large { allow approve on api:/loans/{loan} when context.amount <= 501 }
role small {
    allow approve on api:/loans/{loan} when context.amount < 10
    deny  approve on api:/loans/{loan} when resource.status in archived, draft
}
role any { allow approve on api:/loans/{loan} }
role own { allow update on api:/loans/{loan} when resource.owner is principal.id }
role branch { allow read on api:/loans/{loan} when principal.branch is resource.branch }
scope large_only { allow approve on api:/loans/{loan} when context.amount <= 501 }
scope small_only {
    allow approve on api:/loans/{loan} when context.amount <= 5 and resource.status is active
}
role manager {
    allow all on authz:/keys/**, authz:/principals/**, authz:/assignments, authz:/roles/**
}
"""
APPROVE = "allow approve on api:/loans/{loan}"
DENY = "deny approve on api:/loans/{loan}"


class ConditionsOfOthers(attack.Attack):
    def setUp(self):
        self.d = self.daemon({"a.policy": POLICY})
        self.c = self.d.client()
        for id in ("lead", "eve"):
            self.c.call("principals.create", id=id)
        for role in ("lead", "manager"):
            self.c.call("assignments.create", principal="lead", role=role)
        self.token = self.c.call("keys.create", principal="lead")["secret"]

    def by(self, method, **params):
        return self.c.call(method, token=self.token, **params)

    def no(self, what, method, **params):
        self.refused(what, "forbidden", lambda: self.by(method, **params))

    def test_no_role_is_made_that_allows_more(self):
        more = [
            [f"{APPROVE}"],
            [f"{APPROVE} when context.amount <= 501"],
            [f"{APPROVE} when context.amount <= 500"],  # without the denial
            [f"{APPROVE} when small and resource.status is not archived or context.urgent"],
            [f"{APPROVE} when small or resource.status is draft", f"{DENY} when resource.status is archived"],
            [f"{APPROVE} when small", f"{DENY} when resource.status is draft"],
            [f"{APPROVE} when small", f"{APPROVE} when context.amount > 500"],
            [f"{APPROVE} when {{loan}} is \"7\""],
            ["allow close on api:/loans/{loan}"],
            ["allow close on api:/loans/{loan} when context.urgent or not context.urgent"],
            ["allow update on api:/loans/{loan} when resource.owner is principal.id"],
            ["allow update on api:/loans/{loan} when resource.owner is \"eve\""],
            ["allow read on api:/loans/{loan} when resource.branch is \"north\""],
        ]
        for number, grants in enumerate(more):
            self.no(f"makes a role with {grants}", "roles.create", name=f"more{number}", grants=grants)

    def test_equal_and_stronger_conditions_are_given(self):
        less = [
            [f"{APPROVE} when small", f"{DENY} when resource.status is archived"],
            [f"{APPROVE} when context.amount < 501 and resource.status is not archived"],
            [f"{APPROVE} when small and resource.status in active, draft"],
            [f"{APPROVE} when context.amount <= 100 and resource.status is active and {{loan}} is \"7\""],
            ["allow close on api:/loans/{loan} when context.urgent is false"],
            ["allow update on api:/loans/{loan} when resource.owner is \"lead\""],
        ]
        for number, grants in enumerate(less):
            self.by("roles.create", name=f"less{number}", grants=grants)
            self.by("assignments.create", principal="eve", role=f"less{number}")

    def test_no_role_of_the_store_gets_a_weaker_condition(self):
        kept = [f"{APPROVE} when small", f"{DENY} when resource.status is archived"]
        self.by("roles.create", name="made", grants=kept)
        self.by("assignments.create", principal="eve", role="made")
        for grants in (kept[:1], [f"{APPROVE} when context.amount <= 501", kept[1]],
                       [APPROVE, kept[1]], [kept[0], f"{DENY} when resource.status is draft"]):
            self.no(f"changes it to {grants}", "roles.update", name="made", grants=grants)
        self.by("roles.update", name="made", grants=[f"{APPROVE} when context.amount <= 9", kept[1]])
        self.no("takes that back to more than before", "roles.update", name="made",
                grants=[f"{APPROVE} when context.amount <= 501", kept[1]])

    def test_no_role_is_assigned_that_allows_more(self):
        for role in ("large", "any", "own"):
            self.no(f"assigns {role}", "assignments.create", principal="eve", role=role)
        for role in ("large", "any"):
            self.no(f"makes a key with {role}", "keys.create", roles=[role])
        # A peer may state any branch for eve, and the record of the lead has none.
        self.no("assigns branch", "assignments.create", principal="eve", role="branch")
        self.by("assignments.create", principal="eve", role="small")
        self.by("keys.create", roles=["small"])

    def test_no_scope_allows_more(self):
        self.no("makes a key with a scope", "keys.create", scopes=["large_only"])
        self.by("keys.create", scopes=["small_only"])

    def test_no_denial_is_taken_from_another(self):
        self.c.call("assignments.create", principal="eve", role="any")
        self.c.call("assignments.create", principal="eve", role="small")
        self.no("ends a denial", "assignments.delete", principal="eve", role="small")
