/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * subject: who is asking, as facts for policy/decide/eval: from a token, or from a principal that a
 * trusted peer named, and the store.
 *
 * Nothing is allocated. A subject's facts point into itself, into the store's transaction and into
 * the request, so it is neither copied nor used after any of them ended. Status, expiry and the
 * times of assignments are checked each time it is gathered.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/keys/principal_cache.h"
#include "daemon/load/attributes.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"
#include "policy/snapshot/module.h"

/* A token longer than this is malformed, whatever it is. */
#define SUBJECT_MAX_TOKEN 512

/* Who, as the request says it. */
struct subject_ask {
	bool has_token;
	bool has_principal;
	bool has_environment;
	bool has_tenant;
	bool by_id;   /* decisions.try: `token` is a key's id, whose current secret it stands for */
	bool no_peer; /* decisions.try: without a token, nobody: the peer does not count */
	struct pol_str token;
	struct pol_str principal;
	struct pol_str environment; /* the one that the service serves; `*`: any */
	struct pol_str tenant;      /* the same */
};

/* What a subject holds itself, with what every principal and every caller of its tenant hold. */
#define SUBJECT_MAX_HELD   (STORE_MAX_ASSIGNMENTS * (1 + STORE_EVERYONE_KINDS))
#define SUBJECT_MAX_PLACES (STORE_MAX_PLACES * (1 + STORE_EVERYONE_KINDS))

struct subject {
	struct pol_facts facts; /* the who-part; the rest is zero */
	bool verified;          /* the token's secret was right: key is filled */
	bool known_principal;   /* facts.principal exists; by_peer: once a decision said so */
	bool by_other;          /* verified by the key's other secret, not by the current one */
	struct store_key key;
	struct pol_held held[SUBJECT_MAX_HELD];
	uint32_t scopes[STORE_MAX_LIST];
	struct pol_str places[SUBJECT_MAX_PLACES];
	struct pol_str key_places[STORE_MAX_LIST];
	struct pol_network networks[STORE_MAX_LIST];
	struct attributes attributes; /* of facts.principal, if facts.attributes is set */
	uint32_t place_count;         /* of places */
	uint32_t place_bytes;         /* of all places, as subject_place_cost counts them */
	struct pol_str tenant;        /* the name of facts.tenant; empty when it is not there */
	struct principal_ref principal_ref;   /* where what is known of the principal is kept */
	struct principal_name principal_name; /* facts.principal, when it came from there */
};

/* What comparing a path with all places of the subject takes, as a number of decisions. They are
 * views of the record, in canonical spelling: pol_path_place_match says why they are not split. */
#define SUBJECT_PLACE_BYTES 256 /* of them take as long as a decision */
static inline uint32_t subject_place_cost(const struct subject *subject)
{
	return subject->place_bytes / SUBJECT_PLACE_BYTES;
}

/* Looking up and checking this many bytes of a record takes as long as a decision. */
#define SUBJECT_RECORD_BYTES 256

/* Do both ask for the same? Then a subject that was gathered in this call is still good. */
bool subject_same(const struct subject_ask *a, const struct subject_ask *b);

/* Fills *out, unknown and malformed tokens included. 0, or a negative errno when the store failed:
 * then nothing may be decided. */
int subject_gather(struct call *call, const struct subject_ask *ask, struct subject *out);

/* Fills *out with what the key, or the principal, holds, as if it were active: for a caller that
 * compares what a principal may do before and after a change. The record need not be the stored
 * one; a key's principal is looked up. 0, or a negative errno. */
int subject_describe_key(struct call *call, const struct store_key *key, struct subject *out);
int subject_describe_principal(
	struct call *call, const struct store_principal *principal, struct subject *out);

/* The same for a key of the principal, whose record need not be the stored one. */
int subject_describe_narrowed(struct call *call, const struct store_principal *principal,
	const struct store_key *key, struct subject *out);

/* The same for a principal that the files declare, by its number. */
int subject_describe_declared(struct call *call, uint32_t number, struct subject *out);

/* A principal, or a caller without a token, that holds nothing but what all of the tenant do. The
 * record of `kind` need not be the stored one; NULL: there is none. */
int subject_describe_everyone(struct call *call, uint32_t tenant, enum store_everyone kind,
	const struct store_principal *record, struct subject *out);

/* The same with the states of the key and its principal as they are now: what its token would be
 * allowed, if it were presented. */
int subject_look_at_key(struct call *call, const struct store_key *key, struct subject *out);

/* secret_rules_state on this host, whose mark (store/shared.h) refuses a key whatever its record
 * says. */
enum pol_key_state subject_marked_state(struct call *call, const struct store_key *key);

/* The tenant's name, a view into the transaction; empty for one that is not there. */
struct pol_str subject_tenant_name(struct call *call, uint32_t tenant);
/* 0: there is none of that name. */
uint32_t subject_tenant(struct call *call, struct pol_str name);

static inline struct pol_str subject_str(struct wire_str str)
{
	return (struct pol_str){ str.ptr, str.len };
}

static inline struct wire_str subject_wire(struct pol_str str)
{
	return (struct wire_str){ str.ptr, str.len };
}
