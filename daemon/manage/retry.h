/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * retry: request_id, by which a client can repeat a request whose answer with a secret was lost.
 *
 * A client that did not get the answer repeats the request with the same id and gets the same
 * secret, for STORE_RETRY_SECONDS. The id is 32 hex digits that the client draws at random. The
 * store keeps a hash of the id, a hash of the request and its actor, and the token, sealed with a
 * key that is made from id and actor. It is a conflict if another parameter differs, or if the key
 * was changed since.
 *
 * The writer's thread. The handler makes its change between retry_begin and retry_end.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/secret/token.h"
#include "policy/text/str.h"

#define RETRY_ID 32 /* hex digits */

/* Bytes of an actor, as in struct audit_change. */
#define RETRY_MAX_ACTOR 160

struct retry {
	bool given;
	uint8_t id[SECRET_HASH];
	uint8_t fingerprint[SECRET_HASH];
	char known[RETRY_ID + RETRY_MAX_ACTOR]; /* the id and the actor, for the seal */
	size_t known_len;
};

/* `field` is the index of request_id in the call's parameters. 0: go on; 1: answered, with the
 * earlier answer or with an error; or a negative errno. The caller checks authority before. */
int retry_begin(struct call *call, uint32_t field, struct pol_str actor, struct retry *out);

/* Stores the token of the key that this call stored. Without a request_id it does nothing. 0 or a
 * negative errno. */
int retry_end(
	struct call *call, const struct retry *retry, struct pol_str kid, struct pol_str token);
