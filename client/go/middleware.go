// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Guard lets only requests that the daemon allows reach a handler:
//
//	guard := &authz.Guard{Client: client, Service: "shop"}
//	http.ListenAndServe(address, guard.Wrap(mux))
//
// It asks about r.Method and the target as it was received (r.RequestURI), and answers by itself 401
// with WWW-Authenticate, 429 with Retry-After and RateLimit, and 400, 403 and 404, each with problem
// details (RFC 9457); and 503 with Retry-After when there is no answer. Which paths need no token is
// the policy's business: role anyone. Put it outside of what routes and rewrites.
type Guard struct {
	Client *Client
	// As in Request.
	Service, Environment, Tenant, Tree string
	// Header and Cookie may carry the token, too, beside "Authorization: Bearer": such as X-API-Key.
	Header, Cookie string
	// Overrides: what is outside of the guard has applied X-HTTP-Method-Override and the like to r.Method.
	// Otherwise a request with one is answered 400, since a handler might route by another method than
	// the one that was decided.
	Overrides bool
	// Realm of WWW-Authenticate; default: "authz".
	Realm string
	// Preflight lets CORS preflights without a token pass: OPTIONS with Origin and
	// Access-Control-Request-Method.
	Preflight bool
	// MissingPass lets requests pass that are denied as missing_fact, because the policy asks for facts that
	// only the program knows. FromContext is then that denial: the handler must ask again, with the facts,
	// before it does anything.
	MissingPass bool
	// Prepare may add facts to the question, such as the client's address, or the tenant. On an error
	// the answer is 503.
	Prepare func(r *http.Request, request *Request) error
	// Denied is called before a denial is answered, for logs; err is nil when the daemon decided.
	Denied func(r *http.Request, decision Decision, err error)
}

type decisionKey struct{}

// FromContext is the decision about a request that a Guard let pass, a denial if it did for MissingPass; without
// one it denies.
func FromContext(ctx context.Context) Decision {
	decision, _ := ctx.Value(decisionKey{}).(Decision)
	return decision
}

// Wrap puts the guard before a handler.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, clear := g.token(r)
		if g.Preflight && clear && token.IsZero() && isPreflight(r) && (g.Overrides || !overridden(r)) {
			next.ServeHTTP(w, r)
			return
		}
		decision, err := Decision{Status: http.StatusUnauthorized, Reason: "malformed_token"}, error(nil)
		if clear {
			decision, err = g.ask(r, token)
		}
		if err == nil && g.passes(decision) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), decisionKey{}, decision)))
			return
		}
		if g.Denied != nil {
			g.Denied(r, decision, err)
		}
		g.deny(w, decision, !clear || !token.IsZero())
	})
}

func (g *Guard) passes(decision Decision) bool {
	// A module can give any reason, but no names of facts.
	return decision.Allowed() ||
		g.MissingPass && decision.Reason == "missing_fact" && len(decision.Missing) > 0
}

func (g *Guard) ask(r *http.Request, token Secret) (Decision, error) {
	if !g.Overrides && overridden(r) {
		return Decision{Status: http.StatusBadRequest, Reason: "method_override"}, nil
	}
	request := Request{Token: token, Method: r.Method, Path: target(r.RequestURI), Tree: g.Tree,
		Service: g.Service, Environment: g.Environment, Tenant: g.Tenant}
	if g.Prepare != nil {
		if err := g.Prepare(r, &request); err != nil {
			return noDecision(), err
		}
	}
	return g.Client.Check(r.Context(), request)
}

// token finds it; clear is false when there are two that differ.
func (g *Guard) token(r *http.Request) (found Secret, clear bool) {
	clear = true
	take := func(text string) {
		if !found.IsZero() && found.Reveal() != text {
			clear = false
		}
		found = NewSecret(text)
	}
	for _, text := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		if strings.EqualFold(scheme, "Bearer") {
			take(strings.TrimSpace(rest))
		}
	}
	if g.Header != "" {
		for _, text := range r.Header.Values(g.Header) {
			take(strings.TrimSpace(text))
		}
	}
	if g.Cookie != "" {
		for _, cookie := range r.Cookies() {
			if cookie.Name == g.Cookie {
				take(cookie.Value)
			}
		}
	}
	return found, clear
}

// target is the path and query of a request line; of an absolute form what follows the authority,
// as net/http routes it.
func target(uri string) string {
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	if _, rest, absolute := strings.Cut(uri, "://"); absolute {
		at := strings.IndexAny(rest, "/?#")
		switch {
		case at < 0:
			return "/"
		case rest[at] != '/':
			return "/" + rest[at:]
		default:
			return rest[at:]
		}
	}
	return uri // "*" and HOST:PORT lead nowhere: the daemon refuses them
}

func overridden(r *http.Request) bool {
	for _, name := range []string{"X-Http-Method", "X-Http-Method-Override", "X-Method-Override"} {
		if _, there := r.Header[name]; there {
			return true
		}
	}
	return false
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

// problem is what RFC 9457 calls problem details.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// deny answers. Why a token is not accepted is not said: a stranger would learn which keys exist.
func (g *Guard) deny(w http.ResponseWriter, decision Decision, token bool) {
	status, reason := decision.Status, decision.Reason
	if status < 400 || status > 599 {
		status = http.StatusForbidden
	}
	switch status {
	case http.StatusUnauthorized:
		reason = ""
		w.Header().Set("WWW-Authenticate", g.challenge(token))
	case http.StatusTooManyRequests:
		if q := decision.Quota; q != nil {
			seconds := int64(q.Reset / time.Second)
			w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
			w.Header().Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, q.Remaining, seconds))
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{http.StatusText(status), status, reason})
}

func (g *Guard) challenge(token bool) string {
	realm := g.Realm
	if realm == "" {
		realm = "authz"
	}
	out := "Bearer realm=" + strconv.Quote(realm)
	if token {
		out += `, error="invalid_token"`
	}
	return out
}
