// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func refusedWith(t *testing.T, err error, code string) *Error {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != code || errors.Is(err, ErrUnavailable) {
		t.Fatalf("not %s: %v", code, err)
	}
	return refused
}

func good[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestTheLifeOfATenant(t *testing.T) {
	client := startDaemon(t).client()
	ctx := soon(t)
	tenant := good[Tenant](t)
	if made := tenant(client.Tenants.Create(ctx, "acme")); made.ID != "acme" || made.Status != "active" {
		t.Errorf("%+v", made)
	}
	if tenant(client.Tenants.Disable(ctx, "acme")).Status != "inactive" ||
		tenant(client.Tenants.Enable(ctx, "acme")).Status != "active" {
		t.Error("a tenant is not disabled and enabled")
	}
	all := good[[]Tenant](t)(client.Tenants.List(ctx).All())
	if len(all) != 2 || all[0].ID != "default" || all[1].ID != "acme" {
		t.Errorf("%+v", all)
	}
}

func TestTheLifeOfAKey(t *testing.T) {
	client := startDaemon(t).client()
	ctx := soon(t)
	key := good[Key](t)
	good[Principal](t)(client.Principals.Create(ctx, NewPrincipal{ID: "crm", Kind: "service",
		Attributes: map[string]string{"team": "x"}}))
	good[Assignment](t)(client.Assignments.Create(ctx, Assignment{Principal: "crm", Role: "clerk"}))

	made := key(client.Keys.Create(ctx, NewKey{Principal: "crm", Name: "Production Integration",
		Scopes: []string{"loans:read"}, ExpiresIn: 365 * 24 * time.Hour}))
	if made.APIKey.IsZero() || made.Name != "Production Integration" || made.Scopes[0] != "loans:read" ||
		made.ExpiresAt.Sub(made.CreatedAt) != 365*24*time.Hour || made.Generation != 1 {
		t.Errorf("%+v", made)
	}
	read := Request{Token: made.APIKey, Method: "GET", Path: "/loans"}
	write := Request{Token: made.APIKey, Method: "POST", Path: "/loans"}
	if !client.Allowed(ctx, read) || client.Allowed(ctx, write) {
		t.Error("the key does not allow what its scope does, or more")
	}
	if again := key(client.Keys.Get(ctx, made.ID)); !again.APIKey.IsZero() || again.Uses != 2 {
		t.Errorf("%+v", again)
	}
	changed := key(client.Keys.Update(ctx, made.ID, Changes{"name": nil, "label": "web"}))
	if changed.Name != "" || changed.Label != "web" {
		t.Errorf("%+v", changed)
	}
	turned := key(client.Keys.Rotate(ctx, made.ID, Rotation{Mode: "confirm"}))
	if turned.APIKey.IsZero() || turned.PendingUntil.IsZero() || !client.Allowed(ctx, read) {
		t.Errorf("%+v", turned)
	}
	key(client.Keys.Rollback(ctx, made.ID))
	if key(client.Keys.Disable(ctx, made.ID)).Status != "inactive" || client.Allowed(ctx, read) {
		t.Error("a disabled key allows")
	}
	if key(client.Keys.Enable(ctx, made.ID)).Status != "active" || !client.Allowed(ctx, read) {
		t.Error("an enabled key does not allow")
	}
	if key(client.Keys.Revoke(ctx, made.ID)).Status != "revoked" || client.Allowed(ctx, read) {
		t.Error("a revoked key allows")
	}
	refusedWith(t, errorOf(client.Keys.Enable(ctx, made.ID)), CodeConflict)
	refusedWith(t, client.Keys.Purge(ctx, made.ID), CodeConflict)
	key(client.Keys.Delete(ctx, made.ID))
	if err := client.Keys.Purge(ctx, made.ID); err != nil {
		t.Error(err)
	}
	refusedWith(t, errorOf(client.Keys.Get(ctx, made.ID)), CodeNotFound)
	records := good[[]Record](t)(client.Audit.List(ctx, RecordFilter{Key: made.ID, Limit: 2}).All())
	if len(records) < 6 || records[0].Action != "keys.create" || len(records[0].Changes) == 0 {
		t.Errorf("%+v", records)
	}
	same := good[[]Record](t)(client.Audit.List(ctx, RecordFilter{Kind: "key", Target: made.ID}).All())
	if len(same) != len(records) || same[0].Sequence != records[0].Sequence {
		t.Errorf("%+v", same)
	}
	if problems := good[[]Problem](t)(client.Audit.Verify(ctx).All()); len(problems) != 0 {
		t.Errorf("%+v", problems)
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestAListHasTheItemsOfAllPages(t *testing.T) {
	client := startDaemon(t).client()
	ctx := soon(t)
	good[Principal](t)(client.Principals.Create(ctx, NewPrincipal{ID: "crm"}))
	var made []string
	for i := 0; i < 5; i++ {
		made = append(made, good[Key](t)(client.Keys.Create(ctx, NewKey{Principal: "crm"})).ID)
	}
	keys := client.Keys.List(ctx, KeyFilter{Principal: "crm", Limit: 2})
	for i := 0; keys.Next(); i++ {
		if i >= len(made) || keys.Item().ID != made[i] {
			t.Fatalf("item %d is %+v", i, keys.Item())
		}
		if i == len(made)-1 {
			made = nil
		}
	}
	if keys.Err() != nil || made != nil {
		t.Errorf("%v; %d are missing", keys.Err(), len(made))
	}
	refused := refusedWith(t, errorOf(client.Keys.Create(ctx, NewKey{Principal: "crm"})), CodeLimitReached)
	if len(refused.IDs) != 5 {
		t.Errorf("%+v", refused)
	}
	if _, err := client.Keys.List(ctx, KeyFilter{Limit: 100000}).All(); refusedWith(t, err,
		CodeInvalidRequest).Param != "limit" {
		t.Error(err)
	}
	if findings := good[[]Finding](t)(client.Keys.Audit(ctx, FindingFilter{Limit: 2}).All()); len(findings) != 5 {
		t.Errorf("%+v", findings)
	}
}

func TestAPageThatLeadsToItselfEndsTheList(t *testing.T) {
	path := server(t, func(_ int, c *peer) {
		for one := c.read(); one != nil; one = c.read() {
			c.answer(one.id, "\x82\xa5items\x90\xa6cursor\xa1c")
		}
	})
	if _, err := clientAt(t, path, patience).Keys.List(soon(t), KeyFilter{}).All(); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

func TestAPermissionOnAConditionSaysIt(t *testing.T) {
	path := server(t, func(_ int, c *peer) {
		for one := c.read(); one != nil; one = c.read() {
			c.answer(one.id, "\x81\xa5items\x92"+
				"\x82\xa8resource\xa6api:/a\xa7actions\x91\xa3GET"+
				"\x83\xa8resource\xa6api:/a\xa7actions\x91\xa3PUT\xa4when\xaeresource.owner")
		}
	})
	listed := good[[]Permission](t)(clientAt(t, path, patience).Permissions(soon(t), PermissionsRequest{}).All())
	if len(listed) != 2 || listed[0].When != "" || listed[1].When != "resource.owner" {
		t.Errorf("%+v", listed)
	}
}

func TestPrincipalsRolesAndAssignments(t *testing.T) {
	client := startDaemon(t).client()
	ctx := soon(t)
	principal := good[Principal](t)
	principal(client.Principals.Create(ctx, NewPrincipal{ID: "ann", Name: "Ann", NoAPIAccess: true}))
	changed := principal(client.Principals.Update(ctx, "ann", "", Changes{
		"attributes": map[string]any{"team": "x"}, "api_access": true}))
	if changed.Attributes["team"] != "x" || !changed.APIAccess || changed.Name != "Ann" {
		t.Errorf("%+v", changed)
	}
	role := good[Role](t)(client.Roles.Create(ctx, NewRole{Name: "remover", Description: "d",
		Grants: []string{"allow DELETE on api:/loans/{loan}"}}))
	if role.Allowed != 1 || role.Grants[0] == "" {
		t.Errorf("%+v", role)
	}
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	given := good[Assignment](t)(client.Assignments.Create(ctx,
		Assignment{Principal: "ann", Role: "remover", At: []string{"api:/loans/7"}, Until: until}))
	if !given.Until.Equal(until) || given.At[0] != "api:/loans/7" {
		t.Errorf("%+v", given)
	}
	seven := Request{Principal: "ann", Method: "DELETE", Path: "/loans/7"}
	eight := Request{Principal: "ann", Method: "DELETE", Path: "/loans/8"}
	decisions := good[[]Decision](t)(client.AuthorizeMany(ctx, Request{}, []Request{seven, eight}))
	if !decisions[0].Allowed() || decisions[1].Allowed() || decisions[1].Reason != "role" {
		t.Errorf("%+v", decisions)
	}
	allowed := good[[]Permission](t)(client.Permissions(ctx, PermissionsRequest{Principal: "ann"}).All())
	if len(allowed) != 1 || allowed[0].Actions[0] != "delete" {
		t.Errorf("%+v", allowed)
	}
	gone := client.Permissions(ctx, PermissionsRequest{Principal: "none"})
	if gone.Next() || gone.Err() != nil {
		t.Error(gone.Err())
	}
	if status, reason := gone.Decision(); status != 401 || reason != "unknown_principal" {
		t.Error(status, reason)
	}
	roles := good[[]Role](t)(client.Roles.List(ctx, "").All())
	if len(roles) != 4 || roles[0].Name != "remover" || !roles[1].Declared {
		t.Errorf("%+v", roles)
	}
	good[Role](t)(client.Roles.Update(ctx, "remover", "", Changes{"description": "e"}))
	grants := []string{"allow GET on api:/loans/{loan}"}
	dry := good[Role](t)(client.Roles.Update(ctx, "remover", "", Changes{"grants": grants, "dry_run": true})).Effect
	if dry.GainsTotal != 1 || dry.LosesTotal != 1 || dry.Gains[0].Actions[0] != "read" ||
		dry.Loses[0].Resource != "api:/loans/{loan}" || dry.Loses[0].Count != 1 {
		t.Errorf("%+v", dry)
	}
	dry = good[Role](t)(client.Roles.Create(ctx, NewRole{Name: "other", Grants: grants, DryRun: true})).Effect
	if dry.GainsTotal != 1 || dry.LosesTotal != 0 || len(dry.Loses) != 0 {
		t.Errorf("%+v", dry)
	}
	if again := good[Role](t)(client.Roles.Get(ctx, "remover", "")); again.Grants[0] == grants[0] {
		t.Errorf("%+v", again)
	}
	if removed := good[[]Assignment](t)(client.Assignments.Delete(ctx,
		Assignment{Principal: "ann", Role: "remover"})); len(removed) != 1 || client.Allowed(ctx, seven) {
		t.Errorf("%+v", removed)
	}
	if left := good[[]Assignment](t)(client.Assignments.List(ctx, "ann", "", "").All()); len(left) != 0 {
		t.Errorf("%+v", left)
	}
	everyone := Assignment{Everyone: true, Role: "clerk", At: []string{"api:/loans/7"}}
	if made := good[Assignment](t)(client.Assignments.Create(ctx, everyone)); !made.Everyone || made.Principal != "" {
		t.Errorf("%+v", made)
	}
	anyone := Assignment{Anyone: true, Role: "clerk", At: []string{"api:/loans/8"}}
	good[Assignment](t)(client.Assignments.Create(ctx, anyone))
	if held := good[[]Assignment](t)(client.Assignments.ListEveryone(ctx, "clerk", "").All()); len(held) != 1 {
		t.Errorf("%+v", held)
	}
	if held := good[[]Assignment](t)(client.Assignments.ListAnyone(ctx, "", "").All()); len(held) != 1 ||
		!held[0].Anyone {
		t.Errorf("%+v", held)
	}
	good[[]Assignment](t)(client.Assignments.Delete(ctx, everyone))
	good[[]Assignment](t)(client.Assignments.Delete(ctx, anyone))
	good[Role](t)(client.Roles.Delete(ctx, "remover", ""))
	principal(client.Principals.Disable(ctx, "ann", ""))
	principal(client.Principals.Enable(ctx, "ann", ""))
	principal(client.Principals.Delete(ctx, "ann", ""))
	refusedWith(t, errorOf(client.Principals.Get(ctx, "ann", "")), CodeNotFound)
}

func TestATokenManagesWhatItsRolesAllow(t *testing.T) {
	client := startDaemon(t).client()
	ctx := soon(t)
	for id, role := range map[string]string{"boss": "manager", "ann": "viewer"} {
		good[Principal](t)(client.Principals.Create(ctx, NewPrincipal{ID: id}))
		good[Assignment](t)(client.Assignments.Create(ctx, Assignment{Principal: id, Role: role}))
	}
	boss := good[Key](t)(client.Keys.Create(ctx, NewKey{Principal: "boss"}))
	ann := good[Key](t)(client.Keys.Create(ctx, NewKey{Principal: "ann"}))
	if keys := good[[]Key](t)(client.As(boss.APIKey).Keys.List(ctx, KeyFilter{}).All()); len(keys) != 2 {
		t.Errorf("%+v", keys)
	}
	refusedWith(t, errorOf(client.As(ann.APIKey).Keys.List(ctx, KeyFilter{}).All()), CodeForbidden)
}

func TestAPolicyWithAMistakeIsRefusedWithItsPlace(t *testing.T) {
	d := startDaemon(t)
	client := d.client()
	before := good[PolicyStatus](t)(client.Policy.Status(soon(t)))
	d.must(os.WriteFile(filepath.Join(d.folder, "policy", "a.policy"), []byte("tree {\n"), 0o600))
	_, _, err := client.Policy.Reload(soon(t))
	refused := refusedWith(t, err, CodeInvalidPolicy)
	if len(refused.Diagnostics) == 0 || refused.Diagnostics[0].Line == 0 {
		t.Errorf("%+v", refused)
	}
	after := good[PolicyStatus](t)(client.Policy.Status(soon(t)))
	if after.OK || after.Revision != before.Revision || !before.OK {
		t.Errorf("%+v", after)
	}
	if names := good[Names](t)(client.Policy.Names(soon(t))); len(names.Scopes) != 1 {
		t.Errorf("%+v", names)
	}
	nodes := good[[]Node](t)(client.Policy.Tree(soon(t), "api").All())
	if len(nodes) != 3 || nodes[1].Resource != "api:/loans" || nodes[1].Actions[0].Name != "list" ||
		nodes[1].Actions[0].Methods[0] != "GET" {
		t.Errorf("%+v", nodes)
	}
}
