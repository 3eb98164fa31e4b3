// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"time"
)

// Principals manages principals. The tenant "" is the default one, for a token its own.
type Principals struct{ client *Client }

// Principal is a record.
type Principal struct {
	ID, Name, Kind, Tenant, Status string
	Attributes                     map[string]string
	APIAccess                      bool
	Declared                       bool // by the policy's files: read-only
	CreatedAt                      time.Time
	CreatedBy                      string
	AsOf                           string // of a change in a shared store: its place
}

func readPrincipal(f *fields) Principal {
	p := Principal{
		ID: f.must("id").text("id"), Name: f.text("name"), Kind: f.text("kind"),
		Tenant: f.text("tenant"), Status: f.text("status"), APIAccess: f.flag("api_access"),
		Declared: f.flag("declared"), CreatedAt: f.time("created_at"),
		CreatedBy: f.text("created_by"), AsOf: f.text("as_of"),
	}
	for name, value := range field[map[string]any](f, "attributes") {
		text, isText := value.(string)
		if !isText {
			f.fault("attributes")
		}
		if p.Attributes == nil {
			p.Attributes = map[string]string{}
		}
		p.Attributes[name] = text
	}
	return p
}

// NewPrincipal is what a principal is made of. Zero fields are not sent.
type NewPrincipal struct {
	ID, Name, Kind, Tenant string // Kind: "user" or "service"
	Attributes             map[string]string
	NoAPIAccess            bool
}

func (p *Principals) one(ctx context.Context, method string, q params) (Principal, error) {
	return one(ctx, p.client, method, q, readPrincipal)
}

// Create makes a principal.
func (p *Principals) Create(ctx context.Context, made NewPrincipal) (Principal, error) {
	q := params{"id": made.ID}
	q.text("name", made.Name).text("kind", made.Kind).text("tenant", made.Tenant)
	if made.Attributes != nil {
		q["attributes"] = made.Attributes
	}
	if made.NoAPIAccess {
		q["api_access"] = false
	}
	return p.one(ctx, "principals.create", q)
}

// Get reads a principal.
func (p *Principals) Get(ctx context.Context, id, tenant string) (Principal, error) {
	return p.one(ctx, "principals.get", params{"id": id}.text("tenant", tenant))
}

// List has principals by id, then those that the policy's files declare.
func (p *Principals) List(ctx context.Context, tenant string) *Pages[Principal] {
	return newPages(ctx, p.client, "principals.list", params{}.text("tenant", tenant), readPrincipal)
}

// Update changes name, attributes (all of them), set_attributes and remove_attributes (some), or api_access.
func (p *Principals) Update(ctx context.Context, id, tenant string, changes Changes) (Principal, error) {
	return p.one(ctx, "principals.update", changes.params(id).text("tenant", tenant))
}

// Enable ends Disable.
func (p *Principals) Enable(ctx context.Context, id, tenant string) (Principal, error) {
	return p.one(ctx, "principals.enable", params{"id": id}.text("tenant", tenant))
}

// Disable denies everything to a principal.
func (p *Principals) Disable(ctx context.Context, id, tenant string) (Principal, error) {
	return p.one(ctx, "principals.disable", params{"id": id}.text("tenant", tenant))
}

// Delete removes a principal, and revokes its keys for ever.
func (p *Principals) Delete(ctx context.Context, id, tenant string) (Principal, error) {
	return p.one(ctx, "principals.delete", params{"id": id}.text("tenant", tenant))
}

// Roles manages roles of the store.
type Roles struct{ client *Client }

// Role is a record.
type Role struct {
	Name, Tenant, Description  string
	Inherits, Grants, Dangling []string
	Allowed, Denied            int64
	Declared, Shadowed         bool
	CreatedAt, UpdatedAt       time.Time
	CreatedBy                  string
	AsOf                       string // of a change in a shared store: its place
	Effect                     Effect // of a dry run
}

// Effect is what a changed role would allow more and less than now.
type Effect struct {
	Gains, Loses           []EffectItem // a thousand of each at most; the totals count all permissions
	GainsTotal, LosesTotal int64
}

