// SPDX-License-Identifier: Apache-2.0

// Package authz asks authzd, over its Unix socket, whether something is allowed, and manages keys,
// principals, roles and assignments.
//
//	client, err := authz.New(nil)
//	...
//	decision, err := client.Check(ctx, authz.Request{
//		Token: authz.NewSecret(r.Header.Get("Authorization")), Method: r.Method, Path: r.RequestURI,
//	})
//	if decision.Allowed() { ... }
//
// It fails closed. The zero Decision denies, and one allows only after a trusted daemon has sent a
// complete answer to this request before its deadline. Client.Allowed is false on every error.
//
// A Client may be used by many goroutines. It opens a connection when it first needs one, pipelines
// all requests on it, and opens another one after it broke. Before the first byte it asks the kernel
// which user serves the socket, and goes on only with root, its own user, the one that
// $AUTHZ_SERVER_USER names, or the owner of the socket's folder if nobody else can replace it.
//
// A call ends at the deadline of its context, or without one after Options.Timeout. When the
// connection breaks, a request is sent once more if it changes nothing or has a request_id, which
// keys.create, keys.rotate and keys.renew get by themselves. While nobody listens on the socket such
// a request is tried until its deadline: a daemon restarts.
//
// Errors are either an *Error, which is the daemon's answer, or match ErrUnavailable: there was no
// answer. Secrets are of type Secret, which no format of fmt and no encoder shows.
package authz
