// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"time"
)

// Keys manages keys. PROTOCOL.md, "keys", says what each field means.
type Keys struct{ client *Client }

// Key is a record. Zero fields are not set.
type Key struct {
	ID, Name, Label, Tenant, Environment, Prefix, Principal string
	Roles, Scopes, At, Networks, Dangling                   []string
	Status                                                  string
	CreatedBy                                               string
	CreatedAt, NotBefore, ExpiresAt, DeletedAt              time.Time
	Generation                                              int64
	RotatedAt, RetiringUntil, PendingUntil                  time.Time
	RotateEvery                                             time.Duration
	NextRotationAt, RenewBy                                 time.Time
	LastUsedAt                                              time.Time
	LastUsedIP                                              string
	Uses, Denials                                           int64
	Days                                                    []Day // from Get
	// APIKey is the new secret: only from Create, Rotate and Renew, this once.
	APIKey Secret
	// AsOf is the place of a change in a shared store, for Client.AsOf.
	AsOf string
}

// Day is the use of a key on one day, which begins at Day in UTC.
type Day struct {
	Day           time.Time
	Uses, Denials int64
}

func readDay(f *fields) Day {
	return Day{Day: f.must("day").time("day"), Uses: f.number("uses"), Denials: f.number("denials")}
}

func readKey(f *fields) Key {
	k := Key{
		ID: f.must("id").text("id"), Name: f.text("name"), Label: f.text("label"),
		Tenant: f.text("tenant"), Environment: f.text("environment"), Prefix: f.text("prefix"),
		Principal: f.text("principal"), Roles: f.texts("roles"), Scopes: f.texts("scopes"),
		At: f.texts("at"), Networks: f.texts("networks"), Dangling: f.texts("dangling"), Status: f.text("status"),
		CreatedBy: f.text("created_by"), CreatedAt: f.time("created_at"),
		NotBefore: f.time("not_before"), ExpiresAt: f.time("expires_at"),
		DeletedAt: f.time("deleted_at"), Generation: f.number("generation"),
		RotatedAt: f.time("rotated_at"), RetiringUntil: f.time("retiring_until"),
		PendingUntil: f.time("pending_until"), RotateEvery: f.duration("rotate_every"),
		NextRotationAt: f.time("next_rotation_at"), RenewBy: f.time("renew_by"),
		LastUsedAt: f.time("last_used_at"), LastUsedIP: f.text("last_used_ip"),
		Uses: f.number("uses"), Denials: f.number("denials"), Days: list(f, "days", readDay),
		AsOf: f.text("as_of"),
	}
	if f.has("secret") {
		k.APIKey = NewSecret(f.text("secret"))
	}
	return k
}

// one calls a method that answers a single record.
func one[T any](ctx context.Context, c *Client, method string, p params, read func(*fields) T) (T, error) {
	var none T
	result, err := c.call(ctx, method, p)
	if err != nil {
		return none, err
	}
	f := fieldsOf(result)
	record := read(f)
	if err := f.err(); err != nil {
		return none, err
	}
	return record, c.reached(method, f)
}

// reached is nil, or what a change of Everywhere that some hosts did not report is.
func (c *Client) reached(method string, f *fields) error {
	if !c.everywhere || !changes(method) || f.flag("everywhere") {
		return nil
	}
	return &NotEverywhere{Lacking: f.texts("lacking")}
}

func (k *Keys) one(ctx context.Context, method string, p params) (Key, error) {
	return one(ctx, k.client, method, p, readKey)
}

// yields calls a method that yields a secret: an answer without one cannot be read.
func (k *Keys) yields(ctx context.Context, method string, p params) (Key, error) {
	return one(ctx, k.client, method, p, func(f *fields) Key { return readKey(f.must("secret")) })
}

// NewKey is what a key is made of: a principal, or roles, or scopes only. Zero fields are not sent.
type NewKey struct {
	Name, Label, Principal string
	Roles, Scopes, At      []string
	Tenant, Environment    string
	ExpiresIn              time.Duration
	ExpiresAt, NotBefore   time.Time
	Networks               []string
	RotateEvery            time.Duration
	RequestID              string // 32 hex digits, to ask again later; else one is drawn
}

// Create makes a key; its secret is in APIKey, this once.
func (k *Keys) Create(ctx context.Context, key NewKey) (Key, error) {
	p := params{}
	p.text("name", key.Name).text("label", key.Label).text("principal", key.Principal)
	p.texts("roles", key.Roles).texts("scopes", key.Scopes).texts("at", key.At)
	p.text("tenant", key.Tenant).text("environment", key.Environment)
	p.duration("expires_in", key.ExpiresIn).time("expires_at", key.ExpiresAt)
	p.time("not_before", key.NotBefore).texts("networks", key.Networks)
	p.duration("rotate_every", key.RotateEvery).text("request_id", key.RequestID)
	return k.yields(ctx, "keys.create", p)
}

// Get reads a key.
func (k *Keys) Get(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.get", params{"id": id})
}

// KeyFilter chooses keys; the zero one has all but deleted and altered ones of the default tenant.
type KeyFilter struct {
	Tenant, Principal, Status, Label string
	Limit                            int // of a page
}

