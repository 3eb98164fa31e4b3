/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * retry: request_id, which makes a lost answer harmless where the answer held a secret.
 *
 * Who did not get the answer asks again with the same id and gets the same secret, for
 * STORE_RETRY_SECONDS. The id is 32 hex digits that the client drew; kept are its hash, a hash of
 * who asked what, and the token, sealed under a key for which the id is needed. With anything but
 * the id changed, or after the key was changed, it is a conflict.
 *
 * Writer's thread. Between begin and end the handler makes its change.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/secret/token.h"
#include "policy/text/str.h"

#define RETRY_ID 32 /* hex digits */

/* Ids of peers and keys, as audit_change.actor has them. */
#define RETRY_MAX_ACTOR 160

struct retry {
	bool given;
	uint8_t id[SECRET_HASH];
	uint8_t fingerprint[SECRET_HASH];
	char known[RETRY_ID + RETRY_MAX_ACTOR]; /* the id and the actor: what opens the seal */
	size_t known_len;
};

/* `field` is request_id's among the call's parameters. 0: go on; 1: it is answered, with the same
 * again or with an error; negative errno. Authority is judged before. */
int retry_begin(struct call *call, uint32_t field, struct pol_str actor, struct retry *out);

/* Remembers the token of the key, which was stored in this very call. Nothing without an id. */
int retry_end(
	struct call *call, const struct retry *retry, struct pol_str kid, struct pol_str token);
