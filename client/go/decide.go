// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Request asks for a decision: of a token or a principal, or of neither; on a method and a path, or
// on an action and a resource. Zero fields are not sent.
//
// Principal, IP, MFAAt and Time are facts that only a trusted peer of the daemon may state: from
// another one the request is denied as "not_trusted". State an address that comes from the kernel or
// from your own proxy, never one that the client can choose.
type Request struct {
	Token       Secret
	Principal   string // that the program has authenticated itself
	Method      string // HTTP method, as the server routes by it
	Path        string // HTTP path as it was received: r.RequestURI
	Tree        string // of the path; default: api
	Action      string
	Resource    string // TREE:/path
	Service     string // whose stack decides
	Environment string // default: the policy's first; "*": any
	Tenant      string // default: "default"; "*": any
	IP          string
	MFAAt       time.Time // the last second factor
	Time        time.Time // for opening hours; default: now
	Facts       Facts     // what the policy's conditions ask for
	// IgnoreUndeclared ignores facts that the policy does not declare, and takes those of another
	// type for unknown. It is for gateways, which know no policy.
	IgnoreUndeclared bool
	// AsOf is a place of a store that several hosts share: one that has this change decides. See
	// Client.AsOf.
	AsOf string
	// More parameters, sent as they are, such as "explain".
	More map[string]any
}

// Facts are values by names such as "resource.owner", which the policy declares: a string, an integer, a
// bool, []string, a time.Time, a time.Duration, or nil, which is as if the fact were not there. One that is
// not declared or of another type is an Error, whose Param names it. "principal.NAME" is for trusted peers.
type Facts map[string]any

func (f Facts) plain() map[string]any {
	out := make(map[string]any, len(f))
	for name, value := range f {
		out[name] = plainValue(value)
	}
	return out
}

// texts of a request, each with its name in the protocol.
func (r *Request) texts() [11][2]string {
	return [...][2]string{
		{"principal", r.Principal}, {"method", r.Method}, {"path", r.Path}, {"tree", r.Tree},
		{"action", r.Action}, {"resource", r.Resource}, {"service", r.Service},
		{"environment", r.Environment}, {"tenant", r.Tenant}, {"ip", r.IP},
		{"as_of", r.AsOf},
	}
}

func (r *Request) params() map[string]any {
	out := make(map[string]any, 8)
	for name, value := range r.More {
		out[name] = plainValue(value)
	}
	for _, text := range r.texts() {
		if text[1] != "" {
			out[text[0]] = text[1]
		}
	}
	if !r.Token.IsZero() {
		out["token"] = r.Token.Reveal()
	}
	if !r.MFAAt.IsZero() {
		out["mfa_at"] = r.MFAAt.Unix()
	}
	if !r.Time.IsZero() {
		out["time"] = r.Time.Unix()
	}
	if r.Facts != nil {
		out["facts"] = r.Facts.plain()
	}
	if r.IgnoreUndeclared {
		out["undeclared"] = "ignore"
	}
	return out
}

// checked says what is wrong with the parameters of a request, at a place such as "requests[3].".
func checked(params map[string]any, place string) error {
	has := func(name string) bool { _, there := params[name]; return there }
	byPath := has("method") && has("path") && !has("action") && !has("resource")
	byResource := has("action") && has("resource") && !has("method") && !has("path")
	if has("token") && has("principal") {
		return invalid(place+"principal", "a token is given too")
	}
	if !byPath && !byResource {
		return invalid(place+"path", "give method and path, or action and resource")
	}
	for _, name := range []string{"mfa_at", "time"} {
		if seconds, isNumber := params[name].(int64); isNumber && seconds < 0 {
			return invalid(place+name, "before 1970")
		}
	}
	return nil
}

// Quota that refused, or the one with the least left.
type Quota struct {
	Limit, Remaining int64
	Reset            time.Duration // from now
}

// Decision is an answer of the daemon. The zero Decision denies.
type Decision struct {
	allow bool

	Status      int    // the HTTP status to answer with: 200, 401, 403, ...
	Reason      string // "ok", "role", ...; "unavailable": there is no answer
	Revision    string // of the policy that decided
	Key         string // its id
	Principal   string
	Tenant      string
	Environment string
	Renew       bool      // the holder should renew the key's secret now
	RenewBy     time.Time // when the present secret ends
	Quota       *Quota
	// Missing are, with reason "missing_fact", the facts by whose absence it could not be decided.
	Missing []string
	// Details are all fields of the answer, also those that this client does not know, such as
	// "fact" and "explain".
	Details map[string]any
}

// Allowed says whether it is allowed.
func (d Decision) Allowed() bool { return d.allow }

func noDecision() Decision {
	return Decision{Status: http.StatusServiceUnavailable, Reason: "unavailable"}
}