// List has keys in order of creation.
func (k *Keys) List(ctx context.Context, filter KeyFilter) *Pages[Key] {
	p := params{}
	p.text("tenant", filter.Tenant).text("principal", filter.Principal)
	p.text("status", filter.Status).text("label", filter.Label)
	return newPages(ctx, k.client, "keys.list", p.limit(filter.Limit), readKey)
}

func (p params) limit(items int) params {
	if items != 0 {
		p["limit"] = int64(items)
	}
	return p
}

// Changes of a record by the names of the protocol; a value of nil removes a field. A time.Time and
// a time.Duration may be values.
type Changes map[string]any

func (c Changes) params(id string) params {
	p := params{}
	for name, value := range c {
		if texts, isTexts := value.([]string); isTexts {
			p.texts(name, texts)
		} else {
			p[name] = value
		}
	}
	p["id"] = id
	return p
}

// Update changes name, label, scopes, networks, expires_at or rotate_every.
func (k *Keys) Update(ctx context.Context, id string, changes Changes) (Key, error) {
	return k.one(ctx, "keys.update", changes.params(id))
}

// Rotation is how a key gets another secret; the zero one is the mode "overlap".
type Rotation struct {
	Mode      string // "overlap", "confirm" or "immediate"
	Overlap   time.Duration
	FinishOld bool
	RequestID string // as in NewKey
}

// Rotate gives a key another secret, which is in APIKey, this once.
func (k *Keys) Rotate(ctx context.Context, id string, how Rotation) (Key, error) {
	p := params{"id": id}
	p.text("mode", how.Mode).duration("overlap", how.Overlap).flag("finish_old", how.FinishOld)
	return k.yields(ctx, "keys.rotate", p.text("request_id", how.RequestID))
}

// Finish ends the retiring secret now.
func (k *Keys) Finish(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.finish", params{"id": id})
}

// Rollback goes back to the secret before.
func (k *Keys) Rollback(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.rollback", params{"id": id})
}

// Prolong lets the retiring secret end so long from now.
func (k *Keys) Prolong(ctx context.Context, id string, overlap time.Duration) (Key, error) {
	return k.one(ctx, "keys.prolong", params{"id": id}.duration("overlap", overlap))
}

// Renew gives the holder of a key that is due another secret, which is in APIKey, this once.
func (k *Keys) Renew(ctx context.Context, token Secret) (Key, error) {
	return k.yields(ctx, "keys.renew", params{}.secret("token", token))
}

// Disable, Enable, Revoke, Delete and Restore succeed also for a key that is in that state already.
func (k *Keys) Disable(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.disable", params{"id": id})
}

// Enable ends Disable.
func (k *Keys) Enable(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.enable", params{"id": id})
}

// Revoke ends a key for ever.
func (k *Keys) Revoke(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.revoke", params{"id": id})
}

// Delete ends a key and hides it; it can be restored for 30 days.
func (k *Keys) Delete(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.delete", params{"id": id})
}

// Restore brings a deleted key back, disabled.
func (k *Keys) Restore(ctx context.Context, id string) (Key, error) {
	return k.one(ctx, "keys.restore", params{"id": id})
}

// Purge removes a deleted key at once, with its use.
func (k *Keys) Purge(ctx context.Context, id string) error {
	_, err := one(ctx, k.client, "keys.purge", params{"id": id},
		func(f *fields) string { return f.text("id") })
	return err
}

// Finding is a key that should be looked at, and why.
type Finding struct {
	ID, Name, Label, Tenant, Principal, Status string
	CreatedAt, ExpiresAt, LastUsedAt, RenewBy  time.Time
	Findings                                   []string
	Unused, UnusedScopes, Narrower             []string
	UsedPermissions                            []string // of one key
}

// FindingFilter chooses them; zero fields have the daemon's defaults. Key is one key, whether or not
// there is anything to find.
type FindingFilter struct {
	Key                      string
	Tenant, Principal, Label string
	Idle, Expiring           time.Duration
	Limit                    int
}

// Audit lists keys that are idle, expiring, unused or too powerful.
func (k *Keys) Audit(ctx context.Context, filter FindingFilter) *Pages[Finding] {
	p := params{}
	p.text("key", filter.Key).text("tenant", filter.Tenant)
	p.text("principal", filter.Principal).text("label", filter.Label)
	p.duration("idle", filter.Idle).duration("expiring", filter.Expiring).limit(filter.Limit)
	return newPages(ctx, k.client, "keys.audit", p, func(f *fields) Finding {
		return Finding{
			ID: f.must("id").text("id"), Name: f.text("name"), Label: f.text("label"),
			Tenant: f.text("tenant"), Principal: f.text("principal"), Status: f.text("status"),
			CreatedAt: f.time("created_at"), ExpiresAt: f.time("expires_at"),
			LastUsedAt: f.time("last_used_at"), RenewBy: f.time("renew_by"),
			Findings: f.texts("findings"), Unused: f.texts("unused"),
			UsedPermissions: f.texts("used_permissions"),
			UnusedScopes:    f.texts("unused_scopes"), Narrower: f.texts("narrower"),
		}
	})
}