// EffectItem is what is gained or lost on a node. When is the condition with the change, of what is gained,
// and the one before, of what is lost; Was and Still are that of the other; PROTOCOL.md says more.
type EffectItem struct {
	Resource         string
	Actions          []string
	Count            int64 // of permissions
	When, Was, Still string
}

func readEffectItem(f *fields) EffectItem {
	return EffectItem{
		Resource: f.must("resource").text("resource"), Actions: f.texts("actions"),
		Count: f.number("count"), When: f.text("when"), Was: f.text("was"), Still: f.text("still"),
	}
}

func readRole(f *fields) Role {
	return Role{
		Name: f.must("name").text("name"), Tenant: f.text("tenant"),
		Description: f.text("description"), Inherits: f.texts("inherits"),
		Grants: f.texts("grants"), Dangling: f.texts("dangling"), Allowed: f.number("allowed"),
		Denied: f.number("denied"), Declared: f.flag("declared"), Shadowed: f.flag("shadowed"),
		CreatedAt: f.time("created_at"), UpdatedAt: f.time("updated_at"),
		CreatedBy: f.text("created_by"), AsOf: f.text("as_of"),
		Effect: Effect{
			list(f, "gains", readEffectItem), list(f, "loses", readEffectItem),
			f.number("gains_total"), f.number("loses_total"),
		},
	}
}

// NewRole is what a role is made of; Grants are lines of the policy language.
type NewRole struct {
	Name, Tenant, Description string
	Inherits, Grants          []string
	DryRun                    bool // change nothing: the answer has the Effect
}

func (r *Roles) one(ctx context.Context, method string, p params) (Role, error) {
	return one(ctx, r.client, method, p, readRole)
}

// Create makes a role.
func (r *Roles) Create(ctx context.Context, role NewRole) (Role, error) {
	p := params{"name": role.Name}
	p.text("tenant", role.Tenant).text("description", role.Description)
	p.texts("inherits", role.Inherits).texts("grants", role.Grants)
	return r.one(ctx, "roles.create", p.flag("dry_run", role.DryRun))
}

// Get reads a role.
func (r *Roles) Get(ctx context.Context, name, tenant string) (Role, error) {
	return r.one(ctx, "roles.get", params{"name": name}.text("tenant", tenant))
}

// List has roles by name, then those that the policy's files declare.
func (r *Roles) List(ctx context.Context, tenant string) *Pages[Role] {
	return newPages(ctx, r.client, "roles.list", params{}.text("tenant", tenant), readRole)
}

// Update changes description, inherits or grants, each replaced whole; with dry_run it changes nothing, and
// the answer has the Effect.
func (r *Roles) Update(ctx context.Context, name, tenant string, changes Changes) (Role, error) {
	p := changes.params("")
	delete(p, "id")
	p["name"] = name
	return r.one(ctx, "roles.update", p.text("tenant", tenant))
}

// Delete removes a role, and returns it as it was.
func (r *Roles) Delete(ctx context.Context, name, tenant string) (Role, error) {
	return r.one(ctx, "roles.delete", params{"name": name}.text("tenant", tenant))
}

// Assignments manages who holds which role, where and until when.
type Assignments struct{ client *Client }

// Assignment is a record, and what one is made of: then the fields after Until are not sent.
type Assignment struct {
	Principal, Role, Tenant string
	Everyone, Anyone        bool     // in place of Principal: every principal, or every caller
	At                      []string // none: everywhere
	Until                   time.Time
	Declared, Shadowed      bool
	Dangling                []string
	CreatedAt               time.Time
	CreatedBy               string
	AsOf                    string // of a change in a shared store: its place
}

func readAssignment(f *fields) Assignment {
	return Assignment{
		Principal: f.text("principal"), Role: f.must("role").text("role"), Tenant: f.text("tenant"),
		Everyone: f.flag("everyone"), Anyone: f.flag("anyone"),
		At: f.texts("at"), Until: f.time("until"), Declared: f.flag("declared"),
		Shadowed: f.flag("shadowed"), Dangling: f.texts("dangling"), CreatedAt: f.time("created_at"),
		CreatedBy: f.text("created_by"), AsOf: f.text("as_of"),
	}
}