// readDecision reads a result; a field that is missing or of the wrong type denies.
func readDecision(result any, revision string) (Decision, error) {
	f := fieldsOf(result)
	allow := f.must("allow").flag("allow")
	d := Decision{
		Status: int(f.must("status").number("status")), Reason: f.must("reason").text("reason"),
		Revision: f.text("revision"), Key: f.text("key"), Principal: f.text("principal"),
		Tenant: f.text("tenant"), Environment: f.text("environment"), Renew: f.flag("renew"),
		RenewBy: f.time("renew_by"), Missing: f.texts("missing"), Details: f.fields,
	}
	if d.Revision == "" {
		d.Revision = revision
	}
	if f.has("quota") {
		q := fieldsOf(f.fields["quota"])
		d.Quota = &Quota{q.must("limit").number("limit"), q.must("remaining").number("remaining"),
			q.must("reset").duration("reset")}
		if q.wrong != "" {
			f.wrong = "quota"
		}
	}
	if allow != (d.Status == http.StatusOK) || d.Status < 100 || d.Status > 599 {
		f.wrong = "status"
	}
	if d.Revision == "" {
		f.wrong = "revision"
	}
	if err := f.err(); err != nil {
		return noDecision(), err
	}
	d.allow = allow
	return d, nil
}

// Check asks for one decision. With an error the decision is a denial with status 503.
func (c *Client) Check(ctx context.Context, request Request) (Decision, error) {
	params := request.params()
	if err := checked(params, ""); err != nil {
		return noDecision(), err
	}
	result, err := c.send(ctx, "authorize", params)
	if err != nil {
		return noDecision(), err
	}
	return readDecision(result, "")
}

// Authorize is the same as Check.
func (c *Client) Authorize(ctx context.Context, request Request) (Decision, error) {
	return c.Check(ctx, request)
}

// Allowed is false on every error.
func (c *Client) Allowed(ctx context.Context, request Request) bool {
	decision, err := c.Check(ctx, request)
	return err == nil && decision.Allowed()
}

// AuthorizeMany asks for 1 to 1024 decisions in one message, made by one revision of the policy.
// Fields set in shared apply to each request that does not set them. On an error all are denials;
// a single result that cannot be read is a denial with status 503.
func (c *Client) AuthorizeMany(ctx context.Context, shared Request, requests []Request) ([]Decision, error) {
	decisions := make([]Decision, len(requests))
	for i := range decisions {
		decisions[i] = noDecision()
	}
	if len(requests) == 0 || len(requests) > requestsMax {
		return decisions, invalid("requests", "must have 1 to 1024 entries")
	}
	params := shared.params()
	entries := make([]any, len(requests))
	for i := range requests {
		entry := requests[i].params()
		both := shared.params()
		for name, value := range entry {
			both[name] = value
		}
		if err := checked(both, "requests["+strconv.Itoa(i)+"]."); err != nil {
			return decisions, err
		}
		entries[i] = entry
	}
	params["requests"] = entries
	result, err := c.send(ctx, "authorize_many", params)
	if err != nil {
		return decisions, err
	}
	f := fieldsOf(result)
	revision := f.must("revision").text("revision")
	results, isList := f.fields["results"].([]any)
	if f.wrong != "" || revision == "" || !isList || len(results) != len(requests) {
		return decisions, unreadable("the results are not one for each request")
	}
	for i, one := range results {
		decisions[i], _ = readDecision(one, revision)
	}
	return decisions, nil
}

// PermissionsRequest asks what roles and scopes allow. See Request for its fields.
type PermissionsRequest struct {
	Token                            Secret
	Principal, Tree, At              string
	Service, Environment, Tenant, IP string
	MFAAt, Time                      time.Time
	Facts                            Facts
	IgnoreUndeclared                 bool
}

// Permission is a node of a tree and what may be done there: always if When is empty, else on the
// condition that it is the text of.
type Permission struct {
	Resource string
	Actions  []string
	When     string
}

// Permissions lists them; on a denial there are none, and Pages.Decision says why.
func (c *Client) Permissions(ctx context.Context, request PermissionsRequest) *Pages[Permission] {
	params := params{}
	params.secret("token", request.Token)
	params.text("principal", request.Principal).text("tree", request.Tree).text("at", request.At)
	params.text("service", request.Service).text("environment", request.Environment)
	params.text("tenant", request.Tenant).text("ip", request.IP)
	params.time("mfa_at", request.MFAAt).time("time", request.Time)
	if request.Facts != nil {
		params["facts"] = request.Facts.plain()
	}
	if request.IgnoreUndeclared {
		params["undeclared"] = "ignore"
	}
	return newPages(ctx, c, "permissions", params, func(f *fields) Permission {
		return Permission{Resource: f.must("resource").text("resource"), Actions: f.texts("actions"),
			When: f.text("when")}
	})
}
