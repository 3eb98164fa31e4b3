// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"net/http"
)

// Kinds of a Plan.
const (
	PlanNever  = "never"
	PlanAlways = "always"
	PlanWhen   = "when"
)

// Plan says for which resources of a node a request would be allowed. Where makes the condition of a query of it.
type Plan struct {
	Kind     string // PlanAlways, PlanNever, or PlanWhen: where the condition is true
	Reason   string // of PlanNever, as in a Decision
	Status   int    // the HTTP status to answer with: 200, or that of the reason
	When     string // the condition as text
	Tree     []any  // the same as nested slices; PROTOCOL.md, plan
	Node     string // as declared
	Revision string
	Missing  []string // facts that were not given, and without which the plan has less in it
}

// Plan asks for which resources the request would be allowed. Its path or resource may be a node as declared,
// "bookings:/bookings/{booking}". With an error the plan is never, with status 503.
func (c *Client) Plan(ctx context.Context, request Request) (Plan, error) {
	none := Plan{Kind: PlanNever, Reason: "unavailable", Status: http.StatusServiceUnavailable}
	params := request.params()
	if err := checked(params, ""); err != nil {
		return none, err
	}
	result, err := c.send(ctx, "plan", params)
	if err != nil {
		return none, err
	}
	plan, err := readPlan(result)
	if err != nil {
		return none, err
	}
	return plan, nil
}

func readPlan(result any) (Plan, error) {
	f := fieldsOf(result)
	plan := Plan{
		Kind: f.must("plan").text("plan"), Reason: f.text("reason"), Status: int(f.number("status")),
		When: f.text("when"), Tree: field[[]any](f, "tree"), Node: f.text("node"),
		Revision: f.must("revision").text("revision"), Missing: f.texts("missing"),
	}
	good := plan.Revision != ""
	switch plan.Kind {
	case PlanAlways:
		plan.Status = http.StatusOK
	case PlanWhen:
		plan.Status = http.StatusOK
		good = good && plan.When != "" && len(plan.Tree) > 0
	case PlanNever:
		good = good && plan.Reason != "" && plan.Status != 0
	default:
		good = false
	}
	if !good {
		f.fault("it is not a plan")
	}
	return plan, f.err()
}