func (a Assignment) params() params {
	p := params{"role": a.Role}
	p.flag("everyone", a.Everyone).flag("anyone", a.Anyone)
	if a.Principal != "" || !a.Everyone && !a.Anyone {
		p["principal"] = a.Principal
	}
	return p.texts("at", a.At).text("tenant", a.Tenant)
}

// Create gives a role.
func (a *Assignments) Create(ctx context.Context, made Assignment) (Assignment, error) {
	return one(ctx, a.client, "assignments.create", made.params().time("until", made.Until),
		readAssignment)
}

// Delete takes a role away: at these places, or without At wherever it is held. It returns what was
// removed.
func (a *Assignments) Delete(ctx context.Context, gone Assignment) ([]Assignment, error) {
	return one(ctx, a.client, "assignments.delete", gone.params(), func(f *fields) []Assignment {
		return list(f.must("items"), "items", readAssignment)
	})
}

// List has the assignments of a principal, or of a role, or of both.
func (a *Assignments) List(ctx context.Context, principal, role, tenant string) *Pages[Assignment] {
	p := params{}
	p.text("principal", principal).text("role", role).text("tenant", tenant)
	return newPages(ctx, a.client, "assignments.list", p, readAssignment)
}

// ListEveryone has the assignments of every principal, all of them or those of a role.
func (a *Assignments) ListEveryone(ctx context.Context, role, tenant string) *Pages[Assignment] {
	p := params{"everyone": true}
	p.text("role", role).text("tenant", tenant)
	return newPages(ctx, a.client, "assignments.list", p, readAssignment)
}

// ListAnyone has those of every caller.
func (a *Assignments) ListAnyone(ctx context.Context, role, tenant string) *Pages[Assignment] {
	p := params{"anyone": true}
	p.text("role", role).text("tenant", tenant)
	return newPages(ctx, a.client, "assignments.list", p, readAssignment)
}

// Audit reads the audit trail.
type Audit struct{ client *Client }

// Change is one field that a call changed; times are RFC 3339.
type Change struct{ Field, From, To string }

// Record of the trail.
type Record struct {
	Sequence             int64
	Time                 time.Time
	Actor, Action        string
	UID, PID             int64
	Kind, Target, Tenant string
	Changes              []Change
}

func readChange(f *fields) Change {
	return Change{f.text("field"), f.text("from"), f.text("to")}
}

func readRecord(f *fields) Record {
	return Record{
		Sequence: f.must("sequence").number("sequence"), Time: f.time("time"),
		Actor: f.text("actor"), Action: f.text("action"), UID: f.number("uid"),
		PID: f.number("pid"), Kind: f.text("kind"), Target: f.text("target"),
		Tenant: f.text("tenant"), Changes: list(f, "changes", readChange),
	}
}

// RecordFilter chooses records; zero fields are not sent.
type RecordFilter struct {
	Tenant, Actor, Key string
	Kind, Target       string // of what was changed, as in Record; Target needs Kind, and Key is short for both
	Since, Until       time.Time
	After              int64 // a sequence number
	NewestFirst        bool
	Limit              int
}

// List has the records in their order.
func (a *Audit) List(ctx context.Context, filter RecordFilter) *Pages[Record] {
	p := params{}
	p.text("tenant", filter.Tenant).text("actor", filter.Actor).text("key", filter.Key)
	p.text("kind", filter.Kind).text("target", filter.Target)
	p.time("since", filter.Since).time("until", filter.Until).flag("newest_first", filter.NewestFirst)
	if filter.After != 0 {
		p["after"] = filter.After
	}
	return newPages(ctx, a.client, "audit.list", p.limit(filter.Limit), readRecord)
}

// Problem that Verify found.
type Problem struct{ Problem, Message, Kind, Target, Tenant string }

// Verify checks the trail, then each record of the store; the list is empty when all is well.
func (a *Audit) Verify(ctx context.Context) *Pages[Problem] {
	return newPages(ctx, a.client, "audit.verify", params{}, func(f *fields) Problem {
		return Problem{f.must("problem").text("problem"), f.text("message"), f.text("kind"),
			f.text("target"), f.text("tenant")}
	})
}

// Tenants manages tenants, without a token.
type Tenants struct{ client *Client }

