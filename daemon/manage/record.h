/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record: encodes keys, principals, tenants and assignments, and in record_role.c roles, for
 * answers. Each function appends one map to call->out and leaves unset fields out. Any thread.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"
#include "policy/snapshot/module.h"

/* `secret` is the token if this call made it; else its ptr is NULL. 0 or a negative errno. */
int record_encode_key(struct call *call, const struct store_key *key, struct pol_str secret);
/* The same without a secret, and with `days`: what this host counted by day. */
int record_encode_key_days(struct call *call, const struct store_key *key);
void record_encode_principal(struct call *call, const struct store_principal *principal);
/* A role of the store, and the number of permissions that its own grants allow and deny now. */
struct record_role {
	const struct store_role *role;
	const struct pol_snapshot *snapshot; /* that it is a role of */
	size_t allowed, denied;
	bool shadowed;
	/* Are the grants that have no effect looked for? It takes a few ms for the largest role. */
	bool grants;
	/* Further fields, packed. */
	const uint8_t *more;
	size_t more_len;
	uint32_t more_pairs;
};
/* 0 or -ENOMEM. */
int record_encode_role(struct call *call, const struct record_role *record);
/* The grants that an answer shows of a role of the files; four times as many as a stored role may
 * have. */
#define RECORD_GRANTS 1024

/* A role that the policy's files declare, by its number; and the same with its grants as written,
 * and for a peer without a token their positions. */
void record_encode_declared_role(struct call *call, uint32_t number);
void record_encode_written_role(struct call *call, uint32_t number);
void record_encode_tenant(struct call *call, const struct store_tenant *tenant);
/* A principal that the policy's files declare, by its number. */
void record_encode_declared(struct call *call, uint32_t number);
/* `shadowed` if the role is one of the store whose name the files have. The record may be one of
 * every principal, or of every caller: then the answer has `everyone` or `anyone`. */
void record_encode_assignment(struct call *call, const struct store_principal *principal,
	const struct store_assignment *assignment);
/* An assignment of such a principal, as the snapshot has it. */
void record_encode_held(struct call *call, uint32_t number, const struct pol_held *held);

/* "active", "inactive", "expired" or "revoked". */
struct wire_str record_status(const struct store_key *key, int64_t now);
