// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"strings"
)

// ErrUnavailable is matched, with errors.Is, by each error that is not an answer of the daemon: it does
// not listen, its user is not trusted, the deadline passed, the connection broke, or the answer
// cannot be read. A change may or may not have been made then.
var ErrUnavailable = errors.New("authz: unavailable")

// ErrUntrusted is matched, beside ErrUnavailable, when the socket is served by a user whom this
// client does not trust. The error says which, why, and what to do.
var ErrUntrusted = errors.New("authz: the socket is served by a user that is not trusted")

// ErrStale is matched by the *Error of a host, of those that share a store, that knows nothing recent
// enough. Nothing was changed.
var ErrStale = errors.New("authz: stale")

// ErrStoreUnavailable is matched by the *Error that says that the database of a shared store does not
// answer. With MayStand the change may have been made.
var ErrStoreUnavailable = errors.New("authz: the shared store is unavailable")

// NotEverywhere says that a change of Client.Everywhere was made and is durable, but that not all
// hosts reported it in time. The record is returned beside it.
type NotEverywhere struct {
	Lacking []string // names of hosts that may lack it
}

func (n *NotEverywhere) Error() string {
	return "authz: the change is made, but some hosts may lack it: " + strings.Join(n.Lacking, ", ")
}

// Error is an error that the daemon answered with, or CodeInvalidRequest if this client found the
// request wrong by itself. A denial is no error.
type Error struct {
	Code    string   // one of the codes below; treat others as CodeInternal
	Message string   // for people
	Param   string   // the parameter that is wrong, such as requests[3].ip
	IDs     []string // what counts towards a limit, or is in the way
	// What is wrong with a policy, with CodeInvalidPolicy.
	Diagnostics []Diagnostic
	// MayStand, with CodeUnavailable: the change may have been made.
	MayStand bool
}

// The codes of PROTOCOL.md.
const (
	CodeInvalidRequest = "invalid_request"
	CodeUnknownMethod  = "unknown_method"
	CodeForbidden      = "forbidden"
	CodeNotFound       = "not_found"
	CodeConflict       = "conflict"
	CodeLimitReached   = "limit_reached"
	CodeInvalidPolicy  = "invalid_policy"
	CodeOverloaded     = "overloaded"
	CodeStale          = "stale"
	CodeUnavailable    = "unavailable"
	CodeInternal       = "internal"
)

func (e *Error) Error() string { return "authz: " + e.Code + ": " + e.Message }

// Is matches ErrStale and ErrStoreUnavailable by the code.
func (e *Error) Is(target error) bool {
	return (target == ErrStale && e.Code == CodeStale) ||
		(target == ErrStoreUnavailable && e.Code == CodeUnavailable)
}

func invalid(param, message string) error {
	return &Error{Code: CodeInvalidRequest, Message: param + ": " + message, Param: param}
}

// outage is an error without an answer.
type outage struct {
	what      string
	cause     error // may be nil
	broken    bool  // the connection ended; the request may have been read or not
	untrusted bool
}

func (o *outage) Error() string {
	if o.cause != nil {
		return "authz: " + o.what + ": " + o.cause.Error()
	}
	return "authz: " + o.what
}

func (o *outage) Unwrap() error { return o.cause }

func (o *outage) Is(target error) bool {
	return target == ErrUnavailable || (o.untrusted && target == ErrUntrusted)
}

func unreadable(what string) error { return &outage{what: "the answer cannot be read: " + what} }