// Tenant is a record.
type Tenant struct {
	ID, Status, CreatedBy string
	CreatedAt             time.Time
}

func readTenant(f *fields) Tenant {
	return Tenant{ID: f.must("id").text("id"), Status: f.text("status"), CreatedBy: f.text("created_by"),
		CreatedAt: f.time("created_at")}
}

// Create makes a tenant.
func (t *Tenants) Create(ctx context.Context, id string) (Tenant, error) {
	return one(ctx, t.client, "tenants.create", params{"id": id}, readTenant)
}

// Enable ends Disable.
func (t *Tenants) Enable(ctx context.Context, id string) (Tenant, error) {
	return one(ctx, t.client, "tenants.enable", params{"id": id}, readTenant)
}

// Disable denies everything to a tenant's keys and principals.
func (t *Tenants) Disable(ctx context.Context, id string) (Tenant, error) {
	return one(ctx, t.client, "tenants.disable", params{"id": id}, readTenant)
}

// List has the default tenant first, then the others in order of creation.
func (t *Tenants) List(ctx context.Context) *Pages[Tenant] {
	return newPages(ctx, t.client, "tenants.list", params{}, readTenant)
}

// Policy is the policy that the daemon decides by.
type Policy struct{ client *Client }

// Diagnostic says what is wrong with a policy, and where; line and column are 0 for no line.
type Diagnostic struct {
	Severity, File, Message string
	Line, Column            int64
}

func readDiagnostic(f *fields) Diagnostic {
	return Diagnostic{f.text("severity"), f.text("file"), f.text("message"), f.number("line"),
		f.number("column")}
}

// PolicyStatus is a part of what policy.status answers; Client.Call has the rest.
type PolicyStatus struct {
	Revision         string
	Serial           int64
	LoadedAt         time.Time
	OK               bool // the result of the last attempt to load
	Errors, Warnings int64
	Diagnostics      []Diagnostic
}

// Status says which policy decides, and how the last attempt to load one ended.
func (p *Policy) Status(ctx context.Context) (PolicyStatus, error) {
	return one(ctx, p.client, "policy.status", params{}, func(f *fields) PolicyStatus {
		return PolicyStatus{f.must("revision").text("revision"), f.number("serial"),
			f.time("loaded_at"), f.flag("ok"), f.number("errors"), f.number("warnings"),
			list(f, "diagnostics", readDiagnostic)}
	})
}

// Reload loads the policy now, and returns its revision and warnings. A policy with errors is an
// *Error with CodeInvalidPolicy, and the daemon keeps the present one. A large policy may take
// longer than the default timeout: give the context a deadline.
func (p *Policy) Reload(ctx context.Context) (revision string, warnings []Diagnostic, err error) {
	result, err := p.client.call(ctx, "policy.reload", nil)
	if err != nil {
		return "", nil, err
	}
	f := fieldsOf(result)
	revision = f.must("revision").text("revision")
	warnings = list(f, "diagnostics", readDiagnostic)
	return revision, warnings, f.err()
}

// Names that the policy declares.
type Names struct{ Scopes, Environments, Trees, Actions []string }

// Names lists scopes, environments, trees and actions.
func (p *Policy) Names(ctx context.Context) (Names, error) {
	return one(ctx, p.client, "policy.names", params{}, func(f *fields) Names {
		return Names{
			f.texts("scopes"), f.texts("environments"), f.texts("trees"), f.texts("actions"),
		}
	})
}

// Node is a node of a tree, as the policy declares it.
type Node struct {
	Resource, Description string
	Actions               []Action
}

// Action is an action of a node, or a method that belongs to none.
type Action struct {
	Name, Description string
	Methods           []string
}

func readNode(f *fields) Node {
	return Node{f.must("resource").text("resource"), f.text("description"),
		list(f, "actions", func(f *fields) Action {
			return Action{f.text("action"), f.text("description"), f.texts("methods")}
		})}
}

// Tree has the nodes of one tree, or of all ("") in their order, parents before children.
func (p *Policy) Tree(ctx context.Context, tree string) *Pages[Node] {
	return newPages(ctx, p.client, "policy.tree", params{}.text("tree", tree), readNode)
}
